"""Images or strokes of one expression to LaTeX: preparation, CTC, graph decoder, rescoring.

The entry point is `hmer_cli.recognition.recogniser.Recogniser`; all inference is on ONNX Runtime.
"""
