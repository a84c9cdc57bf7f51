"""The expressions of documents: reading, cache, corrections, records and output files.

The way of the data is described in `hmer_cli.document.records`.
"""
