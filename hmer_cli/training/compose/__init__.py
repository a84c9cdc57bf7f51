"""New labelled ink from real ink: examples, symbol bank, recomposition, substitution.

Input: labelled expressions and symbols. Output: examples for `hmer_cli.training.batches`.
"""
