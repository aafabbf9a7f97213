"""Takes from the checking process what it does not need: the network, all files but its own, and root.

Runs only inside the limited process of relief.evidence.filecheck; imports no Django. A decoder that a
hostile file takes over then reads no key, database or other person's paper and reaches nobody. Linux
offers the first two to ordinary users on most machines. Whoever runs the worker as root gets the third: the
check goes on as nobody. Where one is missing the check goes on without, and /readyz says what is in force.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path

# <linux/sched.h>, <linux/prctl.h>, <linux/landlock.h>; the syscall numbers are those of every
# architecture since they were added in Linux 5.13.
NEW_USERS, NEW_NETWORK = 0x1000_0000, 0x4000_0000
NO_NEW_PRIVILEGES = 38
CREATE_RULES, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, BELOW_A_PATH = 1, 1
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
EVERYTHING = {1: (1 << 13) - 1, 2: (1 << 14) - 1}  # by version; later ones also know truncation
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/dev/null", "/dev/urandom", "/proc/self")
NOBODY = 65534  # user and group; on every Linux the one that owns nothing
HERE = Path(__file__).resolve().parents[3]


class _Rules(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64)]


class _BelowAPath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def confine(folder: Path) -> tuple[str, ...]:
    """Cut this process off for ever; `folder` stays open to it. Which of "network", "files", "user" is in force."""
    if sys.platform != "linux":
        return ()
    system = ctypes.CDLL(None, use_errno=True)
    in_force = []
    if _leave_network(system):
        in_force.append("network")
    if platform.machine() in {"x86_64", "aarch64"} and _leave_files(system, folder):
        in_force.append("files")
    if _leave_user(folder):
        in_force.append("user")
    return tuple(in_force)


def _leave_network(system: ctypes.CDLL) -> bool:
    """A network of its own, with no way out: root may have one, others with users of their own too."""
    return any(system.unshare(flags) == 0 for flags in (NEW_NETWORK, NEW_USERS | NEW_NETWORK))


def _leave_files(system: ctypes.CDLL, folder: Path) -> bool:
    version = system.syscall(CREATE_RULES, None, 0, ASK_VERSION)
    if version < 1:
        return False
    every = EVERYTHING.get(version, (1 << 15) - 1)
    wanted = _Rules(every)
    rules = system.syscall(CREATE_RULES, ctypes.byref(wanted), ctypes.sizeof(wanted), 0)
    if rules < 0:
        return False
    try:
        _allow(system, rules, folder, every)
        for path in _readable():
            _allow(system, rules, path, READ)
        system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return bool(system.syscall(RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _leave_user(folder: Path) -> bool:
    """Root becomes nobody, to whom the folder is given; not where nobody cannot read our own code."""
    if os.geteuid() != 0 or not _is_open_to_nobody(folder):
        return False
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    return True


def _is_open_to_nobody(folder: Path) -> bool:
    """Whether all that is imported later, and the folder, can be reached; a Python below /root cannot."""
    needed = [path for path in _readable() if path.exists()]
    try:
        os.seteuid(NOBODY)
    except OSError:  # a container that knows no such user
        return False
    try:
        is_reached = os.access(folder, os.F_OK, effective_ids=True)
        return is_reached and all(os.access(path, os.R_OK, effective_ids=True) for path in needed)
    finally:
        os.seteuid(0)


def _readable() -> set[Path]:
    """Where Python, its libraries, the house's fonts and our own code lie; nothing that is kept."""
    code = [HERE / package for package in ("portal", "loans", "relief")]
    return {*map(Path, SYSTEM), Path(sys.prefix), Path(sys.base_prefix), *code}


def _allow(system: ctypes.CDLL, rules: int, path: Path, allowed: int) -> None:
    """A path that is missing needs no leave; one that is a file takes only what files have."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        of_files = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14
        rule = _BelowAPath(allowed if path.is_dir() else allowed & of_files, opened)
        system.syscall(ADD_RULE, rules, BELOW_A_PATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)
