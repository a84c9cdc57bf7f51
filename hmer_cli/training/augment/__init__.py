"""Augmentation of ink and images: pen, paper, camera.

`ink` deforms strokes, `paper` and `camera` degrade rendered images.
"""
