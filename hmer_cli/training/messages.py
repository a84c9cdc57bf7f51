"""Messages of training runs, on stderr.

One line each, flushed at once.
"""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
