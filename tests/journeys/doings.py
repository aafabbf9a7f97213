"""What the two sides do to one another in the talks, each at their own screen."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.backstage import Prepared
from tests.journeys.people import Person
from tests.stack import Stack

READING = 10.5  # seconds; forced, checked by the server


def become(person: Person, account: str) -> None:
    """One click on the demo's console logs in as a member of the cast."""
    person.go("/demo/")
    person.press(f"以 {account} 登录：")


def at_desk(staff: Person, account: str, number: str) -> None:
    """A member of staff finds a case in the queue and opens it."""
    become(staff, account)
    staff.go(f"/admin/relief/case/?q={number}")
    staff.press(number)


def arrive_as(person: Person, who: Prepared) -> Person:
    """The prepared borrower logs in."""
    steps.log_in_by_password(person, who.phone)
    return person


def see_case(person: Person, who: Prepared, state: str) -> None:
    """Open the case's page: it stands where it should."""
    person.go(f"/relief/{who.case}/")
    found = person.state()
    assert found == state, f"{found}, not {state}"


def wait_for_state(person: Person, who: Prepared, state: str) -> None:
    """The worker's sweep takes the case there."""

    def there() -> bool:
        person.go(f"/relief/{who.case}/")
        return person.state() == state

    steps.until(there, seconds=60, what=f"{who.number} {state}")


def compose(staff: Person, **values: str) -> None:
    """Change some fields of the builder, try it out, send it."""
    builder = staff.page.locator("#builder")
    builder.locator("label", has=staff.page.locator('[name="by"][value="percent"]')).click()
    for name, value in values.items():
        builder.locator(f'[name="{name}"]').fill(value)
    steps.say_why_unread(builder)
    builder.get_by_role("button", name="试算", exact=True).last.click()
    staff.settle()
    staff.page.locator("#send").get_by_role("button").last.click()
    staff.settle()


def counter(person: Person, *, waive: str, terms: str, note: str) -> None:
    """不接受, and what would be better: tried out first, then sent."""
    person.press("不接受")
    person.page.locator('input[name="reasons"]').first.check()
    person.page.locator('#counter-form [name="waive"]').fill(waive)
    person.page.locator('#counter-form [name="terms"]').fill(terms)
    person.page.locator('#counter-form [name="note"]').fill(note)
    person.settle()
    person.press("提交建议")
    person.sees("还款建议已提交")


def changes(person: Person) -> dict[str, tuple[str, str]]:
    """What the page marks as different from the version before: label → (before, now)."""
    rows = person.page.locator('section[aria-labelledby="changes"] tbody tr').all()
    return {
        row.locator("th").inner_text(): (
            row.locator("del").inner_text(),
            row.locator("td").nth(1).inner_text(),
        )
        for row in rows
    }


def read_offer(person: Person, who: Prepared) -> int:
    """Open the offer that waits, and read it as long as it takes; its number."""
    person.go(f"/relief/{who.case}/")
    person.press("查看方案并答复")
    time.sleep(READING)
    found = re.search(r"/offers/(\d+)/", person.page.url)
    assert found
    return int(found[1])


def prepare_to_sign(person: Person, who: Prepared, number: int) -> None:
    """The page of acceptance with ticks and password, not yet sent."""
    person.go(f"/relief/{who.case}/offers/{number}/accept/")
    person.press("改用登录密码确认")
    form = person.page.locator("#accept-form")
    form.locator('input[name="agree"]').check()
    form.locator('input[name="know"]').check()
    form.locator('input[name="password"]').fill(steps.PASSWORD)


def sign(person: Person) -> None:
    """确认接受, once."""
    form = person.page.locator("#accept-form")
    form.get_by_role("button", name="确认接受").locator("visible=true").last.click()
    person.settle()


def accept(person: Person, who: Prepared) -> None:
    """Read, tick, password, agreed."""
    number = read_offer(person, who)
    prepare_to_sign(person, who, number)
    sign(person)
    person.sees("协议已生效")
    see_case(person, who, "PLAN_ACTIVE")


def refused_at(person: Person, name: str, *, kept: str | None = None, within: str = "main") -> str:
    """The sentence at a field; the field is marked, and what was typed is still there."""
    field = person.page.locator(f'{within} [name="{name}"]').locator("visible=true").first
    expect(field).to_have_attribute("aria-invalid", "true")
    notes = (field.get_attribute("aria-describedby") or "").split()
    said = [person.page.locator(f'[id="{note}"]').first for note in notes if "error" in note]
    assert said, f"{name}: no sentence at the field"
    if kept is not None:
        expect(field).to_have_value(kept)
    sentence = said[0].inner_text().strip()
    assert re.search("[\u4e00-\u9fff]", sentence), f"{name}: {sentence!r}"
    return sentence


def books_are_whole(stack: Stack) -> None:
    """`check_books` ends every journey."""
    proof = stack.manage("check_books")
    assert proof.returncode == 0, proof.stdout + proof.stderr
