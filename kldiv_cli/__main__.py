"""``python -m kldiv_cli`` and the installed ``kldiv``."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import IO

TROUBLE = 2
FAULT = 70
"""A fault of kldiv's own: EX_SOFTWARE of sysexits.h, which no limit and no trouble ends with."""
BY_SIGNAL = 128
"""What is added to the number of the signal that ended the process."""


def main() -> None:
    """Run the command line; an interrupt ends quietly even while modules are still loading."""
    # Nearly all that is made while modules load stays: to look for garbage there is in vain.
    gc.set_threshold(50_000)
    ending = _Ending()
    ending.take_over()
    try:
        from kldiv_cli.cli import run  # noqa: PLC0415 - so that Ctrl-C here is caught too

        code = run()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it means no limit
        code = ending.code_of(error)
    code = ending.code or code
    _flush()
    if code > BY_SIGNAL or "pyarrow" in sys.modules or (code >= TROUBLE and _threads_are_left()):
        # All is cleaned up. Where the signal came while a thread was being started, the interpreter
        # would not wait for it. Where PyArrow was loaded, the end of the process was seen to abort
        # now and then, presumably in a thread of PyArrow that outlives the interpreter. Where it
        # could not start all threads of its own, it may wait for them for ever.
        os._exit(code)
    gc.freeze()  # the end of the process frees it all, without looking through it first
    ending.is_last = True
    sys.exit(code)


class _Ending:
    """Signals, and exceptions that reach nobody: Python goes on as if they had not been."""

    code = 0
    """What the process exits with, whatever else comes of it; 0 as long as nothing says so."""
    is_last = False
    """Whether the interpreter is about to end, and asks for no code any more."""

    def take_over(self) -> None:
        """Be told of all of them."""
        threading.excepthook = self._in_thread
        sys.unraisablehook = self._in_passing
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._by_signal)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:  # nohup has one of them ignored
                signal.signal(number, self._by_signal)

    def code_of(self, error: BaseException) -> int:
        """Return the exit code that an exception means, and tell what no signal caused.

        Modules in C put exceptions of their own in the place of an interrupt while they load, and
        so does the making of a class.
        """
        if self.code > BY_SIGNAL:
            return self.code
        if isinstance(error, KeyboardInterrupt):
            return BY_SIGNAL + signal.SIGINT
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            return error.code
        if isinstance(error, MemoryError):
            _write("kldiv: error: expected enough memory to start, found too little\n")
            _write("Free some or raise its limit.\n")
            return TROUBLE
        _write(_told(error))
        return FAULT

    def _by_signal(self, number: int, _: FrameType | None) -> None:
        self.code = BY_SIGNAL + number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(self.code)

    def _in_thread(self, found: threading.ExceptHookArgs) -> None:
        """Tell an exception that ended a thread."""
        if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
            self.code = self.code_of(found.exc_value)

    def _in_passing(self, found: sys.UnraisableHookArgs) -> None:
        """Tell an exception of a finaliser, or of what runs when the interpreter ends."""
        if found.exc_value is None:
            return
        if self.code > BY_SIGNAL and not self.is_last:
            # The finaliser has swallowed the interrupt, and so would this function.
            again = threading.Timer(0.01, os.kill, (os.getpid(), self.code - BY_SIGNAL))
            again.daemon = True
            again.start()
            return
        self.code = self.code_of(found.exc_value)
        if self.is_last:
            _flush()
            os._exit(self.code)


def _told(error: BaseException) -> str:
    """Return the traceback of a fault of kldiv's own, and what to do about it."""
    from shlex import join  # noqa: PLC0415 - most runs end well
    from traceback import format_exception  # noqa: PLC0415

    from kldiv_cli.errors import printable, redacted  # noqa: PLC0415

    lines = [
        *"".join(format_exception(error)).splitlines(),
        "kldiv: fault: expected no exception, found one: a bug of kldiv, not of your files",
        "Report it with the lines above, what 'kldiv --version' prints and the command: "
        + join(["kldiv", *sys.argv[1:]]),
    ]
    return "".join(f"{printable(redacted(line))}\n" for line in lines)


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            _discard(stream)


def _discard(stream: IO[str]) -> None:
    """Send what is buffered nowhere: at its end the interpreter would fail to write it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _threads_are_left() -> bool:
    return threading.active_count() > 1


if __name__ == "__main__":
    main()
