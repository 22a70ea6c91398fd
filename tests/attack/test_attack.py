"""A few inputs of every attack, and the bench itself."""

from __future__ import annotations

from errno import EIO, EMFILE, ENODEV, ENOMEM, ENOSPC
from pathlib import Path
from queue import Queue

import pytest

from tests.attack import attacks
from tests.attack.__main__ import main
from tests.attack.attacks import ATTACKS, run
from tests.attack.base import Attack, Budget, Failure, Tally, each
from tests.attack.syscalls.attack import Bench
from tests.attack.syscalls.scenarios import scenarios
from tests.attack.syscalls.server import server
from tests.attack.syscalls.shim import HALF


@pytest.mark.parametrize("name", ATTACKS)
def test_what_the_suite_tries_survives(name: str, tmp_path: Path) -> None:
    count = ATTACKS[name].short
    tally = run(Budget(name, range(count), tmp_path))
    assert tally.failures == ()
    assert tally.tried == count


def odd_fails(budget: Budget) -> Tally:
    def attempt(number: int) -> str | Failure:
        path = budget.kept.parent / "x.bin"
        path.write_bytes(b"%d" % number)
        return budget.failure(number, "odd", path) if number % 2 else "even"

    return each(budget, attempt)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    row = Attack("tests.attack.test_attack:odd_fails", "a toy", inputs=5, short=1)
    monkeypatch.setattr(attacks, "ATTACKS", attacks.ATTACKS)
    for name in ("toy-a", "toy-b"):
        monkeypatch.setitem(ATTACKS, name, row)


@pytest.mark.usefixtures("toys")
def test_a_failure_is_counted_and_can_be_repeated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    keep = tmp_path / "kept"
    assert main(["toy", "--seed", "3", "--jobs", "1", "--keep", str(keep)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "attack  tried  survived  what came of them",
        "toy-a       5         3  3 even",
        "toy-b       5         3  3 even",
        "all        10         6",
    ]
    kept = keep / "toy-a-3-1-x.bin"
    assert lines[5:7] == [
        "toy-a (a toy): odd",
        f"  python -m tests.attack toy-a --seed 3 --number 1; {kept}",
    ]
    assert kept.read_bytes() == b"1"
    assert main(["toy-a", "--number", "2"]) == 0
    assert main(["toy-a", "--number", "1", "--keep", str(keep)]) == 1
    assert main(["toy-b", "--short"]) == 0


@pytest.mark.usefixtures("toys")
def test_the_time_is_kept(tmp_path: Path) -> None:
    assert run(Budget("toy-a", range(5), tmp_path, seconds=-1)).tried == 0


def test_an_attack_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "no attack is called 'nonsense'; known: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("npz inspect", {("open", EMFILE), ("open", EIO), ("read", EIO)}),
        ("torch", {("read", HALF)}),
        ("torch-numpy", {("stat", EIO)}),
        ("torch-list", {("mmap", ENOMEM), ("mmap", ENODEV)}),
        ("-o out.csv again", {("write", ENOSPC), ("fsync", EIO), ("rename", EIO)}),
    ],
)
def test_every_such_call_may_fail(name: str, faults: set[tuple[str, int]], tmp_path: Path) -> None:
    (tmp_path / "read").mkdir()
    with server() as runner:
        bench = Bench(tmp_path, Queue())
        bench.servers.put(runner)
        (scenario,) = [each for each in scenarios(tmp_path / "read") if each.name == name]
        cases = [x for x in bench.cases(scenario) if (x.fault.kind, x.fault.error) in faults]
        assert {(case.fault.kind, case.fault.error) for case in cases} == faults
        for case in cases:
            wrong, _ = bench.attempt(case)
            assert wrong is None, case.fault
