"""Two sources -> aligned pairs of blocks: shapes, columns by name, rows by id."""

from kldiv_cli.pairing.blocks import BlockPair
from kldiv_cli.pairing.pairing import Pairing

__all__ = ["BlockPair", "Pairing"]
