"""LaTeX to symbol graph to layout to strokes or image.

The two engines behind ``hmer generate`` are `engine` (ink) and `hmeg_engine` (images).
"""
