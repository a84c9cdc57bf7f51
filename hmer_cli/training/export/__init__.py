"""Trained models to weights files, and back."""
