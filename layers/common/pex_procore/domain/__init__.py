"""Values and decisions. Pure: no clock, environment, network or logging."""
