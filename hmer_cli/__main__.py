"""``python -m hmer_cli``: the command line."""

from hmer_cli.cli import main

main()
