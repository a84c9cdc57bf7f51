"""Synthetic pages with known boxes of expressions: prose, lecture notes, photographs of pages.

Training data of `hmer_cli.training.detector`.
"""
