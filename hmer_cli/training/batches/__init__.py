"""Examples to batches of tensors.

`images` and `pictures` are for models of images, `graph` for graph models, `targets` for all.
"""
