"""Web, worker and beat do not start where demo and real life are mixed, or files cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.core.models import User
from portal.site.celery import refuse_wrong_start as refuse_worker
from portal.site.checks import refuse_wrong_start

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.django_db
@pytest.mark.parametrize("start", [refuse_wrong_start, refuse_worker])
@pytest.mark.parametrize(("made_in", "started_in"), [(True, False), (False, True)])
def test_a_mixed_database_stops_the_start(
    settings: Any, capsys: Any, start: Any, made_in: bool, started_in: bool
) -> None:
    settings.DEMO = made_in
    User.objects.create_borrower("13912345678", "某人")
    settings.DEMO = started_in

    with pytest.raises(SystemExit) as stopped:
        start()

    assert stopped.value.code == 3
    said = capsys.readouterr().err
    assert said.startswith("DEMO: ")
    assert said.count("\n") == 1


@pytest.mark.django_db
def test_a_clean_database_starts(settings: Any) -> None:
    settings.DEMO = False
    User.objects.create_borrower("13912345678", "某人")

    refuse_wrong_start()


@pytest.mark.django_db
@pytest.mark.parametrize("start", [refuse_wrong_start, refuse_worker])
def test_files_that_nobody_can_read_stop_the_start(
    settings: Any, capsys: Any, tmp_path: Path, start: Any
) -> None:
    settings.PRIVATE_ROOT = tmp_path
    start()
    settings.EVIDENCE_KEYS = ["another-key-" + "k" * 32]

    with pytest.raises(SystemExit) as stopped:
        start()

    assert stopped.value.code == 3
    said = capsys.readouterr().err
    assert said.startswith("EVIDENCE_KEYS: 现有密钥打不开")
    assert said.count("\n") == 1


@pytest.mark.slow
def test_wsgi_refuses_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()  # WhiteNoise warns of a missing one

    def run(*arguments: str, demo: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "portal.site.settings",
            "VAR_DIR": str(tmp_path),
            "SECRET_KEY": "start-only-key-" + "0123456789" * 5,
            "EVIDENCE_KEYS": "start-only-key-" + "0123456789" * 2,
            "LENDER_NAME": "某某消费金融有限公司",
            "LENDER_ADDRESS": "上海市某路 8 号",
            "LENDER_CODE": "91310000MA1FL5AB0X",
            "DEMO": demo,
            "LOG_LEVEL": "ERROR",
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert run("manage.py", "migrate", "-v0", demo="1").returncode == 0
    person = (
        "from portal.core.models import User; User.objects.create_borrower('13900000001', '某人')"
    )
    assert run("manage.py", "shell", "-v0", "-c", person, demo="1").returncode == 0

    refused = run("-c", "import portal.site.wsgi", demo="0")

    assert refused.returncode == 3
    assert refused.stderr == "DEMO: 数据库里有演示账户，不能用于正式环境\n"
    assert run("-c", "import portal.site.wsgi", demo="1").returncode == 0
