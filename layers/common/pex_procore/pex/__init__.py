"""PEX's REST API. Has never heard of a cost code."""
