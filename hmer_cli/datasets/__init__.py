"""Labelled data sets: expressions or pages with their labels and boxes.

`expressions` and `pages` open a path; both read files only when a sample is used.
"""
