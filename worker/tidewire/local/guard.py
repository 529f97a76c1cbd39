"""Runs one program and makes sure that it ends no later than whoever asked for it.

Started by file name with the standard library alone, because every part of the stack waits
for it. The parent holds the other end of standard input: when that closes, for whatever
reason, the guard asks the program to stop, waits, and then kills its process group. The pid
of the program goes to standard output, one line.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def main() -> int:
    wanted = json.loads(sys.argv[1])
    wake = _wake_on_signals()
    stop_signal = int(wanted["stop_signal"])
    with open(wanted["log"], "ab", buffering=0) as log:  # noqa: PTH123 pathlib doubles the start time
        program = subprocess.Popen(  # noqa: S603 the parent chose the program
            wanted["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=wanted["directory"],
            start_new_session=True,
            preexec_fn=_die_with_guard(stop_signal),
            user=wanted["uid"],
            group=wanted["gid"],
            extra_groups=None if wanted["uid"] is None else [],
        )
    sys.stdout.write(f"{program.pid}\n")
    sys.stdout.flush()
    _wait_for_end(program, wake)
    if program.poll() is None:
        _stop(program, stop_signal, float(wanted["grace"]))
    return _exit_code(program.returncode)


def _die_with_guard(stop_signal: int) -> Callable[[], None] | None:
    """Return what the child runs first, so that Linux ends it even when the guard is killed."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    guard = os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(1)

    return prepare


def _wake_on_signals() -> int:
    """Let SIGTERM and the end of the child interrupt the wait; return the descriptor to watch."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return reader


def _wait_for_end(program: subprocess.Popen[bytes], wake: int) -> None:
    """Return when the program has ended or should end."""
    while program.poll() is None:
        ready, _, _ = select.select([0, wake], [], [])
        if 0 in ready and not os.read(0, 4096):
            return
        if wake in ready and signal.SIGTERM in os.read(wake, 4096):
            return


def _stop(program: subprocess.Popen[bytes], stop_signal: int, grace: float) -> None:
    deadline = time.monotonic() + grace
    program.send_signal(stop_signal)
    try:
        program.wait(deadline - time.monotonic())
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _exit_code(returncode: int) -> int:
    return returncode if returncode >= 0 else 128 - returncode


if __name__ == "__main__":
    sys.exit(main())
