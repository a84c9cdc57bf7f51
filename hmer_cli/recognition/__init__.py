"""Images or strokes of one expression to LaTeX: preparation, CTC, graph decoder, rescoring.

The entry point is `hmer_cli.recognition.lazy`; all inference is on ONNX Runtime.
"""
