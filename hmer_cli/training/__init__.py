"""Training: recipes, batches, the loop, systems, export and releases.

Needs the extra ``[train]``; torch is imported here and in `hmer_cli.networks` only.
"""
