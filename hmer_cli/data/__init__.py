"""Folders, archives and data sets: files, captions, boxes and isolated symbols."""
