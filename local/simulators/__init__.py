"""Stand-ins for PEX and Procore: real HTTP servers on 127.0.0.1, with their own books and faults on request."""
