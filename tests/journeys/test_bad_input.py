"""Wrong things typed and sent: a sentence at the field, nothing lost; twice accepted is once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys import doings, steps
from tests.journeys.backstage import prepare
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]
WRONG_AMOUNTS = ("-1", "0", "abc", "1e3", "12.345")
COUNT = (
    "from relief.offers.models import Agreement; "
    "print('agreements', Agreement.objects.filter(case__public_id='{case}').count())"
)


def test_accepting_twice_gives_one_agreement(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "offered")
    first = doings.arrive_as(arrive(), who)
    second = Person(first.page.context.new_page(), stack.address)
    number = doings.read_offer(first, who)
    for tab in (first, second):
        doings.prepare_to_sign(tab, who, number)

    button = first.page.locator("#accept-form").get_by_role("button", name="确认接受")
    button.locator("visible=true").last.dblclick(no_wait_after=True)
    first.sees("协议已生效")
    doings.sign(second)
    second.sees("协议已生效")

    receipts = {
        tab.page.inner_text(f'[data-field="{name}"]')
        for tab in (first, second)
        for name in ("agreement-code", "agreement-digest")
    }
    assert len(receipts) == 2  # one code, one digest, the same in both tabs
    assert first.page.url == second.page.url
    assert second.complaints == []
    counted = stack.manage("shell", "-v", "0", "-c", COUNT.format(case=who.case))
    assert "agreements 1" in counted.stdout, counted.stdout + counted.stderr
    doings.books_are_whole(stack)


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_wrong_phone_and_wrong_code(stack: Stack, arrive: Arrive, script: bool) -> None:
    person, phone = arrive(script=script), steps.new_phone()
    person.refusals_expected = True
    person.go("/register/")
    person.fill("手机号", "12345")
    person.press("获取验证码")
    assert "手机号" in doings.refused_at(person, "phone", kept="12345")
    person.fill("手机号", phone)
    steps.ask_for_code(phone, lambda: person.press("获取验证码"))
    person.sees("验证码已发送至")
    person.fill("短信验证码", "000000")
    person.fill("姓名", "试错的人")
    person.page.locator('input[name="password"]').fill(steps.PASSWORD)
    person.page.locator('input[name="agree"]').check()
    person.press("注册", exact=True)
    assert "验证码" in doings.refused_at(person, "code")
    assert person.page.locator('input[name="name"]').input_value() == "试错的人"
    assert person.page.locator('input[name="phone"]').first.input_value() == phone


def test_wrong_words_sums_and_files(stack: Stack, arrive: Arrive, tmp_path: Path) -> None:
    who = prepare(stack, "loan")
    borrower = doings.arrive_as(arrive(), who)
    borrower.refusals_expected = True
    borrower.go(f"/service/apply/{who.loan}/")
    borrower.page.locator('input[name="reasons"][value="illness"]').check()
    borrower.press("下一步")

    # words: none, and far too many
    borrower.press("下一步")
    assert "至少" in doings.refused_at(borrower, "statement")
    many = "上月住院手术收入减少" * 2000
    borrower.page.locator('textarea[name="statement"]').evaluate(
        "(field, text) => { field.removeAttribute('maxlength'); field.value = text }", many
    )
    borrower.press("下一步")
    doings.refused_at(borrower, "statement", kept=many)
    borrower.page.locator('textarea[name="statement"]').fill(
        "上月住院手术，休病假两个月，收入少了。"
    )
    borrower.press("下一步")
    steps.until(
        lambda: "/evidence/" in borrower.page.url,
        what=f"the third step: {borrower.page.inner_text('main')[:300]}",
    )

    refuse_files(borrower, tmp_path)

    # sums: the one parser at two places
    borrower.go(f"/service/apply/{who.loan}/affordability/")
    for wrong in WRONG_AMOUNTS:
        borrower.page.locator('input[name="affordable_payment"]').fill(wrong)
        borrower.press("下一步")
        doings.refused_at(borrower, "affordable_payment", kept=wrong)
    borrower.page.locator('input[name="affordable_payment"]').fill("１２３．４５")
    borrower.press("下一步")
    borrower.go(f"/service/apply/{who.loan}/affordability/")
    assert borrower.page.locator('input[name="affordable_payment"]').input_value() == "123.45"
    for wrong in WRONG_AMOUNTS:
        borrower.go(f"/jiebei/{who.loan}/repay/?scope=custom&amount={wrong}")
        doings.refused_at(borrower, "amount", kept=wrong)
    borrower.go(f"/jiebei/{who.loan}/repay/?scope=custom")
    borrower.page.locator("#amount").fill("１２３．４５")
    borrower.press("查看分配")
    assert "123.45" in borrower.find("确认还款").inner_text()

    doings.books_are_whole(stack)


def refuse_files(borrower: Person, folder: Path) -> None:
    """An empty file, one of 20 MB, and words that call themselves a photograph."""
    wrong = {
        "empty.jpg": b"",
        "huge.pdf": b"%PDF-1.4\n" + b"0" * (20 * 1024 * 1024),
        "words.jpg": b"only words, no picture\n" * 40,
    }
    borrower.page.locator('#upload select[name="kind"]').select_option("income")
    for name, content in wrong.items():
        path = folder / name
        path.write_bytes(content)
        borrower.page.locator("#pick-file").set_input_files(path)
        line = borrower.page.locator("#files li", has_text=name)

        def refused(line: object = line) -> bool:
            text = line.first.inner_text() if line.count() else ""  # type: ignore[attr-defined]
            return any(word in text for word in ("需更换", "上传失败"))

        steps.until(refused, what=f"{name} refused: {borrower.page.inner_text('#files')}")
        assert "已通过" not in line.first.inner_text()
