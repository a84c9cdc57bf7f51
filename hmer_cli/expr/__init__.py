"""Tokens, symbol layout tree, LaTeX spelling and validity of labels.

Pure functions on strings; imports no other room.
"""
