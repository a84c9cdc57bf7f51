"""Statistics of real ink for synthesis: layout, and variants of symbols.

Output: the JSON tables of `hmer_cli.synthesis`.
"""
