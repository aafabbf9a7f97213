"""A borrower takes a copy of everything, with and without script, and has what may go erased."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.journeys import doings, steps
from tests.journeys.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SETTLED = "13800000006"
NEWCOMER = "13800000010"


def ask_for_copy(person: Person) -> None:
    """From the settings to the button, with the password."""
    person.go("/me/settings/")
    person.press("导出我的数据")
    person.fill("登录密码", steps.PASSWORD)
    person.press("生成我的数据副本")


def take_copy(person: Person, folder: Path) -> ZipFile:
    """Download what is ready, with the password; the page stays usable."""
    person.fill("登录密码", steps.PASSWORD)
    with person.page.expect_download() as waiting:
        person.find("下载 ZIP").click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return ZipFile(target)


def test_a_copy_grows_on_the_page_and_is_taken_away(
    arrive: Callable[..., Person], tmp_path: Path
) -> None:
    person = arrive()
    doings.become(person, SETTLED)
    ask_for_copy(person)

    person.page.get_by_role("button", name="下载 ZIP").wait_for(timeout=60_000)  # it polls
    archive = take_copy(person, tmp_path)

    assert archive.testzip() is None
    [case] = json.loads(archive.read("json/cases.json"))
    assert case["state"]
    assert case["number"] in archive.read("pages/timeline.html").decode()
    assert any(name.startswith("papers/") for name in archive.namelist())
    person.fill("登录密码", "wrong-password")
    person.refusals_expected = True
    person.press("下载 ZIP")
    person.sees("密码")
    person.go("/me/settings/security/")
    person.sees("下载个人数据")
    person.go("/me/notices/")
    person.sees("你的数据被下载")


def test_it_works_by_reloading_without_script(
    arrive: Callable[..., Person], tmp_path: Path
) -> None:
    person = arrive(script=False)
    doings.become(person, NEWCOMER)
    ask_for_copy(person)

    def there() -> bool:
        if person.find("刷新进度").count():
            person.press("刷新进度")
        return person.page.get_by_role("button", name="下载 ZIP").count() == 1

    steps.until(there, seconds=60, what="the copy")

    archive = take_copy(person, tmp_path)
    assert json.loads(archive.read("json/cases.json")) == []


def test_what_may_go_is_erased_and_what_must_stay_is_said(arrive: Callable[..., Person]) -> None:
    person, boss = arrive(), arrive(desk=True)
    doings.become(person, SETTLED)
    person.go("/me/settings/")
    person.press("删除我的个人信息")
    person.sees("按法律要求保留")
    person.fill("登录密码", steps.PASSWORD)
    person.press("申请删除")
    person.sees("等待答复")

    doings.become(boss, "supervisor")
    boss.go("/admin/relief/erasurerequest/")
    boss.page.locator("#result_list tbody th a").first.click()
    boss.settle()
    boss.press("同意删除")
    boss.press("同意删除")
    boss.sees("已同意")

    def erased() -> bool:
        person.go("/me/settings/erasure/")
        return person.page.locator("#latest + .tag").inner_text() == "已删除"

    steps.until(erased, seconds=60, what="the erasure")
    person.go("/me/notices/")
    person.sees("个人信息已删除")
    person.go("/relief/")
    person.page.locator("main a[href^='/relief/']").first.click()
    person.settle()
    person.sees("已删除")
    person.go("/jiebei/")  # the books stay
    person.sees("结清")


def test_while_a_plan_runs_it_says_why_not_and_from_when(arrive: Callable[..., Person]) -> None:
    person = arrive()
    doings.become(person, "13800000004")

    person.go("/me/settings/erasure/")

    person.sees("现在还不能删除")
    person.sees("起可以申请")
