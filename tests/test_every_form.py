"""Every form of the product: sent twice, after its session, and opened anew while it is being written.

It stores once, and what was typed goes on. tests/forms.py finds the forms at the addresses of the URL
configuration; a template with a form that none of its pages shows fails, and so does a form with room for
sentences that keeps no draft. Secrets are asked for anew, by rule; a form that only looks something up has
what was typed in its address. Going offline needs a browser: tests/journeys/test_nothing_lost.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from loans.models import Proposal
from portal.core.models import Draft, Notice, ParkedForm, PhoneTask, StaffChange, User, WorkDay
from relief.cases.models import Case
from relief.evidence.models import Consent
from relief.presenters.own_data import tables_of
from relief.rights.models import ErasureRequest
from tests import factories
from tests.architecture import ROOT
from tests.forms import Form, anew, client_of, find_forms, view_at

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(900)]
# Rows that say that something was tried or is being written, not that it was done.
TRIES = {"portal.SecurityEvent", "portal.Throttle", "portal.TrailLink", "portal.ParkedForm"}
TRIES |= {"portal.SessionRecord", "portal.Draft", "relief.EvidenceAccess"}
# Forms that no page here shows, and why.
NOBODYS = (
    "whoever is not signed in has no session that ends, and leaves nothing on a stranger's phone"
)
SECRET = "asks for a second factor, anew each time: tests/portal/site/test_second_factor.py"
DEMO = "the demo's console, which is nowhere else"
ELSEWHERE: dict[str, str] = {
    "registration/_login_form.html": NOBODYS,
    "registration/_register_form.html": NOBODYS,
    "registration/_reset_form.html": NOBODYS,
    "registration/_cast.html": DEMO,
    "portal/demo/_demo_clock.html": DEMO,
    "portal/demo/_demo_member.html": DEMO,
    "portal/demo/demo.html": DEMO,
    "admin/portal/factor/_ask.html": SECRET,
    "admin/portal/factor/_log_in.html": SECRET,
    "admin/portal/factor/codes.html": SECRET,
    "admin/portal/factor/confirm.html": SECRET,
    "ui/_passkey.html": SECRET,
}
# Addresses whose forms store nothing here, and why.
COMPUTES = "computes what it shows"
SESSIONS = "ends sessions, which are counted as tries"
PASSWORD = "asks for another password or a code: tests/portal/core/test_accounts.py"
STORES_NOTHING: dict[str, str] = {
    "admin:relief_case_preview": COMPUTES,
    "admin:relief_case_words": COMPUTES,
    "portal:verify": COMPUTES,
    "admin:logout": SESSIONS,
    "admin:sessions-end": SESSIONS,
    "portal:logout": SESSIONS,
    "portal:sessions-end": SESSIONS,
    "admin:factor-enrol": SECRET,
    "admin:password_change": PASSWORD,
    "admin:setup": PASSWORD,
    "portal:change-password": PASSWORD,
    "portal:passkeys": PASSWORD,
    "admin:portal_delivery_changelist": "sends again only what had failed",
    "admin:portal_staffchange_withdraw": "only who proposed it may: tests/portal/site/test_staff_accounts.py",
    "admin:portal_workday_import": "shows a preview, which is what is confirmed",
}
# What is stored each time that it is sent.
EACH_TIME = {
    "admin:loans_bookexport_file": "each download of the books is written down as one",
    "admin:loans_portfolioreport_file": "as that of the books",
}
# Forms with room for sentences that keep no draft, and why.
NO_DRAFT = {
    "relief:offer-reject": "declining stands beside the counter-offer and goes where that goes: the draft is its",
}
# Buttons that do not send what is written in their form: it stays a draft.
BESIDE = {"topic"}
PAPER = "收入证明.pdf"
STANDS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Case, ("state", "version", "assigned_to")),
    (Proposal, ("status",)),
    (StaffChange, ("status",)),
    (ErasureRequest, ("state",)),
    (PhoneTask, ("attempts",)),
    (User, ("sms_enabled", "large_type")),
    (WorkDay, ("kind", "name")),
    (Consent, ("withdrawn_at",)),
    (Notice, ("read_at",)),
)


def stored() -> dict[str, Any]:
    """How many rows every table has, and how those stand that are decided on."""
    tables = [
        model._meta.db_table
        for label in ("portal", "loans", "relief")
        for model in apps.get_app_config(label).get_models()
        if model._meta.label not in TRIES
    ]
    counts = " UNION ALL ".join(f"SELECT '{table}', COUNT(*) FROM {table}" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(counts)
        found = dict(cursor.fetchall())
    stands = {
        model: list(model.objects.order_by("pk").values_list(*names)) for model, names in STANDS
    }
    return {**found, **stands}


@dataclass
class Sending:
    """A form with one of its buttons; nothing stays of what is done with it."""

    form: Form
    action: str
    values: dict[str, Any]

    def client(self, *, is_over: bool = False) -> Client:
        client = Client()
        client.force_login(self.form.user)
        if is_over:
            session = client.session
            session["began_at"] = 0
            session.save()
        return client

    def send(self, client: Client, values: dict[str, Any]) -> None:
        papers = {name: SimpleUploadedFile(PAPER, factories.PDF) for name in self.form.files}
        answer = client.post(self.action, values | papers)
        assert answer.status_code < 500
        if answer.streaming:
            b"".join(answer)  # to its end: then it is closed

    def stores(self, times: int) -> dict[str, Any]:
        """What is stored after so many clicks on one page."""
        with transaction.atomic():
            client = self.client()
            page = client.cookies.copy()
            for _ in range(times):
                client.cookies = page.copy()
                self.send(client, self.values)
            found = stored()
            transaction.set_rollback(True)
        return found

    def stores_after_login(self) -> dict[str, Any]:
        """What is stored when the session had ended and the form, without script, went on after the login."""
        with transaction.atomic():
            refused = self.client(is_over=True).post(self.action, self.values)
            parked, client = ParkedForm.objects.last(), self.client()
            word = parked.public_id if parked and parked.public_id in refused["Location"] else ""
            page = client.get("/kept/", {"word": word})
            is_offered = "继续提交" in page.content.decode()
            self.send(client, {"kept": word})
            found = stored()
            transaction.set_rollback(True)
        return found if is_offered else {}

    def answer_over_its_page(self) -> tuple[int, bool]:
        """What its script hears when the session had ended: 401, and where the login is."""
        with transaction.atomic():
            script = {"HX-Request": "true"} | ({} if self.form.is_htmx else {"X-Ask": "1"})
            answer = self.client(is_over=True).post(self.action, self.values, headers=script)
            transaction.set_rollback(True)
        return answer.status_code, "X-Login" in answer

    def leaves_its_draft(self) -> bool:
        """Whether what was typed is still a draft when it was sent."""
        with transaction.atomic():
            keep_draft(self.form)
            self.send(self.client(), self.values)
            is_left = Draft.objects.filter(user=self.form.user, path=self.form.draft_to).exists()
            transaction.set_rollback(True)
        return is_left

    def __str__(self) -> str:
        return f"{view_at(self.action)} {self.values} on {self.form.page}"


def keep_draft(form: Form) -> HttpResponse:
    """What ui/_draft.html sends a moment after the last key."""
    headers = {"HX-Request": "true", "X-Draft": "1"}
    return client_of(form.user).post(form.draft_to, form.values, headers=headers)


def has_draft_in_copy(user: User) -> bool:
    """Whether the copy of one's data names a draft."""
    copied = next(table for table in tables_of(user, factories.NOW) if table.name == "drafts")
    return any(copied.rows())


def what_reload_loses(form: Form, before: dict[str, Any]) -> str:
    """What is wrong when somebody types, and opens the page anew or goes back to it; "" for nothing."""
    if not getattr(resolve(form.draft_to).func, "keeps_draft", False):
        return "its view does not keep drafts"  # it would do what is asked, or ask for a factor
    with transaction.atomic():
        said = keep_draft(form).content.decode()
        is_only_kept, again = stored() == before, anew(form)
        is_copied = form.user.is_staff_member or has_draft_in_copy(form.user)
        transaction.set_rollback(True)
    if not is_only_kept or "已保存" not in said:
        return "was not kept, or more was done than that"
    if not is_copied:
        return "is not in the copy of one's data"
    shown = again.shown if again else {}
    lost = {name for name in form.prose or form.written if shown.get(name) != form.written[name]}
    return f"does not come back: {lost} {shown}" if lost else ""


def test_every_form_stores_once_and_outlives_its_session(frozen: object, settings: Any) -> None:
    settings.PAYMENT_SIMULATION, settings.STAFF_FACTOR = True, False
    found = find_forms()
    forms = [form for form in found.forms.values() if not form.is_looked_at]
    before, wrong = stored(), list[str]()
    storing, all_views = set[str](), set[str]()
    for form in forms:
        if form.draft_to and (lost := what_reload_loses(form, before)):
            wrong.append(f"reload: {form}: {lost}")
        for action, values in form.sendings():
            sending, view = Sending(form, action, values), view_at(action)
            once = sending.stores(1)
            all_views.add(view)
            storing |= {view} if once != before else set()
            wrong += [f"{fault}: {sending}" for fault in faults(sending, before, once)]

    assert wrong == []
    assert all_views - storing == set(STORES_NOTHING)
    assert with_forms() - found.templates == set(ELSEWHERE)
    prose = [form for form in forms if form.prose and not form.has_secret]
    assert {view_at(form.action) for form in prose if not form.draft_to} == set(NO_DRAFT)


def faults(sending: Sending, before: dict[str, Any], once: dict[str, Any]) -> Iterator[str]:
    """What goes wrong with one button, which stores `once` where `before` was stored."""
    form, action = sending.form, sending.action
    if once != before:
        if view_at(action) not in EACH_TIME and sending.stores(2) != once:
            yield "twice"
        takes_all = action == form.draft_to and not BESIDE & set(sending.values)
        if takes_all and sending.leaves_its_draft():
            yield "its draft stays"
    if needs_login(action):
        if sending.answer_over_its_page() != (401, True):
            yield "over its page"
        if form.is_typed and sending.stores_after_login() != once:
            yield "after the login"


def needs_login(path: str) -> bool:
    """Whether a session's end is anything to the address."""
    return getattr(resolve(urlsplit(path).path).func, "login_required", True)


def with_forms() -> set[str]:
    """The templates that have a form that posts."""
    root = ROOT / "templates"
    return {
        str(path.relative_to(root))
        for path in root.rglob("*.html")
        if re.search(r'<form[^>]*method="post"', path.read_text())
    }
