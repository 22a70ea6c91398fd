"""The options that say how files are read, where they do not say so themselves."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import typer

_READING = "How the files are read"

RowAxes = Annotated[
    int | None,
    typer.Option(
        "--row-axes",
        metavar="N",
        help="How many leading axes index rows.",
        show_default="all but the last",
        rich_help_panel=_READING,
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="COLUMN",
        help="The row-id column of tables.",
        show_default="found where it is plain",
        rich_help_panel=_READING,
    ),
]
ClassColumns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="A,B,...",
        help="The class columns of tables.",
        show_default="all numeric ones but the id",
        rich_help_panel=_READING,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME",
        help="Which array of a file that holds several.",
        show_default="the only one",
        rich_help_panel=_READING,
    ),
]
CandidateKey = Annotated[
    str | None,
    typer.Option(
        "--candidate-key",
        metavar="NAME",
        help="Which one of CANDIDATE.",
        show_default="as --key",
        rich_help_panel=_READING,
    ),
]
_FORMAT = Literal[
    "npy", "csv", "tsv", "parquet", "arrow", "jsonl", "npz", "safetensors", "torch", "llamacpp"
]
ReferenceFormat = Annotated[
    _FORMAT | None,
    typer.Option(
        "--reference-format",
        metavar="NAME",
        help=f"What REFERENCE is: {', '.join(get_args(_FORMAT))}.",
        show_default="what its content says, or else its suffix",
        rich_help_panel=_READING,
    ),
]
CandidateFormat = Annotated[
    _FORMAT | None,
    typer.Option(
        "--candidate-format",
        metavar="NAME",
        help="What CANDIDATE is.",
        show_default="what its content says, or else its suffix",
        rich_help_panel=_READING,
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header",
        help="The first line of .csv and .tsv files is a row; columns are called 0, 1, 2, ...",
        rich_help_panel=_READING,
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter",
        metavar="C",
        help="What stands between the cells of .csv and .tsv files.",
        show_default="comma and tab",
        rich_help_panel=_READING,
    ),
]
DtypeOption = Annotated[
    Literal["bfloat16"] | None,
    typer.Option(
        "--dtype",
        metavar="bfloat16",
        help="What values of two raw bytes are, as .npy files hold bfloat16.",
        show_default=False,
        rich_help_panel=_READING,
    ),
]
InputFormat = Annotated[
    _FORMAT | None,
    typer.Option(
        "--input-format",
        metavar="NAME",
        help=f"What the files are: {', '.join(get_args(_FORMAT))}.",
        show_default="what the content says, or else the suffix",
        rich_help_panel=_READING,
    ),
]
