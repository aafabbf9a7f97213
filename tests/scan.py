"""`make scan`: two scanners from package registries at a running demo, as a borrower and as staff.

Start the server as in production first (`DEMO=1 manage.py seed_demo`, `DEMO=1 make serve`). wapiti3 and
sqlmap are in no lock: install them into an environment of their own and name its folder of
programs. Both get the cookies of somebody signed in and the header that carries their CSRF token, so that
their forms are taken. What they report is for people to judge; the lines of the server's log at ERROR too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.fuzz import Visitor

SECONDS = int(os.environ.get("SCAN_SECONDS") or 600)  # that wapiti may take for each of its modules
PEOPLE = {"borrower": ("13800000003", "/me/"), "staff": ("manager", "/admin/")}
DEPTH = {"/me/": "5", "/admin/": "2"}  # links from the start; filters multiply the desk's lists
# Whoever follows these is signed out, becomes somebody else, or wipes the demo.
LEFT_OUT = ("logout/", "/end/", "end-all/", "/demo/login/", "/demo/clock/", "/demo/reset/")
# What needs no computer outside this one and no list of paths of other products.
MODULES = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,ldap,methods,"
    "permanentxss,redirect,shellshock,sql,timesql,upload,xss"
)


def wapiti(site: str, start: str, visitor: Visitor, folder: Path) -> list[str]:
    left_out = [part for path in LEFT_OUT for part in ("-x", f"{site}*{path}*")]
    bounds = "--scope domain --max-files-per-dir 5 --max-links-per-page 120 --tasks 3"
    return [
        *("wapiti", "-u", site + start, *bounds.split(), "-m", MODULES, *left_out),
        *("-d", DEPTH[start], "--max-attack-time", f"{SECONDS}"),
        *("-C", cookies_of(visitor)),
        *("-H", f"X-CSRFToken: {visitor.cookies['csrftoken']}"),
        *("-f", "json", "-o", str(folder / "wapiti.json"), "--store-session", str(folder)),
        *("--flush-session", "--no-bugreport"),
    ]


def sqlmap(site: str, start: str, visitor: Visitor, folder: Path) -> list[str]:
    left_out = "|".join((*LEFT_OUT, "\\.pdf", "\\.csv"))
    bounds = "--batch --forms --crawl=2 --level=1 --technique=BEUST --time-sec=3 --disable-coloring"
    return [
        *("sqlmap", "-u", site + start, *bounds.split(), "--flush-session", "--drop-set-cookie"),
        *(() if SECONDS > 300 else ("--smart",)),  # in a hurry, only what looks suspicious
        *(f"--crawl-exclude={left_out}", "--cookie", cookies_of(visitor)),
        *("--headers", f"X-CSRFToken: {visitor.cookies['csrftoken']}", "--ignore-code=*"),
        *("--output-dir", str(folder), f"--results-file={folder / 'sqlmap.csv'}"),
    ]


def cookies_of(visitor: Visitor) -> str:
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def main() -> int:
    """Run both as both, one after the other; their output and reports land in the folder."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("PORT") or 8000),
        help="of the demo on 127.0.0.1",
    )
    options.add_argument("--programs", type=Path, required=True, help="folder of both programs")
    options.add_argument("--reports", type=Path, default=Path("var/scan"))
    options.add_argument("--only", choices=("wapiti", "sqlmap"))
    options.add_argument("--who", choices=tuple(PEOPLE))
    asked = options.parse_args()
    site = f"http://127.0.0.1:{asked.port}"
    for who, (account, start) in PEOPLE.items():
        if asked.who not in {None, who}:
            continue
        for scanner in (wapiti, sqlmap):
            if asked.only not in {None, scanner.__name__}:
                continue
            visitor = Visitor(asked.port)
            visitor.sign_in(account)
            folder = (asked.reports / f"{scanner.__name__}-{who}").resolve()
            folder.mkdir(parents=True, exist_ok=True)
            program, *arguments = scanner(site, start, visitor, folder)
            with (folder / "output.txt").open("wb") as output:
                done = subprocess.run(
                    [asked.programs / program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    check=False,
                )
            print(f"{program} as {who}: exit {done.returncode}, see {folder}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
