"""Every variable of the settings: a wrong or missing one stops the start with a sentence naming it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START = "import django; django.setup()"
SCHEDULE = """
import sys
from portal.site.celery import app
sys.exit("portal.tasks.ask_reports" in {entry["task"] for entry in app.conf.beat_schedule.values()})
"""
MISSING = "import sys; sys.modules[{!r}] = None; "
SECRET = "0123456789" * 6
LENDER = {
    "LENDER_NAME": "某某消费金融有限公司",
    "LENDER_ADDRESS": "上海市某路 8 号",
    "LENDER_CODE": "91310000MA1FL5AB0X",
}
LIFE = {"SECRET_KEY": SECRET, "SMS_BACKEND": "console", "EVIDENCE_KEYS": "e" * 32, **LENDER}
BUCKET = {"EVIDENCE_STORAGE": "s3://papers/all", "S3_KEY_ID": "id", "S3_SECRET": "secret"}
LONG = "k" * 32
WRONG = [
    # variable at fault, the environment, what the sentence says
    ("SECRET_KEY", {}, "is missing"),
    *((name, {**LIFE, name: " "}, "缺少") for name in ("LENDER_NAME", "LENDER_ADDRESS")),
    ("SECURITY_CONTACT", {**LIFE, "SECURITY_CONTACT": "ring us"}, "must begin with mailto:"),
    *(("LENDER_CODE", {**LIFE, "LENDER_CODE": code}, "18 位") for code in ("", "123", "O" * 18)),
    ("SECRET_KEY", {"SECRET_KEY": ""}, "is missing"),
    ("SECRET_KEY", {"SECRET_KEY": "short"}, "shorter than 50"),
    (
        "SECRET_KEY",
        {"SECRET_KEY": "demo-only-key-never-use-it-where-real-people-log-in-0000000000"},
        "is the demo's",
    ),
    ("SECRET_KEY_FALLBACKS", {**LIFE, "SECRET_KEY_FALLBACKS": "short"}, "shorter than 50"),
    ("DEMO", {"DEMO": "maybe"}, "must be 1 or 0"),
    ("TRAIL_KEYS", {**LIFE, "TRAIL_KEYS": f"{LONG},short"}, "shorter than 32"),
    ("DEBUG", {**LIFE, "DEBUG": "maybe"}, "must be 1 or 0"),
    ("DEBUG", {**LIFE, "DEBUG": "1"}, "only together with DEMO=1"),
    ("ALLOWED_HOSTS", {**LIFE, "ALLOWED_HOSTS": "*"}, "must name the hosts"),
    ("CSRF_TRUSTED_ORIGINS", {**LIFE, "CSRF_TRUSTED_ORIGINS": "a.example"}, "needs its scheme"),
    ("DATABASE_URL", {**LIFE, "DATABASE_URL": "mysql://a/b"}, "must begin with postgres://"),
    ("DATABASE_URL", {**LIFE, "DATABASE_URL": "nonsense"}, ""),
    ("REDIS_URL", {**LIFE, "REDIS_URL": "amqp://a"}, "must begin with redis://"),
    ("EVIDENCE_KEYS", {**LIFE, "EVIDENCE_KEYS": ""}, "缺少材料的加密密钥"),
    ("EVIDENCE_KEYS", {**LIFE, "EVIDENCE_KEYS": f"{LONG},short"}, "有密钥不足 32 位"),
    ("EVIDENCE_STORAGE", {**LIFE, "EVIDENCE_STORAGE": "papers"}, "must be a folder from / on"),
    (
        "EVIDENCE_STORAGE",
        {**LIFE, **BUCKET, "EVIDENCE_STORAGE": "s3://"},
        "must be like s3://bucket",
    ),
    ("S3_KEY_ID", {**LIFE, **BUCKET, "S3_KEY_ID": ""}, "is missing"),
    ("S3_SECRET", {**LIFE, **BUCKET, "S3_SECRET": ""}, "is missing"),
    ("S3_ENDPOINT", {**LIFE, **BUCKET, "S3_ENDPOINT": "http://a.b"}, "must begin with https://"),
    ("S3_ADDRESSING", {**LIFE, **BUCKET, "S3_ADDRESSING": "x"}, "must be auto, path or virtual"),
    ("CLAMD", {**LIFE, "CLAMD": "clamd.example"}, "must be like unix:///run/clamav/clamd.ctl"),
    ("RISK_CLASS_DAYS", {**LIFE, "RISK_CLASS_DAYS": "1,91,91,361"}, "4 rising whole numbers"),
    ("RISK_CLASS_DAYS", {**LIFE, "RISK_CLASS_DAYS": "0,91,271,361"}, "4 rising whole numbers"),
    ("RISK_CLASS_DAYS", {**LIFE, "RISK_CLASS_DAYS": "1,90"}, "4 rising whole numbers"),
    ("RISK_CLASS_DAYS", {**LIFE, "RISK_CLASS_DAYS": "1,x,271,361"}, "4 rising whole numbers"),
    ("SMS_BACKEND", {**LIFE, "SMS_BACKEND": "pigeon"}, "must be demo, console"),
    ("SMS_BACKEND", {**LIFE, "SMS_BACKEND": "demo"}, "demo needs DEMO=1"),
    (
        "SMS_FILE",
        {**LIFE, "SMS_BACKEND": "file", "SMS_FILE": "/nowhere/sms.jsonl"},
        "/nowhere does not exist",
    ),
    ("SIGNATURE_ROOTS", {**LIFE, "SIGNATURE_ROOTS": "/nowhere/ca.pem"}, "does not exist"),
    ("SMS_CALLBACK_KEY", {**LIFE, "SMS_CALLBACK_KEY": "short"}, "at least 32 characters"),
    ("SMS_HTTP_URL", {**LIFE, "SMS_BACKEND": "http"}, "is missing"),
    (
        "SMS_HTTP_URL",
        {**LIFE, "SMS_BACKEND": "http", "SMS_HTTP_URL": "http://sms.example/"},
        "must begin with https://",
    ),
    (
        "SMS_HTTP_KEY",
        {**LIFE, "SMS_BACKEND": "http", "SMS_HTTP_URL": "https://sms.example/"},
        "is missing",
    ),
    (
        "SMS_HTTP_KEY",
        {**LIFE, "SMS_BACKEND": "http", "SMS_HTTP_URL": "https://a.b/", "SMS_HTTP_KEY": "short"},
        "at least 32 characters",
    ),
    ("PAYMENT_SIMULATION", {**LIFE, "PAYMENT_SIMULATION": "1"}, "needs DEMO=1"),
    ("PAYMENT_SIMULATION", {**LIFE, "PAYMENT_SIMULATION": "x"}, "must be 1 or 0"),
    ("PASSKEY_ORIGINS", {**LIFE, "PASSKEY_ORIGINS": "http://a.example"}, "must be https://name"),
    ("PASSKEY_ORIGINS", {**LIFE, "PASSKEY_ORIGINS": "https://10.0.0.1"}, "must be https://name"),
    (
        "PASSKEY_RP_ID",
        {**LIFE, "PASSKEY_ORIGINS": "https://a.example", "PASSKEY_RP_ID": "b.example"},
        "is not in 'b.example'",
    ),
    ("STAFF_FACTOR", {**LIFE, "STAFF_FACTOR": "0"}, "needs DEMO=1"),
    ("STAFF_FACTOR", {**LIFE, "STAFF_FACTOR": "x"}, "must be 1 or 0"),
    ("STEP_UP_MINUTES", {**LIFE, "STEP_UP_MINUTES": "0"}, "must be a whole number from 1 to 60"),
    ("CRASH_POINTS", {**LIFE, "CRASH_POINTS": "/tmp"}, "needs DEMO=1"),
    ("TIME_ZONE", {**LIFE, "TIME_ZONE": "Europe/Berlin"}, "must be Asia/Shanghai"),
    ("HTTPS", {**LIFE, "HTTPS": "maybe"}, "must be 1 or 0"),
    ("TRUSTED_PROXIES", {**LIFE, "TRUSTED_PROXIES": "one"}, "must be a whole number from 0 to 9"),
    ("TRUSTED_PROXIES", {**LIFE, "TRUSTED_PROXIES": "10"}, "must be a whole number from 0 to 9"),
    ("TRUSTED_PROXIES", {**LIFE, "TRUSTED_PROXIES": "0"}, "must be 1 or more under HTTPS=1"),
    (
        "CONNECTIONS_PER_ADDRESS",
        {**LIFE, "CONNECTIONS_PER_ADDRESS": "0"},
        "must be a whole number from 1 to 1000",
    ),
    ("STAFF_IDLE_MINUTES", {**LIFE, "STAFF_IDLE_MINUTES": "0"}, "must be a whole number from 1"),
    ("STAFF_SESSION_HOURS", {**LIFE, "STAFF_SESSION_HOURS": "25"}, "must be a whole number from 1"),
    ("BORROWER_IDLE_MINUTES", {**LIFE, "BORROWER_IDLE_MINUTES": "x"}, "must be a whole number"),
    ("BORROWER_SESSION_HOURS", {**LIFE, "BORROWER_SESSION_HOURS": "0"}, "must be a whole number"),
    ("METRICS", {**LIFE, "METRICS": "maybe"}, "must be 1 or 0"),
    ("METRICS_TOKEN", {**LIFE, "METRICS": "1"}, "is missing"),
    ("METRICS_TOKEN", {**LIFE, "METRICS": "1", "METRICS_TOKEN": "short"}, "at least 32"),
    ("LOG_LEVEL", {**LIFE, "LOG_LEVEL": "LOUD"}, "must be DEBUG"),
]
# With the SDK there, these are what is asked for; without it, the SDK is.
ALIYUN = {
    **LIFE,
    "SMS_BACKEND": "aliyun",
    "ALIYUN_SMS_KEY_ID": "id",
    "ALIYUN_SMS_KEY_SECRET": "secret",
    "ALIYUN_SMS_TEMPLATE": "SMS_1",
}
# Not wrong whatever they say: a folder, a name, or read elsewhere.
ANYTHING_GOES = {"VAR_DIR", "PRIVATE_ROOT", "SMS_SIGNATURE", "S3_REGION"}


def start(
    tmp_path: Path, settings: dict[str, str], *, without: str = "", run: str = START
) -> tuple[int, str]:
    """Exit code and last line of a process that only loads Django; `without` is not installed."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **keep,
        "DJANGO_SETTINGS_MODULE": "portal.site.settings",
        "VAR_DIR": str(tmp_path),
        **settings,
    }
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(without) + run if without else run],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stderr.strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


@pytest.mark.parametrize(("variable", "settings", "sentence"), WRONG)
def test_a_wrong_setting_stops_the_start(
    tmp_path: Path, variable: str, settings: dict[str, str], sentence: str
) -> None:
    code, said = start(tmp_path, settings)

    assert code != 0
    assert said.startswith(f"django.core.exceptions.ImproperlyConfigured: {variable}: ")
    assert sentence in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALIYUN_SMS_KEY_ID", ""),
        ("ALIYUN_SMS_KEY_SECRET", " "),
        ("ALIYUN_SMS_TEMPLATE", ""),
        ("ALIYUN_SMS_ENDPOINT", "http://dysmsapi.aliyuncs.com"),
        ("ALIYUN_SMS_ENDPOINT", "a b"),
    ],
)
def test_aliyun_needs_its_settings(tmp_path: Path, variable: str, value: str) -> None:
    code, said = start(tmp_path, {**ALIYUN, variable: value})

    assert code != 0
    assert f"ImproperlyConfigured: {variable}: " in said


@pytest.mark.parametrize(
    "settings",
    [
        {"DEMO": "1"},
        {**LIFE, "SMS_BACKEND": "file"},
        {"DEMO": "1", "DEBUG": "1", "PAYMENT_SIMULATION": "0"},
        LIFE,
        {**LIFE, "SMS_CALLBACK_KEY": LONG, "METRICS_TOKEN": LONG, "HTTPS": "0"},
        {**LIFE, "SMS_BACKEND": "http", "SMS_HTTP_URL": "https://a.b/c", "SMS_HTTP_KEY": LONG},
        ALIYUN,
        {**ALIYUN, "ALIYUN_SMS_ENDPOINT": "http://127.0.0.1:8123"},
        {**LIFE, "EVIDENCE_KEYS": f"{LONG},{'l' * 32}", "EVIDENCE_STORAGE": "/srv/papers"},
        {**LIFE, **BUCKET, "S3_REGION": "cn-north-1", "CLAMD": "tcp://10.0.0.5:3310"},
        {**LIFE, **BUCKET, "S3_ENDPOINT": "http://127.0.0.1:9000", "S3_ADDRESSING": "path"},
    ],
)
def test_right_settings_start(tmp_path: Path, settings: dict[str, str]) -> None:
    assert start(tmp_path, settings) == (0, "")


@pytest.mark.parametrize(
    ("variable", "module", "settings"),
    [
        ("SMS_BACKEND", "alibabacloud_dysmsapi20170525", ALIYUN),
        ("METRICS", "django_prometheus", {**LIFE, "METRICS": "1", "METRICS_TOKEN": LONG}),
        ("EVIDENCE_STORAGE", "boto3", {**LIFE, **BUCKET}),
    ],
)
def test_a_missing_extra_is_named(
    tmp_path: Path, variable: str, module: str, settings: dict[str, str]
) -> None:
    code, said = start(tmp_path, settings, without=module)

    assert code != 0
    assert f"ImproperlyConfigured: {variable}: needs the extra " in said
    assert "requirements-extras.txt" in said


@pytest.mark.parametrize(("settings", "asks"), [(ALIYUN, 1), (LIFE, 0)])
def test_only_a_provider_that_answers_is_asked(
    tmp_path: Path, settings: dict[str, str], asks: int
) -> None:
    code, said = start(tmp_path, settings, run=SCHEDULE)

    assert (code, said) == (asks, "")


def test_a_demo_makes_its_own_key_of_files_once(tmp_path: Path) -> None:
    tell = START + "; from django.conf import settings; sys.exit(settings.EVIDENCE_KEYS[0])"
    first, second = (start(tmp_path, {"DEMO": "1"}, run=f"import sys; {tell}")[1] for _ in "12")

    assert first == second == (tmp_path / "evidence.key").read_text()
    assert len(first) > 40
    assert (tmp_path / "evidence.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("evidence*")] == ["evidence.key"]


def test_every_variable_is_tried_and_documented() -> None:
    source = (ROOT / "portal" / "site" / "settings.py").read_text()
    read = set(
        re.findall(r'(?:environ\.get|flag|number|secret|needed|env\.\w+)\(\s*"([A-Z_]+)"', source)
    ) | set(re.findall(r"^\s*# ([A-Z_]+)(?:=1)?: ", source, re.MULTILINE))
    tried = {variable for variable, *_ in WRONG} | set(ALIYUN) | {"ALIYUN_SMS_ENDPOINT"}
    readme = (ROOT / "README.md").read_text()

    assert read - tried - ANYTHING_GOES == set()
    assert {name for name in read if f"`{name}`" not in readme} == set()
