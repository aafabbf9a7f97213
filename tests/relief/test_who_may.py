"""Who may do what: the rule walked over roles × states × actions; services and both pages agree.

For each cell the rule's sentence is compared with what the service raises (it is run and undone),
with the button on the borrower's page, and with the button at the desk.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import unescape

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank, Role
from portal.core.models import User
from relief.cases import application, review
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.cases.workflow import BEFORE_PLAN, Action, State, find_move
from relief.desk import page as desk_page
from relief.desk.acts import ACTS
from relief.desk.forms import AssignForm
from relief.evidence import files as evidence
from relief.offers import approval, compose, negotiate, revoke
from relief.offers.accept import accept_offer
from relief.plans import watch as plan_watch
from tests import factories
from tests.factories import NOW, case_at, staff
from tests.relief.doors import last_offer
from tests.relief.people import added_and_checked

pytestmark = pytest.mark.django_db
BORROWERS = (
    *(Action.SUBMIT, Action.WITHDRAW, Action.SUPPLY, Action.APPEAL, Action.ACCEPT),
    *(Action.COUNTER, Action.DECLINE, Action.REOPEN),
    *(Task.EDIT, Task.ADD_FILE),
)
STAFFS = (
    *(Action.CLAIM, Action.RELEASE, Action.ASK_PROOF, Action.PASS, Action.REJECT, Action.OFFER),
    *(Action.ACCEPT_COUNTER, Action.APPROVE, Action.SEND_BACK, Action.WITHDRAW_OFFER),
    *(Action.BREACH, Action.REVOKE, Task.ASSIGN),
)
# Not by pressing a button of their own: sent for approval by OFFER; done by the system.
NO_BUTTON = {
    *(Action.ASK_APPROVAL, Action.REISSUE, Action.EXPIRE, Action.WARN, Action.CURE),
    *(Action.COMPLETE, Action.SETTLE, Action.UNSETTLE),
}
SLUGS = {act.action: slug for slug, act in ACTS.items()}


class Undone(Exception):
    """Takes back what a service has just done."""


def later(case: Case) -> datetime:
    """Shortly after the case came where it stands."""
    last = case.events.order_by("-at", "-pk").first()
    return (last.at if last else NOW) + timedelta(minutes=5)


def people(case: Case) -> dict[str, User]:
    """Everybody who could come to this case; `the reviewer` has it in hand and made the offer."""
    return {
        "borrower": case.borrower,
        "stranger": factories.borrower(),
        "reviewer": staff(),
        "colleague": staff(username="colleague"),
        "supervisor": staff(Rank.SUPERVISOR),
        "manager": staff(Rank.MANAGER),
        "auditor": staff(Rank.AUDITOR),
        "twin": staff(Rank.MANAGER, "twin", same_person_as=case.borrower),
    }


# --- Every act by its service --------------------------------------------------------------------


def number_of(case: Case) -> int:
    newest = case.offers.order_by("-number").first()
    return newest.number if newest else 1


def counter(case: Case, actor: User, now: datetime) -> object:
    offer = last_offer(case)
    draft = compose.CounterDraft(
        waive_penalty=factories.Decimal(0), first_due_on=first_on(now), term_count=18
    )
    return negotiate.reject_offer(
        case=case, number=offer.number, seen=offer.digest, reasons=["date"], draft=draft,
        actor=actor, now=now,
    )  # fmt: skip


def accept(case: Case, actor: User, now: datetime) -> object:
    offer = last_offer(case)
    return accept_offer(
        case=case, number=offer.number, seen=offer.digest, method="password", actor=actor, now=now
    )


def first_on(now: datetime) -> date:
    return (now + timedelta(days=28)).date()


def add_file(case: Case, actor: User, now: datetime) -> object:
    content = factories.BytesIO(factories.PDF + f"%{now}{actor.pk}".encode())
    upload = evidence.Upload(name="收入证明.pdf", content=content)
    return evidence.add_evidence(
        case=case, kind="income", upload=upload, actor=actor, now=now, consent=True
    )


Run = Callable[[Case, User, datetime], object]
RUNS: dict[Action | Task, Run] = {
    Action.SUBMIT: lambda c, a, n: application.submit_case(case=c, actor=a, now=n),
    Action.WITHDRAW: lambda c, a, n: application.withdraw_case(case=c, actor=a, now=n),
    Action.SUPPLY: lambda c, a, n: application.supply_proof(case=c, actor=a, now=n),
    Action.APPEAL: lambda c, a, n: application.appeal_case(case=c, text="有误", actor=a, now=n),
    Action.ACCEPT: accept,
    Action.COUNTER: counter,
    Action.DECLINE: lambda c, a, n: negotiate.decline_offer(
        case=c, number=last_offer(c).number, seen=last_offer(c).digest, reasons=["other"],
        actor=a, now=n,
    ),
    Action.REOPEN: lambda c, a, n: application.reopen_case(case=c, actor=a, now=n),
    Task.EDIT: lambda c, a, n: application.save_step(
        case=c, draft=application.ApplicationDraft(step=2), actor=a, now=n
    ),
    Task.ADD_FILE: add_file,
    Action.CLAIM: lambda c, a, n: review.claim_case(case=c, actor=a, now=n),
    Action.RELEASE: lambda c, a, n: review.release_case(case=c, actor=a, now=n),
    Action.ASK_PROOF: lambda c, a, n: review.ask_for_proof(
        case=c, kinds=["bank_flow"], text="近三个月", actor=a, now=n
    ),
    Action.PASS: lambda c, a, n: review.pass_review(case=c, actor=a, now=n),
    Action.REJECT: lambda c, a, n: review.reject_case(
        case=c, code="DUPLICATE", text="", actor=a, now=n
    ),
    Action.OFFER: lambda c, a, n: factories.offer_made(c, now=n, maker=a),
    Action.ACCEPT_COUNTER: lambda c, a, n: negotiate.accept_counter(
        case=c, number=number_of(c), actor=a, now=n
    ),
    Action.APPROVE: lambda c, a, n: approval.approve_offer(
        case=c, number=number_of(c), actor=a, now=n
    ),
    Action.SEND_BACK: lambda c, a, n: approval.send_back_offer(
        case=c, number=number_of(c), reason="太多", actor=a, now=n
    ),
    Action.WITHDRAW_OFFER: lambda c, a, n: negotiate.withdraw_offer(
        case=c, number=number_of(c), reason="有误", actor=a, now=n
    ),
    Action.BREACH: lambda c, a, n: plan_watch.breach(case=c, reason="未还", actor=a, now=n),
    Action.REVOKE: lambda c, a, n: revoke.revoke_agreement(case=c, reason="有误", actor=a, now=n),
    Task.ASSIGN: lambda c, a, n: review.assign_case(
        case=c, to=staff(Rank.MANAGER), actor=a, now=n
    ),
}  # fmt: skip


def outcome(run: Run, case: Case, actor: User, now: datetime) -> RuleViolation | None:
    """What the service refuses with; whatever it did is undone. A form's own no is none of ours."""
    try:
        with transaction.atomic():
            run(Case.objects.for_lists().get(pk=case.pk), actor, now)
            raise Undone
    except RuleViolation as refused:
        return refused
    except (Undone, InvalidInput):
        return None


def test_every_action_is_walked() -> None:
    assert {*BORROWERS, *STAFFS} | NO_BUTTON >= set(Action)
    assert set(RUNS) == {*BORROWERS, *STAFFS}
    assert {act for act in SLUGS if act not in STAFFS} == {Task.SAY, Task.JUDGE_FILE}


# A second click and a version that has its own end are told by what they were aimed at.
OWN_WORDS = {
    *("no-offer", "superseded", "closed", "answered", "not-pending", "expired", "read-first"),
}
TWICE = {
    Action.SUBMIT: {State.SUBMITTED, State.IN_REVIEW},
    Action.CLAIM: {State.IN_REVIEW},
    Action.ACCEPT: {State.PLAN_ACTIVE, State.WARNED, State.BREACHED, State.COMPLETED},
}


def opened(case: Case, now: datetime) -> None:
    """The borrower has read what is on the table."""
    for offer in case.offers.filter(status="open"):
        negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=now)


def services_that_differ(case: Case) -> list[tuple[str, str, str, str]]:
    """(who, act, what the rule says, what the service raises), for each that says otherwise."""
    state = State(case.state)
    if state == State.OFFERED:
        opened(case, NOW)
    now, wrong = later(case), []
    for name, user in people(case).items():
        role = Role.BORROWER if name in {"borrower", "stranger"} else Role.STAFF
        for action in BORROWERS if role == Role.BORROWER else STAFFS:
            said = why_not(action, case, Actor(user, role), now)
            raised = outcome(RUNS[action], case, user, now)
            if state in TWICE.get(action, ()) and raised is None:
                continue
            if raised is not None and said and raised.code in OWN_WORDS:
                continue  # refused either way; the version says more
            if name == "stranger" and raised is not None and said:
                continue  # that it is not theirs is said before where it stands
            if (raised.message if raised else "") != said:
                wrong.append((name, action.value, said, raised.message if raised else ""))
    return wrong


@pytest.mark.parametrize("state", list(State))
def test_services_raise_what_the_rule_says(state: State) -> None:
    assert services_that_differ(case_at(state)) == []


def test_a_service_that_asks_nobody_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_at(State.IN_REVIEW)
    monkeypatch.setattr(review, "check", lambda *args, **values: None)

    found = {(who, act) for who, act, _, raised in services_that_differ(case) if not raised}

    assert ("colleague", Task.ASSIGN.value) in found
    assert ("auditor", Task.ASSIGN.value) in found


# --- The desk ------------------------------------------------------------------------------------


def get(user: User, address: str, now: datetime) -> str:
    client = Client()
    client.force_login(user)
    with clock.frozen(now):
        response = client.get(address)
    return unescape(response.content.decode()) if response.status_code == 200 else ""


def buttons_that_differ(case: Case) -> list[tuple[str, str, str, bool]]:
    """(who, act, what the rule says, whether it can be pressed), for each that says otherwise."""
    now, wrong = later(case), []
    desk = reverse("admin:relief_case_change", args=[case.pk])
    for name in ("reviewer", "colleague", "supervisor", "manager"):
        user = people(case)[name]
        html = get(user, desk, now)
        for action in STAFFS:
            said = why_not(action, case, Actor(user, Role.STAFF), now)
            form = f'action="{reverse(f"admin:relief_case_{SLUGS[action]}", args=[case.pk])}"'
            is_move = isinstance(action, Action)
            there = not is_move or find_move(case.state, action, Role.STAFF) is not None
            if action == Action.OFFER:
                pressed = "提交方案</button>" in html or "复核</button>" in html
                pressed = pressed or "发送方案</button>" in html
            else:
                pressed = form in html
            if pressed != (not said) or (said and there and is_move and said not in html):
                wrong.append((name, action.value, said, pressed))
    return wrong


@pytest.mark.parametrize("state", [state for state in State if state != State.DRAFT])
def test_the_desks_buttons_say_what_the_rule_says(state: State) -> None:
    assert buttons_that_differ(case_at(state)) == []


def test_a_button_that_asks_nobody_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_at(State.IN_REVIEW)
    monkeypatch.setattr(desk_page, "why_not", lambda *args: "")

    found = {(who, act) for who, act, said, pressed in buttons_that_differ(case) if pressed}

    assert ("colleague", Action.REJECT.value) in found


def test_auditors_and_ones_own_other_account_are_given_no_buttons() -> None:
    case = case_at(State.IN_REVIEW)
    desk = reverse("admin:relief_case_change", args=[case.pk])
    who = people(case)

    shown = get(who["auditor"], desk, later(case))

    assert "审计员只能查看" in shown
    assert not re.search(rf'action="/admin/relief/case/{case.pk}/\w', shown)
    assert get(who["twin"], desk, later(case)) == ""
    for name in ("auditor", "twin"):
        for action in STAFFS:
            assert why_not(action, case, Actor(who[name], Role.STAFF), later(case))


def in_hand_of(colleague: User) -> Case:
    """Waiting to be taken, and already handed to a colleague by a supervisor."""
    case = case_at(State.SUBMITTED)
    return review.assign_case(case=case, to=colleague, actor=staff(Rank.SUPERVISOR), now=NOW)


def test_a_case_that_was_handed_to_a_colleague_is_given_to_nobody_else() -> None:
    """The greyed-out button, the claim and 领取下一件 agree; it is not counted as waiting."""
    colleague = staff(username="colleague")
    case = in_hand_of(colleague)
    for name, may_claim, is_next in (
        ("reviewer", False, False),
        ("colleague", True, True),
        ("supervisor", True, False),
    ):
        user, now = people(case)[name], later(case)
        client = Client()
        client.force_login(user)
        raised = outcome(RUNS[Action.CLAIM], case, user, now)
        said = why_not(Action.CLAIM, case, Actor.of(user), now)

        assert (raised is None, not said) == (may_claim, may_claim), name
        assert "员工REVIEWER处理" in said or may_claim
        with clock.frozen(now):
            queue = client.get(reverse("admin:relief_case_changelist")).content.decode()
            with transaction.atomic():
                client.post(reverse("admin:relief_case_next"))
                taken = Case.objects.get(pk=case.pk).state == State.IN_REVIEW
                transaction.set_rollback(True)
        assert (taken, "领取下一件（1）" in queue) == (is_next, is_next), name


def test_next_looks_past_whatever_one_may_not_take() -> None:
    """Twenty that belong to a colleague do not hide the one that is free."""
    colleague = staff(username="colleague")
    for _ in range(21):
        in_hand_of(colleague)
    free = case_at(State.SUBMITTED, now=NOW + timedelta(days=1))
    client = Client()
    client.force_login(staff())

    with clock.frozen(later(free)):
        client.post(reverse("admin:relief_case_next"))

    free.refresh_from_db()
    assert (free.state, free.assigned_to) == (State.IN_REVIEW, staff())


def test_a_case_is_handed_only_to_who_may_have_it() -> None:
    case = case_at(State.REJECTED)
    case = application.appeal_case(case=case, text="有误", actor=case.borrower, now=NOW)
    who = people(case)

    offered = {user.username for user in AssignForm(case=case).fields["to"].queryset}  # type: ignore[attr-defined]

    assert offered == {"colleague", "the-supervisor", "the-manager"}
    for user in (who["reviewer"], who["auditor"], who["twin"]):
        said = why_not(Task.TAKE_OVER, case, Actor(user, Role.STAFF), NOW)
        with pytest.raises(RuleViolation, match=said):
            review.assign_case(case=case, to=user, actor=who["manager"], now=NOW)


@pytest.mark.parametrize("name", ["reviewer", "colleague", "supervisor", "auditor"])
@pytest.mark.parametrize("state", [State.IN_REVIEW, State.REJECTED])
def test_who_may_judge_a_file(state: State, name: str) -> None:
    case = case_at(State.IN_REVIEW)
    paper = added_and_checked(case, now=NOW)
    if state == State.REJECTED:
        RUNS[Action.REJECT](case, staff(), NOW)
        case.refresh_from_db()
    user, now = people(case)[name], later(case)
    said = why_not(Task.JUDGE_FILE, case, Actor(user, Role.STAFF), now)

    raised = outcome(
        lambda c, a, n: evidence.judge_evidence(
            evidence=c.evidence.get(pk=paper.pk), passed=True, actor=a, now=n
        ),
        case, user, now,
    )  # fmt: skip
    address = reverse("admin:relief_case_change", args=[case.pk])
    html = get(user, f"{address}?file={paper.public_id}", now)

    assert (raised.message if raised else "") == said
    assert (">采信<" in re.sub(r"<svg.*?</svg>", "", html)) is (not said)
    assert said in html


# --- The borrower's pages ------------------------------------------------------------------------


def buttons_of(case: Case, now: datetime) -> dict[Action | Task, bool]:
    """What the borrower can press, over the pages of the case."""

    def page(name: str, *args: object) -> str:
        return get(case.borrower, reverse(f"relief:{name}", args=[case.public_id, *args]), now)

    def link(name: str, *args: object) -> str:
        return f'"{reverse(f"relief:{name}", args=[case.public_id, *args])}"'

    own, number = page("case"), last_offer(case).number
    offer = page("offer", number) if last_offer(case).pk else ""
    papers = page("supply")
    return {
        Action.WITHDRAW: f"href={link('withdraw')}" in own,
        Action.APPEAL: f"href={link('appeal')}" in own,
        Action.REOPEN: f"action={link('reopen')}" in own,
        Action.ACCEPT: f"href={link('offer-accept', number)}" in offer,
        Action.DECLINE: f"href={link('offer-reject', number)}" in offer,
        Action.COUNTER: 'form="counter-form"' in (page("offer-reject", number) if offer else ""),
        Task.ADD_FILE: f"action={link('evidence-add')}" in papers,
    }


@pytest.mark.parametrize("state", [state for state in State if state != State.DRAFT])
def test_the_borrowers_buttons_say_what_the_rule_says(state: State) -> None:
    case = case_at(state)
    now, actor = later(case), Actor(case.borrower, Role.BORROWER)

    shown = buttons_of(case, now)

    if state not in {State.NEED_MORE, *BEFORE_PLAN}:
        shown.pop(Task.ADD_FILE)  # that page leads to the case's own
    assert shown == {action: not why_not(action, case, actor, now) for action in shown}


def test_what_time_and_other_cases_close_is_closed_everywhere() -> None:
    """Too late for an appeal or an offer; another open case; no round left: drifted apart once."""
    refused = case_at(State.REJECTED)
    loan = refused.loan
    factories.draft_case(loan)
    expired = case_at(State.EXPIRED)
    factories.draft_case(expired.loan, now=NOW + timedelta(days=9))
    offered = case_at(State.OFFERED)
    opened(offered, NOW)
    last = case_at(State.OFFERED)
    Case.objects.filter(pk=last.pk).update(rounds=3)
    last.refresh_from_db()
    opened(last, NOW)
    for case, action, now, words in (
        (refused, Action.APPEAL, NOW + timedelta(days=1), "已有进行中的申请"),
        (case_at(State.REJECTED), Action.APPEAL, NOW + timedelta(days=16), "申诉期已过"),
        (expired, Action.REOPEN, NOW + timedelta(days=9), "已有进行中的申请"),
        (offered, Action.ACCEPT, NOW + timedelta(days=8), "已过有效期"),
        (offered, Action.COUNTER, NOW + timedelta(days=8), "已过有效期"),
        (last, Action.COUNTER, NOW + timedelta(minutes=5), "已提出 3 次还款建议"),
    ):
        said = why_not(action, case, Actor(case.borrower, Role.BORROWER), now)
        raised = outcome(RUNS[action], case, case.borrower, now)

        assert words in said
        assert raised is not None
        assert raised.message == said
        assert buttons_of(case, now)[action] is False


def test_a_breach_is_confirmed_only_once_the_cure_is_over_and_the_button_says_so() -> None:
    case = case_at(State.WARNED)
    boss = staff(Rank.SUPERVISOR)
    desk = reverse("admin:relief_case_change", args=[case.pk])
    form = f'action="{reverse("admin:relief_case_breach", args=[case.pk])}"'
    for now, may in ((later(case), False), (later(case) + timedelta(days=12), True)):
        said = why_not(Action.BREACH, case, Actor(boss, Role.STAFF), now)
        html = get(boss, desk, now)

        assert (not said, form in html) == (may, may)
        assert may or "补救期还没有结束" in html
