"""The copy of one's own data (个人数据副本): what is in the ZIP, part by part, each written as it is read.

Every table comes three times: a page to read, a CSV for spreadsheets, a JSON for machines. With them
come the files of the cases as they were checked, and the issued papers. Nothing is in it that the
person may not see on screen: no internal note, no other person's name, staff by their number.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import IO, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.template.loader import render_to_string
from django.urls import resolve

from loans.models import Loan
from loans.presenters import exports, papers
from loans.queries.statement import load_statement
from portal.core.accounts import drafts
from portal.core.documents.papers import pdf_bytes
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date, in_shanghai
from portal.core.kernel.roles import Role
from portal.core.models import Document, Notice, SecurityEvent, User
from relief.cases.models import Case, Event
from relief.cases.queries import label_of, loan_stages
from relief.cases.reasons import reason_names
from relief.conversation.models import Message
from relief.evidence.access_log import open_evidence
from relief.evidence.models import Consent, Evidence, EvidenceAccess
from relief.evidence.retention import planned_purge_on
from relief.offers.models import Agreement, Offer
from relief.presenters.case import actor_label, event_label, is_public
from relief.rights.exports import Part

OwnValue = str | int | bool | Decimal | date | datetime | None
ROWS_AT_ONCE = 200
BYTES_AT_ONCE = 256 * 1024
PLACE_OF_ROWS = "<!-- rows -->"
NOT_IN_NAMES = re.compile(r'[<>:"|?*\\/]')  # what Windows takes in no name


@dataclass(frozen=True)
class OwnTable:
    """One table of the copy: columns as (key in JSON, heading), and rows that can be read again."""

    name: str
    title: str
    columns: Sequence[tuple[str, str]]
    rows: Callable[[], Iterable[Sequence[OwnValue]]]


def parts_of(user: User, now: datetime) -> list[Part]:
    """All parts of the copy, in the order of the contents page, which is the first."""
    tables = tables_of(user, now)
    files = _files_of(user)
    documents = list(Document.objects.for_user(user).order_by("pk"))
    overview = {"person": user, "now": now, "tables": tables, "files": files, "papers": documents}
    return [
        partial(_write_overview, overview=overview, now=now),
        *(partial(_write_table, table=table, now=now) for table in tables),
        *(partial(_write_file, file=file, now=now) for file in files),
        *(partial(_write_paper, document=document, now=now) for document in documents),
    ]


# --- What is told --------------------------------------------------------------------------------


def tables_of(user: User, now: datetime) -> list[OwnTable]:
    """Everything this house has written down about a borrower, as that borrower may read it."""
    statements = [
        OwnTable(
            f"statement-{loan.number}",
            f"对账单 {loan.number}",
            [(f"column_{n}", words) for n, words in enumerate(papers.STATEMENT_HEAD, start=1)],
            partial(_statement, loan, now),
        )
        for loan in Loan.objects.for_borrower(user).order_by("pk")
    ]
    return [
        OwnTable("profile", "个人信息", PROFILE, partial(_profile, user)),
        OwnTable("loans", "借款", LOANS, partial(_loans, user)),
        *statements,
        OwnTable("cases", "减免申请", CASES, partial(_cases, user, now)),
        OwnTable("timeline", "办理记录", TIMELINE, partial(_timeline, user)),
        OwnTable("messages", "与客服的对话", MESSAGES, partial(_messages, user)),
        OwnTable("drafts", "没有提交的草稿", DRAFTS, partial(_drafts, user)),
        OwnTable("files", "证明材料", FILES, partial(_file_rows, user)),
        OwnTable("looks", "谁看过我的材料", LOOKS, partial(_looks, user)),
        OwnTable("consents", "单独同意", CONSENTS, partial(_consents, user)),
        OwnTable("offers", "协商方案", OFFERS, partial(_offers, user)),
        OwnTable("agreements", "协商协议", AGREEMENTS, partial(_agreements, user)),
        OwnTable("notices", "消息", NOTICES, partial(_notices, user)),
        OwnTable("security", "登录与安全记录", SECURITY, partial(_security, user)),
    ]


PROFILE = [
    *(("name", "姓名"), ("phone", "手机号"), ("registered_at", "注册时间")),
    *(("sms_enabled", "接收短信"), ("call_from", "电话最早"), ("call_to", "电话最晚")),
    ("large_type", "大字模式"),
]


def _profile(user: User) -> Iterator[Sequence[OwnValue]]:
    times = (f"{user.call_from:%H:%M}", f"{user.call_to:%H:%M}")
    yield user.name, user.phone, user.date_joined, user.sms_enabled, *times, user.large_type


LOANS = [
    *(("number", "借据编号"), ("product", "产品"), ("principal", "借款本金（元）")),
    *(("drawdown_on", "放款日"), ("term_months", "期数"), ("due_day", "还款日")),
    *(("status", "状态"), ("settled_on", "结清日")),
]


def _loans(user: User) -> Iterator[Sequence[OwnValue]]:
    for loan in Loan.objects.for_borrower(user).order_by("pk").iterator():
        facts = (loan.number, loan.product_name, loan.principal, loan.drawdown_on)
        yield *facts, loan.term_months, loan.due_day, loan.get_status_display(), loan.settled_on


def _statement(loan: Loan, now: datetime) -> Iterable[Sequence[OwnValue]]:
    return papers.statement_rows(load_statement(loan, None, business_date(now)))


CASES = [
    *(("number", "申请编号"), ("loan", "借据编号"), ("state", "状态"), ("reasons", "原因")),
    *(("statement", "情况说明"), ("income_before", "此前每月收入（元）")),
    *(("monthly_income", "每月收入（元）"), ("monthly_spending", "每月必要支出（元）")),
    *(("affordable_payment", "每月可还（元）"), ("created_at", "创建时间")),
    *(("submitted_at", "提交时间"), ("reviewed_at", "审核结果时间"), ("closed_at", "结束时间")),
    *(("asked", "要求补充的说明"), ("rejected_for", "未通过的原因"), ("advice", "建议")),
    ("appeal", "申诉内容"),
]


def _cases(user: User, now: datetime) -> Iterator[Sequence[OwnValue]]:
    cases = list(Case.objects.for_borrower(user).for_lists().order_by("pk"))
    stages = loan_stages(cases, business_date(now))
    for case in cases:
        label = label_of(case, Role.BORROWER, stages.get(case.pk))
        said = (label, reason_names(case.reasons), case.statement)
        figures = (case.income_before, case.monthly_income, case.monthly_spending)
        instants = (case.created_at, case.submitted_at, case.reviewed_at, case.closed_at)
        answers = (case.ask_text, case.reject_text, case.reject_advice, case.appeal_text)
        yield (
            *(case.number, case.loan.number, *said),
            *(*figures, case.affordable_payment, *instants, *answers),
        )


TIMELINE = [
    ("case", "申请编号"),
    ("at", "时间"),
    ("what", "事项"),
    ("who", "办理"),
    ("note", "说明"),
]


def _timeline(user: User) -> Iterator[Sequence[OwnValue]]:
    events = Event.objects.filter(case__borrower=user).select_related("case", "actor")
    for event in events.order_by("at", "pk").iterator():
        if is_public(event):
            who = actor_label(event, for_staff=False)
            yield event.case.number, event.at, event_label(event), who, event.note_public


MESSAGES = [
    ("at", "时间"),
    ("who", "发送方"),
    ("text", "内容"),
    ("card", "卡片"),
    ("case", "申请编号"),
]


def _messages(user: User) -> Iterator[Sequence[OwnValue]]:
    rows = Message.objects.visible_to(user).select_related("author", "case").order_by("pk")
    for message in rows.iterator():
        staff = message.author is not None and message.author.is_staff_member
        who = message.author.public_name if staff and message.author else ""
        case = message.case.number if message.case else ""
        sender = who or message.get_sender_display()
        yield message.created_at, sender, message.text, message.get_card_display(), case


DRAFTS = [("saved_at", "保存时间"), ("form", "表单"), ("text", "内容")]
FORMS_WITH_DRAFT = {
    "relief:apply-step": "减免申请",
    "relief:offer-reject": "还款建议",
    "relief:appeal": "申诉",
    "relief:withdraw": "撤回申请",
    "relief:service-send": "与客服的对话",
}


def _drafts(user: User) -> Iterator[Sequence[OwnValue]]:
    for draft in drafts.all_of(user):
        typed = [value for _, values in draft.fields.lists() for value in values if value.strip()]
        form = FORMS_WITH_DRAFT[resolve(draft.path).view_name]
        yield draft.saved_at, form, "\n".join(typed)


FILES = [
    *(("case", "申请编号"), ("kind", "类型"), ("name", "文件名"), ("bytes", "大小（字节）")),
    *(("sha256", "摘要"), ("state", "状态"), ("problem", "需更换的原因")),
    *(("uploaded_at", "上传时间"), ("removed_at", "移除时间"), ("kept_until", "删除日期")),
    *(("deleted_at", "已删除时间"), ("in_this_copy", "副本中的文件")),
]


def _file_rows(user: User) -> Iterator[Sequence[OwnValue]]:
    for file in Evidence.objects.visible_to(user).for_lists().order_by("pk").iterator():
        facts = (file.case.number, file.get_kind_display(), file.original_name, file.size)
        stands = (file.sha256, file.get_state_display(), file.problem)
        instants = (file.created_at, file.withdrawn_at, planned_purge_on(file))
        place = _file_place(file) if file.is_open else ""
        yield *facts, *stands, *instants, file.bytes_purged_at, place


LOOKS = [
    *(("at", "时间"), ("who", "查看人"), ("case", "申请编号"), ("file", "文件名")),
    *(("page", "页"), ("whole", "下载整份")),
]


def _looks(user: User) -> Iterator[Sequence[OwnValue]]:
    for look in EvidenceAccess.objects.of_borrower(user).order_by("at", "pk").iterator():
        file = (look.evidence.case.number, look.evidence.original_name)
        yield look.at, look.viewer.public_name, *file, look.page, look.whole


CONSENTS = [
    *(("kind", "范围"), ("version", "文本版本"), ("text", "文本"), ("given_at", "同意时间")),
    *(("given_from", "来自"), ("withdrawn_at", "撤回时间")),
]


def _consents(user: User) -> Iterator[Sequence[OwnValue]]:
    for consent in Consent.objects.for_user(user).order_by("pk").iterator():
        text = (consent.get_kind_display(), consent.version, consent.text)
        yield *text, consent.given_at, consent.given_from, consent.withdrawn_at


OFFERS = [
    *(("case", "申请编号"), ("number", "版本"), ("side", "提出方"), ("status", "状态")),
    *(("figures_on", "欠款日期"), ("owed", "当日欠款（元）"), ("waived", "减免合计（元）")),
    *(("plan_total", "新计划合计（元）"), ("terms", "期数"), ("made_at", "提出时间")),
    *(("valid_until", "有效期至"), ("note", "说明"), ("digest", "摘要")),
]


def _offers(user: User) -> Iterator[Sequence[OwnValue]]:
    rows = Offer.objects.filter(case__borrower=user).shown().select_related("case")
    for offer in rows.order_by("pk").iterator():
        sums = [offer.figures.get(name, "") for name in ("total", "waived", "plan_total")]
        facts = (offer.case.number, offer.number, offer.get_side_display())
        dates = (offer.made_at, offer.valid_until, offer.note, offer.digest)
        yield *facts, offer.get_status_display(), offer.figures_on, *sums, len(offer.rows), *dates


AGREEMENTS = [
    *(("number", "协议编号"), ("case", "申请编号"), ("accepted_at", "接受时间")),
    *(("method", "确认方式"), ("from", "来自"), ("standing", "效力"), ("ended_at", "终止时间")),
    *(("code", "核验码"), ("digest", "摘要"), ("text", "正文")),
]


def _agreements(user: User) -> Iterator[Sequence[OwnValue]]:
    rows = Agreement.objects.filter(case__borrower=user).select_related("case")
    for signed in rows.order_by("pk").iterator():
        how = (signed.accepted_at, signed.get_method_display(), signed.accepted_from)
        standing = signed.get_end_kind_display() if signed.end_kind else "生效中"
        proof = (signed.ended_at, signed.code, signed.digest, signed.text)
        yield signed.number, signed.case.number, *how, standing, *proof


NOTICES = [
    *(("at", "时间"), ("category", "分类"), ("title", "标题"), ("body", "内容")),
    *(("code", "核对码"), ("read_at", "已读时间")),
]


def _notices(user: User) -> Iterator[Sequence[OwnValue]]:
    for notice in Notice.objects.for_user(user).order_by("pk").iterator():
        said = (notice.get_category_display(), notice.title, notice.body)
        yield notice.created_at, *said, notice.code, notice.read_at


SECURITY = [
    ("at", "时间"),
    ("what", "事件"),
    ("detail", "说明"),
    ("device", "设备"),
    ("from", "地址"),
]


def _security(user: User) -> Iterator[Sequence[OwnValue]]:
    for event in SecurityEvent.objects.about(user).order_by("pk").iterator():
        yield event.at, event.label, event.detail, event.device, event.masked_address


# --- How it is written ---------------------------------------------------------------------------


def _entry(archive: ZipFile, name: str, now: datetime, *, packed: bool = True) -> IO[bytes]:
    """A new entry to write into; pictures and PDFs are packed already."""
    info = ZipInfo(name, in_shanghai(now).timetuple()[:6])
    info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
    return archive.open(info, "w", force_zip64=True)


def _write_overview(archive: ZipFile, overview: dict[str, object], now: datetime) -> None:
    """The contents page and the looks of all pages."""
    with _entry(archive, "index.html", now) as out:
        out.write(render_to_string("relief/own_data/index.html", overview).encode())
    with _entry(archive, "pages/style.css", now) as out:
        out.write(render_to_string("relief/own_data/style.css").encode())


def _write_table(archive: ZipFile, table: OwnTable, now: datetime) -> None:
    with _entry(archive, f"pages/{table.name}.html", now) as out:
        _write_html(table, out)
    with _entry(archive, f"csv/{table.name}.csv", now) as out:
        head = [words for _, words in table.columns]
        rows = ([_words(value) for value in row] for row in table.rows())
        sheet = exports.ExportTable(table.name, table.title, head, rows)
        exports.write(sheet, exports.Format.CSV, cast(BinaryIO, out))
    with _entry(archive, f"json/{table.name}.json", now) as out:
        _write_json(table, out)


def _write_html(table: OwnTable, out: IO[bytes]) -> None:
    """A page around rows that are written some at a time."""
    page = render_to_string("relief/own_data/table.html", {"table": table})
    before, _, after = page.partition(PLACE_OF_ROWS)
    out.write(before.encode())
    rows = iter(table.rows())
    while chunk := [[_words(value) for value in row] for row in islice(rows, ROWS_AT_ONCE)]:
        out.write(render_to_string("relief/own_data/_rows.html", {"rows": chunk}).encode())
    out.write(after.encode())


def _write_json(table: OwnTable, out: IO[bytes]) -> None:
    """A list of objects; amounts as decimal strings, instants in ISO 8601."""
    keys = [key for key, _ in table.columns]
    between = b"[\n"
    for row in table.rows():
        record = dict(zip(keys, map(_machine, row), strict=True))
        out.write(between + json.dumps(record, ensure_ascii=False).encode())
        between = b",\n"
    out.write(b"\n]\n" if between == b",\n" else b"[]\n")


def _words(value: OwnValue) -> str | int | Decimal | date | None:
    """As people read it: 是, 2026-03-02 10:00; numbers and dates stay what they are."""
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"{in_shanghai(value):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value


def _machine(value: OwnValue) -> str | int | bool | None:
    if isinstance(value, datetime):
        return in_shanghai(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def _files_of(user: User) -> list[Evidence]:
    """Those of which there is a checked copy."""
    files = Evidence.objects.visible_to(user).with_bytes().exclude(clean_key="")
    return list(files.for_lists().order_by("pk"))


def _file_place(file: Evidence) -> str:
    """Where it lies: files/<case>/<id>-<kind>-<name>; the id keeps two of one name apart."""
    name = NOT_IN_NAMES.sub("_", f"{file.get_kind_display()}-{file.file_name}")
    return f"files/{file.case.number}/{file.public_id}-{name}"


def _write_file(archive: ZipFile, file: Evidence, now: datetime) -> None:
    """The checked copy; one that is purged meanwhile is left out."""
    try:
        opened = open_evidence(evidence=file, actor=file.case.borrower, now=now)
    except (RuleViolation, FileNotFoundError):
        return
    with opened.stream as source, _entry(archive, _file_place(file), now, packed=False) as out:
        shutil.copyfileobj(source, out, BYTES_AT_ONCE)


def _write_paper(archive: ZipFile, document: Document, now: datetime) -> None:
    with _entry(archive, f"papers/{document.file_name}", now, packed=False) as out:
        out.write(pdf_bytes(document))
