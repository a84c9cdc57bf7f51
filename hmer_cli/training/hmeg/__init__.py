"""Training of HMEG's networks."""
