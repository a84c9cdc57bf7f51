"""LaTeX to symbol graph to layout to strokes or image."""
