"""What is typed in an application, a counter-offer, an appeal or the chat is found again on any device."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.models import Draft
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation.models import Message
from relief.presenters.own_data import tables_of
from tests import factories
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
TYPED = "我住院三周，\r\n“想晚一点”再还 & 分期 100%"
FORMS = {
    "statement": (State.DRAFT, "relief:apply-step", {"statement": TYPED}),
    "affordability": (State.DRAFT, "relief:apply-step", {"monthly_income": "6000.50"}),
    "reason": (State.DRAFT, "relief:apply-step", {"reasons": ["illness", "job_loss"]}),
    "counter": (State.OFFERED, "relief:offer-reject", {"note": TYPED, "monthly": "一千"}),
    "appeal": (State.REJECTED, "relief:appeal", {"text": TYPED}),
    "chat": (State.DRAFT, "relief:service-send", {"text": TYPED}),
}


def path_of(name: str, view: str, case: Case) -> str:
    arguments: dict[str, list[Any]] = {
        "relief:apply-step": [case.loan.public_id, name],
        "relief:offer-reject": [case.public_id, 1],
        "relief:appeal": [case.public_id],
        "relief:service-send": [],
    }
    return reverse(view, args=arguments[view])


def in_field(client: Client, page: str, name: str) -> Any:
    """What the page's own form has in the field."""
    answer = client.get(page)
    assert answer.status_code == 200
    value = answer.context["form"][name].value()
    return f"{value:f}" if name == "monthly_income" else value


@pytest.mark.parametrize("name", FORMS)
def test_a_draft_is_kept_found_elsewhere_and_stores_nothing_else(name: str) -> None:
    state, view, fields = FORMS[name]
    case = factories.case_at(state)
    path = path_of(name, view, case)
    page = reverse("relief:service") if name == "chat" else path
    phone, tablet, stranger = Client(), Client(), Client()
    phone.force_login(case.borrower)
    tablet.force_login(case.borrower)
    stranger.force_login(factories.borrower())
    before = Case.objects.values().get()

    answer = phone.post(path, fields, headers={"HX-Request": "true", "X-Draft": "1"})

    assert answer.content.decode().strip().startswith("已保存 ")
    assert Case.objects.values().get() == before
    assert not Message.objects.filter(sender="BORROWER").exists()
    for client in (phone, tablet):
        for field, typed in fields.items():
            assert in_field(client, page, field) == typed
        assert "已保存 " in client.get(page).content.decode()
    if name == "chat":
        assert not in_field(stranger, page, "text")


def test_what_was_sent_is_no_draft_any_more() -> None:
    case = factories.case_at(State.REJECTED)
    client = Client()
    client.force_login(case.borrower)
    for path in (reverse("relief:appeal", args=[case.public_id]), reverse("relief:service-send")):
        client.post(path, {"text": TYPED}, headers={"X-Draft": "1"})
        assert Draft.objects.count() == 1
        client.post(path, {"text": "“" + TYPED + "”"})
        assert not Draft.objects.exists()


def test_the_copy_of_ones_data_has_them() -> None:
    case = factories.case_at(State.DRAFT)
    client = Client()
    client.force_login(case.borrower)
    path = path_of("statement", "relief:apply-step", case)
    client.post(path, {"statement": TYPED}, headers={"X-Draft": "1"})

    table = next(t for t in tables_of(case.borrower, NOW) if t.name == "drafts")

    assert [row[1:] for row in table.rows()] == [("减免申请", TYPED)]
