"""Several loans: every amount names its loan, totals are the sums of the parts shown beside them."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from loans.models import Loan
from loans.queries.debt import borrower_debts, load_debt
from portal.core import clock
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import bot
from relief.conversation.models import Message
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MARK = re.compile(r'<data value="([^"]*)" data-field="([^"]*)"([^>]*)>')


@pytest.fixture
def lin() -> User:
    """Three loans: two overdue, one drawn ten days ago."""
    who = factories.borrower()
    factories.overdue_loan(who)
    factories.overdue_loan(who, drawdown_on=date(2025, 12, 10), principal=Decimal("9000.00"))
    factories.overdue_loan(who, drawdown_on=date(2026, 2, 20))
    return who


def page(who: User, url: str) -> str:
    client = Client()
    client.force_login(who)
    with clock.frozen(NOW):
        return client.get(url).content.decode()


def of_loans(text: str, field: str) -> dict[str, Decimal]:
    """The amounts of a field by the loan they are marked with."""
    found = [m for m in MARK.finditer(text) if m[2] == field]
    loans = [re.search(r'data-loan="(\w+)"', m[3]) for m in found]
    return {loan[1]: Decimal(m[1]) for m, loan in zip(found, loans, strict=True) if loan}


def one(text: str, field: str) -> Decimal:
    (found,) = {Decimal(m[1]) for m in MARK.finditer(text) if m[2] == field}
    return found


def test_me_names_each_loan_beside_a_total_that_adds_up(lin: User) -> None:
    text = page(lin, reverse("portal:me"))

    owing = {loan: owed for loan, owed in borrower_debts(lin, NOW.date()) if owed.due_now}
    assert of_loans(text, "due-now") == {loan.public_id: x.due_now for loan, x in owing.items()}
    assert of_loans(text, "penalty-total") == {
        loan.public_id: owed.penalty for loan, owed in owing.items()
    }
    assert one(text, "all-due-now") == sum(of_loans(text, "due-now").values())
    assert one(text, "all-penalty-total") == sum(of_loans(text, "penalty-total").values())
    assert "2 / 3 笔借款本期应还" in text
    for loan in owing:
        assert f"/ 3 笔 · 借款 {loan.number}" in text


def test_jiebei_shows_the_total_of_all_and_each_part(lin: User) -> None:
    text = page(lin, reverse("loans:home"))

    every = {loan.public_id: owed for loan, owed in borrower_debts(lin, NOW.date())}
    assert of_loans(text, "total-due") == {key: owed.total for key, owed in every.items()}
    assert one(text, "all-total-due") == sum(owed.total for owed in every.values())
    assert one(text, "all-penalty-total") == sum(of_loans(text, "penalty-total").values())
    parts = ("all-principal-outstanding", "all-interest-outstanding", "all-penalty-total")
    assert one(text, "all-total-due") == sum(one(text, part) for part in parts)
    assert "全部 3 笔借款总待还" in text


def test_penalty_page_says_which_loan_and_what_all_of_them_owe(lin: User) -> None:
    loan = Loan.objects.get(borrower=lin, principal=Decimal("9000.00"))

    text = page(lin, reverse("loans:penalty", args=[loan.public_id]))

    every = [owed.penalty for _, owed in borrower_debts(lin, NOW.date())]
    assert one(text, "penalty-total") == load_debt(loan, NOW.date()).penalty
    assert one(text, "all-penalty-total") == sum(every)
    assert re.search(rf"第 \d / 3 笔 · 借款 {loan.number}", text)
    for owed in every:
        assert f"{owed:,.2f}" in text


def test_one_loan_alone_is_not_numbered() -> None:
    loan = factories.overdue_loan()

    for name in ("portal:me", "loans:home"):
        text = page(loan.borrower, reverse(name))
        assert "/ 1 笔" not in text
        assert "all-" not in "".join(m[2] for m in MARK.finditer(text))
        assert f"借款 {loan.number}" in text


def test_chat_names_the_loans_and_offers_the_choice(lin: User) -> None:
    greeted = bot.greet(actor=lin, now=NOW)
    assert greeted is not None
    overdue = [(loan, x) for loan, x in borrower_debts(lin, NOW.date()) if x.is_overdue]
    assert all(f"借款 {loan.number} ¥{owed.penalty:,.2f}" in greeted.text for loan, owed in overdue)
    assert "2 / 3 笔" in greeted.text

    bot.quick_reply(actor=lin, topic="apply", now=NOW)

    cards = Message.objects.filter(card="apply").order_by("pk")
    assert [card.loan for card in cards] == [
        loan for loan, _ in sorted(overdue, key=lambda pair: -pair[1].penalty)
    ]
    text = page(lin, reverse("relief:service"))
    for loan, _ in overdue:
        assert reverse("relief:apply", args=[loan.public_id]) in text


def test_chat_still_offers_the_loan_without_an_application(lin: User) -> None:
    first, second = [x for x, owed in borrower_debts(lin, NOW.date()) if owed.is_overdue]
    factories.draft_case(first)

    bot.quick_reply(actor=lin, topic="qualify", now=NOW)

    assert [card.loan for card in Message.objects.filter(card="apply")] == [second]


def test_files_sent_without_saying_for_which_loan_ask_for_the_choice(lin: User) -> None:
    client = Client()
    client.force_login(lin)
    paper = SimpleUploadedFile("收入.pdf", factories.PDF)

    with clock.frozen(NOW):
        answer = client.post(reverse("relief:service-send"), {"file": paper, "text": ""})

    assert answer.status_code == 409
    assert "选好一笔" in answer.content.decode()
    assert not Case.objects.exists()


def test_a_counter_offer_waits_until_an_answer_has_really_been_sent() -> None:
    case = factories.case_at(State.COUNTERED)
    counter = case.offers.get(status="proposed")
    factories.offer_made(case, penalty_percent=Decimal(80))
    case.refresh_from_db()
    assert case.state == State.AWAITING_APPROVAL

    text = page(case.borrower, reverse("relief:case", args=[case.public_id]))

    counter.refresh_from_db()
    assert counter.status == "proposed"
    assert "已被新方案替代" not in text
    assert "等待客服答复" in text
