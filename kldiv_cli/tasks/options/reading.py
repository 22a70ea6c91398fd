"""Rows of the table: how files are read where they do not say so themselves, and how it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kldiv_cli.tasks.options import checks, rules
from kldiv_cli.tasks.options.row import READING, RUN, Options, option
from kldiv_cli.tasks.options.words import formats

if TYPE_CHECKING:
    from kldiv_cli.sources.base import Decimal, RawType

_FORMATS_DOC = (
    "What a file is, as `kldiv_cli.sources.formats` names it; by default what its content says, or "
    "else its suffix."
)


class Tables(Options):
    """Which axis, which columns, which array."""

    row_axes: int | None = option(
        None,
        rules.WHOLE,
        "1",
        flags=("--row-axes",),
        metavar="N",
        typed=int,
        panel=READING,
        help="How many leading axes index rows.",
        shown="all but the last",
        kind="int, optional",
        doc="How many leading axes index rows; all but the last by default. A 1-D array is one "
        "row, and with 1 as many rows of one cell.",
        docs={
            "loss": "How many leading axes index rows; by default all but the last, and for "
            "globalpointer one: a row is a sample there."
        },
    )
    class_axis: int | None = option(
        None,
        rules.WHOLE,
        "1",
        flags=("--class-axis",),
        metavar="K",
        typed=int,
        panel=READING,
        help="Which axis of arrays indexes classes, from 0, or from -1 backwards: 1 for (batch, "
        "class, height, width). All others index rows.",
        shown="the last",
        kind="int, optional",
        doc="Which axis of arrays indexes classes, counted from 0 or, negative, from the end; all "
        "others index rows, in their order. The last by default. Not with ``row_axes``.",
    )
    id_column: tuple[str, ...] | None = option(
        None,
        rules.COLUMNS,
        "'id'",
        flags=("--id",),
        metavar="A,B,...",
        read=lambda _, text: (text,),
        panel=READING,
        help="The row-id column of tables, or several that are one together.",
        shown="found where it is plain",
        kind="str or sequence of str, optional",
        doc="The row-id column of tables, or several whose values together are one; found by "
        "itself where that is plain.",
    )
    columns: tuple[str, ...] | None = option(
        None,
        rules.COLUMNS,
        "['yes', 'no']",
        flags=("--columns",),
        metavar="A,B,...",
        read=lambda _, text: (text,),
        panel=READING,
        help="The class columns of tables: names, globs, ranges A..K with both ends.",
        shown="all numeric ones but the id",
        kind="str or sequence of str, optional",
        doc="The class columns of tables: names, globs, or ranges ``A..K`` that include both ends; "
        "``*`` is all that is left by ``drop``, ids and labels. By default all numeric ones but "
        "ids; one that may be something else is asked about.",
    )
    drop: tuple[str, ...] | None = option(
        None,
        rules.COLUMNS,
        "['label', 'fold']",
        flags=("--drop",),
        metavar="A,B,...",
        several=True,
        read=lambda _, texts: tuple(texts),
        panel=READING,
        help="Columns of tables that are no classes: names, globs, ranges. May be given several "
        "times.",
        shown=False,
        kind="str or sequence of str, optional",
        doc="The columns of tables that are no classes, in the words of ``columns``; a table may "
        "lack some that the other one has.",
    )
    key: str | None = option(
        None,
        rules.TEXT,
        "'logits'",
        flags=("--key",),
        metavar="NAME",
        panel=READING,
        help="Which array of a file that holds several.",
        shown="the only one",
        kind="str, optional",
        doc="Which array to take from a file that holds several under names (.npz, .safetensors, "
        ".pt, .h5).",
    )


class OfEachSide(Options):
    """What is said of each of two files."""

    candidate_key: str | None = option(
        None,
        rules.TEXT,
        "'logits'",
        flags=("--candidate-key",),
        metavar="NAME",
        side="candidate",
        panel=READING,
        help="Which one of CANDIDATE.",
        shown="as --key",
        kind="str, optional",
        doc="The same for the candidate; by default as ``key``.",
    )
    reference_format: str | None = option(
        None,
        rules.TEXT,
        "'npy'",
        flags=("--reference-format",),
        metavar="NAME",
        side="reference",
        words=formats,
        panel=READING,
        help=lambda: f"What REFERENCE is: {', '.join(formats())}.",
        shown="what its content says, or else its suffix",
        kind="str, optional",
        doc=_FORMATS_DOC,
    )
    candidate_format: str | None = option(
        None,
        rules.TEXT,
        "'npy'",
        flags=("--candidate-format",),
        metavar="NAME",
        side="candidate",
        words=formats,
        panel=READING,
        help="What CANDIDATE is.",
        shown="what its content says, or else its suffix",
        kind="str, optional",
        doc=_FORMATS_DOC,
    )


class OfOne(Options):
    """What is said of files that are taken one at a time."""

    input_format: str | None = option(
        None,
        rules.TEXT,
        "'npy'",
        flags=("--input-format",),
        metavar="NAME",
        side="one",
        words=formats,
        panel=READING,
        help=lambda: f"What the files are: {', '.join(formats())}.",
        shown="what the content says, or else the suffix",
        kind="str, optional",
        doc=_FORMATS_DOC,
    )


class Text(Options):
    """How text and raw bytes are laid out."""

    header: bool = option(
        True,
        rules.FLAG,
        "False",
        flags=("--no-header",),
        typed=bool,
        panel=READING,
        help="The first line of .csv and .tsv files is a row; columns are called 0, 1, 2, ...",
        kind="bool",
        doc="Whether the first line of .csv and .tsv files names the columns; if not, classes and "
        "columns are known by their positions, from 0.",
    )
    delimiter: str | None = option(
        None,
        rules.TEXT,
        "';'",
        flags=("--delimiter",),
        metavar="C",
        panel=READING,
        help="What stands between the cells of .csv and .tsv files.",
        shown="comma and tab",
        kind="str, optional",
        doc="What stands between the cells of .csv and .tsv files, if not comma and tab.",
    )
    decimal: Decimal | None = option(
        None,
        rules.TEXT,
        "','",
        flags=("--decimal",),
        metavar="C",
        words=(".", ","),
        noun="decimal mark",
        panel=READING,
        help="What stands before the fraction of numbers in .csv and .tsv files.",
        shown="a point",
        kind='{".", ","}, optional',
        doc="What stands before the fraction of numbers in .csv and .tsv files; a point by "
        "default.",
    )
    dtype: RawType | None = option(
        None,
        rules.TEXT,
        "'bfloat16'",
        flags=("--dtype",),
        metavar="bfloat16",
        words=("bfloat16",),
        noun="type of raw bytes",
        known="Known: bfloat16; others say what they are.",
        panel=READING,
        help="What values of two raw bytes are, as .npy files hold bfloat16.",
        shown=False,
        kind='"bfloat16", optional',
        doc="What values of two raw bytes are: so NumPy saves bfloat16 arrays of ml_dtypes.",
    )


class Threads(Options):
    """How many work at once."""

    threads: int | None = option(
        None,
        rules.WHOLE,
        "1",
        flags=("--threads",),
        metavar="N",
        typed=int,
        check=checks.threads,
        panel=RUN,
        help="How many threads compute; the results are the same for any number.",
        shown="one per core that this process may use",
        kind="int, optional",
        doc="How many threads compute; as many as the process has cores by default. The results "
        "are the same for any number, to the last bit.",
    )


class Told(Options):
    """Who is told how far it is."""

    progress: Callable[[int, int | None], None] | None = option(
        None,
        rules.FUNCTION,
        "print",
        kind="callable, optional",
        doc="Called after each block with the rows done and the number expected, if known.",
    )
