"""Examples to batches of tensors."""
