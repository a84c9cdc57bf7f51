"""The networks of HMEG (Gao, Chen et al., CVPR 2024): layout, placement and painting.

Trained in `hmer_cli.training.hmeg`, run by `hmer_cli.synthesis.hmeg_engine`.
"""
