"""Images or strokes of one expression to LaTeX: preparation, CTC, graph decoder, rescoring."""
