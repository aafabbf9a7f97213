"""A fresh factor before the acts of the table; the form that was posted goes on, once, as it was."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from loans.desk.proposals import page_of
from loans.models import Payment, Proposal
from portal.core import clock
from portal.core.accounts import factors
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.models import ParkedForm, SecurityEvent, User
from portal.site.step_up import ACTS
from tests import factories
from tests.addresses import all_addresses
from tests.authenticator import App

pytestmark = pytest.mark.django_db
# As the names of addresses say it; a new one of these kinds needs its line in the table.
GRAVE = re.compile(r"approve|revoke|reverse|write_?off|(export|report)_file")
CONFIRM = "/admin/factor/confirm/"
REASON = "银行通知该笔款项退回，\r\n“原路”退汇 100% & 已核对"


@pytest.fixture
def payment() -> Payment:
    loan = factories.overdue_loan(factories.borrower())
    factories.pay_amount(loan, factories.Decimal("100.00"), factories.NOW.date())
    return Payment.objects.get(loan=loan)


@pytest.fixture
def boss() -> User:
    return factories.staff(Rank.MANAGER)


def app_of(user: User) -> App:
    app = App(factors.new_key())
    factors.enrol(user=user, key=app.key, code=app.code(steps=-1), origin=Origin())
    return app


def stale(user: User, minutes: int = 11) -> Client:
    """Somebody whose second factor was given so many minutes ago."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["factor_at"] = (clock.real_now() - timedelta(minutes=minutes)).isoformat()
    session.save()
    return client


def reverse_it(client: Client, payment: Payment, **more: Any) -> Any:
    path = reverse("admin:loans_payment_reverse", args=[payment.pk])
    return client.post(path, {"reason": REASON}, **more)


def word_of(answer: Any) -> str:
    """The word of the parked form, from the address of the question."""
    where, _, word = answer["Location"].partition("?parked=")
    assert where == CONFIRM
    return str(word)


def test_every_line_of_the_table_is_an_address() -> None:
    for name in ACTS:
        for arguments in ([], [1]):
            try:
                reverse(name, args=arguments)
            except NoReverseMatch:
                continue
            break
        else:
            pytest.fail(f"{name} is no address")


def test_no_grave_act_is_left_out_of_the_table() -> None:
    grave = {address.name for address in all_addresses() if GRAVE.search(address.name)}

    assert len(grave) >= 4
    assert grave - set(ACTS) == set()


def test_a_fresh_factor_is_not_asked_for_again(payment: Payment, boss: User) -> None:
    answer = reverse_it(stale(boss, minutes=9), payment)

    assert answer["Location"] == page_of(Proposal.objects.get())


def test_the_form_goes_on_with_every_sign_that_was_typed(payment: Payment, boss: User) -> None:
    app, client = app_of(boss), stale(boss)
    word = word_of(reverse_it(client, payment))
    asked = client.get(CONFIRM, {"parked": word}).content.decode()

    sent = client.post(CONFIRM, {"parked": word, "code": app.code()})
    again = client.post(sent["Location"], {"parked": word, "code": app.code()})

    assert "冲正还款" in asked
    assert (sent.status_code, sent["Location"]) == (
        307,
        reverse("admin:loans_payment_reverse", args=[payment.pk]),
    )
    proposal = Proposal.objects.get()
    assert again["Location"] == page_of(proposal)
    assert (proposal.payment, proposal.reason) == (payment, REASON)
    assert ParkedForm.objects.count() == 0
    confirmed = SecurityEvent.objects.get(kind="FACTOR_CONFIRMED")
    assert (confirmed.user, confirmed.detail) == (boss, "冲正还款")


def test_nothing_happens_without_the_factor(payment: Payment, boss: User) -> None:
    app, client = app_of(boss), stale(boss)
    word = word_of(reverse_it(client, payment))

    wrong = client.post(CONFIRM, {"parked": word, "code": app.wrong_code()})
    skipped = reverse_it(client, payment)
    path = reverse("admin:loans_payment_reverse", args=[payment.pk])
    taken = client.post(path, {"parked": word})

    assert wrong.status_code == 422
    assert f'value="{word}"' in wrong.content.decode()
    word_of(skipped)
    word_of(taken)
    assert not Proposal.objects.exists()


def test_a_parked_form_is_taken_up_once_and_by_its_sender_only(
    payment: Payment, boss: User
) -> None:
    other = factories.staff(Rank.MANAGER, "other-boss")
    word = word_of(reverse_it(stale(boss), payment))
    path, other_path = (
        reverse("admin:loans_payment_reverse", args=[pk]) for pk in (payment.pk, payment.pk + 1)
    )

    stranger = stale(other, minutes=0).post(path, {"parked": word})
    elsewhere = stale(boss, minutes=0).post(other_path, {"parked": word})
    first = stale(boss, minutes=0).post(path, {"parked": word})
    second = stale(boss, minutes=0).post(path, {"parked": word})

    assert stranger.status_code == 409
    assert elsewhere.status_code == 409
    assert first.status_code == 302
    assert second.status_code == 409
    assert "请返回原页面重新填写" in second.content.decode()


def test_ten_minutes_later_it_is_gone(payment: Payment, boss: User) -> None:
    app, client = app_of(boss), stale(boss)
    word = word_of(reverse_it(client, payment))

    with time_machine.travel(clock.real_now() + timedelta(minutes=11)):
        sent = client.post(CONFIRM, {"parked": word, "code": app.code()})

    assert sent["Location"] == "/admin/factor/"
    assert not Proposal.objects.exists()


def test_what_is_parked_cannot_be_read_in_the_database(payment: Payment, boss: User) -> None:
    reverse_it(stale(boss), payment)

    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_fields FROM portal_parkedform")
        kept = bytes(cursor.fetchone()[0])
    assert b"reason" not in kept


def test_htmx_is_led_away_as_a_page(payment: Payment, boss: User) -> None:
    answer = reverse_it(stale(boss), payment, headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"].startswith(CONFIRM)


def test_looking_needs_no_fresh_factor(payment: Payment, boss: User) -> None:
    client = stale(boss)

    assert client.get(reverse("admin:loans_payment_reverse", args=[payment.pk])).status_code == 200


def test_what_opening_does_asks_before(boss: User) -> None:
    app, client = app_of(boss), stale(boss)
    asked = client.get("/admin/factor/enrol/")
    assert asked["Location"] == f"{CONFIRM}?next=%2Fadmin%2Ffactor%2Fenrol%2F"

    there = client.post(CONFIRM, {"next": "/admin/factor/enrol/", "code": app.code()})

    assert (there.status_code, there["Location"]) == (302, "/admin/factor/enrol/")
    assert client.get("/admin/factor/enrol/").status_code == 200


def test_the_old_session_key_is_dead_after_it(boss: User) -> None:
    app, client = app_of(boss), stale(boss)
    before = client.cookies["sessionid"].value

    client.post(CONFIRM, {"code": app.code()})

    thief = Client()
    thief.cookies["sessionid"] = before
    assert thief.get("/admin/").status_code == 302
    assert client.get("/admin/").status_code == 200


def test_the_demo_does_not_ask(payment: Payment, boss: User, settings: Any) -> None:
    settings.STAFF_FACTOR = False
    client = Client()
    client.force_login(boss)

    assert "confirm" not in reverse_it(client, payment)["Location"]


def test_whoever_has_no_factor_left_is_not_sent_in_a_circle(boss: User, settings: Any) -> None:
    """A colleague has reset it since: binding one asks for a fresh one, which nobody can give."""
    settings.STAFF_FACTOR = True
    client = stale(boss)

    answer = client.get(reverse("admin:factor-enrol"), follow=True)

    assert [where for where, _ in answer.redirect_chain][-1] == reverse("admin:login")
    assert "请重新登录，登录时绑定新的验证器" in answer.content.decode()
