"""Systems: what the training loop needs of each model family (batches, losses, decoding).

One module per family; `base` is the interface.
"""
