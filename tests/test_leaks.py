"""The watch over the suite's own logs, error pages, metrics and e-mails reports each kind of leak."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path, reverse

from portal.core.models import Delivery
from tests import factories
from tests.conftest import pytest_runtest_call
from tests.leaks import WATCH

logger = logging.getLogger("portal.test")
PHONE = "13800136027"


@login_not_required
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"没有 {request.GET['of']}", status=404)


urlpatterns = [path("leak/", page)]


def kinds() -> list[str]:
    return [leak.partition(" in ")[0] for leak in WATCH.take()]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("name", "moved 林晓云"),
        ("password", f"tried {factories.PASSWORD}"),
        ("contents of a file", "read %PDF-1.7 from"),
    ],
)
def test_a_leak_in_the_log_is_found(kind: str, text: str) -> None:
    logger.warning(text)

    assert kinds() == [kind]


def test_what_the_log_masks_is_no_leak() -> None:
    logger.warning("of %s and 110101199003078515", PHONE, extra={"phone": PHONE})

    assert kinds() == []


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("kind", "text"),
    [("phone", PHONE), ("name", "林晓云"), ("identity number", "110101199003078515")],
)
def test_a_leak_in_an_error_page_is_found(kind: str, text: str) -> None:
    Client().get("/leak/", {"of": text})

    assert kinds() == [kind]


def test_a_leak_in_an_e_mail_is_found() -> None:
    EmailMessage("登录", f"密码 {factories.PASSWORD}", to=["a@example.com"]).send()

    assert kinds() == ["password"]


@pytest.mark.django_db
def test_a_leak_in_the_metrics_is_found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS, settings.METRICS_TOKEN = True, "t" * 40
    line = f'kuanxi_user{{phone="{PHONE}"}} 1'
    monkeypatch.setattr("portal.site.pages.metrics.own_lines", lambda: line)

    Client().get("/metrics", headers={"Authorization": f"Bearer {'t' * 40}"})

    assert kinds() == ["phone"]


@pytest.mark.django_db
def test_a_code_that_was_sent_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    Client().post(reverse("portal:login-code"), {"phone": PHONE})
    (code,) = WATCH.codes
    assert code in Delivery.objects.get().text
    WATCH.take()
    WATCH.codes.add(code)

    WATCH.read("e-mail", f"你的验证码 {code}")

    assert kinds() == ["code"]


def test_the_test_in_which_it_happens_fails_and_says_where(request: Any) -> None:
    hook = pytest_runtest_call(request.node)
    next(hook)
    logger.warning("moved 林晓云")

    with pytest.raises(pytest.fail.Exception, match=r"name in log: .*moved"):
        hook.send(None)
