"""Everything the faults act upon: servers, processes, provider, private folder, business clock."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings

from tests.chaos.ownership import assert_inside
from tests.chaos.processes import ROOT, Child, Supervisor
from tests.chaos.provider import KEY, Provider
from tests.chaos.servers import Postgres, Redis
from tests.objectstore import KEY_ID, SECRET
from tests.stack import free_port

START_SECONDS = 240
PRIVATE_SIZE = "48m"
QUEUES = "default,notices,deadlines,checks"
BUCKET = "kuanxi-chaos"


class BaseRig:
    """A temporary folder, a provider, an address, and who keeps the processes running."""

    has_own_disk = False
    scanned: Path | None = None  # digests of what the virus scanner has seen
    environment: dict[str, str]

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kuanxi-chaos-"))
        self.folder.chmod(0o755)
        self.supervisor = Supervisor()
        self.crash_points = self.folder / "crash-points"
        self.crash_points.mkdir()
        self.address = f"http://127.0.0.1:{free_port()}"

    def start_servers(self) -> None:
        """Whatever must stand before Django can be set up here."""
        raise NotImplementedError

    def start_processes(self) -> None:
        """The product."""
        raise NotImplementedError

    def problems(self) -> list[str]:
        """What is wrong with the processes themselves after healing."""
        return []

    def logs(self) -> list[Path]:
        """What tells how a step went wrong."""
        return [*sorted(self.folder.glob("*.log")), self.folder / "journal.jsonl"]

    def make_environment(self, **more: str) -> None:
        """Of the rig's own Django and of all children; crash points are for the children alone."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `stop` still runs
        self.provider = Provider(self.folder / "provider.log")
        for name in ("DATABASE_URL", "REDIS_URL", "PRIVATE_ROOT"):
            os.environ.pop(name, None)
        ours = {
            "DEMO": "1",
            "HTTPS": "0",
            "DJANGO_SETTINGS_MODULE": "portal.site.settings",
            "SECRET_KEY": "chaos-only-key-" + "0123456789" * 5,
            "VAR_DIR": str(self.folder / "var"),
            "SMS_BACKEND": "http",
            "SMS_HTTP_URL": self.provider.url,
            "SMS_HTTP_KEY": KEY,
            "LOG_LEVEL": "WARNING",
            **more,
        }
        os.environ.update(ours)
        (self.folder / "var").mkdir()
        without_proxy = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.environment = {**without_proxy, "CRASH_POINTS": str(self.crash_points)}

    def child(self, name: str, command: list[str]) -> Child:
        log = self.folder / f"{name}.log"
        return self.supervisor.add(Child(name, command, self.environment, log))

    def wait_for_page(self) -> None:
        """Until the product answers; RuntimeError with its log otherwise."""
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            try:
                with urllib.request.urlopen(self.address + "/login/", timeout=3):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        log = self.logs()[0].read_text(errors="replace")
        raise RuntimeError(f"no page within {START_SECONDS} s:\n{log[-3000:]}")

    def stop(self) -> None:
        """End and remove all that was started, whatever state it is in."""
        self.supervisor.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Rig(BaseRig):
    """As in production: PostgreSQL, Redis, clamd, and each process under a supervisor of its own.

    Files are in a folder, with `in_bucket` in an object store.
    """

    def __init__(self, *, in_bucket: bool = False) -> None:
        super().__init__()
        self.in_bucket = in_bucket
        self.keys = [secrets.token_hex(32)]  # of files; the first one writes
        self.scanned = self.folder / "scanned"
        self.postgres = Postgres(self.folder / "pg")
        self.redis = Redis(self.folder / "redis", self.supervisor)
        self.private = self.folder / "private"

    def start_servers(self) -> None:
        """PostgreSQL, Redis, provider, disk, scanner and bucket; and the environment of everybody else."""
        self.postgres.start()
        self.redis.start()
        scanner = self.folder / "clamd.sock"
        port = free_port(int(self.address.rpartition(":")[2]) + 1)  # the web does not listen yet
        if self.in_bucket:
            place = {
                "EVIDENCE_STORAGE": f"s3://{BUCKET}/evidence",
                "S3_KEY_ID": KEY_ID,
                "S3_SECRET": SECRET,
            }
            place["S3_ENDPOINT"] = f"http://127.0.0.1:{port}"
        else:
            self._make_disk()
            place = {"PRIVATE_ROOT": str(self.private)}
        self.make_environment(
            DATABASE_URL=self.postgres.url,
            REDIS_URL=self.redis.url,
            CLAMD=f"unix://{scanner}",
            EVIDENCE_KEYS=",".join(self.keys),
            **place,
        )
        python = [sys.executable, "-m"]
        self.clamd = self.child("clamd", [*python, "tests.clamd", str(scanner), str(self.scanned)])
        if self.in_bucket:
            self.bucket = self.child("bucket", [*python, "tests.objectstore", str(port), BUCKET])
            self._wait_for_bucket()
        for command in (
            ["migrate", "--verbosity", "0"],
            ["collectstatic", "--no-input", "-v", "0"],
        ):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)

    def start_processes(self) -> None:
        """Two web workers, a Celery worker with two children, beat."""
        celery = [sys.executable, "-m", "celery", "-A", "portal.site.celery:app"]
        self.environment["PORT"] = self.address.rpartition(":")[2]
        self.web = self.child("web", [sys.executable, "-m", "gunicorn"])
        queues = ["--queues", QUEUES, "--concurrency", "2"]
        quiet = ["--loglevel", "warning", "--without-mingle", "--without-gossip"]
        self.worker = self.child("worker", [*celery, "worker", *queues, *quiet])
        self.beat = self.child("beat", self.beat_command("beat"))
        self.wait_for_page()

    def _wait_for_bucket(self) -> None:
        give_up = time.monotonic() + START_SECONDS
        while "ready" not in self.bucket.log.read_text(errors="replace"):
            if time.monotonic() > give_up or not self.bucket.is_up:
                raise RuntimeError(
                    f"no object store: {self.bucket.log.read_text(errors='replace')}"
                )
            time.sleep(0.2)

    def use_keys(self, keys: list[str]) -> None:
        """Start web and worker anew, one after the other, with these keys of files; and use them here."""
        self.keys[:] = keys
        self.environment["EVIDENCE_KEYS"] = ",".join(keys)
        for child in (self.web, self.worker):
            self.supervisor.start_anew(child)
        self.wait_for_page()
        settings.EVIDENCE_KEYS = keys

    def manage(self, *arguments: str) -> str:
        """What a management command says, well or not."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def beat_command(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "portal.site.celery:app"]
        file = str(self.folder / "var" / name)
        return [*celery, "beat", "--schedule", file, "--pidfile=", "--loglevel", "warning"]

    def extra_beat(self) -> Child:
        return self.child("beat2", self.beat_command("beat2"))

    def logs(self) -> list[Path]:
        return [*super().logs(), self.folder / "pg" / "log", self.folder / "redis" / "log"]

    # --- the disk of evidence and papers ------------------------------------------------------

    def _make_disk(self) -> None:
        """As root a file system of its own that can be filled; else a plain folder."""
        self.private.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={PRIVATE_SIZE}", "chaos", str(self.private)]
        if os.getuid() == 0:
            done = subprocess.run(mount, check=False, stderr=subprocess.DEVNULL)
            self.has_own_disk = done.returncode == 0 and os.path.ismount(self.private)

    def fill_disk(self) -> None:
        """Not a byte is left."""
        assert_inside(self.private, self.folder)
        with (self.private / "ballast").open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 65536) == 65536:
                    pass
            except OSError:
                return

    def empty_disk(self) -> None:
        (self.private / "ballast").unlink(missing_ok=True)

    def stop(self) -> None:
        self.supervisor.stop()
        self.postgres.stop()
        if self.has_own_disk:
            assert_inside(self.private, self.folder)
            subprocess.run(["umount", "-l", str(self.private)], check=False)
        super().stop()
