"""Folders, archives and data sets: files, captions, boxes and isolated symbols.

Reading only; what a sample is opened as is decided in `hmer_cli.datasets`.
"""
