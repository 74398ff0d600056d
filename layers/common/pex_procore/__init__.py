"""PEX Connector for Procore. Rooms, outermost first: runtime → pex | procore | store → net → services → domain."""
