"""The process that opens strangers' files reaches neither the network nor any file but its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from relief.evidence import sandbox
from relief.evidence.filecheck import confinement

ROOT = Path(__file__).resolve().parents[3]
TRY = """
import json, os, pathlib, socket, sys
from relief.evidence.filecheck.confinement import confine

folder, secret = map(pathlib.Path, sys.argv[1:3])
port = int(sys.argv[3])
in_force = confine(folder)

def fails(act):
    try:
        act()
    except OSError:
        return True
    return False

def connect():
    socket.create_connection(("127.0.0.1", port), timeout=5).close()

import decimal  # what is imported late still is found
(folder / "out").write_text("mine")
print(json.dumps({
    "in_force": in_force,
    "reads_another": not fails(secret.read_bytes),
    "lists_another": not fails(lambda: list(secret.parent.iterdir())),
    "writes_another": not fails(lambda: (secret.parent / "new").write_text("x")),
    "deletes_another": not fails(secret.unlink),
    "connects": not fails(connect),
    "users": os.getresuid() + os.getresgid(),
    "groups": os.getgroups(),
    "is_root_again": not fails(lambda: os.setuid(0)),
    "reads_its_own": (folder / "out").read_text() == "mine",
}))
"""


# Below /root nobody may read, so a Python there keeps its user; the system's own lies where all may.
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.mark.parametrize("python", [sys.executable, SYSTEM_PYTHON])
def test_the_child_is_cut_off_from_what_this_machine_lets_it_be_cut_off(
    python: str,
) -> None:
    if not Path(python).exists():
        pytest.skip("no Python of the system's own")
    place = Path(tempfile.mkdtemp(prefix="kuanxi-confined-"))  # pytest's own is closed to others
    place.chmod(0o755)
    folder, elsewhere = place / "own", place / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    secret = elsewhere / "evidence.key"
    secret.write_text("a key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        answer = subprocess.run(
            [python, "-c", TRY, str(folder), str(secret), str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    seen = json.loads(answer.stdout)
    shutil.rmtree(place)

    assert seen["reads_its_own"]
    if "network" in seen["in_force"]:
        assert not seen["connects"]
    if "files" in seen["in_force"]:
        others = ("reads_another", "lists_another", "writes_another", "deletes_another")
        assert not any(seen[what] for what in others)
    is_nobody = set(seen["users"]) == {confinement.NOBODY} and seen["groups"] == []
    assert is_nobody == ("user" in seen["in_force"])
    if is_nobody:
        assert not seen["is_root_again"]
    if os.getuid() == 0 and python == SYSTEM_PYTHON:
        assert is_nobody
    if not seen["in_force"]:
        pytest.skip("this kernel or container offers neither namespaces nor Landlock")


@pytest.mark.django_db
def test_readyz_says_what_is_in_force(client: Any) -> None:
    said = client.get("/readyz").json()["file_check_without"]

    assert said == sandbox.in_force()
    assert set(said.split(",")) <= {"network", "files", "user", "nothing"}


def test_a_machine_that_offers_nothing_still_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement.sys, "platform", "darwin")

    assert confinement.confine(Path("/")) == ()
