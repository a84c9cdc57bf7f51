"""Pages of ink to the boxes of their expressions: connected components, candidates, scores."""
