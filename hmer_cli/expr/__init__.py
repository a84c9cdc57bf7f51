"""Tokens, symbol layout tree, LaTeX spelling and validity of labels."""
