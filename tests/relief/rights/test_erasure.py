"""Erasure on request: asked, answered, done as one act; what the law keeps stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from loans.models import Posting
from portal.core import clock
from portal.core.accounts import drafts
from portal.core.errors import NotYourTurn, RuleViolation, TermsChanged
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Document, Notice, SecurityEvent, User
from portal.core.storage import private
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import messages
from relief.conversation.models import Message
from relief.evidence.consents import give_consent
from relief.evidence.models import Consent
from relief.presenters.own_data import parts_of
from relief.rights import erasure, exports, keeping
from relief.rights.models import ErasureRequest, ErasureState
from tests import factories
from tests.factories import NOW, PASSWORD
from tests.relief.crash import Crashed, WriteCounter

pytestmark = pytest.mark.django_db
HERE = Origin("203.0.113.7", "Chrome，Windows")
PAGE = reverse("portal:erasure")
LATER = NOW + timedelta(days=2)


@pytest.fixture(autouse=True)
def _frozen(tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.PRIVATE_ROOT = tmp_path
    with clock.frozen(LATER):
        yield


@pytest.fixture
def boss() -> User:
    return factories.staff(Rank.SUPERVISOR)


@pytest.fixture
def case(boss: User) -> Case:
    """A plan that was paid off: a signed paper, a file, words on both sides."""
    case = factories.case_at(State.COMPLETED)
    messages.say(text="我爱人住院了，请帮帮我", actor=case.borrower, now=LATER)
    give_consent(kind="medical", actor=case.borrower, now=NOW, ip="203.0.113.7")
    return case


def ask(user: User) -> ErasureRequest:
    return erasure.ask_for_erasure(user=user, origin=HERE, now=LATER)


def approve(request: ErasureRequest, actor: User) -> None:
    erasure.approve_erasure(request_id=request.pk, actor=actor, origin=HERE, now=LATER)


def refuse(request: ErasureRequest, actor: User, **values: Any) -> None:
    facts = {"reason": "还有争议没有处理完", "again_on": None, **values}
    erasure.refuse_erasure(request_id=request.pk, actor=actor, origin=HERE, now=LATER, **facts)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# --- What goes and what stays --------------------------------------------------------------------


def test_what_may_go_goes_and_what_must_stay_stays(
    case: Case, boss: User, django_capture_on_commit_callbacks: Any
) -> None:
    user, file = case.borrower, case.evidence.get()
    postings = list(Posting.objects.order_by("pk").values())
    paper = Document.objects.filter(user=user).values("digest", "text").order_by("pk")
    papers, events = list(paper), case.events.count()
    copy = exports.ask_for_export(user=user, origin=HERE, now=LATER, real=LATER)
    exports.make_export(export_id=copy.pk, parts=parts_of, now=LATER, real=LATER)
    drafts.save(user=user, path=reverse("relief:service-send"), fields=QueryDict("text=我住院"))
    request = ask(user)
    approve(request, boss)

    with django_capture_on_commit_callbacks(execute=True):
        assert erasure.erase_approved(now=LATER) == 1
        assert erasure.erase_approved(now=LATER) == 0

    request.refresh_from_db()
    assert (request.state, request.erased_at, request.decided_by) == ("done", LATER, boss)
    assert request.erased["files"] == 1
    digest = file.sha256
    file.refresh_from_db()
    assert (file.original_name, file.stored_key, file.clean_key) == ("已删除", "", "")
    assert (file.sha256, file.kind, file.bytes_purged_at) == (digest, "income", LATER)
    kept_keys = set(Document.objects.exclude(stored_key="").values_list("stored_key", flat=True))
    assert set(private.keys()) == kept_keys
    case.refresh_from_db()
    assert (case.statement, case.monthly_income, case.affordable_payment) == ("", None, None)
    assert (case.state, case.reasons) == (State.COMPLETED, ["illness"])
    said = Message.objects.filter(conversation__borrower=user)
    assert set(said.values_list("text", flat=True)) <= {"", "（已应本人要求删除）"}
    assert not Consent.objects.active().filter(user=user).exists()
    assert Consent.objects.get(user=user).given_from is None
    assert drafts.all_of(user) == []
    assert list(Posting.objects.order_by("pk").values()) == postings
    assert list(paper) == papers
    assert case.events.filter(action="ERASED").count() == 1
    assert case.events.count() == events + 2  # one file, and the erasure
    user.refresh_from_db()
    assert (user.name, user.is_active) == ("林晓云", True)
    kinds = list(SecurityEvent.objects.filter(user=user).values_list("kind", flat=True))
    assert [kinds.count(k) for k in ("ERASURE_ASKED", "ERASURE_APPROVED", "ERASED")] == [1, 1, 1]
    for event in ("erasure_asked", "erasure_done"):
        assert Notice.objects.filter(user=user, event=event).count() == 1
        assert Delivery.objects.filter(user=user, event=event, mandatory=True).count() == 1


def test_who_never_had_a_loan_goes_whole_and_may_come_again(boss: User) -> None:
    user = factories.borrower("13911112222")
    browser = logged_in(user)
    request = ask(user)
    approve(request, boss)

    erasure.erase_approved(now=LATER)

    user.refresh_from_db()
    assert (user.name, user.is_active, user.has_usable_password()) == ("已注销用户", False, False)
    assert "13911112222" not in (user.phone, user.username)
    assert browser.get(reverse("portal:me")).status_code == 302
    assert Delivery.objects.get(event="erasure_done").to == "13911112222"
    assert factories.borrower("13911112222") != user


def test_until_when_the_law_keeps_what() -> None:
    lines = keeping.kept(
        today=date(2026, 3, 4), last_loan_ended_on=date(2026, 3, 2), has_loans=True
    )

    assert [line.until for line in lines] == [
        date(2036, 3, 2),
        date(2029, 3, 4),
        date(2028, 3, 4),
    ]
    newcomer = keeping.kept(today=date(2026, 3, 4), last_loan_ended_on=None, has_loans=False)
    assert len(newcomer) == 2


# --- Asked and answered --------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DRAFT, State.IN_REVIEW, State.PLAN_ACTIVE, State.REJECTED])
def test_nothing_is_asked_for_while_something_runs(state: State) -> None:
    case = factories.case_at(state)

    with pytest.raises(RuleViolation, match=f"借款 {case.loan.number} 还没有结清") as refused:
        ask(case.borrower)

    assert ("2026年11月11日起可以申请" in refused.value.message) == (state != State.PLAN_ACTIVE)
    assert not ErasureRequest.objects.exists()


def test_a_second_click_is_the_first_and_supervisors_are_told_once(case: Case, boss: User) -> None:
    assert ask(case.borrower) == ask(case.borrower)

    request = ErasureRequest.objects.get()
    assert request.due_at == LATER + timedelta(days=15)
    assert Notice.objects.filter(event="staff_erasure").count() == 1
    assert Notice.objects.get(event="staff_erasure").user == boss
    assert SecurityEvent.objects.filter(kind="ERASURE_ASKED").count() == 1


def test_an_answer_that_is_late_is_owned_up_to_once(case: Case, boss: User) -> None:
    manager, request = factories.staff(Rank.MANAGER), ask(case.borrower)

    assert erasure.own_up(now=request.due_at - timedelta(seconds=1)) == 0
    for _ in range(2):
        assert erasure.own_up(now=request.due_at) == 1

    late = Notice.objects.get(event="staff_erasure_late")
    assert (late.user, "3月19日" in late.body) == (manager, True)
    assert Notice.objects.filter(user=case.borrower, event="erasure_delayed").count() == 1
    refuse(request, boss)
    assert erasure.own_up(now=request.due_at) == 0


def test_it_can_be_taken_back_until_it_is_answered(case: Case, boss: User) -> None:
    request = ask(case.borrower)
    browser = logged_in(case.borrower)

    for words in ("删除申请已撤回", "没有等待答复的删除申请"):
        page = browser.post(reverse("portal:erasure-withdraw"), follow=True)
        assert words in page.content.decode()

    with pytest.raises(TermsChanged, match="已撤回"):
        approve(request, boss)
    assert ask(case.borrower) != request


def test_only_a_supervisor_who_is_somebody_else_answers(case: Case, boss: User) -> None:
    request = ask(case.borrower)
    own = factories.staff(Rank.MANAGER, "own", same_person_as=case.borrower)

    for actor, words in (
        (factories.staff(Rank.REVIEWER), "由主管答复"),
        (factories.staff(Rank.AUDITOR), "由主管答复"),
        (own, "自己的申请"),
    ):
        with pytest.raises(NotYourTurn, match=words):
            approve(request, actor)
    refuse(request, boss)
    with pytest.raises(TermsChanged, match="未同意"):
        approve(request, boss)


def test_a_refusal_has_its_reason_and_date(case: Case, boss: User) -> None:
    request = ask(case.borrower)
    for values in ({"reason": " "}, {"again_on": LATER.date()}):
        with pytest.raises(RuleViolation):
            refuse(request, boss, **values)

    refuse(request, boss, again_on=date(2026, 5, 1))

    notice = Notice.objects.get(user=case.borrower, event="erasure_refused")
    assert "原因：还有争议没有处理完。2026年5月1日起可以再次申请。" in notice.body
    page = logged_in(case.borrower).get(PAGE).content.decode()
    assert "还有争议没有处理完" in page
    assert "2026年5月1日" in page


def test_a_loan_taken_meanwhile_stops_it_at_each_step(case: Case, boss: User) -> None:
    request, other = ask(case.borrower), None
    approve(request, boss)
    other = factories.overdue_loan(case.borrower)

    assert erasure.erase_approved(now=LATER) == 1

    request.refresh_from_db()
    assert request.state == ErasureState.REFUSED
    assert other.number in request.reason
    assert request.again_on == date(2026, 11, 11)
    case.refresh_from_db()
    assert case.statement != ""
    assert Notice.objects.filter(user=case.borrower, event="erasure_refused").count() == 1


def test_a_worker_that_dies_leaves_all_or_nothing(case: Case, boss: User) -> None:
    request = ask(case.borrower)
    approve(request, boss)
    for fatal in (1, 3, 6, 9):
        counter = WriteCounter(fatal)
        with pytest.raises(Crashed), transaction.atomic(), connection.execute_wrapper(counter):
            erasure.erase_approved(now=LATER)
        case.refresh_from_db()
        assert case.statement != ""
        assert case.evidence.get().bytes_purged_at is None

    assert erasure.erase_approved(now=LATER) == 1
    request.refresh_from_db()
    assert request.state == ErasureState.DONE


# --- On screen -----------------------------------------------------------------------------------


def test_the_page_says_what_goes_what_stays_and_why_not(case: Case) -> None:
    page = logged_in(case.borrower).get(PAGE).content.decode()
    assert "全部证明材料的文件和文件名" in page
    assert "2036年3月3日" in page
    assert "注销" not in page

    running = logged_in(factories.overdue_loan().borrower).get(PAGE).content.decode()
    assert "现在还不能删除" in running
    assert "2026年11月11日起可以申请" in running
    assert 'name="password"' not in running


def test_it_takes_the_password(case: Case) -> None:
    browser = logged_in(case.borrower)

    assert browser.post(PAGE, {"password": "wrong"}).status_code == 422
    assert not ErasureRequest.objects.exists()
    answer = browser.post(PAGE, {"password": PASSWORD}, follow=True)

    assert "我们会在 3月19日 前答复" in answer.content.decode()
    assert "撤回申请" in answer.content.decode()
    late = logged_in(factories.overdue_loan().borrower).post(PAGE, {"password": PASSWORD})
    assert late.status_code == 409
    assert "还没有结清" in late.content.decode()


def test_the_desk_answers(case: Case, boss: User) -> None:
    request = ask(case.borrower)
    desk = logged_in(boss)
    page = reverse("admin:relief_erasurerequest_change", args=[request.pk])
    no, yes = (
        reverse(f"admin:relief_erasurerequest_{how}", args=[request.pk])
        for how in ("refuse", "approve")
    )
    assert yes in desk.get(page).content.decode()
    assert desk.post(no, {"reason": "", "again_on": "x"}).status_code == 422
    assert desk.post(no, {"reason": "原因", "again_on": "2020-01-01"}).status_code == 409
    reviewer = logged_in(factories.staff(Rank.REVIEWER))
    assert "由主管答复" in reviewer.get(page).content.decode()
    assert reviewer.post(yes).status_code == 409

    assert desk.post(yes)["Location"] == page

    request.refresh_from_db()
    assert request.state == ErasureState.APPROVED
    assert erasure.erase_approved(now=LATER) == 1
    assert "文件 1" in desk.get(page).content.decode()


def test_the_desk_does_not_show_ones_own(case: Case) -> None:
    request = ask(case.borrower)
    own = logged_in(factories.staff(Rank.MANAGER, "own", same_person_as=case.borrower))

    for how in ("approve", "refuse"):
        answer = own.get(reverse(f"admin:relief_erasurerequest_{how}", args=[request.pk]))
        assert answer.status_code == 404
