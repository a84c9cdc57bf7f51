"""Training of the page detector: symbol classifier, component network, boosted trees.

The stages are in `stages`; ``train/release.toml`` gives their order.
"""
