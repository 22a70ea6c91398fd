"""How outputs take their places: together, with the mode of what they replace, without a trace."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from kldiv_cli.errors import OutputError
from kldiv_cli.reports import files, staging
from kldiv_cli.reports.staging import Staged
from tests.reports import SOFTMAX, put

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
WITHOUT_NAMES = pytest.mark.skipif(sys.platform != "linux", reason="needs files without a name")
NOBODY = 65534


@pytest.fixture(autouse=True, params=[pytest.param("unnamed", marks=WITHOUT_NAMES), "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write to files without a name, and as systems do that have none."""
    if request.param == "named":
        monkeypatch.setattr(staging, "_UNNAMED", 0)
    return str(request.param)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def older(name: str, mode: int = 0o644) -> Path:
    path = Path(name)
    path.write_text("older")
    path.chmod(mode)
    return path


def contents() -> dict[str, str]:
    """The files of the folder; what was written is "new"."""
    found = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    return {name: "older" if content == b"older" else "new" for name, content in found.items()}


def seen_while_writing(path: Path) -> os.stat_result:
    found: list[os.stat_result] = []
    one = Staged(str(path), path.resolve())
    one.write(lambda stream: found.append(os.fstat(stream.fileno())), "bytes")
    one.close()
    return found[0]


class TestLikeTheOlder:
    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400], ids=oct)
    def test_the_mode_is_that_of_the_older_before_anything_is_written(self, mode: int) -> None:
        assert stat.S_IMODE(seen_while_writing(older("out.csv", mode)).st_mode) == mode

    def test_nobody_else_may_open_it_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        modes: list[int] = []
        real = os.fchown

        def chown(descriptor: int, *owner: int) -> None:
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
            real(descriptor, *owner)

        monkeypatch.setattr(os, "fchown", chown)
        seen_while_writing(older("out.csv", 0o666))
        assert {*modes} == {0o600}

    @ROOT_ONLY
    def test_owner_and_group(self) -> None:
        path = older("out.csv", 0o640)
        os.chown(path, NOBODY, NOBODY - 1)
        put(SOFTMAX, ["out.csv"])
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (NOBODY, NOBODY - 1, 0o640)
        assert contents() == {"out.csv": "new"}

    @ROOT_ONLY
    @pytest.mark.parametrize(("mode", "kept"), [(0o660, 0o600), (0o664, 0o644), (0o604, 0o604)])
    def test_another_group_may_not_do_what_the_older_files_group_might(
        self, mode: int, kept: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = older("out.csv", mode)
        os.chown(path, NOBODY, NOBODY)

        def refuse(*_: int) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "fchown", refuse)
        put(SOFTMAX, ["out.csv"])
        assert path.stat().st_mode & 0o777 == kept
        assert path.stat().st_uid == 0


class TestTogether:
    def test_all_are_on_the_disk_before_the_first_has_its_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[str] = []
        for name in ("fsync", "link", "replace"):
            note(monkeypatch, name, done)
        older("a.csv")
        older("b.json")
        put(SOFTMAX, ["a.csv", "b.json", "c.npy"])
        places = [name for name in done if name != "fsync"]
        assert done == ["fsync"] * 3 + places
        assert places[-2:] == ["replace", "replace"]
        assert contents() == dict.fromkeys(("a.csv", "b.json", "c.npy"), "new")

    @pytest.mark.parametrize("at", [0, 1, 2])
    @pytest.mark.parametrize("number", [errno.EIO, errno.EDQUOT, errno.ENOSPC])
    def test_a_disk_that_fails_leaves_all_as_they_were(
        self, at: int, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ["a.csv", "b.json", "c.npy"]
        older("a.csv")
        older("b.json")
        fail_at(monkeypatch, "fsync", at, OSError(number, os.strerror(number)))
        with pytest.raises(OutputError) as caught:
            put(SOFTMAX, names)
        why = os.strerror(number)
        assert caught.value.what == f"{names[at]}: expected to write it, found: {why}"
        assert caught.value.advice == (
            "Make room or name another file; none of the outputs was written."
        )
        assert contents() == {"a.csv": "older", "b.json": "older"}

    def test_a_name_that_is_refused_leaves_all_as_they_were(
        self, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        older("b.json")
        full = OSError(errno.ENOSPC, "No space left on device")
        fail_at(monkeypatch, "link" if way == "unnamed" else "replace", 1, full)
        with pytest.raises(OutputError, match=r"^b\.json: ") as caught:
            put(SOFTMAX, ["a.csv", "b.json"])
        assert caught.value.advice.endswith("; none of the outputs was written.")
        assert contents() == {"b.json": "older"}

    def test_what_fails_after_others_took_their_places_is_said_by_name(self) -> None:
        for name in ("a.csv", "b.json", "c.npy"):
            older(name)
        with pytest.raises(OutputError) as caught:
            self.with_a_folder_in_the_way(["a.csv", "b.json", "c.npy"])
        assert caught.value.what == "b.json: expected to write it, found: Is a directory"
        assert caught.value.advice == (
            "Name another file. Written: a.csv. Not written: b.json, c.npy."
        )
        assert contents() == {"a.csv": "new", "c.npy": "older"}

    def test_one_that_fails_alone_withdraws_what_was_not_there(self) -> None:
        older("b.json")
        with pytest.raises(OutputError) as caught:
            self.with_a_folder_in_the_way(["a.csv", "b.json"])
        assert caught.value.advice.endswith("; none of the outputs was written.")
        assert contents() == {}

    @staticmethod
    def with_a_folder_in_the_way(outputs: list[str]) -> None:
        with files.staged(SOFTMAX, outputs):
            Path("b.json").unlink()
            Path("b.json").mkdir()

    def test_a_file_that_came_meanwhile_is_replaced(self) -> None:
        with files.staged(SOFTMAX, ["a.csv", "b.json"]):
            older("a.csv")
        assert contents() == {"a.csv": "new", "b.json": "new"}

    def test_a_folder_that_went_meanwhile_is_an_error(self, tmp_path: Path) -> None:
        Path("sub").mkdir()
        with pytest.raises(OutputError, match=r"^sub/a\.csv: .*No such file or directory"):
            self.without_its_folder(tmp_path / "sub")

    @staticmethod
    def without_its_folder(folder: Path) -> None:
        with files.staged(SOFTMAX, ["sub/a.csv"]):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


class TestNoTrace:
    def test_a_name_that_cannot_be_removed_is_no_failure(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: Path) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        older("a.csv")
        monkeypatch.setattr(Path, "unlink", refuse)
        put(SOFTMAX, ["a.csv", "b.json"])
        assert contents() == {"a.csv": "new", "b.json": "new"}

    def test_no_name_is_made_where_files_can_be_without(self, way: str) -> None:
        with files.staged(SOFTMAX, ["a.csv", "b.npy"]):
            assert len(contents()) == {"unnamed": 0, "named": 2}[way]

    def test_without_proc_there_are_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(staging, "_by_number", lambda _: "/nowhere/0")
        with files.staged(SOFTMAX, ["a.csv"]):
            assert len(contents()) == 1
        assert contents() == {"a.csv": "new"}

    def test_another_thread_can_write(self) -> None:
        thread = Thread(target=put, args=(SOFTMAX, ["a.csv"]))
        thread.start()
        thread.join()
        assert contents() == {"a.csv": "new"}

    def test_no_descriptor_is_left_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        older("a.csv")
        before = descriptors()
        put(SOFTMAX, ["a.csv", "b.json"])
        fail_at(monkeypatch, "fsync", 1, OSError(errno.EIO, "Input/output error"))
        with pytest.raises(OutputError):
            put(SOFTMAX, ["a.csv", "b.json"])
        assert descriptors() == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_all_are_in_their_places(
    sent: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[int] = []
    for name in ("a.csv", "b.json"):
        older(name)
    real = os.replace

    def replace(*names: Any) -> None:
        signal.raise_signal(sent)
        assert not came
        real(*names)

    monkeypatch.setattr(os, "replace", replace)
    before = signal.signal(sent, lambda number, _: came.append(number))
    try:
        put(SOFTMAX, ["a.csv", "b.json"])
    finally:
        signal.signal(sent, before)
    assert came == [sent]
    assert contents() == {"a.csv": "new", "b.json": "new"}


def descriptors() -> list[str]:
    return sorted(path.name for path in Path("/dev/fd").iterdir())


def note(monkeypatch: pytest.MonkeyPatch, name: str, done: list[str]) -> None:
    """Note each call of a function of the system."""
    real: Callable[..., Any] = getattr(os, name)

    def call(*words: Any, **more: Any) -> Any:
        done.append(name)
        return real(*words, **more)

    monkeypatch.setattr(os, name, call)


def fail_at(monkeypatch: pytest.MonkeyPatch, name: str, at: int, error: OSError) -> None:
    """Let one call of a function of the system fail."""
    real: Callable[..., Any] = getattr(os, name)
    calls: list[str] = []

    def call(*words: Any, **more: Any) -> Any:
        calls.append(name)
        if len(calls) == at + 1:
            raise error
        return real(*words, **more)

    monkeypatch.setattr(os, name, call)
