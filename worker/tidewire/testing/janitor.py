"""Removes a folder when the process that made it has ended, however it has.

Started by file name with the standard library alone. Whoever made the folder holds the other end
of standard input; the guards of the programs that work in it share a lock on its file `lock`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys


def main(folder: str) -> None:
    lock = os.open(os.path.join(folder, "lock"), os.O_RDWR)  # noqa: PTH118 pathlib starts slower
    sys.stdin.buffer.read()
    fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
