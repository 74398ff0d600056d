"""Procore's REST API. Has never heard of a cardholder."""
