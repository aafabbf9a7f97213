"""All settings of 宽息, read from the environment; a wrong or missing one stops the start.

Every variable is documented where it is read; README has the same as a table.
"""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path
from urllib.parse import quote, unquote

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
# VAR_DIR: folder of everything the program writes by default; var/ is git-ignored.
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
env = environ.Env()


def stop(variable: str, problem: str) -> ImproperlyConfigured:
    """The one sentence with which a wrong setting stops the start."""
    return ImproperlyConfigured(f"{variable}: {problem}")


def flag(name: str, *, default: bool) -> bool:
    """An on/off variable: 1/0, true/false, yes/no, on/off."""
    text = os.environ.get(name, "").strip().lower()
    if text in {"", "1", "0", "true", "false", "yes", "no", "on", "off"}:
        return default if text == "" else text in {"1", "true", "yes", "on"}
    raise stop(name, f"must be 1 or 0, not {text!r}")


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
    REDIS_SOCKET = Path(f"/tmp/kuanxi-{os.getuid()}-{zlib.crc32(str(VAR_DIR).encode()):08x}.sock")
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
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # of a form without its files
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # above it an upload is spooled to disk
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_TEMP_DIR = None

# --- Short messages --------------------------------------------------------------------------
# SMS_BACKEND: demo (simulated phone), console (written to the log) or aliyun.
SMS_BACKEND = os.environ.get("SMS_BACKEND") or ("demo" if DEMO else "console")
if SMS_BACKEND not in {"demo", "console", "aliyun"}:
    raise stop("SMS_BACKEND", f"must be demo, console or aliyun, not {SMS_BACKEND!r}")
if SMS_BACKEND == "demo" and not DEMO:
    raise stop("SMS_BACKEND", "demo needs DEMO=1; choose console or aliyun")
# SMS_SIGNATURE: the sender's name in front of each message.
SMS_SIGNATURE = os.environ.get("SMS_SIGNATURE") or "宽息"

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
    "django.contrib.admin",
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
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.ClockMiddleware",
    "portal.middleware.LoginRequiredMiddleware",
    "portal.middleware.PrivatePagesMiddleware",
    "portal.middleware.RuleViolationMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
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
                "portal.context.site",
            ],
        },
    }
]

# --- People --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
LOGIN_URL = "portal:login"
LOGIN_REDIRECT_URL = "portal:me"
LOGOUT_REDIRECT_URL = "portal:login"
PASSWORD_HASHERS = [
    "portal.hashers.KuanxiArgon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.pages.errors.csrf_failure"

# --- Transport and content security ----------------------------------------------------------------
# HTTPS: on outside the demo; set 0 only for a trial of `make serve` on loopback without TLS.
HTTPS = flag("HTTPS", default=not DEMO)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
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
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Static files: compressed, hashed names -----------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # unused: see storage.py
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Logs: one line a record, ids only ----------------------------------------------------------------
# LOG_LEVEL: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = os.environ.get("LOG_LEVEL") or "INFO"
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise stop("LOG_LEVEL", "must be DEBUG, INFO, WARNING or ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "portal.logs.LineFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "fontTools": {"level": "ERROR"},
        "fpdf": {"level": "ERROR"},
    },
}
