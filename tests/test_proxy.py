"""Behind proxies of ours the visitor's own address and scheme count, and nobody can forge them."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from portal.core.models import Throttle
from portal.core.web.visitor import address
from portal.site.middleware import ForwardedMiddleware
from tests import factories
from tests.stack import ROOT, free_port

PEER = "192.0.2.1"
HOST = "kuanxi.example.com"


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
def behind() -> Iterator[int]:
    """The port of a server that notes what a proxy hands on."""
    server = HTTPServer(("127.0.0.1", 0), Told)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def example(language: str, behind: int) -> str:
    """README's own block for a proxy, handing on to our server."""
    block = re.search(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    return block[1].replace("127.0.0.1:8000", f"127.0.0.1:{behind}")


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[None]:
    """A program that writes nowhere else, ended and waited for."""
    homes = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | homes, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def nginx(behind: int, folder: Path, port: int) -> list[str]:
    """Debian's nginx with README's server block, made ready; its command."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl: apt-get install nginx-light openssl")
    certificate, key = folder / "kuanxi.pem", folder / "kuanxi.key"
    subject = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run(make, check=True, capture_output=True)
    server = example("nginx", behind).replace("listen 443", f"listen 127.0.0.1:{port}")
    server = server.replace("/etc/ssl/kuanxi.pem", str(certificate))
    server = server.replace("/etc/ssl/kuanxi.key", str(key))
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if Path.home() == Path("/root") else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{folders}{server}}}\n"
    )
    return [program, "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "error")]


def caddy(behind: int, folder: Path, port: int) -> list[str]:
    """Debian's Caddy with README's site, its certificate made here and not fetched; its command."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("needs Caddy: apt-get install caddy")
    site = example("caddyfile", behind).replace(HOST, f"{HOST}:{port}", 1)
    site = site.replace("{\n", "{\n\tbind 127.0.0.1\n", 1)
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
        + site
    )
    return [program, "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


def asked(port: int, headers: dict[str, str]) -> int:
    """The status of one request over TLS, as soon as the proxy listens."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    give_up = time.monotonic() + 20
    while True:
        line = http.client.HTTPConnection(HOST, port, timeout=10)
        try:
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            line.sock = context.wrap_socket(plain, server_hostname=HOST)
            break
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
    line.request("GET", "/", headers={"Host": HOST, **headers})
    status = line.getresponse().status
    line.close()
    return status


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_readme_s_proxies_hand_on_what_the_settings_expect(
    proxy: Callable[[int, Path, int], list[str]], behind: int, tmp_path: Path, settings: Any
) -> None:
    port = free_port()
    forged = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "gopher"}
    with running(proxy(behind, tmp_path, port), tmp_path):
        assert asked(port, forged) == 204

    head = Told.heads[-1]
    told = {
        "HTTP_X_FORWARDED_FOR": head["X-Forwarded-For"],
        "HTTP_X_FORWARDED_PROTO": head["X-Forwarded-Proto"],
    }
    assert head["Host"] == HOST
    assert seen(settings, 1, **told) == ("127.0.0.1", "https")
