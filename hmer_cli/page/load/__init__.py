"""Files of every kind to grayscale pages."""
