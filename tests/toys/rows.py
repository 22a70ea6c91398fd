"""The rows: all that kldiv reads of a toy until it is used."""

from __future__ import annotations

from kldiv_cli.cli.commands import Command
from kldiv_cli.losses import Entry as LossEntry
from kldiv_cli.losses import LossOption
from kldiv_cli.measures import Entry, Parameter
from kldiv_cli.reports import Report
from kldiv_cli.sources.formats import Format
from kldiv_cli.sources.formats.signatures import begins

MEASURE = Entry("toys.measure:scaled", "SCALE times a distance", Parameter("SCALE", "2"))
FORMAT = Format("toys.format:open_toy", (".toy",), "lines of toys", begins(b"TOY\n"))
REPORT = Report(
    "how many rows there are",
    suffix=".toys",
    comparison="toys.report:write",
    loss="toys.report:write",
    verification="toys.report:write",
    inspection="toys.report:write_all",
)
LOSS = LossEntry(
    "toys.loss:Toy",
    (LossOption("toy_scale", float, "toy: what KL is multiplied by.", "2.0", "N"),),
    False,
    "N * sum KL(p||q)",
    "tests/toys",
)
COMMAND = Command("toys.command:toy", "Count toys.")
