"""hmer: handwritten mathematics in, LaTeX out."""

__version__ = "0.1.0"
