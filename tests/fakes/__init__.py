"""One fake per port of the services, with books of its own, that misbehaves on request."""
