"""``python -m hmer_cli``: the command line, as the installed script ``hmer``.

See `hmer_cli.cli`.
"""

from hmer_cli.cli import main

main()
