"""Files to pages, pages to clean ink on white, and pages to the regions of their expressions."""
