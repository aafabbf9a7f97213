"""Under a policy of other numbers every page, answer and notice tells those and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from loans.pages.forms import MAX_DAYS
from portal.core import clock
from portal.core.accounts.codes import LIFE
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice
from portal.core.notifications.calls import MAX_CALLS_A_DAY
from portal.core.notifications.hours import CLOSES, OPENS, SPAN
from portal.site.pages.signing_in.forms import CALL_TIMES
from relief.cases.models import Case, Policy
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import State
from relief.conversation import answers, bot
from relief.evidence.kinds import (
    DAYS_AFTER_REFUSAL,
    DAYS_AFTER_SETTLEMENT,
)
from tests import factories
from tests.addresses import all_addresses
from tests.architecture import read_sources
from tests.factories import NOW
from tests.relief.desk.desk import at_desk, client_of, page_of
from tests.relief.test_plan_rules import policy

pytestmark = pytest.mark.django_db
OTHER = {
    "review_workdays": 3,
    "review_deadline_time": "17:00",
    "reply_workdays": 4,
    "evidence_days": 9,
    "offer_valid_days": 5,
    "max_rounds": 2,
    "max_plan_terms": 48,
    "plan_grace_days": 4,
    "cure_days": 15,
    "affordability_share": Decimal("0.33"),
}
STATES = (
    State.DRAFT,
    State.SUBMITTED,
    State.IN_REVIEW,
    State.NEED_MORE,
    State.NEGOTIATING,
    State.OFFERED,
    State.COUNTERED,
    State.PLAN_ACTIVE,
    State.WARNED,
)
# What the usual policy would say; what is no policy (calls a day, retention) is worded otherwise.
USUAL = re.compile(
    r"(?<!\d)(1–2|2) 个工作日内|第 2 个工作日|7 天(时间|内|，到)|(协商|建议|最多|共|/) 3 次"
    r"|(之后|还有) 10 天|逾期 3 天(会|后)|未还满 3 天|最多 60|1 到 60|一半|(结余|支配|收入)的? ?50%|到当天 18:00|日 18:00 前"
)
NOT_POLICY = re.compile(r"每天最多 3 次")
NO_PAGE = re.compile(r"pdf|csv|calendar|healthz|readyz|metrics|demo|file|badges")
SAID = {
    "review": "1–3 个工作日",
    "review until": "第 3 个工作日 17:00 前",
    "evidence": "有 9 天时间补充",
    "reply": "客服在 4 个工作日内答复，最多 2 次",
    "counter": "客服将在 4 个工作日内答复",
    "rounds": "（共 2 次）",
    "terms": "最多 48 期",
    "valid": "5 天，到当天 17:00",
    "grace and cure": "任一期逾期 4 天会收到违约预警：之后 15 天内还清",
    "signed": "未还满 4 天发出预警，之后 15 天内还清的",
    "share": "结余的 33%",
    "board": "3 个工作日内完成",
}


def words(html: str) -> str:
    """What a person reads of a page: without tags, scripts' files and runs of blanks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


def pages(client: Client, case: Case) -> Iterator[tuple[str, str]]:
    """(address, words) of every page of a borrower that opens for this case."""
    offer = case.offers.order_by("-number").first()
    known: dict[str, list[object]] = {
        "loan": [case.loan.public_id],
        "case": [case.public_id],
        "number": [offer.number if offer else 1],
        "step": ["reason", "statement", "evidence", "affordability", "confirm"],
        "slug": ["service", "privacy", "review"],
    }
    for address in all_addresses():
        if address.is_desk or NO_PAGE.search(address.name):
            continue
        if not set(address.parameters) <= set(known):
            continue
        choices = [known[name] for name in address.parameters]
        for values in (
            zip(*choices, strict=False) if len(choices) != 1 else [(v,) for v in choices[0]]
        ):
            yield from _page(client, reverse(address.name, args=values))
        if not choices:
            yield from _page(client, reverse(address.name))
    for step in known["step"]:
        yield from _page(client, reverse("relief:apply-step", args=[case.loan.public_id, step]))


def _page(client: Client, url: str) -> Iterator[tuple[str, str]]:
    response = client.get(url)
    if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
        yield url, words(response.content.decode())


def everything_told(state: State) -> Iterator[tuple[str, str]]:
    """(where, words): pages, desk, the bot's answers and every notice of a case in a state."""
    case = factories.case_at(state)
    now = moment_of(case)
    with clock.frozen(now):
        yield from pages(client_of(case.borrower), case)
        desk = at_desk(Rank.SUPERVISOR)
        if state != State.DRAFT:
            yield from _page(desk, page_of(case))
        yield from _page(desk, reverse("admin:index"))
        facts = bot.facts_of(borrower=case.borrower, now=now)
        for topic in answers.Topic:
            yield f"answer {topic}", answers.reply(topic, facts)
    for notice in Notice.objects.all():
        yield f"notice {notice.event}", f"{notice.title} {notice.body}"
    for delivery in Delivery.objects.all():
        yield f"{delivery.channel} {delivery.event}", delivery.text
    for agreement in case.agreements.all():
        yield "agreement", agreement.text


def moment_of(case: Case) -> datetime:
    last = case.events.order_by("-at").first()
    return max(NOW, last.at if last else NOW) + timedelta(minutes=2)


def test_only_the_numbers_of_the_policy_are_told() -> None:
    assert not [name for name, value in OTHER.items() if getattr(ReliefPolicy(), name) == value]
    policy(**OTHER)
    assert Policy.current().rules.cure_days == 15

    told = [
        (f"{state} {where}", text) for state in STATES for where, text in everything_told(state)
    ]

    usual = {
        where: text[max(0, found.start() - 20) : found.end() + 20]
        for where, text in told
        if (found := USUAL.search(NOT_POLICY.sub("", text)))
    }
    assert usual == {}
    everything = "\n".join(text for _, text in told)
    assert {name: phrase for name, phrase in SAID.items() if phrase not in everything} == {}


def test_the_usual_numbers_would_be_noticed() -> None:
    """The search above can fail: under the usual policy it finds what the texts say."""
    told = [
        text for state in (State.IN_REVIEW, State.OFFERED) for _, text in everything_told(state)
    ]

    found = {match[0] for text in told for match in USUAL.finditer(NOT_POLICY.sub("", text))}
    assert {"7 天时间", "之后 10 天", "最多 60", "1–2 个工作日内", "第 2 个工作日"} <= found


def test_a_case_is_told_its_own_policy_when_a_newer_one_rules() -> None:
    policy(**OTHER)
    case = factories.case_at(State.IN_REVIEW)
    policy(evidence_days=6, max_rounds=1)

    with clock.frozen(moment_of(case)):
        desk = words(at_desk().get(page_of(case)).content.decode())
        helped = words(client_of(case.borrower).get(reverse("portal:help")).content.decode())
        penalty = words(
            client_of(case.borrower)
            .get(reverse("loans:penalty", args=[case.loan.public_id]))
            .content.decode()
        )

    assert "有 9 天时间补充" in desk
    assert "最多 1 次" in helped
    assert "最多可以提 2 次还款建议" in penalty


# Numbers that are no policy: the law or the design fixes them, in one constant each.
FIXED: dict[str, tuple[object, ...]] = {
    r"撤回后 (\d+) 天、结清后 (\d+) 天": (DAYS_AFTER_REFUSAL, DAYS_AFTER_SETTLEMENT),
    r"材料保存 (\d+) 天；完成的申请，结清后保存 (\d+) 天": (
        DAYS_AFTER_REFUSAL,
        DAYS_AFTER_SETTLEMENT,
    ),
    r"材料 (\d+) 天后删除": (DAYS_AFTER_REFUSAL,),
    r"每天最多 (\d+) 次": (MAX_CALLS_A_DAY,),
    r"(\d\d:\d\d)–(\d\d:\d\d)": (f"{OPENS:%H:%M}", f"{CLOSES:%H:%M}"),
    r"(\d+) 分钟内有效": (int(LIFE.total_seconds() // 60),),
    r"最多(?:测算)? (\d+) 天": (MAX_DAYS,),
}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("pattern", FIXED)
def test_a_number_written_into_a_text_is_that_of_its_constant(pattern: str) -> None:
    files = [*(ROOT / "templates").rglob("*.*")]
    for part in (
        "loans",
        "relief",
        "portal/core",
        "portal/site/pages",
        "portal/site/middleware.py",
    ):
        files += [ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py")
    told = {
        (path.name, tuple(number for number in found.groups() if number))
        for path in files
        if "migrations" not in path.parts and "demo" not in path.parts
        for found in re.finditer(pattern, path.read_text())
    }

    wanted = tuple(str(number) for number in FIXED[pattern])
    assert told, "nothing tells it any more"
    assert {(name, numbers) for name, numbers in told if numbers != wanted} == set()


def test_the_hours_and_the_number_of_calls_are_written_in_one_module() -> None:
    """`time(8)` stands where its constant does; a sentence takes the numbers from there."""
    hours, sentences = set(), set()
    for module, source in read_sources().items():
        tree = ast.parse(source)
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node) in ("time(8)", "time(22)"):
                hours.add(module)
            if not isinstance(node, ast.Constant) or id(node) in docstrings:
                continue
            if re.search(r"8:00–22:00|\d 次电话", str(node.value)):
                sentences.add((module, node.value))

    assert hours == {"portal.core.notifications.hours"}
    assert sentences == set()


def test_the_hours_to_choose_from_are_those_in_which_calls_are_allowed() -> None:
    assert f"{OPENS:%H:%M}–{CLOSES:%H:%M}" == SPAN
    assert (min(CALL_TIMES), max(CALL_TIMES)) == (OPENS, CLOSES)
