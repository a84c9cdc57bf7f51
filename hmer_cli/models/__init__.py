"""Weights files: the registry of known ones, and the ONNX Runtime sessions that run them.

This room is below `page`, `recognition` and `synthesis`, which all run models.
"""
