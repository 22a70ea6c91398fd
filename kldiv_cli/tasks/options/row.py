"""What a row of the table of options is, and what a task is given: one frozen object of values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

from kldiv_cli.errors import UsageError
from kldiv_cli.tasks.options.rules import Rule

MEANING = "What the files mean"
PART = "What of the files is taken"
RESULT = "What comes out"
CI = "For CI"
READING = "How the files are read"
RUN = "How it runs"
LOSS = "Options of a loss ('kldiv loss' says which loss takes which)"
PANELS = (None, LOSS, MEANING, PART, RESULT, CI, READING, RUN)
"""The headings of the help, in order."""

Words = tuple[str, ...] | Callable[[], Iterable[str]]
Help = str | Callable[[], str]


class Option(NamedTuple):
    """A row of the table of options: all that is said of one.

    Parameters
    ----------
    default : object
        What it is where nobody says it.
    rule : Rule
        The type of its values from Python.
    example : str
        A value, as Python writes it.
    flags : tuple of str
        How it is typed; none is for Python alone.
    help : str
        What ``--help`` says of it. A function is called where help is asked for.
    panel : str or None
        Under which heading.
    metavar : str or None
        What stands for a value there.
    shown : str or bool
        What it says of the default, if not the default itself.
    alone : str
        The help, where files are taken one at a time.
    side : {"both", "reference", "candidate", "one"}
        Of which input it is said; "one" where these are taken one at a time.
    part_of : str or None
        The option whose value for its side it says.
    typed : type
        What one value is converted to from the command line.
    several : bool
        Whether it may be typed more than once.
    words : tuple of str or function
        All values that there are; a function reads them from a registry.
    noun : str or None
        What the words are called where there is no such word.
    known : str or None
        What is said of the known words, if not their list.
    completes : function or None
        What a shell may complete a value to, where other values are possible too.
    check : function or None
        Raises a `UsageError` for a value that cannot be.
    read : function or None
        What was typed -> a value as Python gives it; given the flag and what follows it.
    kind : str
        The type, as numpydoc writes it.
    doc : str
        What it means, for numpydoc; options with the same text share it.
    docs : mapping of str to str
        The same for tasks where it is not quite that.
    keyword : bool
        Whether Python takes it too, and not the command line alone.
    place : str or None
        What its place among the arguments is called on the command line; it has no flag.
    """

    default: Any
    rule: Rule
    example: str
    flags: tuple[str, ...] = ()
    help: Help = ""
    panel: str | None = None
    metavar: str | None = None
    shown: str | bool = True
    alone: str = ""
    side: Literal["both", "reference", "candidate", "one"] = "both"
    part_of: str | None = None
    typed: type = str
    several: bool = False
    words: Words = ()
    noun: str | None = None
    known: str | None = None
    completes: Callable[[], Iterable[str]] | None = None
    check: Callable[[Any], None] | None = None
    read: Callable[[str, Any], Any] | None = None
    kind: str = ""
    doc: str = ""
    docs: Mapping[str, str] = {}
    keyword: bool = True
    place: str | None = None

    @property
    def known_words(self) -> tuple[str, ...]:
        """All values that there are, none where they are not words."""
        return tuple(self.words() if callable(self.words) else self.words)

    def plain(self, name: str, value: object) -> Any:
        """Return a value from Python, checked.

        Raises
        ------
        UsageError
            It is not of the type that is meant, or there is no such value.
        """
        if value is None and self.default is None:
            return None
        shown = f"--{name}" if self.place is None else name.upper()
        found = self.rule.check(name, value, self.example, shown)
        if self.noun is not None:
            self._check_words(found)
        if self.check is not None:
            self.check(found)
        return found

    def _check_words(self, value: Any) -> None:
        known = self.known_words
        for word in (value,) if isinstance(value, str) else value:
            if word is not None and word not in known:
                raise UsageError(
                    f"no {self.noun} is called {word!r}",
                    self.known or f"Known: {', '.join(known)}.",
                )

    @property
    def usual(self) -> Any:
        """The default, made plain."""
        if self.default is ...:
            raise TypeError("a required argument is missing")
        return None if self.default is None else self.rule.plain(self.default)

    def of_line(self, value: Any) -> Any:
        """Return what was typed, as Python gives it; None, or a flag not set, is the default."""
        if self.typed is bool and isinstance(self.default, bool):
            return not self.default if value else self.default
        if value is None:
            return self.default
        return value if self.read is None else self.read(self.flags[0], value)


def option(default: Any, rule: Rule, example: str, **said: Any) -> Any:
    """Declare an option as the default of an annotated name."""
    return Option(default, rule, example, **said)


class Options:
    """The options of a task, frozen. A class lists rows, and inherits those of others.

    Parameters
    ----------
    **given : object
        Values from Python, by name; the others have their defaults.

    Raises
    ------
    TypeError
        An option is not of the task, or one without a default is missing.
    UsageError
        A value is not of the type that is meant, or there is no such value.
    """

    task: ClassVar[str] = ""
    alone: ClassVar[bool] = False
    said: frozenset[str]
    table: ClassVar[Mapping[str, Option]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: row for name, row in vars(cls).items() if isinstance(row, Option)}
        cls.table = _joined(cls.__bases__) | own

    def __init__(self, **given: Any) -> None:
        for name in given:
            if name not in self.table or not self.table[name].keyword:
                raise TypeError(f"{self.task}() got an unexpected keyword argument {name!r}")
        vars(self).update(
            (name, row.plain(name, given[name]) if name in given else row.usual)
            for name, row in self.table.items()
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: the options of a task do not change")

    @classmethod
    def line(cls) -> dict[str, Option]:
        """Return the rows of the command line, in the order of the help."""
        return in_order({x: row for x, row in cls.table.items() if row.flags or row.place})

    @classmethod
    def of_line(cls, typed: Mapping[str, Any], said: Iterable[str] = ()) -> Self:
        """Return what was typed, as Python gives it; the task checks it.

        ``said`` are the names of the options that stand on the line.

        Raises
        ------
        UsageError
            A text is not written as its option reads it.
        """
        rows = cls.line()
        values = {name: row.of_line(typed[name]) for name, row in rows.items()}
        for whole in {row.part_of for row in rows.values() if row.part_of is not None}:
            parts = {row.side: values[x] for x, row in rows.items() if row.part_of == whole}
            each = tuple(parts[side] or values[whole] for side in ("reference", "candidate"))
            values[whole] = each if any(each) else None
        found = cls.__new__(cls)
        vars(found).update(values, said=frozenset(said))
        return found

    def keywords(self) -> dict[str, Any]:
        """Return those that Python takes, by name."""
        given = vars(self)
        return {x: given[x] for x, row in self.table.items() if row.keyword and x in given}


def in_order(rows: Mapping[str, Option]) -> dict[str, Option]:
    """Return rows in the order of the help: panel by panel."""
    return dict(sorted(rows.items(), key=lambda item: PANELS.index(item[1].panel)))


def _joined(bases: Iterable[type]) -> dict[str, Option]:
    """Return the rows of several classes, in their order."""
    found: dict[str, Option] = {}
    for base in bases:
        if issubclass(base, Options):
            found |= base.table
    return found
