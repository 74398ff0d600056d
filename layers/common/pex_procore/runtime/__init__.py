"""The only room that knows Lambda runs us."""
