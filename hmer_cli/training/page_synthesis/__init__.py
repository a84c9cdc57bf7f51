"""Synthetic pages with known boxes of expressions: prose, lecture notes, photographs of pages."""
