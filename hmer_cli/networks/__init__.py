"""All PyTorch modules, apart from their training.

Only `hmer_cli.training` imports this package; inference runs exported models on ONNX Runtime.
"""
