"""Set up and run the whole demo: SQLite, private Redis, web, worker and beat, stopped together."""

from __future__ import annotations

import errno
import logging
import os
import shlex
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string
from honcho.manager import Manager

from portal.site import parent_death, private_redis

WAIT_SECONDS = 60  # how long the first page may take on a slow machine
PORT_PATIENCE = 5  # seconds for the web of a runner that was killed to let go of the port


class Command(BaseCommand):
    help = "Run the demo environment; Ctrl-C stops every child."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("DEMO: 请用 DEMO=1 启动演示环境（make demo 会替你设置）")
        host, port = os.environ.get("HOST", "127.0.0.1"), read_port()
        refuse_taken_port(host, port)
        quieten()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("seed_demo", verbosity=0)
        manager = Manager()
        for name, command in child_commands().items():
            manager.add_process(name, command, env=child_environment(), cwd=str(settings.BASE_DIR))
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        os.register_at_fork(
            after_in_child=parent_death.die_with_parent
        )  # honcho's, one for each child
        threading.Thread(target=announce, args=(host, port), daemon=True).start()
        manager.loop()
        sys.exit(manager.returncode)


def quieten() -> None:
    """Log only what is wrong unless LOG_LEVEL says otherwise; while seeding, no broker is no wrong."""
    if not os.environ.get("LOG_LEVEL"):
        logging.getLogger().setLevel(logging.WARNING)
        logging.getLogger("portal.nudge").setLevel(logging.ERROR)


def read_port() -> int:
    """PORT from the environment, 1–65535; raises CommandError naming it."""
    text = os.environ.get("PORT", "8000")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CommandError(f"PORT: 应为 1 到 65535 的数字，现在是 {text!r}")
    return int(text)


def refuse_taken_port(host: str, port: int) -> None:
    """Say so before anything starts when somebody else listens there, and goes on doing so."""
    give_up = time.monotonic() + PORT_PATIENCE
    while (problem := try_port(host, port)) is not None:
        if problem.errno != errno.EADDRINUSE or time.monotonic() > give_up:
            raise CommandError(
                f"PORT: {host}:{port} 用不了（{problem.strerror}），请换一个：make demo PORT=8001"
            )
        time.sleep(0.2)


def try_port(host: str, port: int) -> OSError | None:
    """Why one cannot listen there; None if one can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return problem
    return None


def child_commands() -> dict[str, str]:
    """The children by name, each as a shell line; a REDIS_URL of one's own needs no private Redis."""
    python = shlex.quote(sys.executable)
    child = f"{python} -m portal.site.parent_death"
    celery = f"{child} {python} -m celery --quiet -A portal.site.celery:app"
    alone = "--loglevel warning --without-mingle --without-gossip"
    beat_file = shlex.quote(str(settings.VAR_DIR / "beat"))
    checks = "--concurrency 1 --queues checks --hostname checker@%h"
    commands = {
        "web": f"exec {child} {python} -m gunicorn",
        "worker": f"exec {celery} worker --concurrency 2 --queues default,notices,deadlines {alone}",
        "checker": f"exec nice -n 19 {celery} worker {checks} {alone}",  # after everybody who waits
        "beat": f"exec {celery} beat --schedule {beat_file} --pidfile= --loglevel warning",
    }
    if not os.environ.get("REDIS_URL"):
        server = private_redis.command(settings.REDIS_SOCKET, settings.VAR_DIR / "redis")
        commands["redis"] = f"exec {child} {shlex.join(server)}"
    return commands


def child_environment() -> dict[str, str]:
    """The children's environment: the same settings, unbuffered, and quiet by default."""
    return {"LOG_LEVEL": "WARNING", **os.environ, "DEMO": "1", "PYTHONUNBUFFERED": "1"}


def announce(host: str, port: int) -> None:
    """Wait until the demo answers, then print its address and the cast."""
    address = f"http://{host}:{port}/"
    give_up = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(address + "healthz", timeout=2):  # http only  # nosec B310
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    else:
        print(f"\n演示环境 {WAIT_SECONDS} 秒内没有就绪，请看上面的日志。\n", flush=True)
        return
    print(welcome(address), flush=True)


def welcome(address: str) -> str:
    """Where the demo is, and whom one may be in it."""
    password = import_string(
        "portal.site.demo.cast.PASSWORD"
    )  # by name: the ground imports no one above
    cast = "\n".join(
        f"  {member.account:<11}  {member.name}  {member.story}"
        for member in import_string("portal.site.demo.cast.MEMBERS")
    )
    text = (Path(__file__).parent / "run_demo_welcome.txt").read_text(encoding="utf-8")
    return text.format(address=address, password=password, cast=cast)
