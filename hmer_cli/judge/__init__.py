"""Scores and tables, pure functions."""
