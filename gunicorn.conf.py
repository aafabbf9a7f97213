"""The web server, the same in `make demo`, `make serve` and the Procfile; portal/site/server.py has why."""

import os

wsgi_app = "portal.site.wsgi"
worker_class = "portal.site.server.Worker"
_host = os.environ.get("HOST") or "127.0.0.1"
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT') or '8000'}"
# WEB_WORKERS, WEB_THREADS: processes, and requests that each answers at a time.
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
worker_connections = 1000  # a process; sockets that wait cost a few KB and no thread
keepalive = 15  # seconds for the head of a request, counted from the first idle moment
timeout = 60  # seconds without a sign of life before a process is killed
graceful_timeout = 30  # seconds for what is being answered when the server is told to stop
max_requests = 10_000
max_requests_jitter = 1_000
loglevel = "warning"
# Who a visitor is, is settled by TRUSTED_PROXIES alone (portal/site/middleware.py).
forwarded_allow_ips = ""
secure_scheme_headers = {}
