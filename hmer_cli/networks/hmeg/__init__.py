"""The networks of HMEG (Gao, Chen et al., CVPR 2024)."""
