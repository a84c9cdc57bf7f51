"""The script ``hmer``, and ``python -m hmer_cli``: arguments -> the command line -> exit code.

`hmer_cli.cli` is imported in here, as its import takes long enough to be interrupted by Ctrl-C.
Until then Ctrl-C ends the process at once: an import may turn KeyboardInterrupt into any error.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress


def main() -> None:
    """Run the command line; see `hmer_cli.cli.entry`, which handles Ctrl-C once it is imported."""
    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler
    ours = ours and threading.current_thread() is threading.main_thread()
    try:
        if ours:  # else ignored in the background of a shell, or somebody else's
            signal.signal(signal.SIGINT, lambda *given: _end())
        from hmer_cli.cli import main as run

        if ours:
            signal.signal(signal.SIGINT, before)
        run()
    except KeyboardInterrupt:
        _end()


def _end() -> None:
    with suppress(OSError):
        os.write(2, b"hmer: interrupted\n")  # `console` may be half imported
    os._exit(130)  # `interrupts.EXIT`


if __name__ == "__main__":
    main()
