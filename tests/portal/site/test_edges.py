"""Middleware, access, HTMX, nudges, tasks, checks and the context: the rim of the ground."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from celery.signals import task_postrun, task_prerun
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import DataError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django_htmx.middleware import HtmxDetails
from kombu import Connection

from portal import tasks
from portal.core import clock, nudge
from portal.core.errors import RuleViolation
from portal.core.hashers import KuanxiArgon2Hasher
from portal.core.kernel.errors import InvalidInput
from portal.core.models import DemoClock, Heartbeat, User, WorkDay
from portal.core.web import access, htmx
from portal.site import checks, context
from portal.site.middleware import (
    ClockMiddleware,
    LoginRequiredMiddleware,
    PrivatePagesMiddleware,
    RuleViolationMiddleware,
)
from tests.conftest import at
from tests.portal.people import lin, wen

FRAGMENT = {"HX-Request": "true", "HX-Current-URL": "https://example.com/me/?tab=2"}


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


def make_request(headers: dict[str, str] | None = None, user: Any = None, path: str = "/x/") -> Any:
    request: Any = RequestFactory(headers=headers or {}).get(path)
    request.user = user or AnonymousUser()
    request.htmx = HtmxDetails(request)
    request.resolver_match = None
    return request


def test_one_request_one_instant() -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.extend([clock.now(), clock.now()])
        return HttpResponse()

    ClockMiddleware(view)(make_request())

    assert seen[0] is seen[1]
    assert clock.now() is not seen[0]


def test_anonymous_page_redirects_and_anonymous_fragment_is_told_where_the_login_is() -> None:
    guard = LoginRequiredMiddleware(page)
    with override_settings(LOGIN_URL="/login/"):
        whole = guard.process_view(make_request(), page, (), {})
        part = guard.process_view(make_request(FRAGMENT), page, (), {})

    assert whole is not None
    assert part is not None
    assert (whole.status_code, whole["Location"]) == (302, "/login/?next=/x/")
    assert (part.status_code, part["X-Login"]) == (401, "/login/?next=%2Flogin%2Fagain%2F")
    assert part["HX-Redirect"] == "/login/?next=%2Fme%2F%3Ftab%3D2"


def test_pages_of_somebody_logged_in_are_not_kept() -> None:
    def cached(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "public, max-age=60"})

    mine = PrivatePagesMiddleware(page)(make_request(user=User(username="x")))
    shared = PrivatePagesMiddleware(cached)(make_request(user=User(username="x")))
    public = PrivatePagesMiddleware(page)(make_request())

    assert set(mine["Cache-Control"].split(", ")) == {"no-store", "private"}
    assert "public" not in shared["Cache-Control"]
    assert "Cache-Control" not in public


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuleViolation("方案已过期"), 409), (InvalidInput("amount", "金额<b>不对"), 422)],
)
def test_unanswered_refusal_is_no_500(error: Exception, status: int) -> None:
    net = RuleViolationMiddleware(page)

    part = net.process_exception(make_request(FRAGMENT), error)

    assert part is not None
    assert part.status_code == status
    assert "<b>" not in part.content.decode()
    assert net.process_exception(make_request(), ValueError()) is None


@pytest.mark.parametrize("error", [DataError("NUL"), OverflowError("too large")])
def test_what_no_database_can_keep_is_no_500(error: Exception) -> None:
    part = RuleViolationMiddleware(page).process_exception(make_request(FRAGMENT), error)

    assert part is not None
    assert part.status_code == 400
    assert "什么都没有保存" in part.content.decode()


def test_access_by_role_and_rank() -> None:
    reviewer = User(role="STAFF", rank="REVIEWER")
    borrower = User(role="BORROWER")
    cases = [
        (access.borrower_only(page), borrower, True),
        (access.borrower_only(page), reviewer, False),
    ]
    for view, user, allowed in cases:
        if allowed:
            assert view(make_request(user=user)).status_code == 200
        else:
            with pytest.raises(PermissionDenied):
                view(make_request(user=user))


def test_htmx_redirect_and_trigger() -> None:
    assert htmx.redirect_to(make_request(), "/me/")["Location"] == "/me/"
    assert htmx.redirect_to(make_request(FRAGMENT), "/me/")["HX-Redirect"] == "/me/"
    assert "case-changed" in htmx.trigger(HttpResponse(), "case-changed")["HX-Trigger"]
    assert htmx.wants_part(make_request(FRAGMENT))
    assert not htmx.wants_part(make_request(FRAGMENT | {"HX-Boosted": "true"}))
    assert not htmx.wants_part(make_request(FRAGMENT | {"HX-History-Restore-Request": "true"}))
    assert not htmx.wants_part(make_request())


@pytest.mark.django_db
def test_a_nudge_with_a_dead_broker_is_quick_and_quiet(
    monkeypatch: pytest.MonkeyPatch, caplog: Any, django_capture_on_commit_callbacks: Any
) -> None:
    dead = Connection("redis://127.0.0.1:1/0", transport_options=nudge._IMPATIENT)
    monkeypatch.setattr(nudge, "_broker", lambda: dead)
    monkeypatch.setattr(nudge, "_resting_until", 0)
    started = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        nudge.nudge("portal.tasks.deliver_due")
        nudge.nudge("portal.tasks.deliver_due")

    assert time.monotonic() - started < 2
    assert caplog.text.count("nudge.lost") == 1


def test_every_thread_has_our_celery_app() -> None:
    names: list[str] = []
    thread = threading.Thread(target=lambda: names.append(current_app.main))
    thread.start()
    thread.join()

    assert names == ["kuanxi"]


def test_a_task_has_one_instant() -> None:
    task_prerun.send(sender=None)
    first = clock.now()
    assert clock.now() is first
    task_postrun.send(sender=None)
    assert clock.now() is not first


@pytest.mark.django_db
def test_tasks_run_on_an_empty_house() -> None:
    tasks.heartbeat()
    tasks.heartbeat()

    assert Heartbeat.objects.count() == 1
    assert (tasks.deliver_due(), tasks.release_stuck(), tasks.render_pending_documents()) == (
        0,
        0,
        0,
    )


@pytest.mark.django_db
def test_context_asks_the_database_only_when_read(django_assert_num_queries: Any) -> None:
    request = make_request(user=lin())
    with django_assert_num_queries(0):
        found = context.site(request)
    with django_assert_num_queries(1):
        assert found["unread_notices"] == 0
    assert context.site(make_request())["unread_notices"] == 0


@pytest.mark.django_db
def test_checks_keep_demo_and_life_apart() -> None:
    assert checks.demo_and_life_apart(None) == []
    wen()
    with override_settings(DEMO=True):
        assert [found.id for found in checks.demo_and_life_apart(None)] == ["portal.E002"]
        User.objects.update(is_demo=True)
        assert checks.demo_and_life_apart(None) == []
    DemoClock.objects.create(offset=timedelta(days=1))
    assert [f.id for f in checks.demo_and_life_apart(None)] == ["portal.E003", "portal.E004"]


@pytest.mark.django_db
def test_whoever_is_made_in_a_demo_is_marked() -> None:
    with override_settings(DEMO=True):
        assert lin().is_demo
        assert wen().is_demo
    assert not User.objects.create_superuser("root", password="x").is_demo


@pytest.mark.django_db
def test_check_warns_when_the_calendar_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "real_now", lambda: at("2027-11-01 10:00"))
    assert checks.calendar_reaches_ahead(None) == []
    monkeypatch.setattr(clock, "real_now", lambda: at("2027-12-30 10:00"))
    assert [found.id for found in checks.calendar_reaches_ahead(None)] == ["portal.W001"]
    WorkDay.objects.all().delete()
    assert "是空的" in checks.calendar_reaches_ahead(None)[0].msg


def test_check_of_the_private_folder(tmp_path: Any) -> None:
    with override_settings(PRIVATE_ROOT=tmp_path / "a" / "b"):
        assert checks.files_can_be_kept(None) == []
    (tmp_path / "file").touch()
    with override_settings(PRIVATE_ROOT=tmp_path / "file" / "b"):
        assert [found.id for found in checks.files_can_be_kept(None)] == ["portal.E001"]


def test_check_of_the_keys_of_private_files(tmp_path: Any) -> None:
    old, new = "old-" + "k" * 32, "new-" + "k" * 32

    def found(*keys: str) -> list[str]:
        with override_settings(PRIVATE_ROOT=tmp_path, EVIDENCE_KEYS=[*keys]):
            return [problem.msg for problem in checks.files_can_be_kept(None)]

    assert found(old) == []
    [wrong] = found(new)
    assert wrong.startswith("EVIDENCE_KEYS: 现有密钥打不开")
    assert "rotate_evidence_keys" in wrong
    assert found(new, old) == []


def test_argon2_costs_suit_a_small_machine() -> None:
    hasher = KuanxiArgon2Hasher()
    encoded = hasher.encode("mima", hasher.salt())

    assert "m=19456,t=2,p=1" in encoded
    assert hasher.verify("mima", encoded)


def test_a_nul_in_the_address_is_a_bad_request() -> None:
    answer = Client().get("/verify/?code=%00")

    assert answer.status_code == 400
