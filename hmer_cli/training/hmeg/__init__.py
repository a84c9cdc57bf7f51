"""Training of HMEG's networks (Gao, Chen et al., CVPR 2024).

`run` trains all in order: symbols, layouts, then images end to end.
"""
