"""Data sets, augmentation, the training loop, curves."""
