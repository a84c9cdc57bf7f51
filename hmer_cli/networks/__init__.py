"""All PyTorch modules: what is trained, apart from how."""
