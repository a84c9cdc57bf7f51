"""The recogniser on ONNX Runtime."""
