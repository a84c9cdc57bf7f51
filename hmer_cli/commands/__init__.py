"""One module per command: what `hmer NAME` does, callable from scripts without Typer.

Each has a function that does the work, and ``outcome``, the error that sets the exit code.
"""
