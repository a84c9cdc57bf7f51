"""Labelled data sets: expressions or pages with what they say, and where."""
