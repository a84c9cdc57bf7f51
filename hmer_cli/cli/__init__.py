"""The command line: one module a command, `app` with all of them, and the entry point `main`.

A command imports the module that does its work when it is called, so ``hmer --help`` imports
Typer and little else.
"""

from __future__ import annotations

from hmer_cli.cli.app import app
from hmer_cli.cli.entry import BUG_EXIT, INTERRUPTED_EXIT, main

__all__ = ["BUG_EXIT", "INTERRUPTED_EXIT", "app", "main"]
