"""The shipped models: how they are run."""
