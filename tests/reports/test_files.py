"""Reports to files: whole or not at all, and where the user said."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, Any

import pytest

from kldiv_cli import reports
from kldiv_cli.errors import KldivError, OutputError, UsageError
from kldiv_cli.reports import REPORTS, files, staging, suffixes
from kldiv_cli.results.comparison import Comparison
from tests.reports import NAMED, SOFTMAX, put

SUFFIXES = suffixes()
Writer = Callable[[Comparison, IO[Any]], None]


def content(name: str, comparison: Comparison = SOFTMAX) -> bytes:
    if REPORTS[name].kind == "bytes":
        raw = BytesIO()
        reports.load(name)(comparison, raw)
        return raw.getvalue()
    text = StringIO(newline="")
    reports.load(name)(comparison, text)
    return text.getvalue().encode()


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, BaseException], None]:
    """Let the writer of one report write something and then fail."""

    def fail(name: str, error: BaseException) -> None:
        def load(wanted: str, result: str = "comparison", *, csv_safe: bool = False) -> Writer:
            def write(_: Comparison, stream: IO[Any]) -> None:
                stream.write("half a " if REPORTS[wanted].kind == "text" else b"half a ")
                stream.flush()
                raise error

            return write if wanted == name else original(wanted, result, csv_safe=csv_safe)

        original = reports.load
        monkeypatch.setattr(reports, "load", load)

    return fail


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    def change(mask: int) -> None:
        os.umask(mask)

    before = os.umask(0o022)
    yield change
    os.umask(before)


@pytest.fixture(params=["unnamed", "named"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write to files without a name, and as systems do that have none."""
    if request.param == "named":
        monkeypatch.setattr(staging, "_UNNAMED", 0)


NAMES = ("blank", "wide", "dash", "as-long-as-can-be")


@pytest.mark.usefixtures("_way")
class TestWrite:
    def test_suffixes(self) -> None:
        assert SUFFIXES == {
            ".csv": "csv",
            ".tsv": "tsv",
            ".jsonl": "jsonl",
            ".parquet": "parquet",
            ".npy": "npy",
            ".json": "json",
        }

    @pytest.mark.parametrize("suffix", SUFFIXES)
    @pytest.mark.parametrize("upper", [False, True], ids=["lower", "upper"])
    def test_the_suffix_decides(self, suffix: str, upper: bool, tmp_path: Path) -> None:
        path = tmp_path / f"out{suffix.upper() if upper else suffix}"
        files.check([str(path)], [])
        assert listing(tmp_path) == {}
        put(SOFTMAX, [str(path)])
        assert listing(tmp_path) == {path.name: content(SUFFIXES[suffix])}

    def test_several_at_once(self, tmp_path: Path) -> None:
        paths = [tmp_path / f"out{suffix}" for suffix in SUFFIXES]
        put(NAMED, [str(path) for path in paths])
        assert listing(tmp_path) == {
            f"out{suffix}": content(name, NAMED) for suffix, name in SUFFIXES.items()
        }

    def test_none_is_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        files.check([], ["p.npy", "q.npy"])
        put(SOFTMAX, [])
        assert listing(tmp_path) == {}

    def test_relative_paths(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        put(SOFTMAX, ["out.csv", "./other.csv"])
        assert set(listing(tmp_path)) == {"out.csv", "other.csv"}

    def test_an_older_file_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        path.write_text("older and much, much longer\n" * 1000)
        put(SOFTMAX, [str(path)])
        assert path.read_bytes() == content("csv")

    def test_who_reads_the_older_file_goes_on_reading_it(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        path.write_text("older")
        with path.open() as reader:
            put(SOFTMAX, [str(path)])
            assert reader.read() == "older"

    @pytest.mark.parametrize(
        "name", ["a b.csv", "\u7334.csv", "-o.csv", "x" * 251 + ".csv"], ids=NAMES
    )
    def test_any_name_that_the_system_takes(self, name: str, tmp_path: Path) -> None:
        files.check([str(tmp_path / name)], [])
        put(SOFTMAX, [str(tmp_path / name)])
        assert listing(tmp_path) == {name: content("csv")}


@pytest.mark.usefixtures("_way")
class TestAllOrNone:
    NO_SPACE = OSError(errno.ENOSPC, "No space left on device")

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_failing_writer_leaves_nothing(
        self, suffix: str, tmp_path: Path, failing: Callable[[str, BaseException], None]
    ) -> None:
        path = tmp_path / f"out{suffix}"
        failing(SUFFIXES[suffix], self.NO_SPACE)
        with pytest.raises(OutputError) as caught:
            put(SOFTMAX, [str(path)])
        assert caught.value.what == f"{path}: expected to write it, found: No space left on device"
        assert caught.value.exit_code == 2
        assert listing(tmp_path) == {}

    @pytest.mark.parametrize(
        "error",
        [NO_SPACE, KeyboardInterrupt(), SystemExit(143), ValueError("a bug"), MemoryError()],
        ids=lambda error: type(error).__name__,
    )
    def test_an_older_file_stays(
        self, error: BaseException, tmp_path: Path, failing: Callable[[str, BaseException], None]
    ) -> None:
        path = tmp_path / "out.csv"
        path.write_text("older")
        failing("csv", error)
        with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):
            put(SOFTMAX, [str(path)])
        assert listing(tmp_path) == {"out.csv": b"older"}

    @pytest.mark.parametrize("order", [1, -1], ids=["fails-last", "fails-first"])
    def test_one_of_several_fails(
        self, order: int, tmp_path: Path, failing: Callable[[str, BaseException], None]
    ) -> None:
        paths = [tmp_path / "out.csv", tmp_path / "out.json", tmp_path / "out.npy"][::order]
        (tmp_path / "out.json").write_text("older")
        failing("npy", self.NO_SPACE)
        with pytest.raises(OutputError, match=r"out\.npy"):
            put(SOFTMAX, [str(path) for path in paths])
        assert listing(tmp_path) == {"out.json": b"older"}

    def test_the_target_is_never_seen_half_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "out.csv"
        path.write_text("older")
        seen: list[bytes] = []
        whole, original = content("csv"), reports.load

        def load(name: str, result: str, *, csv_safe: bool) -> Writer:
            def write(comparison: Comparison, stream: IO[Any]) -> None:
                original(name, result, csv_safe=csv_safe)(comparison, stream)
                stream.flush()
                seen.append(path.read_bytes())
                assert all(x == path or x.name.startswith(".") for x in tmp_path.iterdir())

            return write

        monkeypatch.setattr(reports, "load", load)
        put(SOFTMAX, [str(path)])
        assert seen == [b"older"]
        assert listing(tmp_path) == {"out.csv": whole}


@pytest.mark.usefixtures("_way")
class TestPermissions:
    @pytest.mark.parametrize(
        ("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0, 0o666)], ids=oct
    )
    def test_a_new_file_follows_the_umask(
        self, mask: int, mode: int, tmp_path: Path, umask: Callable[[int], None]
    ) -> None:
        umask(mask)
        path = tmp_path / "out.csv"
        put(SOFTMAX, [str(path)])
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert os.umask(mask) == mask

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o664], ids=oct)
    def test_an_older_file_keeps_its_own(
        self, mode: int, tmp_path: Path, umask: Callable[[int], None]
    ) -> None:
        umask(0o022)
        path = tmp_path / "out.csv"
        path.touch()
        path.chmod(mode)
        put(SOFTMAX, [str(path)])
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert path.read_bytes() == content("csv")


@pytest.mark.usefixtures("_way")
class TestLinks:
    @pytest.mark.parametrize("exists", [True, False], ids=["file", "dangling"])
    @pytest.mark.parametrize("target", ["elsewhere/real.csv", "elsewhere/real.txt", "elsewhere/r"])
    def test_the_file_behind_a_link_is_written(
        self, target: str, exists: bool, tmp_path: Path
    ) -> None:
        """The name that the user gave decides the format, whatever it points to."""
        (tmp_path / "elsewhere").mkdir()
        if exists:
            (tmp_path / target).write_text("older")
        link = tmp_path / "out.csv"
        link.symlink_to(target)
        files.check([str(link)], [])
        put(SOFTMAX, [str(link)])
        assert link.is_symlink()
        assert listing(tmp_path / "elsewhere") == {Path(target).name: content("csv")}

    def test_a_link_of_another_suffix_does_not_change_the_format(self, tmp_path: Path) -> None:
        link = tmp_path / "out.csv"
        link.symlink_to("summary.json")
        files.check([str(link)], [])
        put(SOFTMAX, [str(link)])
        assert link.read_bytes() == content("csv")

    def test_a_link_to_itself_is_an_error_of_the_user(self, tmp_path: Path) -> None:
        link = tmp_path / "out.csv"
        link.symlink_to("out.csv")
        with pytest.raises(KldivError, match=r"out\.csv"):
            files.check([str(link)], [])
        assert link.is_symlink()

    def test_an_input_that_links_to_itself_is_left_to_who_reads_it(self, tmp_path: Path) -> None:
        link = tmp_path / "p.npy"
        link.symlink_to("p.npy")
        files.check([], [str(link)])
        files.check([str(tmp_path / "out.csv")], [str(link)])
        assert [path.name for path in tmp_path.iterdir()] == ["p.npy"]


class TestCheck:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("p.npy").write_bytes(b"input")
        Path("folder.csv").mkdir()
        Path("link.npy").symlink_to("p.npy")
        Path("file").touch()
        os.mkfifo("pipe.csv")

    @pytest.mark.parametrize(
        ("outputs", "kind", "message"),
        [
            pytest.param(["out.txt"], UsageError, r"out\.txt: .*found suffix '\.txt'", id="suffix"),
            pytest.param(["out"], UsageError, r"out: .*found no suffix", id="no-suffix"),
            pytest.param(["out.csv.gz"], UsageError, r"found suffix '\.gz'", id="two-suffixes"),
            pytest.param([""], UsageError, "--output: expected a name, found an", id="empty"),
            pytest.param(["."], UsageError, "expected an output named", id="here"),
            pytest.param(["a.csv", "a.csv"], UsageError, r"a\.csv: .* was named", id="twice"),
            pytest.param(["a.csv", "./a.csv"], UsageError, r"\./a\.csv: ", id="twice-in-words"),
            pytest.param(["p.npy"], UsageError, r"p\.npy: .* is an input", id="input"),
            pytest.param(["link.npy"], UsageError, r"link\.npy: .* is an input", id="input-linked"),
            pytest.param(["folder.csv"], OutputError, r"folder\.csv: ", id="folder"),
            pytest.param(["pipe.csv"], OutputError, r"pipe\.csv: ", id="pipe"),
            pytest.param(["none/a.csv"], OutputError, r"none/a\.csv: .*folder", id="no-folder"),
            pytest.param(
                ["file/a.csv"], OutputError, r"file/a\.csv: .*folder", id="file-as-folder"
            ),
            pytest.param(["x" * 300 + ".csv"], OutputError, "xxx", id="name-too-long"),
            pytest.param(["a.csv", "b.nope"], UsageError, r"b\.nope: ", id="second"),
        ],
    )
    def test_impossible_outputs(
        self, outputs: list[str], kind: type[KldivError], message: str
    ) -> None:
        before = sorted(Path().iterdir())
        with pytest.raises(kind, match=message) as caught:
            files.check(outputs, ["p.npy", "q.npy"])
        assert caught.value.exit_code == 2
        assert caught.value.advice
        assert sorted(Path().iterdir()) == before

    def test_a_folder_that_cannot_be_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By its answer alone: the tests may run as root, who may write anywhere."""
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(OutputError, match=r"out\.csv: .*read-only"):
            files.check(["out.csv"], [])

    def test_a_folder_that_cannot_be_entered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a user other than root is told of /root/out.csv."""
        original = os.stat

        def forbid(path: Any, *args: Any, **options: Any) -> os.stat_result:
            if str(path).endswith("out.csv"):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return original(path, *args, **options)

        monkeypatch.setattr(os, "stat", forbid)
        with pytest.raises(OutputError, match=r"out\.csv: "):
            files.check(["out.csv"], [])

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_possible_outputs(self, suffix: str) -> None:
        before = sorted(Path().iterdir())
        files.check([f"out{suffix}"], ["p.npy", "q.npy"])
        assert sorted(Path().iterdir()) == before


def test_every_report_is_loaded_by_its_name() -> None:
    for name, report in REPORTS.rows().items():
        for result in ("comparison", "loss", "verification", "inspection"):
            path = getattr(report, result)
            if path is None:
                with pytest.raises(UsageError, match=f"no report is called '{name}'") as caught:
                    reports.load(name, result)
                known = ", ".join(REPORTS.names(result))
                assert caught.value.advice == f"Known: {known}."
            else:
                assert path.startswith("kldiv_cli.reports.")
                assert callable(reports.load(name, result))
        assert report.suffix is None or SUFFIXES[report.suffix] == name
        assert reports.of_suffix(report.suffix or "") == (report.suffix and name)
    with pytest.raises(UsageError, match="no report is called 'xml'"):
        reports.load("xml")
