"""Lets a process die with its parent (Linux), so that a killed runner leaves nobody behind.

A runner that dies by SIGKILL cannot stop its children; left alone they would keep the port, and
the next `make demo` could not start. Elsewhere than on Linux nothing is done: a person ends them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; kept over exec, forgotten by fork


def die_with_parent() -> None:
    """From now on the kernel kills this process when the thread that made it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def main() -> None:
    """Become the command given as arguments: `python -m portal.site.parent_death redis-server --port 0`."""
    die_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])  # argv of our own runner, no shell  # nosec B606


if __name__ == "__main__":
    main()
