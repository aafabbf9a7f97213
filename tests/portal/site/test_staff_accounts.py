"""Accounts of staff take two managers: made, changed, closed, reset; nobody does it alone or to themselves."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import factors
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.models import SecurityEvent, StaffChange, User
from tests import factories
from tests.authenticator import App

pytestmark = pytest.mark.django_db
LIST = "/admin/portal/staffchange/"
NEW = {"username": "zhou-min", "name": "周敏", "rank": "REVIEWER", "reason": "新同事入职"}
STRONG = "wen-2026-ming"


@pytest.fixture
def maker() -> User:
    return factories.staff(Rank.MANAGER, "maker")


@pytest.fixture
def checker() -> User:
    return factories.staff(Rank.MANAGER, "checker")


@pytest.fixture
def agent() -> User:
    return factories.staff(Rank.REVIEWER, "agent-7")


def desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def propose(user: User, subject: User, kind: str, **values: str) -> Any:
    path = reverse("admin:portal_staffchange_propose", args=[subject.pk, kind])
    return desk(user).post(path, {"reason": "按人事通知办理", **values})


def end(user: User, change: StaffChange, how: str = "approve") -> Any:
    return desk(user).post(reverse(f"admin:portal_staffchange_{how}", args=[change.pk]))


def code_of(answer: Any) -> str:
    """The setup code that the page of the approval shows."""
    found = re.search(r'id="setup-code">([^<]+)<', answer.content.decode())
    assert found, "no code"
    return found[1]


def set_up(username: str, code: str, password: str = STRONG, again: str = "") -> Any:
    values = {"username": username, "code": code, "password": password}
    return Client().post("/admin/setup/", {**values, "again": again or password})


def test_two_managers_make_an_account_and_its_owner_sets_the_password(
    maker: User, checker: User, client: Client
) -> None:
    desk(maker).post(f"{LIST}new/", NEW)
    change = StaffChange.objects.get()
    assert not User.objects.filter(username="zhou-min").exists()

    code = code_of(end(checker, change))
    assert set_up("zhou-min", code)["Location"] == "/admin/login/"
    asked = client.post("/admin/login/", {"username": "zhou-min", "password": STRONG})

    made = User.objects.get(username="zhou-min")
    assert (made.name, made.rank, asked["Location"]) == ("周敏", "REVIEWER", "/admin/login/factor/")
    event = SecurityEvent.objects.get(kind="STAFF_CREATE")
    assert (event.user, event.actor) == (made, checker)
    assert event.detail == f"审核员，由{maker.name}提出"
    assert "已用过" in set_up("zhou-min", code).content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "1x"}, "用户名：请用"),
        ({"username": "maker"}, "已有人使用"),
        ({"name": "<b>"}, "姓名"),
        ({"rank": ""}, "职级：请选择"),
        ({"rank": "KING"}, "职级：请选择"),
        ({"reason": "x"}, "原因：请填写"),
        ({"reason": ""}, "原因：请填写"),
        ({"reason": "长" * 300}, "原因：最多 200 个字"),
    ],
)
def test_bad_input_is_a_sentence(maker: User, wrong: dict[str, str], said: str) -> None:
    answer = desk(maker).post(f"{LIST}new/", NEW | wrong)

    assert answer.status_code in {409, 422}
    assert said in answer.content.decode()
    assert not StaffChange.objects.exists()


def test_nobody_approves_their_own_proposal(maker: User, agent: User) -> None:
    propose(maker, agent, "disable")
    change = StaffChange.objects.get()

    answer = end(maker, change)

    assert answer.status_code == 409
    assert "提出人不能复核自己的变更" in answer.content.decode()
    agent.refresh_from_db()
    assert agent.is_active


def test_nobody_changes_themselves(maker: User, checker: User) -> None:
    asked = propose(maker, maker, "rank", rank="AUDITOR")
    propose(maker, checker, "rank", rank="REVIEWER")
    decided = end(checker, StaffChange.objects.get())

    assert asked["Location"] == reverse("admin:portal_user_change", args=[maker.pk])
    assert "不能复核自己的账户" in decided.content.decode()


def test_the_database_keeps_two_people(maker: User, checker: User, agent: User) -> None:
    propose(maker, agent, "disable")
    now = clock.real_now()
    for values in (
        {"status": "APPROVED", "decided_by": maker, "decided_at": now},
        {"status": "APPROVED", "decided_by": agent, "decided_at": now},
        {"status": "APPROVED"},
        {"made_by": agent},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            StaffChange.objects.update(**values)


@pytest.mark.parametrize("rank", [Rank.REVIEWER, Rank.SUPERVISOR, Rank.AUDITOR])
def test_only_managers_have_a_say(maker: User, agent: User, rank: Rank) -> None:
    propose(maker, agent, "disable")
    change, other = StaffChange.objects.get(), factories.staff(rank, f"other-{rank.lower()}")

    assert end(other, change).status_code == 403
    assert end(other, change, "refuse").status_code == 403
    assert desk(other).post(f"{LIST}new/", NEW).status_code == 403
    propose(other, agent, "rank", rank="MANAGER")
    assert StaffChange.objects.count() == 1
    page = desk(other).get(reverse("admin:portal_user_change", args=[agent.pk])).content.decode()
    assert "重置双重验证" not in page


def test_a_new_rank_counts_at_once_and_stands_in_the_trail(
    maker: User, checker: User, agent: User
) -> None:
    client = desk(agent)
    propose(maker, agent, "rank", rank="SUPERVISOR")
    end(checker, StaffChange.objects.get())

    agent.refresh_from_db()
    assert agent.rank == "SUPERVISOR"
    assert client.get("/admin/").status_code == 302
    event = SecurityEvent.objects.get(kind="STAFF_RANK")
    assert event.detail == f"审核员 → 主管，由{maker.name}提出"


def test_a_reset_takes_the_factor_and_the_sessions(
    maker: User, checker: User, agent: User, client: Client
) -> None:
    app = App(factors.new_key())
    factors.enrol(user=agent, key=app.key, code=app.code(steps=-1), origin=Origin())
    values = {"username": agent.username, "password": factories.PASSWORD}
    client.post("/admin/login/", values)
    client.post("/admin/login/factor/", {"code": app.code()})
    assert client.get("/admin/").status_code == 200

    propose(maker, agent, "reset-factor")
    assert client.get("/admin/").status_code == 200
    end(checker, StaffChange.objects.get())

    assert client.get("/admin/").status_code == 302
    assert factors.recovery_codes_left(agent) == 0
    client.post("/admin/login/", values)
    assert client.get("/admin/login/factor/")["Location"] == "/admin/factor/enrol/"
    event = SecurityEvent.objects.get(kind="STAFF_RESET_FACTOR")
    assert (event.user, event.actor) == (agent, checker)


def test_a_closed_account_is_out_and_can_be_opened_as_somebody_new(
    maker: User, checker: User, agent: User, client: Client
) -> None:
    inside = desk(agent)
    propose(maker, agent, "disable")
    end(checker, StaffChange.objects.latest("pk"))
    assert inside.get("/admin/").status_code == 302

    propose(checker, agent, "enable")
    code = code_of(end(maker, StaffChange.objects.latest("pk")))

    old = client.post("/admin/login/", {"username": agent.username, "password": factories.PASSWORD})
    assert old.status_code == 200
    assert set_up(agent.username, code).status_code == 302


def test_a_password_is_reset_by_a_code(maker: User, checker: User, agent: User) -> None:
    propose(maker, agent, "reset-password")
    code = code_of(end(checker, StaffChange.objects.get()))

    weak = set_up(agent.username, code, "12345678")
    different = set_up(agent.username, code, again=STRONG + "x")
    foreign = set_up(maker.username, code)
    with time_machine.travel(clock.real_now().timestamp() + 25 * 3600):
        late = set_up(agent.username, code)

    answers = (weak, different, foreign, late)
    assert [answer.status_code for answer in answers] == [422] * 4
    assert "密码太简单" in weak.content.decode()
    assert "两次输入的密码不一样" in different.content.decode()
    assert "超过 24 小时" in late.content.decode()
    assert "用户名或设置码不正确" in foreign.content.decode()
    assert Client().get("/admin/setup/").status_code == 200


def test_one_change_of_an_account_at_a_time_and_ended_once(
    maker: User, checker: User, agent: User
) -> None:
    propose(maker, agent, "disable")
    twice = propose(checker, agent, "rank", rank="MANAGER")
    change = StaffChange.objects.get()

    foreign = end(checker, change, "withdraw")
    own = end(maker, change, "withdraw")
    late = end(checker, change)

    assert "已有一项变更在等待复核" in twice.content.decode()
    assert (foreign.status_code, own.status_code, late.status_code) == (409, 302, 409)
    assert "已撤回，不能再处理" in late.content.decode()


def test_a_refused_change_changes_nothing(maker: User, checker: User, agent: User) -> None:
    propose(maker, agent, "rank", rank="MANAGER")

    end(checker, StaffChange.objects.get(), "refuse")

    agent.refresh_from_db()
    assert agent.rank == "REVIEWER"
    assert StaffChange.objects.get().status == "REFUSED"


def test_a_proposal_of_somebody_who_is_no_manager_any_more_is_void(
    maker: User, checker: User, agent: User
) -> None:
    propose(maker, agent, "rank", rank="MANAGER")
    User.objects.filter(pk=maker.pk).update(rank=Rank.REVIEWER)

    assert "提出人已不是经理" in end(checker, StaffChange.objects.get()).content.decode()


def test_a_superuser_edits_no_rank(agent: User) -> None:
    root = User.objects.create_superuser("root", password=factories.PASSWORD)
    path = reverse("admin:portal_user_change", args=[agent.pk])

    answer = desk(root).post(path, {"rank": "MANAGER", "role": "STAFF", "is_active": "on"})

    agent.refresh_from_db()
    assert answer.status_code == 403
    assert agent.rank == "REVIEWER"


def test_the_command_makes_the_first_two_managers_only() -> None:
    out = StringIO()
    call_command("create_staff", "wang-li", "王丽", stdout=out)
    call_command("create_staff", "chen-gang", "陈刚", stdout=StringIO())

    code = out.getvalue().strip().splitlines()[-1]
    assert set_up("wang-li", code).status_code == 302
    assert User.objects.get(username="wang-li").rank == "MANAGER"
    with pytest.raises(CommandError, match="已有两位经理"):
        call_command("create_staff", "li-na", "李娜", stdout=StringIO())
    User.objects.filter(username="wang-li").update(is_active=False)
    with pytest.raises(CommandError, match="用户名"):
        call_command("create_staff", "1", "李娜", stdout=StringIO())
