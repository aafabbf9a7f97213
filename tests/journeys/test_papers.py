"""Papers from the phone to the desk: blacked out before they leave, looked at inside the case."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys import doings, papers, steps
from tests.journeys.backstage import Prepared, prepare
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]
# Keeps the bytes of each file as the browser is about to send them.
KEEP_WHAT_LEAVES = """
  window.left = [];
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    const file = body?.get?.("file");
    if (file) file.arrayBuffer().then((bytes) => window.left.push([...new Uint8Array(bytes)]));
    return send.call(this, body);
  };
"""


def picture_that_left(page: Page) -> Image.Image:
    """The last file that went out, as a picture."""
    waiting = time.monotonic() + 20
    while not page.evaluate("window.left.length"):  # wait_for_function would need 'unsafe-eval'
        assert time.monotonic() < waiting, "nothing left the browser"
        page.wait_for_timeout(50)
    picture = Image.open(BytesIO(bytes(page.evaluate("window.left.pop()"))))
    picture.load()
    return picture


def drag(page: Page, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Pull the pointer across an element, from one share of its size to another, once it stands still."""
    page.locator(selector).hover(trial=True)  # a sheet rises for a moment when it opens
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * start[0], box["y"] + box["height"] * start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end[0], box["y"] + box["height"] * end[1], steps=5)
    page.mouse.up()


def test_a_picture_is_blacked_out_before_it_leaves(
    stack: Stack, arrive: Arrive, tmp_path: Path
) -> None:
    who = prepare(stack, "in_review")
    borrower, plain = arrive(), arrive(script=False)
    photo = papers.jpeg(tmp_path, "bill")  # 1,200 × 1,600, white where it is blackened below
    borrower.page.add_init_script(KEEP_WHAT_LEAVES)
    doings.arrive_as(borrower, who)
    borrower.go(f"/relief/{who.case}/evidence/")
    page = borrower.page

    # by hand: the pixels of the box are black in what leaves, the others are as they were
    page.get_by_label("材料类型").select_option("hardship")
    page.get_by_label("上传前先遮盖").check()
    page.set_input_files("#pick-file", photo)
    expect(page.locator("dialog.redact [data-redact='done']")).to_have_attribute(
        "aria-disabled", "true"
    )
    drag(page, "dialog.redact canvas", (0.2, 0.1), (0.7, 0.2))
    borrower.sees("已遮盖 1 处")
    borrower.press("遮盖后上传")
    sent = picture_that_left(page)
    assert sent.size == (1200, 1600)
    assert all(max(sent.getpixel(at)) < 8 for at in ((300, 200), (600, 240), (800, 300)))  # type: ignore[arg-type, type-var]  # RGB
    assert all(min(sent.getpixel(at)) > 200 for at in ((200, 200), (900, 240), (600, 400)))  # type: ignore[arg-type, type-var]  # RGB
    expect(page.locator("#files .nm", has_text="bill.jpg")).to_have_count(1)

    # by keys: a box in the middle, moved down; then nothing at all is sent
    page.set_input_files("#pick-file", photo)
    page.locator("dialog.redact canvas").press("Enter")
    for _ in range(5):
        page.locator("dialog.redact canvas").press("ArrowDown")
    borrower.press("遮盖后上传")
    sent = picture_that_left(page)
    assert max(sent.getpixel((600, 920))) < 8  # type: ignore[arg-type, type-var]  # RGB
    assert min(sent.getpixel((600, 800))) > 200  # type: ignore[arg-type, type-var]  # RGB
    page.set_input_files("#pick-file", photo)
    page.locator("dialog.redact canvas").press("Escape")
    expect(page.locator("dialog.redact")).to_have_count(0)
    assert page.evaluate("window.left.length") == 0

    the_chat_blacks_out_too(borrower, photo, papers.pdf(tmp_path, "letter"))

    # without script the form is as it was
    doings.arrive_as(plain, who)
    plain.go(f"/relief/{who.case}/evidence/")
    expect(plain.page.locator("#redact-first")).to_be_hidden()
    plain.page.get_by_label("材料类型").select_option("hardship")
    plain.page.set_input_files("#plain-file", photo)
    plain.press("上传", exact=True)
    plain.sees("已收到 1 份材料")


def the_chat_blacks_out_too(borrower: Person, photo: Path, letter: Path) -> None:
    """By the same help; what cannot be blacked out goes only after a question."""
    page = borrower.page
    borrower.go("/service/")
    page.get_by_label("发图片前先遮盖").check()
    page.set_input_files("form.composer input[type=file]", photo)
    assert page.locator("form.composer input[type=file]").evaluate("i => i.files.length") == 0
    drag(page, "dialog.redact canvas", (0.2, 0.5), (0.7, 0.6))
    borrower.press("遮盖后上传")
    sent = picture_that_left(page)
    assert max(sent.getpixel((600, 880))) < 8  # type: ignore[arg-type, type-var]  # RGB
    assert min(sent.getpixel((600, 240))) > 200  # type: ignore[arg-type, type-var]  # RGB
    expect(page.locator("#stream")).to_contain_text("bill.jpg")
    page.evaluate("window.confirm = (words) => { window.asked = words; return false; }")
    page.set_input_files("form.composer input[type=file]", letter)
    expect(page.locator("#live")).to_contain_text("没有上传 letter.pdf")
    assert "letter.pdf 在这里不能遮盖" in page.evaluate("window.asked")
    assert page.evaluate("window.left.length") == 0


def test_a_file_that_finds_no_room_is_sent_again_by_itself(
    stack: Stack, arrive: Arrive, tmp_path: Path
) -> None:
    """The server has no room for a moment: the row says so, nothing is chosen twice, it arrives."""
    borrower = arrive()
    who, photo = prepare(stack, "in_review"), papers.jpeg(tmp_path, "bill")
    doings.arrive_as(borrower, who)
    borrower.go(f"/relief/{who.case}/evidence/")
    page = borrower.page
    busy = iter([True, True])

    def full_twice(route: Route) -> None:
        if next(busy, False):
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="现在提交的人太多")
        else:
            route.continue_()

    page.route("**/evidence/add/", full_twice)
    page.get_by_label("材料类型").select_option("hardship")
    borrower.refusals_expected = True
    page.set_input_files("#pick-file", photo)
    row = page.locator("#files li", has_text="bill.jpg")
    expect(row).to_contain_text("现在提交的人太多，1 秒后自动重传")
    expect(row).to_contain_text("已通过检查", timeout=60_000)
    expect(row).to_have_count(1)


def test_papers_are_looked_at_inside_the_case(stack: Stack, arrive: Arrive, tmp_path: Path) -> None:
    who = prepare(stack, "in_review")
    borrower, staff, plain = arrive(), arrive(desk=True), arrive(desk=True, script=False)
    doings.arrive_as(borrower, who)
    borrower.go(f"/relief/{who.case}/evidence/")
    steps.upload(borrower, "hardship", papers.pdf(tmp_path, "letter"))  # of two pages
    doings.at_desk(staff, "agent", who.number)
    page = staff.page

    # opened: as wide as the column; at 100 % each pixel is one; turned, the sides change
    staff.press("letter.pdf")
    picture, stage = page.locator("#stage img"), page.locator("#stage")
    size = picture.evaluate(
        "i => i.decode().then(() => [i.naturalWidth, i.naturalHeight, i.clientWidth])"
    )
    assert size[2] == stage.evaluate("s => s.clientWidth")
    expect(page.locator("[data-field='access-count']")).to_have_text("1")
    page.keyboard.press("1")  # the cursor is in the viewer
    assert sides(picture) == size[:2]
    drag(page, "#stage", (0.6, 0.6), (0.2, 0.2))
    assert stage.evaluate("s => s.scrollLeft > 50 && s.scrollTop > 50")
    staff.press("顺时针转 90 度")
    assert sides(picture) == size[1::-1]
    staff.press("缩小")
    expect(page.locator("#view-zoom")).to_have_text("80%")

    # the next page by a button and by a key, as large and as turned as the one before
    staff.press("下一页")
    expect(picture).to_have_attribute("alt", "困难证明，第 2 页，带查看人水印")
    expect(page.locator("#view-zoom")).to_have_text("80%")
    expect(page.locator("[data-field='access-count']")).to_have_text("2")
    staff.press("适应宽度")
    stage.press("ArrowLeft")
    expect(picture).to_have_attribute("alt", "困难证明，第 1 页，带查看人水印")
    the_strip_leads_to_pages(staff)
    hits_lie_on_the_picture(staff)

    verdicts_lead_on(staff)
    pages_turn_without_script(plain, who)
    doings.books_are_whole(stack)


def the_strip_leads_to_pages(staff: Person) -> None:
    """Small pictures of all pages; one stop for Tab, arrows within."""
    page = staff.page
    small = page.locator(".leaves a img")
    expect(small).to_have_count(2)
    drawn = "all => Promise.all(all.map(one => one.decode().then(() => one.naturalHeight)))"
    assert small.evaluate_all(drawn) == [240, 240]
    page.locator(".leaves [aria-current]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".leaves a").nth(1)).to_be_focused()
    assert page.locator(".leaves a:not([tabindex='-1'])").count() == 1
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_be_focused()
    expect(page.locator("#stage")).to_have_attribute("aria-label", re.compile("第 2 页，共 2 页"))
    assert small.evaluate_all(drawn) == [240, 240]
    page.keyboard.press("Home")
    expect(page.locator("#stage")).to_have_attribute("aria-label", re.compile("第 1 页，共 2 页"))


def hits_lie_on_the_picture(staff: Person) -> None:
    """The marks go along with zoom and turn; F3 leads on, over the pages and around the end."""
    page = staff.page
    mark, here = page.locator("#stage .marks .on"), page.locator("#hit-here")
    page.locator("#find-words").fill("page")
    page.keyboard.press("Enter")
    expect(here).to_have_text("，现在是第 1 处")
    assert page.locator("#hit-count").inner_text() == "2"
    staff.press("适应宽度")
    for button in ("顺时针转 90 度", "原大小 100%", "放大"):  # it was turned by 90 degrees before
        staff.press(button)
        expect(mark).to_be_in_viewport()
    # of the whole picture, turned by half: what was above the middle and on the left is below, on the right
    leaf, box = page.locator("#stage .sheet").bounding_box(), mark.bounding_box()
    assert leaf is not None
    assert box is not None
    drawn = mark.evaluate("r => [r.x.baseVal.value, r.y.baseVal.value]")
    width, height = mark.evaluate(
        "r => [r.ownerSVGElement.viewBox.baseVal.width, r.ownerSVGElement.viewBox.baseVal.height]"
    )
    right = (leaf["x"] + leaf["width"] - box["x"] - box["width"]) / leaf["width"]
    below = (leaf["y"] + leaf["height"] - box["y"] - box["height"]) / leaf["height"]
    assert abs(right - drawn[0] / width) < 0.004
    assert abs(below - drawn[1] / height) < 0.004
    staff.press("适应宽度")
    for key, number, of_page in (("F3", 2, 2), ("Enter", 1, 1), ("Shift+F3", 2, 2), ("F3", 1, 1)):
        page.keyboard.press(key)
        expect(here).to_have_text(f"，现在是第 {number} 处")
        expect(page.locator("#stage img")).to_have_attribute("alt", re.compile(f"第 {of_page} 页"))
        expect(page.locator("#stage")).to_be_focused()
    expect(page.locator("#live")).to_contain_text("第 1 处，共 2 处")


def sides(picture: Locator) -> list[int]:
    """Width and height on the screen, in pixels."""
    box = picture.bounding_box()
    assert box is not None
    return [round(box["width"]), round(box["height"])]


def verdicts_lead_on(staff: Person) -> None:
    """From the file that is open to the other one; then nothing waits any more."""
    page = staff.page
    # the place is in the address, and stays through an act and a reload
    opened = page.url
    staff.press("采信", exact=True)
    expect(page.locator("#papers h2")).to_contain_text("待评定 1 份")
    assert page.url != opened
    expect(page.locator(".evt .on")).to_contain_text("收入证明")
    here = page.url
    page.reload()
    assert page.url == here
    expect(page.locator("#stage img")).to_be_visible()
    page.locator("#papers select[name='reason']").select_option("blurred")
    staff.press("需更换", exact=True)
    expect(page.locator("#papers h2")).not_to_contain_text("待评定")


def pages_turn_without_script(plain: Person, who: Prepared) -> None:
    """Single pages by links, and no button that does nothing."""
    doings.at_desk(plain, "agent", who.number)
    plain.press("letter.pdf")
    plain.press("下一页")
    shown = plain.page.locator("#stage img")
    expect(shown).to_have_attribute("alt", "困难证明，第 2 页，带查看人水印")
    assert shown.evaluate("i => i.naturalWidth") > 0
    expect(plain.page.locator("[data-view]").first).to_be_hidden()
