"""Variation of ink and images: pen, paper, camera."""
