"""Scores of expressions, regions, layouts and confidences, and their tables; pure functions."""
