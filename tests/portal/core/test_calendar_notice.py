"""A year's notice: pasted, previewed, confirmed; and being told in time that one is missing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from portal.core import clock
from portal.core.calendar import days as calendar
from portal.core.calendar import reach
from portal.core.calendar.year_import import apply_notice, plan_notice, read_notice
from portal.core.errors import NotYourTurn, StaleWrite
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import Notice, WorkDay
from tests.conftest import at
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db
# An invented notice of 2027: nobody knows the real one yet.
NOTICE = """# 国务院办公厅通知
2027-01-01~2027-01-03 off 元旦
2027/2/5..2027/2/12 休 春节
2027年1月31日 班 春节
２０２７-０２-２０ work 春节

2027-04-03 至2027-04-05 off 清明
2026-12-27\twork\t元旦
"""
LINES = NOTICE.replace(" 至", "至")
URL = "/admin/portal/workday/import/"


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_a_notice_is_read_as_a_whole_year() -> None:
    days = {d.date: d for d in read_notice(year=2027, text=LINES)}

    assert len(days) == 366  # the year, and one make-up day before it
    assert {d.source for d in days.values()} == {"official"}
    assert (days[day("2027-02-12")].kind, days[day("2027-02-12")].name) == ("off", "春节")
    assert (days[day("2027-02-20")].kind, days[day("2027-02-20")].name) == ("work", "春节调休")
    assert days[day("2026-12-27")].kind == "work"
    assert (days[day("2027-03-01")].kind, days[day("2027-03-06")].kind) == ("work", "off")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "请逐行粘贴放假和调休上班的日期，例如“2027-02-05 休 春节”"),
        ("2027-02-20 work", "请逐行粘贴放假"),
        ("春节放八天", "第 1 行：请写成“日期 休或班 名称”"),
        ("2027-02-30 off 春节", "第 1 行：没有 2027-02-30 这一天，请检查"),
        ("2027-2-5 off\n20270206 off", "第 2 行：“20270206”不是日期"),
        ("2027-02-05 maybe 春节", "第 1 行：“maybe”不认识，请写 休 或 班"),
        ("2026-02-05 off 春节", "第 1 行：日期不在 2027 年"),
        ("2028-01-01 off 元旦", "第 1 行：日期不在 2027 年"),
        ("2027-02-12~2027-02-05 off 春节", "第 1 行：结束日期早于开始日期"),
        ("2027-02-05 off 春节\n2027-02-05 work", "第 2 行：2027-02-05 在第 1 行已经写过"),
        ("2027-02-05 off " + "春" * 21, "第 1 行：名称最多 20 个字"),
        ("x\n" * 12, "另有 3 行有误"),
        ("2" * 20_001, "内容太长"),
    ],
)
def test_wrong_lines_are_named(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        read_notice(year=2027, text=text)

    assert wrong.value.field == "text"
    assert sentence in wrong.value.message


@pytest.mark.parametrize("year", [0, 1999, 2100, 10**9])
def test_wrong_years_are_refused(year: int) -> None:
    with pytest.raises(InvalidInput) as wrong:
        read_notice(year=year, text=LINES)
    assert wrong.value.field == "year"


def test_import_replaces_what_was_provisional() -> None:
    plan = plan_notice(year=2027, text=LINES)
    before = calendar.load_calendar()

    changed = apply_notice(year=2027, text=LINES, digest=plan.digest, actor=wen(Rank.SUPERVISOR))

    after = calendar.load_calendar()
    assert changed == len(plan.changes) == 13
    assert (plan.provisional_before, plan.worked_weekends) == (365, 2)
    assert before.is_provisional(day("2027-02-20"))
    assert not before.is_working(day("2027-02-20"))
    assert not after.is_provisional(day("2027-02-20"))
    assert after.is_working(day("2027-02-20"))
    # Submitted on 2026-12-31: with the invented notice the second working day stays 01-05.
    assert after.add_working_days(day("2026-12-31"), 2) == day("2027-01-05")
    again = plan_notice(year=2027, text=LINES)
    assert (again.changes, again.provisional_before) == ((), 0)


def test_only_what_was_shown_is_applied() -> None:
    plan = plan_notice(year=2027, text=LINES)
    boss = wen(Rank.MANAGER)

    with pytest.raises(StaleWrite):
        apply_notice(
            year=2027, text=LINES + "2027-05-03 off 劳动节", digest=plan.digest, actor=boss
        )
    WorkDay.objects.filter(date="2027-07-01").update(kind="off", source="official")
    with pytest.raises(StaleWrite):
        apply_notice(year=2027, text=LINES, digest=plan.digest, actor=boss)
    for actor in (wen(), wen(Rank.AUDITOR), lin()):
        with pytest.raises(NotYourTurn):
            apply_notice(year=2027, text=LINES, digest=plan.digest, actor=actor)
    assert WorkDay.objects.filter(date__year=2027, source="official").count() == 1


def test_the_desk_shows_before_it_writes(client: Client) -> None:
    client.force_login(wen(Rank.SUPERVISOR))
    with clock.frozen(at("2026-11-23 10:00")):
        form = client.get(URL).content.decode()
        wrong = client.post(URL, {"year": "2027", "text": "2027-02-30 off 春节"})
        bad_year = client.post(URL, {"year": "二〇二七", "text": LINES})
        shown = client.post(URL, {"year": "2027", "text": LINES, "preview": "预览"})
        assert WorkDay.objects.filter(date__year=2027, source="official").count() == 0
        plan = shown.context["plan"]
        data = {"year": "2027", "text": LINES, "digest": plan.digest, "confirm": "确认导入"}
        done = client.post(URL, data, follow=True).content.decode()
        stale = client.post(URL, data)

    assert 'value="2027"' in form
    assert (wrong.status_code, bad_year.status_code) == (422, 422)
    assert "没有 2027-02-30 这一天" in wrong.content.decode()
    assert "2027-02-30 off 春节</textarea>" in wrong.content.decode()
    assert "年份请填写 2020 到 2099" in bad_year.content.decode()
    assert "13 天有变化" in shown.content.decode()
    assert "2027 年的工作日历已导入，13 天有变化" in done
    assert WorkDay.objects.filter(date__year=2027, source="official").count() == 365
    assert stale.status_code == 422
    assert "请重新预览" in stale.content.decode()


@pytest.mark.parametrize("rank", [Rank.REVIEWER, Rank.AUDITOR])
def test_others_do_not_import(client: Client, rank: Rank) -> None:
    client.force_login(wen(rank))

    assert client.get(URL).status_code == 403
    assert client.post(URL, {"year": "2027", "text": LINES}).status_code == 403
    assert "导入一年的安排" not in client.get("/admin/portal/workday/").content.decode()


def test_the_list_marks_provisional_years(client: Client) -> None:
    client.force_login(wen(Rank.SUPERVISOR))
    with clock.frozen(at("2026-11-23 10:00")):
        page = client.get("/admin/portal/workday/").content.decode()

    assert "2026 年：国务院公布" in page
    assert "2027 年：<strong>暂定</strong>（365 天）" in page
    assert "2027-01-01 起的工作日历是暂定的" in page
    assert "导入一年的安排" in page


@pytest.mark.parametrize(
    ("today", "keys"),
    [
        ("2026-03-02", []),
        ("2026-11-01", []),
        ("2026-11-02", ["provisional:2027"]),
        ("2026-12-30", ["gap:2028", "provisional:2027"]),
        ("2027-12-31", ["gap:2028", "provisional:2027"]),
        ("2028-01-03", ["gap:2028", "provisional:2028"]),
    ],
)
def test_staff_hear_of_a_missing_year_in_time(today: str, keys: list[str]) -> None:
    assert [key for key, _ in reach.warnings(day(today))] == keys


def test_supervisors_are_told_once_a_month() -> None:
    people = [wen(rank) for rank in Rank]
    for when in ("2026-12-01 09:00", "2026-12-30 09:00", "2026-12-30 10:00"):
        reach.notify_staff(at(when))

    told = Notice.objects.filter(event="staff_calendar")
    assert {n.user.rank for n in told} == {"SUPERVISOR", "MANAGER"}
    assert told.count() == 4  # two warnings, two people
    assert len(people) == 4
    assert told.first().link == URL  # type: ignore[union-attr]


def test_a_gap_in_the_table_ends_its_reach() -> None:
    WorkDay.objects.filter(date="2026-06-01").delete()

    found: Any = reach.reach(day("2026-05-01"))

    assert (found.known_until, found.official_until) == (day("2026-05-31"), day("2026-05-31"))
    assert reach.reach(day("2031-01-01")).known_until is None
