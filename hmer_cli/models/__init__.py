"""Weights files: which there are, and the ONNX Runtime sessions that run them."""
