"""`measured.py <file> <command>…` runs a command and writes what it used into the file, as JSON.

In a process of its own and small, because a child begins with the memory of whoever starts it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    status = subprocess.call(sys.argv[2:])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}
    Path(sys.argv[1]).write_text(json.dumps(told))
    sys.exit(status)
