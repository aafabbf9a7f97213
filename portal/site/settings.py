"""All settings of 宽息, read from the environment; a wrong or missing one stops the start.

Every variable is documented where it is read; README has the same as a table.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import zlib
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import environ

from portal.site.environment import (
    flag,
    made_once,
    need_extra,
    needed,
    number,
    rising,
    secret,
    stop,
)

BASE_DIR = Path(__file__).resolve().parents[2]
# VAR_DIR: folder of everything the program writes by default; var/ is git-ignored.
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
env = environ.Env()

# --- What kind of start this is -------------------------------------------------------------
# DEMO=1: the reviewers' environment (cast, virtual clock, simulated phone). Never in production.
DEMO = flag("DEMO", default=False)
# DEBUG=1: Django's error pages, for developers only.
DEBUG = flag("DEBUG", default=False)
# SECRET_KEY: at least 50 random characters. Only a demo may go without.
DEMO_SECRET_KEY = "demo-only-key-never-use-it-where-real-people-log-in-0000000000"
SECRET_KEY = os.environ.get("SECRET_KEY", DEMO_SECRET_KEY if DEMO else "")
if not SECRET_KEY:
    raise stop("SECRET_KEY", "is missing; set at least 50 random characters (or DEMO=1 for a demo)")
if not DEMO and (len(SECRET_KEY) < 50 or SECRET_KEY == DEMO_SECRET_KEY):
    raise stop("SECRET_KEY", "is the demo's or shorter than 50 characters; set a random one")
# SECRET_KEY_FALLBACKS: former keys by commas, while sessions and sealed secrets of theirs still count.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if any(len(former) < 50 or former == DEMO_SECRET_KEY for former in SECRET_KEY_FALLBACKS):
    raise stop("SECRET_KEY_FALLBACKS", "has a key that is the demo's or shorter than 50 characters")
# TRAIL_KEYS: keys by commas, 32 characters or more each, that seal the trail: the first one seals, all
# prove. What was sealed before it was set, by a key made from SECRET_KEY, is proven by that too.
TRAIL_KEYS = env.list("TRAIL_KEYS", default=[])
if any(len(key) < 32 for key in TRAIL_KEYS):
    raise stop("TRAIL_KEYS", "has a key shorter than 32 characters")
TRAIL_KEYS += [f"portal.trail:{key}" for key in (SECRET_KEY, *SECRET_KEY_FALLBACKS)]
if DEBUG and not DEMO:
    raise stop("DEBUG", "may be on only together with DEMO=1")
# ALLOWED_HOSTS: host names, separated by commas.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
if "*" in ALLOWED_HOSTS:
    raise stop("ALLOWED_HOSTS", "must name the hosts; * is refused")
# CSRF_TRUSTED_ORIGINS: https origins behind a proxy, separated by commas.
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
for origin in CSRF_TRUSTED_ORIGINS:
    if "://" not in origin:
        raise stop("CSRF_TRUSTED_ORIGINS", f"{origin!r} needs its scheme in front")

# --- Database: integer fen, WAL and immediate transactions on SQLite -------------------------
# DATABASE_URL: postgres://user:password@host/name, or sqlite:///path; default var/kuanxi.sqlite3.
try:
    _database = env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'kuanxi.sqlite3'}")
except Exception as broken:
    raise stop("DATABASE_URL", f"cannot be read ({broken})") from broken
if _database.get("ENGINE") == "django.db.backends.sqlite3":
    # select_for_update is silently ignored on SQLite: an immediate transaction takes the write
    # lock at BEGIN, which makes every service serial there. ATOMIC_REQUESTS stays off, else
    # every page view would take that lock.
    Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    _database["TEST"] = {"NAME": str(VAR_DIR / f"test-{os.getpid()}.sqlite3")}
elif _database.get("ENGINE") == "django.db.backends.postgresql":
    _database["HOST"] = unquote(_database["HOST"])  # a unix socket's folder comes as %2Ftmp%2F…
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "options": "-c statement_timeout=15000 -c lock_timeout=5000"
        " -c idle_in_transaction_session_timeout=15000",
    }
else:
    raise stop("DATABASE_URL", "must begin with postgres:// or sqlite:///")
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker and wake-up only, never a place of truth ----------------------------------
# REDIS_URL: redis://host:port/0; default the private Redis that `make demo` starts on a socket.
REDIS_SOCKET = VAR_DIR / "redis.sock"
if len(str(REDIS_SOCKET)) > 100:  # the kernel's limit for a socket's path is 107 bytes
    _short = f"kuanxi-{os.getuid()}-{zlib.crc32(str(VAR_DIR).encode()):08x}.sock"
    REDIS_SOCKET = Path(tempfile.gettempdir()) / _short
REDIS_URL = os.environ.get("REDIS_URL") or f"unix://{quote(str(REDIS_SOCKET))}"
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise stop("REDIS_URL", "must begin with redis://, rediss:// or unix://")
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1)
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)

# --- Files -----------------------------------------------------------------------------------
# PRIVATE_ROOT: folder of evidence and documents; never under a web address.
PRIVATE_ROOT = Path(os.environ.get("PRIVATE_ROOT") or VAR_DIR / "private")
# EVIDENCE_STORAGE: another folder, or s3://bucket/prefix (extra s3), which several machines may share.
EVIDENCE_STORAGE = os.environ.get("EVIDENCE_STORAGE") or str(PRIVATE_ROOT)
EVIDENCE_BUCKET: dict[str, str] = {}  # how to reach it; empty where the files are in PRIVATE_ROOT
if not EVIDENCE_STORAGE.startswith("s3://"):
    if not Path(EVIDENCE_STORAGE).is_absolute():
        raise stop("EVIDENCE_STORAGE", "must be a folder from / on, or s3://bucket/prefix")
    PRIVATE_ROOT = Path(EVIDENCE_STORAGE)
else:
    need_extra("EVIDENCE_STORAGE", "boto3", "s3")
    if not (_place := re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]+)/?([\w/-]*)", EVIDENCE_STORAGE)):
        raise stop("EVIDENCE_STORAGE", "must be like s3://bucket or s3://bucket/prefix")
    # S3_ENDPOINT: the service's address, Amazon's by default; http:// only on loopback. S3_REGION: its region.
    _endpoint = os.environ.get("S3_ENDPOINT") or ""
    if not re.match(r"https://[\w.-]+|http://127\.0\.0\.1:\d+/?$|$", _endpoint):
        raise stop("S3_ENDPOINT", "must begin with https://; http:// only with 127.0.0.1")
    EVIDENCE_BUCKET = {
        "bucket": _place[1],
        "prefix": _place[2].strip("/"),
        "endpoint": _endpoint,
        "region": os.environ.get("S3_REGION") or "us-east-1",
        # S3_ADDRESSING: virtual (bucket.host) or path (host/bucket); auto lets the library choose.
        "addressing": os.environ.get("S3_ADDRESSING") or "auto",
        # S3_KEY_ID, S3_SECRET: access key of an account that may list, read, write and delete there.
        "key_id": needed("S3_KEY_ID", "EVIDENCE_STORAGE=s3://… needs it"),
        "secret": needed("S3_SECRET", "EVIDENCE_STORAGE=s3://… needs it"),
    }
    if EVIDENCE_BUCKET["addressing"] not in {"auto", "path", "virtual"}:
        raise stop("S3_ADDRESSING", "must be auto, path or virtual")
# LENDER_NAME, LENDER_ADDRESS, LENDER_CODE: legal name, address and unified social credit code of the
# lender, the party that agreements, certificates and statements name. Only a demo may go without.
LENDER_NAME = os.environ.get("LENDER_NAME", "宽息演示消费金融有限公司" if DEMO else "").strip()
LENDER_ADDRESS = os.environ.get("LENDER_ADDRESS", "演示市示范区样例路 1 号" if DEMO else "").strip()
LENDER_CODE = os.environ.get("LENDER_CODE", "91000000DEM0000000" if DEMO else "").strip()
if not LENDER_NAME:
    raise stop("LENDER_NAME", "缺少出借人的法定名称，协议和证明要写明它，请设置")
if not LENDER_ADDRESS:
    raise stop("LENDER_ADDRESS", "缺少出借人的住所，协议和证明要写明它，请设置")
if not re.fullmatch(r"[0-9A-HJ-NPQRTUWXY]{18}", LENDER_CODE):
    raise stop("LENDER_CODE", "应是 18 位统一社会信用代码（数字和大写字母，没有 I、O、S、V、Z）")
# EVIDENCE_KEYS: keys by commas, 32 random characters or more each, that wrap the keys of the files:
# the first one writes, all read. Only a demo may go without: it makes one under VAR_DIR.
EVIDENCE_KEYS = env.list("EVIDENCE_KEYS", default=[])
if not EVIDENCE_KEYS and DEMO:
    EVIDENCE_KEYS = [made_once(VAR_DIR / "evidence.key")]
if not EVIDENCE_KEYS:
    raise stop("EVIDENCE_KEYS", "缺少材料的加密密钥，请设置至少 32 位的随机字符，并妥善备份")
if any(len(key) < 32 for key in EVIDENCE_KEYS):
    raise stop("EVIDENCE_KEYS", "有密钥不足 32 位，请改用至少 32 位的随机字符")
# SIGNATURE_ROOTS: PEM file of the certificates whose digital signatures on uploaded PDFs count as trusted.
SIGNATURE_ROOTS = os.environ.get("SIGNATURE_ROOTS", "")
if SIGNATURE_ROOTS and not Path(SIGNATURE_ROOTS).is_file():
    raise stop("SIGNATURE_ROOTS", f"{SIGNATURE_ROOTS} does not exist")
# CLAMD: the virus scanner that each file waits for, unix:///run/clamav/clamd.ctl or tcp://host:3310; off by default.
CLAMD = os.environ.get("CLAMD") or ""
if not re.fullmatch(r"unix:///\S+|tcp://[\w.-]+:\d{1,5}|", CLAMD):
    raise stop("CLAMD", "must be like unix:///run/clamav/clamd.ctl or tcp://host:3310")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # of a form without its files
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # above it an upload is spooled to disk
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
# Far above what a case takes (20), so that the file too many is refused by its name, not the form.
DATA_UPLOAD_MAX_NUMBER_FILES = 100
FILE_UPLOAD_HANDLERS = [
    "portal.core.filenames.NamesInAnyLetters",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- Short messages --------------------------------------------------------------------------
# SMS_BACKEND: demo (simulated phone), console (the log, without the words), file (in SMS_FILE),
# aliyun, or http (one signed JSON request a message: portal/core/notifications/channels/gateway.py).
SMS_BACKEND = os.environ.get("SMS_BACKEND") or ("demo" if DEMO else "console")
if SMS_BACKEND not in {"demo", "console", "file", "aliyun", "http"}:
    raise stop("SMS_BACKEND", f"must be demo, console, file, aliyun or http, not {SMS_BACKEND!r}")
if SMS_BACKEND == "demo" and not DEMO:
    raise stop("SMS_BACKEND", "demo needs DEMO=1; choose console, file, aliyun or http")
# SMS_FILE: where SMS_BACKEND=file writes, one JSON line a message; it has names and codes in it.
SMS_FILE = Path(os.environ.get("SMS_FILE") or VAR_DIR / "sms.jsonl")
if SMS_BACKEND == "file" and not SMS_FILE.parent.is_dir():
    raise stop("SMS_FILE", f"the folder {SMS_FILE.parent} does not exist")
# SMS_SIGNATURE: the sender's name in front of each message; for Aliyun the approved signature.
SMS_SIGNATURE = os.environ.get("SMS_SIGNATURE") or "宽息"
# SMS_CALLBACK_KEY: shared secret, 32 characters or more, that signs delivery reports sent to
# /callbacks/sms/; without it that address does not exist.
SMS_CALLBACK_KEY = secret("SMS_CALLBACK_KEY")
if SMS_BACKEND == "aliyun":
    need_extra("SMS_BACKEND", "alibabacloud_dysmsapi20170525", "sms-aliyun")
    # ALIYUN_SMS_KEY_ID, ALIYUN_SMS_KEY_SECRET: access key of an account that may only send SMS.
    ALIYUN_SMS_KEY_ID = needed("ALIYUN_SMS_KEY_ID", "SMS_BACKEND=aliyun needs it")
    ALIYUN_SMS_KEY_SECRET = needed("ALIYUN_SMS_KEY_SECRET", "SMS_BACKEND=aliyun needs it")
    # ALIYUN_SMS_TEMPLATE: code of an approved template whose only variable is `text`.
    ALIYUN_SMS_TEMPLATE = needed("ALIYUN_SMS_TEMPLATE", "SMS_BACKEND=aliyun needs it")
    # ALIYUN_SMS_ENDPOINT: host of the service; http:// only on loopback, for a stub.
    ALIYUN_SMS_ENDPOINT = os.environ.get("ALIYUN_SMS_ENDPOINT") or "dysmsapi.aliyuncs.com"
    if not re.fullmatch(r"(https://)?[\w.-]+(:\d+)?|http://127\.0\.0\.1:\d+", ALIYUN_SMS_ENDPOINT):
        raise stop("ALIYUN_SMS_ENDPOINT", "must be a host name; http:// only with 127.0.0.1")
if SMS_BACKEND == "http":
    # SMS_HTTP_URL: the gateway's address; http:// only on loopback, for a stub.
    SMS_HTTP_URL = needed("SMS_HTTP_URL", "SMS_BACKEND=http needs it")
    if not re.match(r"https://[\w.-]+|http://127\.0\.0\.1:\d+(/|$)", SMS_HTTP_URL):
        raise stop("SMS_HTTP_URL", "must begin with https://; http:// only with 127.0.0.1")
    # SMS_HTTP_KEY: shared secret, 32 characters or more, that signs our requests.
    SMS_HTTP_KEY = needed("SMS_HTTP_KEY", "SMS_BACKEND=http needs it") and secret("SMS_HTTP_KEY")

# --- Money ------------------------------------------------------------------------------------
# RISK_CLASS_DAYS: from how many days overdue a loan is 关注, 次级, 可疑, 损失 (loans/RULES.md §9).
RISK_CLASS_DAYS = rising("RISK_CLASS_DAYS", default="1,91,271,361", count=4)
# PAYMENT_SIMULATION: the button that pretends a payment; on in the demo, refused elsewhere.
PAYMENT_SIMULATION = flag("PAYMENT_SIMULATION", default=DEMO)
if PAYMENT_SIMULATION and not DEMO:
    raise stop("PAYMENT_SIMULATION", "needs DEMO=1: it books money that nobody paid")

# --- Time: everything is stored in UTC; business dates are Shanghai's --------------------------
# TIME_ZONE: the business zone.
TIME_ZONE = os.environ.get("TIME_ZONE") or "Asia/Shanghai"
if TIME_ZONE != "Asia/Shanghai":
    raise stop("TIME_ZONE", "must be Asia/Shanghai: the working-day rules are China's")
USE_TZ = True
LANGUAGE_CODE = "zh-hans"
USE_I18N = True

# --- The application ---------------------------------------------------------------------------
INSTALLED_APPS = [
    "portal.apps.DeskConfig",  # django.contrib.admin with our own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "portal",
    "loans",
    "relief",
]
MIDDLEWARE = [
    "portal.site.middleware.AnswerMiddleware",
    "portal.site.middleware.ForwardedMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.site.middleware.CompressedPagesMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.site.middleware.KnownMethodsMiddleware",
    "portal.site.middleware.BoundedBodyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.site.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.site.middleware.ClockMiddleware",
    "portal.site.middleware.PlainQueryMiddleware",
    "portal.site.middleware.SessionLifeMiddleware",
    "portal.site.middleware.LoginRequiredMiddleware",
    "portal.site.middleware.PrivatePagesMiddleware",
    "portal.site.middleware.DeskListMiddleware",
    "portal.site.middleware.RuleViolationMiddleware",
    "portal.site.middleware.KeptFormMiddleware",
    "portal.site.step_up.StepUpMiddleware",
    "portal.site.middleware.OneValueMiddleware",
]
ROOT_URLCONF = "portal.site.urls"
WSGI_APPLICATION = "portal.site.wsgi.application"
FORM_RENDERER = "portal.core.web.widgets.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.site.context.site",
            ],
        },
    }
]

# --- People --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
LOGIN_URL = "portal:login"
LOGIN_REDIRECT_URL = "portal:me"
LOGOUT_REDIRECT_URL = "portal:login"
# STAFF_FACTOR: staff log in with a second factor; in the demo only with STAFF_FACTOR=1.
STAFF_FACTOR = flag("STAFF_FACTOR", default=not DEMO)
if not STAFF_FACTOR and not DEMO:
    raise stop("STAFF_FACTOR", "0 needs DEMO=1: a password alone does not open the desk")
PASSWORD_RESET_TIMEOUT = 24 * 3600  # seconds; of the link that sets a first password
# STEP_UP_MINUTES: for how long a second factor counts before acts that ask for a fresh one.
STEP_UP_MINUTES = number("STEP_UP_MINUTES", default=10, least=1, most=60)
PASSWORD_HASHERS = [
    "portal.core.hashers.KuanxiArgon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    # Breached passwords, offline: Django's list is the 20,000 most used of those that were leaked, Chinese
    # ones (woaini1314, a123456789) among them, and kept by Django. What PyPI has besides asks a service
    # over the network with part of the password's hash, or needs a file of 20 GB.
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "portal.core.accounts.validators.HouseWordsValidator"},
]
# STAFF_IDLE_MINUTES, STAFF_SESSION_HOURS: after which staff log in again, unused and in all.
STAFF_IDLE = timedelta(minutes=number("STAFF_IDLE_MINUTES", default=30, least=1, most=600))
STAFF_SESSION = timedelta(hours=number("STAFF_SESSION_HOURS", default=10, least=1, most=24))
# BORROWER_IDLE_MINUTES, BORROWER_SESSION_HOURS: the same of borrowers; unused counts on pages of money.
BORROWER_IDLE = timedelta(minutes=number("BORROWER_IDLE_MINUTES", default=30, least=1, most=600))
BORROWER_SESSION = timedelta(hours=number("BORROWER_SESSION_HOURS", default=12, least=1, most=24))
SESSION_COOKIE_AGE = int(max(STAFF_SESSION, BORROWER_SESSION).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.site.pages.errors.csrf_failure"

# --- Transport and content security ----------------------------------------------------------------
# HTTPS: on outside the demo; set 0 only for a trial of `make serve` on loopback without TLS.
HTTPS = flag("HTTPS", default=not DEMO)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:  # the browser keeps these to this very host and to TLS
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
MESSAGE_STORAGE = "portal.site.passing_messages.PassingMessages"
SECURE_SSL_REDIRECT = HTTPS
# PASSKEY_ORIGINS: where people open the site, by commas; passkeys work there and nowhere else. What
# a request says of its host is not asked, so a proxy changes nothing.
_named = [h.lstrip(".") for h in ALLOWED_HOSTS if re.fullmatch(r"[a-z0-9.-]*[a-z][a-z0-9.-]*", h)]
PASSKEY_ORIGINS = env.list(
    "PASSKEY_ORIGINS",
    default=[f"https://{host}" for host in _named or ["localhost"]]
    if HTTPS
    else [f"http://localhost:{os.environ.get('PORT') or '8000'}"],
)
for origin in PASSKEY_ORIGINS:
    if not re.fullmatch(
        r"https://[a-z0-9.-]*[a-z][a-z0-9.-]*(:\d+)?|http://localhost(:\d+)?", origin
    ):
        raise stop(
            "PASSKEY_ORIGINS", f"{origin!r} must be https://name; http:// only with localhost"
        )
# PASSKEY_RP_ID: the domain that passkeys belong to; all of them are lost when it changes.
PASSKEY_RP_ID = os.environ.get("PASSKEY_RP_ID") or urlsplit(PASSKEY_ORIGINS[0]).hostname or ""
for origin in PASSKEY_ORIGINS:
    if not f".{urlsplit(origin).hostname}".endswith(f".{PASSKEY_RP_ID}"):
        raise stop("PASSKEY_RP_ID", f"{origin!r} of PASSKEY_ORIGINS is not in {PASSKEY_RP_ID!r}")
# TRUSTED_PROXIES: how many proxies of ours stand in front, each adding to X-Forwarded-For; 0: the
# peer's address counts and no header is believed. Nothing here speaks TLS, so HTTPS means one.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", default=1 if HTTPS else 0, least=0, most=9)
if HTTPS and not TRUSTED_PROXIES:
    raise stop("TRUSTED_PROXIES", "must be 1 or more under HTTPS=1: a proxy of ours ends TLS")
# CONNECTIONS_PER_ADDRESS: how many connections one address may hold open to one web process; without
# a meaning behind a proxy, which is the one address that all come from.
CONNECTIONS_PER_ADDRESS = number("CONNECTIONS_PER_ADDRESS", default=200, least=1, most=1000)
# SECURITY_CONTACT: whom to tell about a hole, for /.well-known/security.txt; without it, the help page.
SECURITY_CONTACT = os.environ.get("SECURITY_CONTACT") or ""
if SECURITY_CONTACT and not SECURITY_CONTACT.startswith(("mailto:", "https://", "tel:")):
    raise stop("SECURITY_CONTACT", "must begin with mailto:, https:// or tel: (RFC 9116)")
# The header is what ForwardedMiddleware leaves of it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:"],
        "worker-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Metrics for Prometheus: an extra ---------------------------------------------------------------
# METRICS=1: /metrics for whoever shows METRICS_TOKEN (32 characters or more). With several web
# processes also set PROMETHEUS_MULTIPROC_DIR to an empty folder.
METRICS = flag("METRICS", default=False)
METRICS_TOKEN = secret("METRICS_TOKEN")
if METRICS:
    if not METRICS_TOKEN:
        raise stop("METRICS_TOKEN", "is missing; METRICS=1 needs a token of 32 characters or more")
    need_extra("METRICS", "django_prometheus", "metrics")
    INSTALLED_APPS.append("django_prometheus")
    MIDDLEWARE.insert(0, "django_prometheus.middleware.PrometheusBeforeMiddleware")
    MIDDLEWARE.append("django_prometheus.middleware.PrometheusAfterMiddleware")

# --- Static files: compressed, hashed names -----------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # unused: see storage.py
    "staticfiles": {"BACKEND": "portal.site.static_files.BundlingStorage"},
}

# CRASH_POINTS: folder in which the fault rig arms crash points (portal/site/crash_points.py).
CRASH_POINTS = Path(os.environ["CRASH_POINTS"]) if os.environ.get("CRASH_POINTS") else None
if CRASH_POINTS and not DEMO:
    raise stop("CRASH_POINTS", "needs DEMO=1: it kills processes on purpose")

# --- Logs: one line a record, ids only ----------------------------------------------------------------
# LOG_LEVEL: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = os.environ.get("LOG_LEVEL") or "INFO"
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise stop("LOG_LEVEL", "must be DEBUG, INFO, WARNING or ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "portal.site.logs.LineFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL},  # without Django's own handlers, which mail to ADMINS
        "django.server": {"level": "WARNING"},
        "fontTools": {"level": "ERROR"},
    },
}
