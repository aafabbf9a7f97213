"""What can happen to what keeps private files: their disk, object store, virus scanner and keys.

Only files are out of reach: no page breaks, whoever sends or opens one reads a sentence, and what was
said to be received is there in the end (I17 opens every file and compares its digest).
"""

from __future__ import annotations

import re
import secrets
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random

from portal.core import clock
from portal.site.middleware import NO_FILE_NOW
from relief.evidence.files import NOT_SAVED
from relief.evidence.models import Evidence
from tests.chaos import people
from tests.chaos.drivers import RECEIVED
from tests.chaos.fault import Fault
from tests.chaos.rig import Rig

OFF_THE_NET, ON_THE_NET = signal.SIGUSR1, signal.SIGUSR2
CHANGED_SOME = re.compile("更换 [1-9]")
KEY_FREE = "旧密钥可以去掉了"
TOLD_SECONDS = 60.0  # for so long somebody may take to walk into it
_FileFault = partial(Fault, lasts=TOLD_SECONDS, spares_pages=True)


def fill_disk(rig: Rig, dice: Random) -> None:
    people.loans_to_apply_for()
    rig.fill_disk()


def bucket(what: signal.Signals) -> Callable[[Rig, Random], None]:
    def harm(rig: Rig, dice: Random) -> None:
        people.loans_to_apply_for()
        rig.supervisor.signal_all(rig.bucket, what)

    return harm


def bucket_gone_for_readers(rig: Rig, dice: Random) -> None:
    """When there is something to read: a first file has been checked."""
    give_up = time.monotonic() + TOLD_SECONDS
    while not Evidence.objects.exclude(clean_key="").exists():
        if time.monotonic() > give_up:
            raise TimeoutError("no file was checked")
        time.sleep(0.3)
    rig.supervisor.signal_all(rig.bucket, OFF_THE_NET)


def _bucket_back(what: signal.Signals) -> Callable[[Rig], None]:
    return lambda rig: rig.supervisor.signal_all(rig.bucket, what)


def kill_clamd(rig: Rig, dice: Random) -> None:
    people.loans_to_apply_for()
    rig.supervisor.hold(rig.clamd)


def _a_file_waits(rig: Rig) -> bool:
    """Longer than a check takes."""
    before = clock.now() - timedelta(seconds=8)
    return Evidence.objects.checking().filter(created_at__lt=before).exists()


def rotate_key(rig: Rig, dice: Random) -> None:
    """As README says: the new one in front, every process anew, then the files, while people go on."""
    people.loans_to_apply_for()
    rig.use_keys([secrets.token_hex(32), *rig.keys])
    said = rig.manage("rotate_evidence_keys")
    if not CHANGED_SOME.search(said):
        raise RuntimeError(f"rotate_evidence_keys changed nothing: {said[-2000:]}")


def _drop_old_key(rig: Rig) -> None:
    """Only when we hear that it may go: a killed upload's file keeps it for a day."""
    said = rig.manage("rotate_evidence_keys")
    if KEY_FREE in said:
        rig.use_keys(rig.keys[:1])
    elif "旧密钥请保留" not in said:
        raise RuntimeError(f"rotate_evidence_keys: {said[-2000:]}")


_CLAMD_AND_KEYS = (
    _FileFault(
        "clamd killed",
        kill_clamd,
        lambda rig: rig.clamd.start(),
        reached=_a_file_waits,
        told=RECEIVED,
        wish="apply view",
    ),
    _FileFault("evidence key rotated", rotate_key, _drop_old_key, told=RECEIVED, wish="apply view"),
)
FILE_FAULTS = (
    _FileFault(
        "disk full", fill_disk, Rig.empty_disk, needs_disk=True, told=NOT_SAVED, wish="apply"
    ),
    *_CLAMD_AND_KEYS,
)
BUCKET_FAULTS = (
    _FileFault(
        "object store down, people upload",
        bucket(OFF_THE_NET),
        _bucket_back(ON_THE_NET),
        told=NOT_SAVED,
        wish="apply",
    ),
    _FileFault(
        "object store down, people look",
        bucket_gone_for_readers,
        _bucket_back(ON_THE_NET),
        told=NO_FILE_NOW,
        wish="apply view",
    ),
    _FileFault(
        "object store silent",
        bucket(signal.SIGSTOP),
        _bucket_back(signal.SIGCONT),
        told=NOT_SAVED,
        wish="apply view",
    ),
    *_CLAMD_AND_KEYS,
)
