"""LaTeX to symbol graph to layout to ink or image: the hand."""
