"""``python -m hmer_cli.cli``: the command line, for torchrun, which starts modules.

See `hmer_cli.cli.entry`.
"""

from hmer_cli.cli.entry import main

main()
