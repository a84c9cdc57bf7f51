"""Trained models to weights files, and back.

`onnx` exports, `quantise` reduces to INT8, `calibration` fits confidences, `transfer` loads.
"""
