"""Training of the page detector: symbol classifier, component network, boosted trees."""
