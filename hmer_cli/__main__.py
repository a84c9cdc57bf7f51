"""The script ``hmer``, and ``python -m hmer_cli``: arguments -> the command line -> exit code.

`hmer_cli.cli` is imported in here, as its import takes long enough to be interrupted by Ctrl-C.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; see `hmer_cli.cli.entry`, which handles Ctrl-C once it is imported."""
    try:
        from hmer_cli.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("hmer: interrupted\n")
        sys.stderr.flush()
        os._exit(130)  # `interrupts.EXIT`, whose module may be half imported


if __name__ == "__main__":
    main()
