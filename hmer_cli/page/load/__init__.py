"""Files of every kind to grayscale pages.

`sources` lists the files, `kinds` recognises their format, `pages` opens them.
"""
