"""An error stands beside its field until the field is mended, and changes with what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.heard.conftest import OpenWindow
from tests.world import build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db]

# What stands at a field: is it marked, which words are tied to it, does the summary name it.
TOLD = """(place) => {
  const ids = (place.getAttribute("aria-describedby") || "").split(/\\s+/).filter(id => /[-_]error$/.test(id));
  const lines = ids.map(id => document.getElementById(id)).filter(Boolean);
  return {
    marked: place.getAttribute("aria-invalid") === "true",
    words: lines.filter(line => line.checkVisibility()).map(line => line.textContent.trim()).join(" "),
    named: [...document.querySelectorAll(`.sum a[href="#${CSS.escape(place.id)}"]`)].some(link => link.checkVisibility()),
    red: Boolean(place.closest(".box.err, .field.err, .otp.err")),
  };
}"""


def test_an_error_changes_with_what_is_wrong(window_of: OpenWindow, frozen: object) -> None:
    """Too short is said until it is long enough, then what is too long, then nothing."""
    draft = factories.draft_case()
    window = window_of(draft.borrower)
    window.go(f"/service/apply/{draft.loan.public_id}/statement/")
    statement = window.page.locator("#id_statement")
    statement.fill("病了")
    window.press("下一步")
    assert statement.evaluate(TOLD)["words"] == "情况说明请至少写 10 个字。"

    statement.fill("病" * 9)
    assert statement.evaluate(TOLD)["words"] == "情况说明请至少写 10 个字。"
    statement.fill("病" * 602)
    assert statement.evaluate(TOLD)["words"] == "最多 500 字，现在有 602 字，请缩短。"
    statement.fill("病" * 500)
    assert statement.evaluate(TOLD)["words"] == ""
    assert statement.get_attribute("aria-invalid") is None


def test_a_live_check_speaks_at_the_field(window_of: OpenWindow, frozen: object) -> None:
    """What the counter's check finds stands at its field alone, and goes with the next check."""
    world = build_world()
    window = window_of(world.owner)
    window.go(f"/relief/{world.values['case']}/offers/1/reject/")
    monthly, terms = window.page.locator("#id_monthly"), window.page.locator("#id_terms")

    monthly.press_sequentially("abc")
    expect(monthly).to_have_attribute("aria-invalid", "true")
    expect(monthly).to_have_attribute("aria-describedby", "id_monthly-error")
    expect(window.page.locator("#live")).to_contain_text("每月可还金额")
    assert terms.get_attribute("aria-invalid") is None
    monthly.fill("")
    terms.press_sequentially("12")
    expect(window.page.locator("#counter-check .notice.s")).to_be_visible()
    assert window.page.locator("[aria-invalid], .err-msg:visible, .err").count() == 0


def test_a_wrong_amount_to_pay_is_told_at_its_field(window_of: OpenWindow, frozen: object) -> None:
    world = build_world()
    window = window_of(world.owner)
    window.go(f"/jiebei/{world.values['loan']}/repay/?scope=custom")
    amount = window.page.locator("#amount")

    amount.press_sequentially("1e3")
    expect(amount).to_have_attribute("aria-invalid", "true")
    assert "amount-error" in (amount.get_attribute("aria-describedby") or "")
    amount.fill("100")
    expect(amount).not_to_have_attribute("aria-invalid", "true")
    expect(window.page.locator("#repay-preview section").first).to_be_visible()
