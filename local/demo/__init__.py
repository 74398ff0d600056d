"""The story that `python -m local demo` plays, and the audit of the simulators' books at its end."""
