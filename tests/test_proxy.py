"""Behind proxies of ours the visitor's own address and scheme count, and nobody can forge them."""

from __future__ import annotations

import http.client
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from portal.core.models import Throttle
from portal.core.visitor import address
from portal.site.middleware import ForwardedMiddleware
from tests import factories
from tests.stack import ROOT, free_port

PEER = "192.0.2.1"


def seen(settings: Any, proxies: int, **headers: str) -> tuple[str, str]:
    """Address and scheme that a view gets to see."""
    settings.TRUSTED_PROXIES = proxies
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxies else None
    found: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(request)
        return HttpResponse()

    ForwardedMiddleware(view)(RequestFactory().get("/", REMOTE_ADDR=PEER, **headers))
    return address(found[0]), found[0].scheme


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, "203.0.113.9", PEER),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 127.0.0.1,203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", PEER),
        (1, "", PEER),
        (1, "203.0.113.9, unknown", PEER),
        (1, "203.0.113.9, [2001:db8::7]:443", "2001:db8::7"),
    ],
)
def test_address_is_the_one_our_outermost_proxy_saw(
    settings: Any, proxies: int, header: str, expected: str
) -> None:
    assert seen(settings, proxies, HTTP_X_FORWARDED_FOR=header)[0] == expected


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, "https", "http"),
        (1, "https", "https"),
        (1, "HTTPS", "https"),
        (1, "https, http", "http"),
        (2, "http, https, http", "https"),
        (2, "https", "https"),
        (1, "", "http"),
    ],
)
def test_scheme_comes_from_the_same_proxy(
    settings: Any, proxies: int, header: str, expected: str
) -> None:
    assert seen(settings, proxies, HTTP_X_FORWARDED_PROTO=header)[1] == expected


@pytest.mark.django_db
def test_only_failures_count_against_an_address(client: Client) -> None:
    """Forty right passwords from one office are no attack."""
    factories.borrower(phone="13800136027")
    values = {"by": "password", "phone": "13800136027", "agree": "on"}
    for _ in range(40):
        answer = client.post("/login/", {**values, "password": factories.PASSWORD})
        assert answer.status_code == 302
        client.logout()
    assert not Throttle.objects.exists()

    client.post("/login/", {**values, "password": "wrong-password"})

    assert Throttle.objects.filter(scope="login-ip").count() == 1


class Told(BaseHTTPRequestHandler):
    """Notes what a proxy hands on."""

    heads: ClassVar[list[Any]] = []

    def do_GET(self) -> None:
        self.heads.append(self.headers)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[int]:
    """README's own server block in Debian's nginx, in front of a server that notes headers; its port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl: apt-get install nginx-light openssl")
    behind = HTTPServer(("127.0.0.1", 0), Told)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    port = free_port()
    certificate, key = tmp_path / "kuanxi.pem", tmp_path / "kuanxi.key"
    subject = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run(make, check=True, capture_output=True)
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    server = block[1].replace("/etc/ssl/kuanxi.pem", str(certificate))
    server = server.replace("/etc/ssl/kuanxi.key", str(key))
    server = server.replace("listen 443", f"listen 127.0.0.1:{port}")
    server = server.replace("127.0.0.1:8000", f"127.0.0.1:{behind.server_port}")
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if Path.home() == Path("/root") else ""
    (tmp_path / "nginx.conf").write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{folders}{server}}}\n"
    )
    command = [program, "-p", str(tmp_path), "-c", "nginx.conf", "-e", str(tmp_path / "error")]
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)
        behind.shutdown()
        behind.server_close()


def test_readme_s_nginx_hands_on_what_the_settings_expect(nginx: int, settings: Any) -> None:
    forged = {"X-Forwarded-For": "198.51.100.1, 127.0.0.1", "X-Forwarded-Proto": "gopher"}
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    give_up = time.monotonic() + 10
    while True:
        line = http.client.HTTPSConnection("127.0.0.1", nginx, context=context, timeout=10)
        try:
            line.request("GET", "/", headers={"Host": "kuanxi.example.com", **forged})
            break
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)

    assert line.getresponse().status == 204
    line.close()
    head = Told.heads[-1]
    told = {
        "HTTP_X_FORWARDED_FOR": head["X-Forwarded-For"],
        "HTTP_X_FORWARDED_PROTO": head["X-Forwarded-Proto"],
    }
    assert head["Host"] == "kuanxi.example.com"
    assert told["HTTP_X_FORWARDED_FOR"].startswith(forged["X-Forwarded-For"])
    assert seen(settings, 1, **told) == ("127.0.0.1", "https")
