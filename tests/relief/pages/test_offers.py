"""协商方案: what is shown, the forced reading, the answers, and what is refused."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans.domain.schedule import PlanPeriod
from loans.proofs import violations
from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers.models import Agreement, Offer
from tests import factories
from tests.factories import NOW
from tests.loans.pages.marks import by_instalment, figures

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
READ = NOW + timedelta(seconds=11)
TICKS = {"agree": "on", "know": "on"}


@pytest.fixture
def case() -> Case:
    return factories.case_at(State.OFFERED)


@pytest.fixture
def lin(case: Case) -> Client:
    client = Client()
    client.force_login(case.borrower)
    return client


@pytest.fixture
def offer(case: Case) -> Offer:
    return factories.open_offer(case)


def address(offer: Offer, name: str = "offer") -> str:
    return reverse(f"relief:{name}", args=[offer.case.public_id, offer.number])


def read(lin: Client, offer: Offer) -> Any:
    with clock.frozen(NOW):
        return lin.get(address(offer))


def post(lin: Client, url: str, values: dict[str, Any], at: Any = READ, **headers: str) -> Any:
    with clock.frozen(at):
        return lin.post(url, values, headers=headers)


def signed(offer: Offer, **changes: str) -> dict[str, str]:
    return {
        **TICKS,
        "seen": offer.digest,
        "by": "password",
        "password": factories.PASSWORD,
        "do": "accept",
        **changes,
    }


def test_the_offer_stands_beside_the_debt_of_today(lin: Client, offer: Offer) -> None:
    response = read(lin, offer)
    owed = load_debt(offer.case.loan, NOW.date())
    rows = {row["number"]: Decimal(row["total"]) for row in offer.rows}

    assert figures(response, "offer-waived")[0] == offer.offer_terms.waived
    assert set(figures(response, "offer-total")) == {Decimal(offer.figures["plan_total"])}
    assert by_instalment(response, "plan-instalment") == rows
    assert sum(rows.values()) == Decimal(offer.figures["plan_total"])
    assert figures(response, "going-on-total") == [sum(r.total for r in owed.instalments)]
    assert figures(response, "offer-comeback") == [offer.offer_terms.waived]
    html = response.content.decode()
    assert html.count("<h1") == 1
    assert "年化综合成本：按内部收益率折算的年化（月利率×12）" in html
    assert 'data-field="offer-annualised"' in html
    assert 'data-field="going-on-annualised"' in html
    assert "不等于删除逾期记录" in html


def test_what_is_read_again_is_read_once_from_the_database(lin: Client, offer: Offer) -> None:
    read(lin, offer)  # the first sight is written down

    with CaptureQueriesContext(connection) as used:
        assert read(lin, offer).status_code == 200

    assert sum('FROM "relief_offer"' in query["sql"] for query in used) == 1


@pytest.mark.parametrize(
    ("period", "often", "in_agreement"),
    [
        ("monthly", "每月 30 日", "共 12 期，"),
        ("half_monthly", "每月 15 日和 30 日", "共 12 期（每半月一期），"),
        ("weekly", "每周一", "共 12 期（每周一期），"),
    ],
)
def test_an_offer_says_how_often_it_is_paid(period: str, often: str, in_agreement: str) -> None:
    case = factories.case_at(State.NEGOTIATING)
    offer = factories.offer_made(case, period=PlanPeriod(period))
    client = Client()
    client.force_login(case.borrower)

    html = read(client, offer).content.decode()
    agreement = factories.accept(case, now=NOW)

    assert f"12 期 · {often}" in html
    assert in_agreement in agreement.text
    assert [row.due_on.isoformat() for row in agreement.plan.instalments.all()] == [
        row["due_on"] for row in offer.rows
    ]
    assert list(violations()) == []


def test_days_since_the_offer_are_shown_as_waived(lin: Client, offer: Offer) -> None:
    later = NOW + timedelta(days=2)
    with clock.frozen(later):
        response = lin.get(address(offer))

    ran = load_debt(offer.case.loan, later.date()).penalty - Decimal(offer.figures["penalty"])
    assert ran > 0
    assert figures(response, "penalty-since") == [ran]


def test_opening_starts_the_forced_reading_which_the_server_keeps(
    lin: Client, offer: Offer
) -> None:
    sheet = address(offer, "offer-accept")
    with clock.frozen(NOW):
        assert lin.get(sheet)["Location"] == address(offer)
    assert 'data-seconds="10"' in read(lin, offer).content.decode()

    early = post(lin, sheet, signed(offer), NOW + timedelta(seconds=4))

    assert early.status_code == 409
    assert "6 秒后可以接受" in early.content.decode()
    assert "checked" in early.content.decode()
    assert not Agreement.objects.exists()
    assert post(lin, sheet, signed(offer)).status_code == 302


def test_a_total_that_rises_is_said_before_accepting() -> None:
    case = factories.case_at(State.NEGOTIATING)
    offer = factories.offer_made(
        case,
        maker=factories.staff(Rank.MANAGER),
        penalty_percent=Decimal(10),
        term_count=48,
        plan_annual_rate=Decimal("0.144"),
    )
    client = Client()
    client.force_login(case.borrower)

    response = read(client, offer)

    total, now = Decimal(offer.figures["plan_total"]), figures(response, "going-on-total")[0]
    assert figures(response, "offer-rises") == [total - now]
    assert "总成本更高" in response.content.decode()


def test_the_text_to_be_agreed_to_can_be_read_first(lin: Client, offer: Offer) -> None:
    with clock.frozen(NOW):
        html = lin.get(address(offer, "offer-draft")).content.decode()

    assert "还没有生效" in html
    assert "四、违约与恢复" in html
    assert "确认时间" not in html
    assert offer.digest in html
    assert html.count("<h1") == 1


def test_strangers_staff_and_wrong_numbers(case: Case, lin: Client, offer: Offer) -> None:
    other, desk = Client(), Client()
    other.force_login(factories.borrower())
    desk.force_login(factories.staff())
    for name in ("offer", "offer-accept", "offer-reject", "offer-draft"):
        assert other.get(address(offer, name)).status_code == 404
        assert other.post(address(offer, name)).status_code in {404, 405}
        assert desk.get(address(offer, name)).status_code == 403
    for number in (99, 99999999999999999999):
        url = reverse("relief:offer", args=[case.public_id, number])
        assert lin.get(url).status_code == 404


def test_an_offer_that_waits_for_a_checker_is_not_to_be_seen() -> None:
    case = factories.case_at(State.AWAITING_APPROVAL)
    client = Client()
    client.force_login(case.borrower)

    assert client.get(f"/relief/{case.public_id}/offers/1/").status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_accepting_by_password_leads_to_the_agreement(
    lin: Client, offer: Offer, headers: dict[str, str]
) -> None:
    read(lin, offer)

    done = post(lin, address(offer, "offer-accept"), signed(offer), **headers)
    again = post(lin, address(offer, "offer-accept"), signed(offer), **headers)

    place = reverse("relief:agreement", args=[offer.case.public_id])
    key = "HX-Redirect" if headers else "Location"
    assert (done[key], again[key]) == (place, place)
    assert Agreement.objects.count() == 1
    with clock.frozen(READ):
        assert lin.get(address(offer, "offer-accept")).status_code == 302


def test_accepting_by_code_which_is_used_once_even_by_two_clicks(lin: Client, offer: Offer) -> None:
    read(lin, offer)
    sheet = address(offer, "offer-accept")
    sent = post(lin, sheet, {**TICKS, "seen": offer.digest, "do": "send"}, **HTMX)
    assert "秒后可重发" in sent.content.decode()
    assert sent.content.decode().count("checked") == 2
    text = Delivery.objects.filter(event="login_code").latest("pk").text
    digits = re.search(r"\d{6}", text)
    assert digits
    wrong = "000000" if digits[0] != "000000" else "111111"

    refused = post(lin, sheet, signed(offer, by="code", code=wrong))
    done = post(lin, sheet, signed(offer, by="code", code=digits[0]))
    again = post(lin, sheet, signed(offer, by="code", code=digits[0]))

    assert refused.status_code == 422
    assert "验证码不正确，还可以试 4 次" in refused.content.decode()
    assert refused.content.decode().count("checked") == 2
    assert done.status_code == again.status_code == 302
    assert Agreement.objects.get().method == "code"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agree": ""}, "请先阅读并勾选同意"),
        ({"know": ""}, "请确认你已知道违约的后果"),
        ({"password": ""}, "请填写登录密码"),
        ({"by": "code"}, "请填写短信里的 6 位验证码"),
        ({"password": "wrong"}, "还可"),
    ],
)
def test_an_unfinished_signature_is_a_sentence(
    lin: Client, offer: Offer, changes: dict[str, str], words: str
) -> None:
    read(lin, offer)

    response = post(lin, address(offer, "offer-accept"), signed(offer, **changes))

    assert response.status_code in {409, 422}
    assert words in response.content.decode()
    assert not Agreement.objects.exists()


def test_switching_the_way_of_signing_keeps_the_ticks(lin: Client, offer: Offer) -> None:
    read(lin, offer)
    values = {**TICKS, "seen": offer.digest, "do": "by-password"}

    html = post(lin, address(offer, "offer-accept"), values, **HTMX).content.decode()

    assert html.count("checked") == 2
    assert 'name="password"' in html
    assert "<html" not in html


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_terms_that_hold_no_more_are_409_with_those_that_do(
    case: Case, lin: Client, offer: Offer, headers: dict[str, str]
) -> None:
    read(lin, offer)
    factories.pay_amount(case.loan, Decimal("100.00"), NOW.date())  # the system reissues
    current = factories.open_offer(case)

    stale = post(lin, address(offer, "offer-accept"), signed(offer), **headers)
    altered = post(lin, address(current, "offer-accept"), signed(current, seen="0" * 64))

    assert stale.status_code == altered.status_code == 409
    assert "已被新方案替代" in stale.content.decode()
    assert figures(stale, "offer-waived") == [current.offer_terms.waived]
    assert address(current) in stale.content.decode()
    assert "最近一步：按最新欠款更新方案" in stale.content.decode()
    assert not Agreement.objects.exists()


def test_an_expired_offer_has_no_buttons_and_executes_nothing(lin: Client, offer: Offer) -> None:
    read(lin, offer)
    late = NOW + timedelta(days=8)

    with clock.frozen(late):
        html = lin.get(address(offer)).content.decode()
        sheet = lin.get(address(offer, "offer-accept"))
        answer = lin.get(address(offer, "offer-reject"))
    refused = post(lin, address(offer, "offer-accept"), signed(offer), late)

    assert "已过期" in html
    assert "接受方案" not in html
    assert {sheet.status_code, answer.status_code, refused.status_code} == {409}
    assert not Agreement.objects.exists()


def test_a_poll_is_silent_until_the_case_moves(case: Case, lin: Client, offer: Offer) -> None:
    url = address(offer)
    version = {"v": str(case.version)}

    assert lin.get(url, version, headers=HTMX).status_code == 204
    factories.counter(case, now=NOW)

    assert lin.get(url, version, headers=HTMX)["HX-Refresh"] == "true"
