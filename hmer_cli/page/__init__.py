"""Files to pages, pages to clean ink on white, and pages to the regions of their expressions.

In this order: `load`, `clean`, `detect`; `regions` puts the steps of detection together.
"""
