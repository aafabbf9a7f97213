"""Papers and talk at the desk: every look is logged, files are judged, answers and notes are kept apart."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.storage import private
from relief.cases.workflow import State
from relief.conversation import messages
from relief.conversation.models import Message
from relief.evidence.access_log import LEAFING, open_thumbnail
from relief.evidence.models import Evidence, EvidenceAccess
from relief.evidence.pages import THUMBNAIL_SIDE
from tests import factories
from tests.relief.desk.desk import act, at_desk, checked_file, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
NOW = factories.NOW
HTMX = {"HX-Request": "true"}


def test_every_look_at_a_file_is_logged_and_none_before_it_is_chosen() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case)
    client = at_desk()
    address = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])

    client.get(page_of(case))
    before = EvidenceAccess.objects.count()
    answer = client.get(address)
    picture = b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    assert before == 0
    assert picture[:2] == b"\xff\xd8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert EvidenceAccess.objects.get().viewer == factories.staff()
    assert client.get(f"{address}?page=7").status_code == 409


def test_file_of_another_case_is_not_there() -> None:
    case, other = factories.case_at(State.IN_REVIEW), factories.case_at(State.IN_REVIEW)
    paper = checked_file(other)

    wrong = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])

    assert at_desk().get(wrong).status_code == 404
    answer = act(at_desk(), case, "judge", file=paper.public_id, verdict="passed")
    assert answer.status_code == 404


def test_judging_a_file() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case)
    client = at_desk()

    bare = act(client, case, "judge", file=paper.public_id, verdict="replace")
    done = act(client, case, "judge", file=paper.public_id, verdict="replace", reason="blurred")

    paper.refresh_from_db()
    assert bare.status_code == 422
    assert "请选择需要更换的原因" in bare.content.decode()
    assert done.status_code == 302
    assert (paper.state, paper.reason, paper.judged_by) == ("replace", "blurred", factories.staff())


def place_of(paper: Evidence, page: int = 0) -> str:
    return f"?file={paper.public_id}" + (f"&page={page}" if page else "")


def test_the_count_of_looks_is_right_while_looking() -> None:
    """The picture that the page brings is a look; it is counted before the browser asks for it."""
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case)
    client = at_desk()

    closed = client.get(page_of(case)).content.decode()
    opened = client.get(page_of(case) + place_of(paper)).content.decode()
    picture = re.findall(r'<img src="([^"]+)"', opened)[0]
    client.get(picture.replace("&amp;", "&"))

    assert 'data-field="access-count">0</span> 次' in closed
    assert 'data-field="access-count">1</span> 次，含这一次' in opened
    assert EvidenceAccess.objects.filter(evidence=paper).count() == 1


def test_small_pages_are_for_whom_the_log_names_and_are_no_looks() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case, "P01")  # of two pages
    client, colleague = at_desk(), at_desk(username="colleague")
    address = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])

    before = client.get(f"{address}?page=2&small=1")
    client.get(address)
    small = client.get(f"{address}?page=2&small=1")
    page = Image.open(BytesIO(b"".join(small.streaming_content)))  # type: ignore[attr-defined]

    assert before.status_code == 409
    assert max(page.size) == THUMBNAIL_SIDE
    assert "no-store" in small["Cache-Control"]
    assert colleague.get(f"{address}?page=2&small=1").status_code == 409
    assert client.get(f"{address}?page=3&small=1").status_code == 409
    looks = EvidenceAccess.objects.filter(evidence=paper)
    assert [(look.viewer, look.page) for look in looks] == [(factories.staff(), 1)]
    an_hour_later = clock.real_now() + LEAFING
    with pytest.raises(RuleViolation, match="请先打开这份材料的一页"):
        open_thumbnail(evidence=paper, actor=factories.staff(), now=NOW, real=an_hour_later, page=2)


def test_pages_turn_by_links_and_in_parts() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case, "P01")  # of two pages
    client, here = at_desk(), page_of(case)

    whole = client.get(here + place_of(paper)).content.decode()
    part = client.get(here + place_of(paper, 2), headers=HTMX)

    file = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])
    assert f'src="{file}?page=1"' in whole
    assert f'rel="next" href="{here}?file={paper.public_id}&amp;page=2#papers"' in whole
    assert 'rel="prev"' not in whole
    assert "<html" not in part.content.decode()
    assert f'src="{file}?page=2"' in part.content.decode()
    assert f'rel="prev" href="{here}?file={paper.public_id}&amp;page=1#papers"' in (
        part.content.decode()
    )
    assert 'rel="next"' not in part.content.decode()
    assert f'href="{file}?whole=1"' in whole
    assert "HX-Request" in part["Vary"]


def test_a_verdict_leads_to_the_next_file_without_one() -> None:
    case = factories.case_at(State.IN_REVIEW)
    first, second, third = (checked_file(case, code) for code in ("I01a", "I01b", "P01"))
    client = at_desk()
    replace = {"verdict": "replace", "reason": "blurred"}

    plain = act(client, case, "judge", file=second.public_id, verdict="passed")
    by_htmx = client.post(
        reverse("admin:relief_case_judge", args=[case.pk]),
        {"file": third.public_id, **replace},
        headers=HTMX,
    )
    last = act(client, case, "judge", file=first.public_id, verdict="passed")

    part = by_htmx.content.decode()
    assert plain["Location"] == f"{page_of(case)}{place_of(third)}#papers"
    # From the end to the top: what is in the case besides is not checked, and so not to be judged.
    assert by_htmx["HX-Push-Url"] == f"{page_of(case)}{place_of(first)}#papers"
    assert f'data-viewer="{first.public_id}"' in part
    assert 'id="trail" hx-swap-oob="true"' in part
    assert "需更换" in json.loads(by_htmx["HX-Trigger"])["toast"]["message"]
    assert last["Location"] == f"{page_of(case)}{place_of(first)}#papers"
    assert "全部材料都已评定" in client.get(page_of(case)).content.decode()


def test_a_refused_verdict_stays_at_its_file_in_part_and_page() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case)
    address = reverse("admin:relief_case_judge", args=[case.pk]) + place_of(paper)
    bare = {"file": paper.public_id, "verdict": "replace"}

    for headers in ({}, HTMX):
        answer = at_desk().post(address, bare, headers=headers)

        assert answer.status_code == 422
        assert "请选择需要更换的原因" in answer.content.decode()
        assert f'data-viewer="{paper.public_id}"' in answer.content.decode()
        assert ("<html" in answer.content.decode()) == (not headers)


def test_the_place_among_the_papers_survives_an_act() -> None:
    case = factories.case_at(State.SUBMITTED)
    paper = checked_file(case, "P01")
    client, here = at_desk(), page_of(case)
    pressed_at = {"Referer": f"http://testserver{here}{place_of(paper, 2)}"}
    claim = reverse("admin:relief_case_claim", args=[case.pk])
    reject = reverse("admin:relief_case_reject", args=[case.pk])

    claimed = client.post(claim, {"seen": case.version}, headers=pressed_at)
    refused = client.post(reject, {}, headers=pressed_at).content.decode()
    odd = client.post(claim, {}, headers={"Referer": "http://[zz?file=%00"})

    assert claimed["Location"] == here + place_of(paper, 2)
    assert f'data-viewer="{paper.public_id}"' in refused
    assert f'src="{reverse("admin:relief_case_file", args=[case.pk, paper.public_id])}?page=2"' in (
        refused
    )
    place = place_of(paper, 2).replace("&", "&amp;")
    assert f'action="{reject}{place}"' in refused  # and so does the next act
    assert odd.status_code == 422


def test_words_are_found_and_marked_on_the_pages_of_the_open_file() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper, photo = checked_file(case, "P01"), checked_file(case)
    layer = {
        "1": [["Date", [0, 0, 9, 9], [[0, 0, 2, 9]] * 4]],
        "2": [
            ["Proof of income", [50, 60, 9, 9], [[50, 60, 4, 9]] * 15],
            ["No proof", [70, 80, 9, 9], [[70, 80, 4, 9]] * 8],
        ],
    }
    text_key = private.save(json.dumps(layer).encode(), suffix=".json").key
    Evidence.objects.filter(pk=paper.pk).update(text_key=text_key)
    client, here = at_desk(), page_of(case)
    address = f"{here}{place_of(paper)}&find=PROOF"

    from_here = client.get(f"{address}&hit=0").content.decode()
    second = client.get(f"{address}&hit=2", headers=HTMX).content.decode()
    turned = client.get(address).content.decode()  # by 上一页: the page stays, nothing is looked at
    absent = client.get(f"{here}{place_of(paper)}&find=wage&hit=0", headers=HTMX).content.decode()
    picture = client.get(f"{here}{place_of(photo)}&find=x&hit=0").content.decode()

    size = paper.drawn_pages.get(number=2)
    assert f'viewBox="0 0 {size.width} {size.height}"' in from_here
    assert '<rect x="47" y="57" width="10" height="15" data-hit="1" class="on"/>' in from_here
    assert '<rect x="67" y="77" width="10" height="15" data-hit="2"/>' in from_here
    assert "第 2 页 2 处" in from_here
    assert "现在是第 1 处" in from_here
    assert 'data-hit="2" class="on"' in second
    assert f"?file={paper.public_id}&amp;page=2&amp;find=PROOF&amp;hit=1#papers" in second
    assert "?page=1" in turned
    assert "data-hit" not in turned
    assert "没有找到“wage”" in absent
    assert 'name="find"' not in picture
    for odd in ("-1", "00", "99999", "x", "1e9"):
        assert client.get(f"{address}&hit={odd}").status_code == 200


def test_a_search_survives_an_act() -> None:
    case = factories.case_at(State.SUBMITTED)
    paper = checked_file(case, "P01")
    client, here = at_desk(), page_of(case)
    found_at = f"{here}{place_of(paper, 2)}&find=%E5%B7%A5%E8%B5%84+1&hit=3"
    claim = reverse("admin:relief_case_claim", args=[case.pk])

    claimed = client.post(
        claim, {"seen": case.version}, headers={"Referer": f"http://testserver{found_at}"}
    )

    assert claimed["Location"] == found_at


def test_twenty_files_with_long_names_are_a_list() -> None:
    case = factories.case_at(State.IN_REVIEW)
    for number in range(19):
        factories.add_file(case)
        Evidence.objects.filter(pk=case.evidence.latest("pk").pk).update(
            original_name=f"{number}" + "名" * 70 + ".jpg"
        )
    Evidence.objects.filter(pk=case.evidence.latest("pk").pk).update(withdrawn_at=NOW)

    page = at_desk().get(page_of(case)).content.decode()

    assert "19 份，另有已移除 1 份" in page
    assert page.count(f'title="1{"名" * 70}.jpg"') == 1


def test_answer_and_note_in_the_conversation() -> None:
    case = factories.case_at(State.IN_REVIEW)
    client = at_desk()

    act(client, case, "say", text="您好")
    act(client, case, "say", text="仅同事可见", internal="on")
    empty = act(client, case, "say", text="  ")
    part = client.post(
        reverse("admin:relief_case_say", args=[case.pk]),
        {"text": "收到"},
        headers={"HX-Request": "true"},
    )

    said = Message.objects.filter(sender="staff", case=case, author=factories.staff())
    assert {m.text: m.is_internal for m in said}.items() >= {
        "您好": False,
        "仅同事可见": True,
    }.items()
    assert empty.status_code == 422
    assert "sent" in part["HX-Trigger"]
    mine = messages.messages_since(
        conversation=messages.conversation_of(borrower=case.borrower, now=NOW),
        reader=case.borrower,
    )
    assert "仅同事可见" not in {m.text for m in mine}


def test_new_messages_come_in_parts() -> None:
    case = factories.case_at(State.IN_REVIEW)
    said = messages.say(text="在吗", actor=case.borrower, now=NOW)
    address = reverse("admin:relief_case_talk", args=[case.pk])
    client = at_desk()

    assert "在吗" in client.get(f"{address}?after={said.pk - 1}").content.decode()
    assert client.get(f"{address}?after={said.pk}").status_code == 204


def test_conversation_without_a_case_is_taken_answered_and_handed_back() -> None:
    person = factories.borrower()
    messages.say(text="怎么申请", actor=person, now=NOW)
    row = messages.conversation_of(borrower=person, now=NOW)
    client = at_desk()

    def post(name: str, **data: str) -> int:
        address = reverse(f"admin:relief_conversation_{name}", args=[row.pk])
        return int(client.post(address, data).status_code)

    assert post("take") == 302
    assert post("say", text="请点开始申请") == 302
    assert post("say", text="") == 422
    page = client.get(reverse("admin:relief_conversation_change", args=[row.pk]))
    assert "请点开始申请" in page.content.decode()
    assert post("close") == 302
    row.refresh_from_db()
    assert row.taken_by is None
