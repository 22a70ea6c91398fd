"""The table of options as Typer takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from kldiv_cli.tasks.options.row import Option


class Line:
    """A command that takes its options as one object; Typer calls what `signed` returns."""

    def __init__(self, command: str, function: Callable[[Any], int]) -> None:
        self.command, self.function, self.__doc__ = command, function, function.__doc__

    def signed(self) -> Callable[..., int]:
        """Return a function whose parameters are all options that are known by now."""
        from kldiv_cli.tasks.options import LINES

        line = LINES[self.command]

        def run(context: typer.Context, **typed: Any) -> int:
            from kldiv_cli.sources.arrays.guard import end_with_message

            end_with_message()
            said = [name for name in typed if _is_typed(context, name)]
            return self.function(line.of_line(typed, said))

        run.__name__, run.__doc__ = self.command, self.__doc__
        own = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        rows = line.line().items()
        run.__signature__ = Signature(  # type: ignore[attr-defined]
            [own, *(_parameter(name, row, line.alone) for name, row in rows)]
        )
        return run


def takes(command: str) -> Callable[[Callable[[Any], int]], Line]:
    """Make a command of a function that takes the options as one object."""
    return lambda function: Line(command, function)


def _is_typed(context: typer.Context, name: str) -> bool:
    """Tell whether an option stands on the command line; its default may stand there too."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parameter(name: str, row: Option, alone: bool) -> Parameter:
    kind: Any = Literal[row.known_words] if row.words else row.typed
    if row.several:
        kind = list[kind]
    default = False if row.typed is bool and row.default is not None else row.default
    if default is ...:
        default = Parameter.empty
    elif row.several or default is None:
        kind, default = kind | None, None
    info = _argument(row) if row.place else _option(row, alone)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _argument(row: Option) -> Any:
    return typer.Argument(metavar=row.place, help=_help(row), autocompletion=_completion(row))


def _option(row: Option, alone: bool) -> Any:
    return typer.Option(
        *row.flags,
        metavar=row.metavar,
        help=row.alone if alone and row.alone else _help(row),
        show_default=row.shown,
        rich_help_panel=row.panel,
        autocompletion=_completion(row),
    )


def _help(row: Option) -> str:
    return row.help() if callable(row.help) else row.help


def _completion(row: Option) -> Callable[[str], list[str]] | None:
    """Return what completes a value that is begun, where there is more than what Typer knows."""
    if row.completes is None:
        return None
    words = row.completes

    def complete(incomplete: str) -> list[str]:
        return _beginning(words(), incomplete)

    return complete


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words that begin so; those before the last comma are done."""
    done, comma, begun = incomplete.rpartition(",")
    return [done + comma + word for word in words if word.startswith(begun)]
