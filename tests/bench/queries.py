"""How many SQL statements a borrower's pages need: run on the stack's database, prints JSON."""

from __future__ import annotations

import json
import sys

import django


def main() -> None:
    """`python -m tests.bench.queries <phone> <path>…` with the stack's environment."""
    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from portal.core.models import User

    phone, *paths = sys.argv[1:]
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(phone=phone))
    counts = {}
    for path in paths:
        client.get(path)  # first sight of an offer is written down: count the second
        with CaptureQueriesContext(connection) as seen:
            client.get(path)
        counts[path] = len(seen)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
