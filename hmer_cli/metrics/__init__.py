"""Scores of expressions, regions, layouts and confidences, and their tables; pure functions.

Nothing here reads a file or runs a model.
"""
