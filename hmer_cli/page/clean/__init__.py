"""Grayscale pages to dark ink on white: illumination, perspective, slope, margins, ruled lines.

`page.load.pages.Page.of` applies these steps in order.
"""
