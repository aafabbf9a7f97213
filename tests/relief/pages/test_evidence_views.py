"""Files: each its own answer, consent asked, only the bad one replaced, shown only sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence import consent_texts
from relief.evidence.kinds import LIMITS, MAX_USER_BYTES
from relief.evidence.models import Consent, Evidence
from tests import factories
from tests.corpus.build import FILES, NAMES
from tests.relief.pages.desk import HTMX, add, checked, sent, text_of

pytestmark = pytest.mark.usefixtures("now")

REFUSED_AT_ONCE = [case.code for case in FILES if case.expect == "upload"]


def page_of(case: Case) -> str:
    return reverse("relief:apply-step", args=[case.loan.public_id, "evidence"])


def test_several_files_at_once_without_script(lin: Client, case: Case) -> None:
    files = [sent("I01a"), sent("I21"), sent("P01"), sent("I08")]

    answer = lin.post(add(case), {"kind": "income", "file": files})

    page = text_of(answer)
    assert answer.status_code == 422
    assert case.evidence.current().count() == 3  # with the one of the factory
    assert "已收到 2 份材料" in page
    assert "文件类型不支持" in page
    assert "文件是空的" in page
    assert '<option value="income" selected>' in page
    good = lin.post(add(case), {"kind": "income", "file": [sent("I01b")]})
    assert good["Location"] == page_of(case)


def test_one_file_through_htmx_is_its_row_and_the_rest_out_of_band(lin: Client, case: Case) -> None:
    answer = lin.post(add(case), {"kind": "income", "file": sent("I01a")}, headers=HTMX)

    made = case.evidence.latest("pk")
    part = text_of(answer)
    assert answer.status_code == 200
    assert part.lstrip().startswith(f'<li class="up" id="file-{made.public_id}"')
    assert 'hx-trigger="poll"' in part
    assert "安全检查中" in part
    assert '<span class="num">2</span>/20' in part
    assert 'id="wanted" hx-swap-oob="true"' in part


@pytest.mark.parametrize("htmx", [{}, HTMX])
@pytest.mark.parametrize("code", REFUSED_AT_ONCE)
def test_what_is_no_paper_is_refused_with_a_sentence(
    lin: Client, case: Case, code: str, htmx: dict[str, str]
) -> None:
    before = case.evidence.count()

    answer = lin.post(add(case), {"kind": "income", "file": sent(code)}, headers=htmx)

    assert answer.status_code == 422
    assert "上传失败：文件" in text_of(answer)
    assert case.evidence.count() == before


@pytest.mark.parametrize("htmx", [{}, HTMX])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "income"}, "未收到文件"),
        ({"kind": "treasure", "file": "I01a"}, "请选择材料类型"),
        ({"file": "I01a"}, "请选择材料类型"),
        ({"kind": "medical", "file": "I01a"}, "请先勾选对医疗健康信息的单独同意"),
    ],
)
def test_what_is_missing_is_said(
    lin: Client, case: Case, data: dict[str, str], sentence: str, htmx: dict[str, str]
) -> None:
    posted = {k: sent(v) if k == "file" else v for k, v in data.items()}

    answer = lin.post(add(case), posted, headers=htmx)

    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert case.evidence.count() == 1


def test_a_renewed_text_is_asked_for_again_on_the_page(
    lin: Client, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(consent_texts._TEXTS, "2025-07", "旧文：处理{label}。")
    Consent.objects.create(
        user=case.borrower,
        kind="medical",
        version="2025-07",
        text_digest="0" * 64,
        given_at=factories.NOW - timedelta(days=90),
    )

    page = text_of(lin.get(page_of(case)))
    assert page.count("同意书的文字已更新") == 1
    assert 'id="consent-medical"' in page
    refused = lin.post(add(case), {"kind": "medical", "file": sent("I01a")})
    assert refused.status_code == 422
    assert "单独同意" in text_of(refused)
    settings_page = text_of(lin.get(reverse("portal:settings")))
    assert "文字已更新，下次上传时请重新勾选" in settings_page

    lin.post(add(case), {"kind": "medical", "consent": ["medical"], "file": sent("I01a")})

    assert "同意书的文字已更新" not in text_of(lin.get(page_of(case)))


def test_consent_is_kept_with_the_file_and_asked_once(lin: Client, case: Case) -> None:
    first = {"kind": "medical", "consent": ["medical"], "file": sent("I01a")}
    lin.post(add(case), first)
    second = lin.post(add(case), {"kind": "medical", "file": sent("I01b")}, headers=HTMX)

    assert second.status_code == 200
    assert Consent.objects.get().kind == "medical"
    assert "你已于" in text_of(lin.get(page_of(case)))
    # consent to one kind is none to another
    third = {"kind": "identity", "consent": ["medical"], "file": sent("I01c")}
    assert lin.post(add(case), third, headers=HTMX).status_code == 422


def test_the_same_file_twice_and_too_many(lin: Client, case: Case) -> None:
    lin.post(add(case), {"kind": "income", "file": sent("I01a")})

    again = lin.post(add(case), {"kind": "income", "file": sent("I01a")}, headers=HTMX)

    assert again.status_code == 422
    assert "已上传过相同文件" in text_of(again)
    for _ in range(18):
        factories.add_file(case)
    full = lin.post(add(case), {"kind": "income", "file": sent("I01b")}, headers=HTMX)
    assert "最多上传 20 份" in text_of(full)
    assert "已有 20 份材料" in text_of(lin.get(page_of(case)))


@pytest.mark.parametrize(
    ("code", "name", "shown"), [n for n in NAMES if n[0] in {"N07", "N08", "N12", "N13"}]
)
def test_a_name_is_only_text(lin: Client, case: Case, code: str, name: str, shown: str) -> None:
    lin.post(add(case), {"kind": "income", "file": sent("I01a", name)})

    page = text_of(lin.get(page_of(case)))

    assert case.evidence.latest("pk").original_name == shown
    assert "<img src=x" not in page


def test_a_row_asks_until_it_knows(lin: Client, case: Case) -> None:
    lin.post(add(case), {"kind": "income", "file": sent("I01a")})
    made = case.evidence.latest("pk")
    address = reverse("relief:evidence-state", args=[made.public_id])

    assert lin.get(address, headers=HTMX).status_code == 204
    assert lin.get(address)["Location"] == page_of(case)
    checked(case)
    row = text_of(lin.get(address, headers=HTMX))
    assert "已通过检查" in row
    assert 'hx-trigger="poll"' not in row
    card = text_of(lin.get(f"{address}?look=card", headers=HTMX))
    assert card.lstrip().startswith('<div class="cardmsg')


def test_only_the_bad_one_is_replaced(lin: Client, case: Case) -> None:
    lin.post(add(case), {"kind": "income", "file": sent("P07")})
    bad = checked(case)
    assert "PDF 要密码才能打开" in text_of(lin.get(page_of(case)))

    answer = lin.post(add(case), {"replaces": bad.public_id, "file": sent("P01")}, headers=HTMX)

    bad.refresh_from_db()
    made = case.evidence.latest("pk")
    assert made.replaces == bad
    assert made.kind == "income"
    assert bad.withdrawn_at is not None
    assert f'<li id="file-{bad.public_id}" hx-swap-oob="delete">' in text_of(answer)
    assert case.evidence.current().count() == 2


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_a_file_is_put_aside_once(lin: Client, case: Case, htmx: dict[str, str]) -> None:
    made = case.evidence.get()
    address = reverse("relief:evidence-remove", args=[made.public_id])

    answers = [lin.post(address, headers=htmx) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {200 if htmx else 302}
    assert case.evidence.current().count() == 0
    assert case.events.filter(action="EVIDENCE_REMOVED").count() == 1
    assert lin.get(address).status_code == 405


def test_what_was_asked_for_is_supplied(client: Client) -> None:
    case = factories.case_at(State.NEED_MORE)
    case.evidence.update(created_at=factories.NOW - timedelta(hours=1))
    client.force_login(case.borrower)
    address = reverse("relief:supply", args=[case.public_id])

    page = text_of(client.get(address))
    assert "需要补充的材料" in page
    assert "重新提交" in page
    assert "data-countdown" in page
    too_soon = client.post(address)
    assert too_soon.status_code == 422
    assert "请先上传客服要求补充的材料" in text_of(too_soon)
    kind = case.asked_kinds[0]
    data = {"kind": kind, "consent": [kind], "file": sent("I01a")}
    assert client.post(add(case), data)["Location"] == address

    done = client.post(address)
    again = client.post(address)

    case.refresh_from_db()
    assert case.state == State.IN_REVIEW
    assert done["Location"] == again["Location"] == reverse("relief:case", args=[case.public_id])
    assert case.events.filter(action="SUPPLY").count() == 1


@pytest.mark.parametrize("state", [State.PLAN_ACTIVE, State.REJECTED, State.WITHDRAWN])
def test_papers_of_a_case_that_is_over_can_only_be_read(client: Client, state: State) -> None:
    case = factories.case_at(state)
    client.force_login(case.borrower)
    address = reverse("relief:supply", args=[case.public_id])

    page = text_of(client.get(address))
    refused = client.post(add(case), {"kind": "income", "file": sent("I01a")}, headers=HTMX)

    assert "收入证明.pdf" in page
    assert 'type="file"' not in page
    assert refused.status_code == 422
    assert "不能再上传材料" in text_of(refused)
    assert client.post(address).status_code == 409


def test_the_draft_has_its_papers_in_its_steps(lin: Client, case: Case) -> None:
    assert lin.get(reverse("relief:supply", args=[case.public_id]))["Location"] == page_of(case)


def raw_form(kind: str, parts: list[tuple[bytes, bytes]], extra: bytes = b"") -> dict[str, object]:
    """A form with files as some program writes it, byte by byte: (name of the file, content)."""
    lines = [b'--b0\r\nContent-Disposition: form-data; name="kind"\r\n\r\n%s\r\n' % kind.encode()]
    for name, content in parts:
        head = b'Content-Disposition: form-data; name="file"; filename="%s"' % name
        lines.append(b"--b0\r\n%s\r\n%s\r\n%s\r\n" % (head, extra, content))
    return {
        "data": b"".join(lines) + b"--b0--\r\n",
        "content_type": "multipart/form-data; boundary=b0",
    }


@pytest.mark.parametrize("htmx", [{}, HTMX])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("三月工资.jpg".encode("gb18030"), "三月工资.jpg"),
        (b"\xff\xfe\xfd.jpg", ".jpg"),
    ],
)
def test_a_name_in_other_letters_loses_no_file(
    lin: Client, case: Case, name: bytes, shown: str, htmx: dict[str, str]
) -> None:
    form = raw_form("income", [(name, sent("I01a").read()), (b"b.txt", b"text")])

    answer = lin.post(add(case), headers=htmx, **form)  # type: ignore[arg-type]

    made = case.evidence.latest("pk")
    assert made.original_name.endswith(shown)
    assert answer.status_code == (200 if htmx else 422)
    page = text_of(answer)
    assert "b.txt" in page
    assert "文件类型不支持" in page
    assert "未收到文件" not in page


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_of_too_many_files_each_gets_its_answer(
    lin: Client, case: Case, htmx: dict[str, str]
) -> None:
    picture = sent("I01a").read()
    files = [(b"%d.jpg" % number, picture + b"%d" % number) for number in range(21)]

    answer = lin.post(add(case), headers=htmx, **raw_form("income", files))  # type: ignore[arg-type]

    page = text_of(answer)
    assert case.evidence.current().count() == 20
    assert page.count("每个申请最多上传 20 份材料，请先删除不需要的") == 2
    for name in ("19.jpg", "20.jpg"):
        assert f"<bdi>{name}</bdi>" in page
    beyond = lin.post(add(case), headers=htmx, **raw_form("income", [(b"a.jpg", b"x")] * 101))  # type: ignore[arg-type]
    assert beyond.status_code == 413
    assert "一次最多提交 100 个文件，什么都没有保存" in text_of(beyond)


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_a_file_that_did_not_arrive_whole_is_said(
    lin: Client, case: Case, htmx: dict[str, str]
) -> None:
    form = raw_form(
        "income", [(b"a.jpg", b"abcde")], extra=b"Content-Transfer-Encoding: base64\r\n"
    )

    answer = lin.post(add(case), headers=htmx, **form)  # type: ignore[arg-type]

    assert answer.status_code == 422
    assert "没有传完整" in text_of(answer)


def test_limits_are_said_before_a_file_is_chosen(lin: Client, case: Case) -> None:
    for address in (page_of(case), reverse("relief:service")):
        assert LIMITS in text_of(lin.get(address))


def test_removing_gives_the_room_back(lin: Client, case: Case) -> None:
    """Removed files count for nothing, though their bytes are still there till the sweep."""
    Evidence.objects.update(size=MAX_USER_BYTES - 10)

    full = lin.post(add(case), {"kind": "income", "file": sent("I01a")})
    lin.post(reverse("relief:evidence-remove", args=[case.evidence.get().public_id]))
    again = lin.post(add(case), {"kind": "income", "file": sent("I01a")})

    assert "合计最多 200 MB（已用 200.0 MB）" in text_of(full)
    assert again.status_code == 302


def test_a_damaged_file_counts_alike_everywhere_and_can_be_replaced(
    lin: Client, case: Case
) -> None:
    for code in ("I01a", "I01b"):
        lin.post(add(case), {"kind": "income", "file": sent(code)})
    lin.post(add(case), {"kind": "income", "file": sent("I07")})
    damaged = checked(case)
    assert damaged.problem
    replace = reverse("relief:supply", args=[case.public_id]) + f"#file-{damaged.public_id}"

    confirm = text_of(lin.get(reverse("relief:apply-step", args=[case.loan.public_id, "confirm"])))
    factories._submit(case, factories.NOW)
    pages = [
        text_of(lin.get(reverse(name, args=[case.public_id])))
        for name in ("relief:receipt", "relief:case")
    ]
    chat = text_of(lin.get(reverse("relief:service")))

    assert "证明材料（4 份）" in confirm
    assert f'evidence/#file-{damaged.public_id}">需更换' in confirm
    assert "证明材料（4 份）" in pages[0]
    assert '<span class="t13 c2">4 份</span>' in pages[1]
    assert "材料 4 份" in chat
    # In review too: each place leads to the form that replaces just this one.
    assert f'href="{replace}"' in pages[1]
    assert f'name="replaces" value="{damaged.public_id}"' in text_of(
        lin.get(reverse("relief:supply", args=[case.public_id]))
    )
