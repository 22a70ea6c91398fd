"""Runs of the command line in forks of a process that has loaded all it needs.

``python -m tests.attack.syscalls.server`` reads a request per line and answers each; the shim was
loaded into it, and each fork arms it for itself. A run takes a tenth of what a process would.
"""

from __future__ import annotations

import base64
import ctypes
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn

import kldiv_cli
from tests.attack.base import ROOT
from tests.attack.runs import ENVIRONMENT, SECONDS, Run
from tests.attack.syscalls.shim import Fault, library, numbers


class Server:
    """A process that answers."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def run(self, words: Sequence[str], folder: Path, counts: Path, fault: Fault | None) -> Run:
        """Run the command line; calls on files in the folder are counted, and may fail."""
        asked = {
            "words": words,
            "folder": str(folder),
            "counts": str(counts),
            "fault": numbers(fault),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        out, err = map(base64.b64decode, found["said"])
        return Run(None if found["code"] == -signal.SIGALRM else found["code"], out, err)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and end it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.attack.syscalls.server"],
        cwd=ROOT,
        env={**ENVIRONMENT, "LD_PRELOAD": str(library())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def _serve() -> None:
    shim = ctypes.CDLL(str(library()))
    _load()
    for line in sys.stdin:
        asked = json.loads(line)
        with TemporaryFile() as out, TemporaryFile() as err:
            child = os.fork()
            if not child:
                _be(asked, shim, out.fileno(), err.fileno())
            _, status = os.waitpid(child, 0)
            said = [base64.b64encode(_whole(file)).decode() for file in (out, err)]
        code = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps({"code": code, "said": said}) + "\n")
        sys.stdout.flush()


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _load() -> None:
    for module in pkgutil.walk_packages(kldiv_cli.__path__, "kldiv_cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _be(asked: dict[str, Any], shim: ctypes.CDLL, out: int, err: int) -> NoReturn:
    """Be a run of the command line."""
    signal.alarm(int(SECONDS))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.argv = ["kldiv", *asked["words"]]
    code: object = 1
    try:
        from kldiv_cli.__main__ import main

        kind, at, times, error = asked["fault"]
        folder, counts = f"{asked['folder']}{os.sep}".encode(), asked["counts"].encode()
        assert shim.arm(folder, counts, kind, at, times, error) == 0
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    _serve()
