"""One short module a command: what `hmer NAME` calls, and a script can call too."""
