"""``python -m hmer_cli.cli``: the command line, for torchrun, which starts modules."""

from hmer_cli.cli.entry import main

main()
