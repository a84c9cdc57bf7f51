"""Grayscale pages to dark ink on white: illumination, perspective, slope, margins, ruled lines."""
