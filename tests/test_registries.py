"""A file and a row are enough: toys of every kind, known by `register` or from elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from kldiv_cli import Registry, imported
from kldiv_cli.errors import UsageError
from kldiv_cli.measures import MEASURES
from tests.command import ROOT, Result

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
TOYS = {
    "kldiv_cli.measures": {"toy": "toys.rows:MEASURE"},
    "kldiv_cli.formats": {"toy": "toys.rows:FORMAT"},
    "kldiv_cli.reports": {"toy": "toys.rows:REPORT"},
    "kldiv_cli.losses": {"toy": "toys.rows:LOSS"},
    "kldiv_cli.commands": {"toy": "toys.rows:COMMAND"},
}
RUN = "from kldiv_cli.__main__ import main; main()"
REGISTER = """
from toys import rows
from kldiv_cli.cli.commands import COMMANDS
from kldiv_cli.losses import LOSSES
from kldiv_cli.measures import MEASURES
from kldiv_cli.reports import REPORTS
from kldiv_cli.sources.formats import FORMATS
MEASURES.register("toy", rows.MEASURE)
FORMATS.register("toy", rows.FORMAT)
REPORTS.register("toy", rows.REPORT)
LOSSES.register("toy", rows.LOSS)
COMMANDS.register("toy", rows.COMMAND)
"""


def install(folder: Path, groups: Mapping[str, Mapping[str, str]], name: str = "toys") -> None:
    """Make a folder that holds a distribution with these entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


class Toys(NamedTuple):
    """kldiv in a fresh process that finds the toys."""

    folder: Path
    script: str = RUN

    def __call__(self, *words: object, **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-c", self.script, *map(str, words)],
            cwd=ROOT,
            env={
                "PATH": os.defpath,
                "COLUMNS": "80",
                "PYTHONPATH": str(self.folder),
                **environment,
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def lines(self, *words: object) -> list[str]:
        """The lines of a run that goes well."""
        code, out, err = self(*words)
        assert (code, err) == (0, "")
        return out.splitlines()

    def completions(self, line: str) -> list[str]:
        """What a shell is offered at the end of a line."""
        return self(
            _KLDIV_COMPLETE="complete_bash",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split(" ")) - 1),
        ).out.split("\n")


@pytest.fixture(params=["registered", "from another distribution"])
def toys(request: pytest.FixtureRequest, tmp_path: Path) -> Toys:
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "tests" / "toys", folder / "toys")
    if request.param == "registered":
        return Toys(folder, REGISTER + RUN)
    install(folder, TOYS)
    return Toys(folder)


@pytest.fixture
def broken(tmp_path: Path) -> Callable[..., Toys]:
    """Another distribution, whose rows break, beside the one with the toys."""

    def make(**rows: str) -> Toys:
        folder = tmp_path / "site"
        shutil.copytree(ROOT / "tests" / "toys", folder / "toys")
        install(folder, TOYS)
        install(folder, dict.fromkeys(TOYS, rows), "bad-toys")
        (folder / "raising.py").write_text("1 / 0\n")
        (folder / "leaving.py").write_text("raise SystemExit(1)\n")
        (folder / "odd.py").write_text("ROW = 7\n")
        return Toys(folder)

    return make


class TestMeasure:
    def test_it_is_listed(self, toys: Toys) -> None:
        lines = toys.lines("measures")
        at = next(i for i, line in enumerate(lines) if line.startswith("toy:SCALE "))
        assert lines[at].endswith("  SCALE times a distance")
        assert lines[at + 1].strip() == "[0, 1]; under sigmoid [0, C], C cells, no unit"
        assert [line for line in lines if line.startswith("gjs:BETA ")]

    @pytest.mark.parametrize(("name", "shown"), [("toy", "toy:2"), ("toy:3", "toy:3")])
    def test_it_is_explained(self, toys: Toys, name: str, shown: str) -> None:
        assert toys.lines("measures", name)[0] == f"{shown}: scaled distance"

    def test_it_is_measured(self, toys: Toys) -> None:
        (one,) = toys.lines("compare", *MAGIKA, "-m", "tv", "--stat", "total")
        (four,) = toys.lines("compare", *MAGIKA, "-m", "toy:4", "--stat", "total")
        assert float(four) == 4 * float(one) > 0

    def test_an_unknown_name_leads_to_it(self, toys: Toys) -> None:
        code, out, err = toys("compare", *MAGIKA, "-m", "toys")
        assert (code, out) == (2, "")
        assert err.startswith("kldiv: error: no measure is called 'toys'\nKnown: jeffreys, kl, ")
        assert err.endswith(", toy:SCALE.\n")

    def test_it_is_completed(self, toys: Toys) -> None:
        assert toys.completions("kldiv compare -m to") == ["toy:SCALE", ""]

    def test_its_parameter_is_asked_for(self, toys: Toys) -> None:
        code, out, err = toys("compare", *MAGIKA, "-m", "toy")
        assert (code, out) == (2, "")
        assert "expected the measure toy:SCALE, found 'toy'" in err


class TestFormat:
    @pytest.mark.parametrize("name", ["x.toy", "x.bin", "x"])
    def test_its_files_are_known(self, toys: Toys, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_text("TOY\n1 2 3\n4 5 6\n")
        assert toys.lines("inspect", path)[0] == f"file         {path}  toy float64 2 x 3"
        np.save(tmp_path / "x.npy", np.arange(1.0, 7).reshape(2, 3))
        same = toys.lines("compare", path, tmp_path / "x.npy", "--stat", "max", "--no-warn")
        assert same == ["0.0"]

    def test_options_take_it(self, toys: Toys, tmp_path: Path) -> None:
        path = tmp_path / "x.toy"
        path.write_text("TOY\n1 2 3\n")
        assert toys.lines("inspect", path, "--input-format", "toy")
        words = "compare", path, path, "--candidate-format", "toy", "--no-warn", "--stat", "max"
        assert toys.lines(*words) == ["0.0"]
        assert ".toy" in " ".join(toys.lines("compare", "--help"))
        assert toys.completions("kldiv compare --reference-format to") == ["torch", "toy", ""]

    def test_it_is_named_where_a_file_is_of_no_format(self, toys: Toys, tmp_path: Path) -> None:
        path = tmp_path / "x.txt"
        path.write_text("a b")
        code, out, err = toys("inspect", path)
        assert (code, out) == (2, "")
        assert ".hdf5 .toy), found text" in err
        assert err.endswith(", hdf5, toy.\n")


class TestReport:
    def test_its_suffix_asks_for_it(self, toys: Toys, tmp_path: Path) -> None:
        path = tmp_path / "x.toys"
        assert toys.lines("compare", *MAGIKA, "-o", path)
        assert path.read_text() == "512 toy rows\n"

    @pytest.mark.parametrize(
        ("words", "printed"),
        [
            (["compare", *MAGIKA], "512 toy rows"),
            (["loss", "kd", *MAGIKA], "512 toy rows"),
            (["verify", *MAGIKA], "512 toy rows"),
            (["inspect", *MAGIKA], "2 toy files"),
        ],
    )
    def test_every_command_prints_it(self, toys: Toys, words: list[str], printed: str) -> None:
        assert toys.lines(*words, "--format", "toy") == [printed]
        assert "toy" in " ".join(toys.lines(words[0], "--help"))
        assert toys.completions(f"kldiv {words[0]} --format to") == ["toy", ""]

    def test_other_suffixes_lead_to_it(self, toys: Toys, tmp_path: Path) -> None:
        code, out, err = toys("compare", *MAGIKA, "-o", tmp_path / "x.txt")
        assert (code, out) == (2, "")
        assert "expected an output named .json .csv .tsv .jsonl .parquet .npy .toys, found" in err


class TestLoss:
    def test_it_is_listed(self, toys: Toys) -> None:
        lines = toys.lines("loss")
        at = next(i for i, line in enumerate(lines) if line.startswith("toy "))
        assert lines[at].endswith("  N * sum KL(p||q)")
        assert lines[at + 1].strip() == "options: --toy-scale"

    def test_its_option_is_in_the_help(self, toys: Toys) -> None:
        assert any("--toy-scale" in line for line in toys.lines("loss", "--help"))

    def test_it_is_computed(self, toys: Toys) -> None:
        one = json.loads("".join(toys.lines("loss", "toy", *MAGIKA, "--format", "json")))
        words = "loss", "toy", *MAGIKA, "--toy-scale", 2, "--format", "json"
        two = json.loads("".join(toys.lines(*words)))
        assert (one["options"], two["options"]) == ({"toy_scale": 1.0}, {"toy_scale": 2.0})
        assert two["value"] == 2 * one["value"] > 0

    def test_python_takes_it(self, toys: Toys) -> None:
        call = f"import kldiv_cli; print(kldiv_cli.loss('toy', *{MAGIKA}, toy_scale=SCALE).options)"
        run = toys._replace(script=toys.script.replace(RUN, call.replace("SCALE", "2")))
        assert run.lines() == ["{'toy_scale': 2.0}"]
        wrong = toys._replace(script=toys.script.replace(RUN, call.replace("SCALE", "'x'")))
        assert "toy_scale: expected a number, found 'x'" in wrong().err

    def test_its_option_is_for_it_alone(self, toys: Toys) -> None:
        code, out, err = toys("loss", "kd", *MAGIKA, "--toy-scale", 2)
        assert (code, out) == (2, "")
        assert "the loss kd does not take --toy-scale" in err

    def test_an_unknown_name_leads_to_it(self, toys: Toys) -> None:
        code, out, err = toys("loss", "toys", *MAGIKA)
        assert (code, out) == (2, "")
        assert err.startswith("kldiv: error: no loss is called 'toys'\nKnown: torch, mxnet, ")
        assert err.endswith(", toy.\n")

    @pytest.mark.parametrize(
        ("line", "found"), [("kldiv loss to", "toy"), ("kldiv loss toy a b --toy", "--toy-scale")]
    )
    def test_it_is_completed(self, toys: Toys, line: str, found: str) -> None:
        assert found in toys.completions(line)


class TestCommand:
    def test_it_is_listed(self, toys: Toys) -> None:
        assert any("toy" in line and "Count toys." in line for line in toys.lines("--help"))

    def test_it_runs(self, toys: Toys) -> None:
        assert toys.lines("toy", "--number", 3) == ["3 toys"]

    def test_it_has_help(self, toys: Toys) -> None:
        assert any("--number" in line for line in toys.lines("toy", "--help"))

    @pytest.mark.parametrize(("line", "found"), [("kldiv t", "toy"), ("kldiv toy --n", "--number")])
    def test_it_is_completed(self, toys: Toys, line: str, found: str) -> None:
        assert found in toys.completions(line)

    def test_it_is_suggested(self, toys: Toys) -> None:
        assert "Did you mean 'toy'?" in toys("toyy").err


NOTHING = "No module named 'nothing'"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("nothing.rows:ROW", f"ModuleNotFoundError: {NOTHING}"),
        ("raising:ROW", "ZeroDivisionError: division by zero"),
        ("leaving:ROW", "SystemExit: 1"),
        ("odd:MISSING", "AttributeError: module 'odd' has no attribute 'MISSING'"),
        ("odd:ROW", "TypeError: {what}: expected a row of {kind}, found 7"),
    ],
)
class TestBroken:
    def test_who_asks_for_it_is_told(self, broken: Callable[..., Toys], row: str, why: str) -> None:
        toys = broken(bad=row)
        told = "kldiv: error: {what} 'bad': expected bad-toys to define it, found " + why + "\n"
        advice = "Mend, update or uninstall bad-toys.\n"
        code, out, err = toys("compare", *MAGIKA, "-m", "bad")
        assert (code, out, err) == (2, "", told.format(what="measure", kind="Entry") + advice)
        for words in (["bad"], ["help", "bad"]):
            code, out, err = toys(*words)
            assert (code, out, err) == (2, "", told.format(what="command", kind="Command") + advice)

    def test_the_rest_works(
        self, broken: Callable[..., Toys], row: str, why: str, tmp_path: Path
    ) -> None:
        toys = broken(bad=row)
        assert toys.lines("toy") == ["1 toys"]
        assert any("Count toys." in line for line in toys.lines("--help"))
        assert toys.lines("compare", *MAGIKA, "-m", "toy:0", "--stat", "max") == ["0.0"]
        assert toys.lines("compare", *MAGIKA, "-o", tmp_path / "x.toys")
        code, out, err = toys("measures")
        assert code == 0
        assert any(line.startswith("toy:SCALE ") for line in out.splitlines())
        why = why.format(what="measure", kind="Entry")
        assert err == (
            f"kldiv: warning: measure 'bad': expected bad-toys to define it, found {why}\n"
            "Mend, update or uninstall bad-toys.\n"
        )

    def test_unknown_names_lead_to_it(
        self, broken: Callable[..., Toys], row: str, why: str
    ) -> None:
        err = broken(bad=row)("compare", *MAGIKA, "-m", "nope").err
        why = why.format(what="measure", kind="Entry")
        assert (
            f", toy:SCALE. Not known: measure 'bad': expected bad-toys to define it, found {why}.\n"
            in err
        )


def test_a_row_whose_definition_breaks_is_named(broken: Callable[..., Toys]) -> None:
    toys = broken(bad="late:ROW")
    (toys.folder / "late.py").write_text(
        "from kldiv_cli.measures import Entry\nROW = Entry('nothing:X', 'late')\n"
    )
    found = f"measure 'bad': expected bad-toys to define it, found ModuleNotFoundError: {NOTHING}\n"
    assert found in toys("compare", *MAGIKA, "-m", "bad").err
    code, out, err = toys("measures")
    assert (code, found in err) == (0, True)
    assert any(line.startswith("toy:SCALE ") for line in out.splitlines())


@pytest.mark.parametrize(
    ("group", "what", "option"),
    [
        ("formats", "format", ["--reference-format", "bad"]),
        ("reports", "report", ["--format=bad"]),
    ],
)
def test_a_word_of_an_option_whose_row_breaks_is_named(
    group: str, what: str, option: list[str], tmp_path: Path
) -> None:
    install(tmp_path, {f"kldiv_cli.{group}": {"bad": "nothing:ROW"}}, "bad-toys")
    code, out, err = Toys(tmp_path)("compare", *MAGIKA, *option)
    assert (code, out) == (2, "")
    told = f"{what} 'bad': expected bad-toys to define it, found ModuleNotFoundError: {NOTHING}"
    assert err == f"kldiv: error: {told}\nMend, update or uninstall bad-toys.\n"


def test_a_row_that_names_what_does_not_fit_is_named(broken: Callable[..., Toys]) -> None:
    toys = broken(bad="late:ROW")
    (toys.folder / "late.py").write_text(
        "from kldiv_cli.measures import Entry\nROW = Entry('odd:ROW', 'late')\n"
    )
    found = (
        "measure 'bad': expected bad-toys to define it, found TypeError: what the row names is 7\n"
    )
    assert toys("compare", *MAGIKA, "-m", "bad").err.startswith(f"kldiv: error: {found}")
    code, _, err = toys("measures")
    assert (code, found in err) == (0, True)
    (toys.folder / "late.py").write_text(
        "from kldiv_cli.cli.commands import Command\nROW = Command('odd:ROW', 'late')\n"
    )
    for words in (["bad"], ["help", "bad"]):
        code, _, err = toys(*words)
        assert (code, "TypeError: what the row names is 7\n" in err) == (2, True)


SCANS = """import sys, kldiv_cli
try:
    {run}
finally:
    print(kldiv_cli.Registry._points is not None, "importlib.metadata" in sys.modules)"""


@pytest.mark.parametrize(
    ("words", "scans"),
    [
        (["compare", *MAGIKA], False),
        (["compare", *MAGIKA, "-m", "kl,gjs:0.1", "--format", "csv", "-o", "{tmp}/x.json"], False),
        (["compare", *MAGIKA, "--reference-format", "npy"], False),
        (["loss", "kd", *MAGIKA, "--temperature", "2"], False),
        (["inspect", *MAGIKA, "--format", "json"], False),
        (["measures", "renyi"], False),
        (["--version"], False),
        (["verify", *MAGIKA], True),
        (["measures"], True),
        (["loss"], True),
        (["compare", "--help"], True),
        (["compare", *MAGIKA, "--no-such-option"], True),
        (["--help"], True),
        (["compare", *MAGIKA, "-m", "nope"], True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_who_knows_the_names_does_not_scan(words: list[str], scans: bool, tmp_path: Path) -> None:
    toys = Toys(tmp_path, SCANS.format(run=RUN))
    found = toys(*(word.format(tmp=tmp_path) for word in words)).out.splitlines()[-1]
    assert found == f"{scans} False"


def test_what_reads_entry_points_is_loaded_where_there_are_some(tmp_path: Path) -> None:
    install(tmp_path, {"kldiv_cli.measures": {"toy": "toys.rows:MEASURE"}})
    assert Toys(tmp_path, SCANS.format(run=RUN))("--help").out.splitlines()[-1] == "True True"


def test_entry_points_in_an_archive_are_found(tmp_path: Path) -> None:
    """The archive holds no module, so that the error tells that its list was read."""
    install(tmp_path / "x", {"kldiv_cli.measures": {"toy": "toys.rows:MEASURE"}})
    archive = shutil.make_archive(str(tmp_path / "x"), "zip", tmp_path / "x")
    toys = Toys(tmp_path, f"import sys; sys.path.insert(0, {archive!r}); {RUN}")
    assert "expected toys to define it" in toys("measures").err


def test_names_of_kldiv_are_its_own(tmp_path: Path) -> None:
    install(tmp_path, {"kldiv_cli.measures": {"kl": "nothing:ROW"}})
    assert "KL(p||q), of the reference from the candidate" in Toys(tmp_path)("measures").out


def test_the_first_of_two_distributions_has_the_name(tmp_path: Path) -> None:
    install(tmp_path / "a", {"kldiv_cli.measures": {"toy": "a:ROW"}}, "first")
    install(tmp_path / "b", {"kldiv_cli.measures": {"toy": "b:ROW"}}, "second")
    path = os.pathsep.join(str(tmp_path / name) for name in "ab")
    assert (
        "Mend, update or uninstall first." in Toys(tmp_path)("measures", "toy", PYTHONPATH=path).err
    )


def test_a_list_of_entry_points_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    install(tmp_path, TOYS)
    shutil.copytree(ROOT / "tests" / "toys", tmp_path / "toys")
    install(tmp_path, {}, "a-worse")
    (tmp_path / "a-worse-1.0.dist-info" / "entry_points.txt").write_text("[x]\nno value\n")
    assert Toys(tmp_path).lines("toy") == ["1 toys"]


class Row(NamedTuple):
    home: str | None
    description: str


ROWS = {"one": Row("math:pi", "1"), "two": Row(None, "2")}


class TestRegistry:
    def test_it_is_a_collection_of_names(self) -> None:
        registry = Registry("thing", Row, ROWS)
        assert (list(registry), len(registry), registry.names()) == (
            ["one", "two"],
            2,
            ("one", "two"),
        )
        assert ("one" in registry, "three" in registry, 1 in registry) == (True, False, False)
        assert registry.rows() == ROWS
        assert registry.names("home") == ("one",)
        assert registry.broken() == []

    def test_it_finds_rows_and_what_they_name(self) -> None:
        registry = Registry("thing", Row, ROWS)
        assert registry.get("two") is registry["two"] is ROWS["two"]
        assert registry.load("one") == imported("math:pi") == np.pi
        assert registry.first(lambda row: row.description > "1") == "two"
        assert registry.first(lambda row: row.description > "2") is None

    @pytest.mark.parametrize(("name", "known"), [("three", "one, two"), ("two", "one")])
    def test_it_says_what_is_known(self, name: str, known: str) -> None:
        registry = Registry("thing", Row, ROWS)
        with pytest.raises(UsageError, match=f"no thing is called '{name}'") as caught:
            registry.load(name)
        assert caught.value.advice == f"Known: {known}."

    def test_a_row_takes_the_place_of_another(self) -> None:
        registry = Registry("thing", Row, ROWS)
        registry.register("one", Row("math:e", "e"))
        assert (list(registry), registry.load("one")) == (["one", "two"], np.e)
        assert ROWS["one"].description == "1"

    def test_a_row_is_of_the_kind(self) -> None:
        with pytest.raises(TypeError, match="measure: expected a row of Entry, found 7"):
            MEASURES.register("seven", 7)  # type: ignore[arg-type]
