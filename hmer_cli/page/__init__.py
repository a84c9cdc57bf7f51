"""Files and PDFs to pages to clean ink on white to regions."""
