"""The roles of a table's columns: what options say, what the file says, what its columns look like.

In this order: a column that has a role is not asked for another one.
"""

from kldiv_cli.sources.tables.roles.assigning import assign, tell
from kldiv_cli.sources.tables.roles.said import may_be_classes

__all__ = ["assign", "may_be_classes", "tell"]
