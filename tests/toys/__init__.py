"""A measure, a format, a report, a loss and a command that kldiv does not have: a file each.

`rows` has their rows. Tests put this folder where another distribution would be installed.
"""
