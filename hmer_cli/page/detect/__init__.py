"""Pages of ink to the boxes of their expressions: connected components, candidates, scores.

The entry point is `search.find_boxes`; `rows` and `grouping` complete what it finds.
"""
