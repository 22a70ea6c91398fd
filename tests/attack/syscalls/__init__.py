"""System calls that fail: on the files of a run, one call after the other."""
