""".ci/audit tells a vulnerability, a package nobody knows, and data out of reach apart."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import ROOT

KNOWN = {"name": "django", "version": "5.2.19", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
VULNERABLE = {
    "name": "pillow",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}],
}
REACHED_NOBODY = "requests.exceptions.ConnectionError: Failed to resolve"


@pytest.mark.parametrize(
    ("packages", "error", "status", "says"),
    [
        ([KNOWN], "", 0, "1 packages, 0 vulnerable, 0 unknown"),
        ([KNOWN, VULNERABLE], "", 1, "pillow 1.0: PYSEC-1 (mended in: 1.1)"),
        ([KNOWN, UNKNOWN], "", 1, "ours: Dependency not found on PyPI"),
        ([UNKNOWN, UNKNOWN], "", 0, "skipped, no advisory data for any of 2 packages"),
        (None, REACHED_NOBODY, 0, "skipped, the advisory data cannot be reached"),
        (None, "ERROR: bad requirement", 1, "pip-audit failed: ERROR: bad requirement"),
    ],
)
def test_what_each_answer_of_pip_audit_means(
    packages: list[dict[str, object]] | None, error: str, status: int, says: str, tmp_path: Path
) -> None:
    answer = "" if packages is None else json.dumps({"dependencies": packages})
    pip_audit = tmp_path / "pip-audit"
    pip_audit.write_text(
        f"#!{sys.executable}\nimport sys\nprint({answer!r})\nprint({error!r}, file=sys.stderr)\n"
        f"sys.exit({int(not packages or VULNERABLE in packages)})\n"
    )
    pip_audit.chmod(0o755)
    run = subprocess.run(
        [sys.executable, ROOT / ".ci/audit", pip_audit, "requirements-dev.txt"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status
    assert says in run.stdout
