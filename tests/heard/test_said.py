"""What a borrower hears and where they stand, by keys alone, from the login to acceptance and repayment.

Heard is what Chromium's accessibility tree has: the name of what is focused, and the words of the
page's live region.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.core import clock
from tests import factories
from tests.heard.conftest import OpenWindow
from tests.heard.ears import Ears
from tests.heard.window import PATIENCE, Window
from tests.test_walk import READ
from tests.world import World, build_world

pytestmark = [
    *(pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(900)),
]
MOST_TABS = 60  # from one control to the next
# On how many elements the focus is seen: on what has it, or on what frames that.
RINGS = """() => {
  const focused = document.activeElement;
  const chain = [];
  for (let one = focused; one; one = one.parentElement) chain.push(one);
  const looks = () => chain.map((one) => {
    const { boxShadow, outlineStyle, outlineColor, outlineWidth, borderBottom } = getComputedStyle(one);
    const isOutlined = outlineStyle !== "none" && !/, 0\\)$/.test(outlineColor);
    return [boxShadow, borderBottom, isOutlined && outlineWidth].join();
  });
  const seen = looks();
  focused.blur();
  const plain = looks();
  focused.focus();
  return seen.filter((look, at) => look !== plain[at]).length;
}"""


def go_on_to(window: Window, ears: Ears, wanted: str) -> None:
    """Tab until the control with this role and beginning of a name has the focus; one ring at each stop."""
    for _ in range(MOST_TABS):
        if ears.focused().startswith(wanted):
            return
        window.page.keyboard.press("Tab")
        if stop := ears.focused():  # or the browser's own bars
            assert window.page.evaluate(RINGS) == 1, f"not one ring at {stop}"
    raise AssertionError(f"{wanted} is not reached by Tab: {ears.focused()}")


def use(window: Window, ears: Ears, wanted: str, key: str = "Enter") -> None:
    """Go to a control by Tab, and use it."""
    go_on_to(window, ears, wanted)
    window.page.keyboard.press(key)
    window.settle()


def type_into(window: Window, ears: Ears, wanted: str, text: str) -> None:
    go_on_to(window, ears, wanted)
    window.page.keyboard.press("Control+A")
    window.page.keyboard.type(text)


def test_login_by_keys(window_of: OpenWindow, frozen: object) -> None:
    """The skip link comes first; a tab keeps the focus; a refusal is heard and stands at its field."""
    world = build_world()
    window = window_of(None)
    window.go("/login/?by=code")
    ears = Ears(window)
    window.page.keyboard.press("Tab")
    assert ears.focused() == "link 跳到正文"

    use(window, ears, "link 密码登录")
    assert ears.focused() == "link 密码登录"
    type_into(window, ears, "textbox 手机号", world.owner.phone)
    use(window, ears, "button 登录")
    assert ears.focused() == "textbox 登录密码"
    type_into(window, ears, "textbox 登录密码", factories.PASSWORD)
    use(window, ears, "checkbox 我已阅读并同意", " ")
    use(window, ears, "button 登录")
    expect(window.page).to_have_title("我的 · 宽息")


def test_acceptance_by_keys(window_of: OpenWindow, frozen: object) -> None:
    """From the offer through the dialogue to the agreement; then the first payment of the plan."""
    world = build_world()
    window = window_of(world.owner)
    offer = f"/relief/{world.values['case']}/offers/1/"
    window.go(offer)
    with clock.frozen(READ):
        window.keep_clock()
    ears = Ears(window)

    use(window, ears, "link 接受方案")
    assert ears.focused() == "heading 确认接受方案"
    use(window, ears, "button 改用登录密码确认")
    assert ears.focused().startswith(("button 改用短信验证码确认", "textbox 登录密码"))
    use(window, ears, "button 确认接受")
    assert ears.focused().startswith("checkbox")  # the first that is missing
    use(window, ears, "checkbox 我已阅读并同意", " ")
    use(window, ears, "checkbox 我知道", " ")
    type_into(window, ears, "textbox 登录密码", factories.PASSWORD)
    use(window, ears, "button 确认接受")
    expect(window.page.locator("main")).to_contain_text("协议已生效", timeout=PATIENCE)

    use_repayment(window, ears, world)


def use_repayment(window: Window, ears: Ears, world: World) -> None:
    window.go(f"/jiebei/{world.values['loan']}/repay/?scope=custom")
    type_into(window, ears, "textbox 还款金额", "1e3")
    assert "还款金额" in ears.said()
    type_into(window, ears, "textbox 还款金额", "100")
    assert "100.00" in ears.said()


def test_results_are_said(window_of: OpenWindow, frozen: object) -> None:
    """What a fragment answers is heard, and the focus stays with what was used."""
    world = build_world()
    window = window_of(world.owner)
    ears = Ears(window)

    window.go(f"/jiebei/{world.values['loan']}/penalty/")
    use(window, ears, "link 再过 15 天")
    assert "多付罚息" in ears.said()
    assert ears.focused() == "link 再过 15 天"

    window.go(f"/relief/{world.values['case']}/offers/1/reject/")
    type_into(window, ears, "textbox 或者选期数", "12")
    assert "共 12 期" in ears.said()

    window.go("/me/notices/")
    use(window, ears, "link 还款")
    assert "条消息" in ears.said()
    assert ears.focused().startswith("link 还款")

    window.go("/verify/")
    type_into(window, ears, "textbox 文书核验码", "K7Q2M9")
    use(window, ears, "button 核验")
    assert ears.focused() == "group 核验结果"


def test_a_draft_speaks(window_of: OpenWindow, frozen: object) -> None:
    draft = factories.draft_case()
    window = window_of(draft.borrower)
    ears = Ears(window)
    window.go(f"/service/apply/{draft.loan.public_id}/statement/")
    use(window, ears, "button 存草稿")
    assert "草稿已保存" in ears.said()
    assert ears.focused() == "button 存草稿"

    window.go(f"/service/apply/{draft.loan.public_id}/affordability/")
    type_into(window, ears, "textbox 现在每月收入", "5000")
    assert "估算每月结余" in ears.said()
