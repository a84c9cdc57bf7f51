"""The expressions of documents: reading, cache, corrections, records and the files made of them."""
