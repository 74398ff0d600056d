"""Use cases: ask, decide, tell. Everything outside comes in as a port (`ports.py`)."""
