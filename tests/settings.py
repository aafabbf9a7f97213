"""Settings of the test suite: portal.site.settings with quick hashing and a private folder."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "test-only-key-" + "0123456789" * 5)
os.environ.setdefault("HTTPS", "0")
os.environ.setdefault("DEMO", "0")
os.environ.setdefault("EVIDENCE_KEYS", "test-only-evidence-key-" + "0123456789" * 2)
os.environ.setdefault("LENDER_NAME", "测试消费金融有限公司")
os.environ.setdefault("LENDER_ADDRESS", "上海市浦东新区试验路 8 号")
os.environ.setdefault("LENDER_CODE", "91310000MA1FL5AB0X")
os.environ.setdefault("PRIVATE_ROOT", tempfile.mkdtemp(prefix="kuanxi-private-"))

from portal.site.settings import *  # noqa: F403 - a settings module is its names

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# WhiteNoise warns of a missing folder.
STATIC_ROOT = tempfile.mkdtemp(prefix="kuanxi-static-")  # type: ignore[assignment]
