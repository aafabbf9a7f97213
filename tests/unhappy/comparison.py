"""One fact, one value: what was told of one loan at one instant is held against itself.

Facts are found by what they are, not by where they stand: figures by their `data-field`, times by
the promise that they belong to, words by what they claim. `Contradiction` reads: page A says X,
page B says Y.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from portal.core.kernel.businesstime import SHANGHAI
from tests.unhappy.reader import Figure, Node, Page, Sentence, Told, about_of, is_history
from tests.unhappy.visits import Reading

ZERO = Decimal("0.00")
# Figures of what was typed or asked for on that page, not of the loan.
OF_THE_PAGE = ("split-", "repay-", "what-if-", "statement-", "old-plan", "penalty-before")
OF_THE_PAGE += ("penalty-after", "owed-", "monthly-", "affordable-", "estimate-", "plan-waived")
OF_AN_OFFER = ("offer-", "plan-instalment", "delay-waived")  # on the offer's page: of that version
ENDED = re.compile("这笔借款已有后来的方案|协议已撤销</b>|新计划已终止，")
SUMS = ("penalty-total", "due-now", "total-due", "principal-outstanding", "interest-outstanding")


@dataclass(frozen=True, order=True)
class Contradiction:
    """Two things that cannot both be true, or one that cannot be true by itself."""

    at: datetime
    title: str
    rule: str
    says: str

    def __str__(self) -> str:
        return (
            f"{self.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} {self.title} [{self.rule}] {self.says}"
        )


def contradictions(readings: Sequence[Reading]) -> list[Contradiction]:
    """All of a life, each day by itself and then the days against one another."""
    found: list[Contradiction] = []
    for reading in readings:
        for rule in DAILY:
            found += [
                Contradiction(reading.at, reading.title, rule.__name__, said)
                for said in rule(reading)
            ]
    for before, after in pairwise(readings):
        for rule in BETWEEN:
            found += [
                Contradiction(after.at, after.title, rule.__name__, said)
                for said in rule(before, after)
            ]
    return sorted(set(found))


# --- Amounts ----------------------------------------------------------------------------------


def _figures(reading: Reading) -> Iterator[tuple[str, Page, Figure]]:
    """Every figure of the day with what it is a fact of: (loan or offer, page, figure)."""
    for page in reading.all():
        for figure in page.figures:
            if figure.field.startswith(OF_THE_PAGE) or is_history(figure.where):
                continue
            if figure.field.startswith("breach-") and ENDED.search(page.root.text):
                continue  # of a plan before the one in force
            of_an_offer = figure.field.startswith("offer-") or (
                "#" in figure.about and figure.field.startswith(OF_AN_OFFER)
            )  # a loan may have had two plans, each with a case of its own
            loan = reading.whom(figure.about).partition("#")[0]
            yield figure.about if of_an_offer else loan, page, figure


def same_field_same_value(reading: Reading) -> Iterator[str]:
    """Same loan + same field (+ same instalment) ⇒ same value on every page."""
    told: dict[tuple[str, str, str], dict[Decimal, list[str]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for whom, page, figure in _figures(reading):
        where = f"{page.path}「{figure.label}」"
        told[whom, figure.field, figure.number][figure.value].append(where)
    for (_, name, number), values in told.items():
        if len(values) > 1:
            which = f"{name} 第 {number} 期" if number else name
            yield f"{which}: " + "; ".join(
                f"{places[0]} says {value}" for value, places in sorted(values.items())
            )


WORDS = ("罚息", "已到期利息", "剩余本金", "总待还", "本期应还", "查看罚息", "当前罚息")


def same_word_same_value(reading: Reading) -> Iterator[str]:
    """A word that stands in front of one amount of a loan stands in front of no other."""
    told: dict[tuple[str, str], dict[Decimal, str]] = defaultdict(dict)
    for whom, page, figure in _figures(reading):
        if figure.label in WORDS and not figure.number and not _in_part(figure.where):
            told[whom, figure.label][figure.value] = f"{page.path} ({figure.field})"
    for page in reading.pages:
        for loose in page.loose:
            whom = reading.whom(loose.about)
            if any("data-signed" in part.attrs for part in (loose.where, *loose.where.up())):
                continue  # a document speaks of its own date
            if "/repay/" in page.path:
                continue  # a receipt speaks of what was paid
            if (whom, loose.label) in told and not re.search("第 .* 期|还 ", loose.sentence):
                told[whom, loose.label].setdefault(loose.value, f"{page.path} ({loose.sentence})")
    for (_, word), values in told.items():
        if len(values) > 1:
            yield f"「{word}」: " + "; ".join(f"{v} on {where}" for v, where in values.items())


def _in_part(node: Node) -> bool:
    """Whether it is a part of something smaller than the loan: a row of a table, a split."""
    return any(part.tag in {"table", "details"} for part in node.up())


def parts_add_up(reading: Reading) -> Iterator[str]:
    """A total is the sum of its parts, where both are shown."""
    for page in reading.pages:
        yield from _instalments_add_up(page)
        yield from _lists_add_up(page)
        yield from _tables_add_up(page)
        yield from _heads_add_up(page)
        yield from _rows_add_up(page)
        yield from _cells_add_up(page)
        yield from _documents_add_up(page)


def _instalments_add_up(page: Page) -> Iterator[str]:
    each = {f.number: f.value for f in page.figures if f.field == "penalty-instalment"}
    for total in (f for f in page.figures if f.field == "penalty-total"):
        if each and sum(each.values()) != total.value:
            yield f"{page.path}: penalty-total {total.value}, instalments {sum(each.values())}"


def _amount(node: Node) -> Decimal | None:
    """The amount that a value is, where it is one and nothing else."""
    text = node.text.replace("−", "-").replace("¥", "").replace(",", "").strip()
    return Decimal(text) if re.fullmatch(r"-?\d+\.\d{2}", text) else None


def _leading_amount(node: Node) -> Decimal | None:
    """The amount that a value is, or begins with before it names that amount's own parts."""
    first = next((c for c in _children(node) if c.tag == "data"), None)
    return _amount(node) if first is None else _amount(first)


def _children(node: Node, *tags: str) -> list[Node]:
    return [c for c in node.inside if isinstance(c, Node) and (not tags or c.tag in tags)]


def _lists_add_up(page: Page) -> Iterator[str]:
    """A row 合计 of a list of amounts is the sum of the rows above it."""
    for part in page.root.walk():
        if part.tag != "dl":
            continue
        above: list[Decimal] = []
        word = ""
        for child in _children(part):
            if child.tag == "dt":
                word = child.text
                continue
            value = _leading_amount(child)
            if re.match("合计|总计", word) and value is not None and len(above) > 1:
                if sum(above) != value:
                    yield f"{page.path}: {word} {value}, its parts {sum(above)}: {part.text}"
                break
            if value is None:
                above.clear() if not above else None
                continue
            above.append(value)


def _tables_add_up(page: Page) -> Iterator[str]:
    """The foot 合计 of a table is the sum of each column; the last column is the sum of its row."""
    for table in (n for n in page.root.walk() if n.tag == "table" and n.has_class("plan-tb")):
        rows = [[_amount(c) for c in _children(r, "th", "td")] for r in _rows(table, "tbody")]
        foot = [_amount(c) for r in _rows(table, "tfoot") for c in _children(r, "td")]
        if not rows or not foot:
            continue
        for column in range(1, len(foot) + 1):
            got = sum((row[-column] or ZERO for row in rows), ZERO)
            if foot[-column] is not None and got != foot[-column]:
                yield f"{page.path}: column {column} of a table adds up to {got}, told {foot[-column]}"
        for row in rows:
            amounts = [cell for cell in row if cell is not None]
            if sum(amounts[:-1]) != amounts[-1]:
                yield f"{page.path}: a row of a table {amounts}"


def _rows(table: Node, part: str) -> list[Node]:
    return [row for p in _children(table, part) for row in _children(p, "tr")]


def _heads_add_up(page: Page) -> Iterator[str]:
    """A total owed with its parts beside it, in the list of its own box, is their sum."""
    for figure in page.figures:
        if figure.field not in {"total-due", "all-total-due"}:
            continue
        box = next((p for p in figure.where.up() if p.tag == "section" or p.has_class("in")), None)
        lists = [n for n in box.walk() if n.tag == "dl" and n.has_class("mini")] if box else []
        inside = {id(n) for one in lists for n in one.walk()}
        parts = [f for f in page.figures if id(f.where) in inside]
        got = sum((f.value for f in parts), ZERO)
        if id(figure.where) not in inside and len(parts) > 1 and got != figure.value:
            told = " + ".join(f"{f.label} {f.value}" for f in parts)
            yield f"{page.path}: {figure.label} {figure.value}, but {told} = {got}"


PART = re.compile(r"(本金|利息|保留罚息|罚息|复利|费用|宽限)\s*([\d,]+\.\d{2})")


def _rows_add_up(page: Page) -> Iterator[str]:
    """A row of a plan whose parts are told is their sum."""
    for figure in page.figures:
        row = next((p for p in figure.where.up() if p.tag == "li"), None)
        if figure.field != "plan-instalment" or row is None or "已还" in row.text:
            continue
        parts = [Decimal(m[2].replace(",", "")) for m in PART.finditer(row.text)]
        if parts and sum(parts) != figure.value:
            yield f"{page.path}: {row.text}: {sum(parts)}"


def _cells_add_up(page: Page) -> Iterator[str]:
    """An amount of the comparison with its parts in small below it is their sum."""
    for cell in (n for n in page.root.walk() if n.tag == "td"):
        small = next((c for c in _children(cell, "small")), None)
        if small is None or "+" not in small.text:
            continue
        whole = Decimal(cell.text.removesuffix(small.text).replace(",", "").strip())
        parts = [Decimal(m.replace(",", "")) for m in re.findall(r"[\d,]+\.\d{2}", small.text)]
        if sum(parts) != whole:
            yield f"{page.path}: {whole}, its parts {small.text} = {sum(parts)}"


YUAN = re.compile(r"¥([\d,]+\.\d{2})")


def _documents_add_up(page: Page) -> Iterator[str]:
    """In an agreement: a total and what it says it consists of; an instalment and its columns."""
    for text in (n.text for n in page.root.walk() if "data-signed" in n.attrs):
        for sentence in re.findall(r"共欠[^。]+。|第 \d+ 期 \d{4}-\S+ .+?应还 ¥[\d,.]+\d", text):
            amounts = [Decimal(m.replace(",", "")) for m in YUAN.findall(sentence)]
            whole = amounts.pop(0 if sentence.startswith("共欠") else -1)
            if sum(amounts) != whole:
                yield f"{page.path}: {sentence}: {sum(amounts)}"


ON_PAPER = {
    "剩余本金": "principal-outstanding",
    "总待还": "total-due",
    "保留罚息": "kept-penalty",
    "罚息合计": "penalty-all",
    "罚息": "penalty-total",
}
TOLD_ON_PAPER = re.compile(rf"({'|'.join(ON_PAPER)})[:：]?¥?([\d,]+\.\d{{2}})元")


def papers_say_what_pages_say(reading: Reading) -> Iterator[str]:
    """A PDF prints the amounts of its page: an agreement all of them, a statement by their words."""
    shown = {(whom, figure.field): figure.value for whom, _, figure in _figures(reading)}
    agreements = {page.path: page for page in reading.pages if page.path.endswith("/agreement/")}
    for path, text in reading.papers.items():
        loan = reading.whom(about_of(path))
        for word, amount in TOLD_ON_PAPER.findall(text):
            printed, told = Decimal(amount.replace(",", "")), shown.get((loan, ON_PAPER[word]))
            if told is not None and told != printed:
                yield f"{path}: {word} {printed}, the pages say {told}"
        page = agreements.get(path.replace("agreement.pdf", "agreement/"))
        if page is None:
            continue
        body = "".join(n.text for n in page.root.walk() if "data-signed" in n.attrs)
        on_page, printed_all = YUAN.findall(body), YUAN.findall(text)
        if on_page != printed_all:
            yield f"{path} prints {printed_all}, its page {on_page}"


def one_sum_of_penalty_on_a_page(reading: Reading) -> Iterator[str]:
    """罚息合计 stands in front of one amount of a page, the split of what is paid included."""
    for page in reading.pages:
        told: dict[str, set[Decimal]] = defaultdict(set)
        for figure in page.figures:
            line = next((part for part in figure.where.up() if part.tag in {"p", "li", "dd"}), None)
            if line is None or is_history(figure.where) or _in_part(figure.where):
                continue
            first = next(node for node in line.walk() if node.tag == "data")
            if first is figure.where and re.match("(其中)?罚息合计", line.text):
                told[reading.whom(figure.about).partition("#")[0]].add(figure.value)
        for sums in (sums for sums in told.values() if len(sums) > 1):
            yield f"{page.path}: 「罚息合计」 " + " and ".join(map(str, sorted(sums)))


NOT_ITS_WORD = {  # of a figure that has a word of its own in the vocabulary of amounts
    "plan-total": "新计划剩余应还",
    "split-interest": "利息",
}
RECEIPT = re.compile(r"/repay/[^?]")  # speaks of what was paid


def one_figure_one_word(reading: Reading) -> Iterator[str]:
    """A figure is called by its own word of the vocabulary wherever it stands."""
    for page in (one for one in reading.pages if not RECEIPT.search(one.path)):
        for figure in page.figures:
            if figure.label == NOT_ITS_WORD.get(figure.field):
                yield f"{page.path}: {figure.field} is called 「{figure.label}」"


def the_last_case_has_one_word(reading: Reading) -> Iterator[str]:
    """The cells 减免申请 of 我的 and 借呗 call the borrower's case by one word, however it ended."""
    told = {
        page.path: cell.text.removeprefix("减免申请").strip()
        for page in reading.pages
        if page.path in {"/me/", "/jiebei/"}
        for cell in page.root.walk()
        if cell.has_class("cell-li") and cell.text.startswith("减免申请")
    }
    if len(told) < 2 or len(reading.loans) != 1 or told["/me/"] == "暂无进行中":
        return
    if not told["/jiebei/"] or not told["/me/"].startswith(told["/jiebei/"]):
        yield f"减免申请: /me/ says 「{told['/me/']}」, /jiebei/ says 「{told['/jiebei/']}」"


LARGE = frozenset({"due-now", "plan-next", "plan-instalment", "repay-amount"})


def an_amount_once_in_a_card(reading: Reading) -> Iterator[str]:
    """What a card prints by itself is not told once more by the card's own sentence."""
    for page in reading.pages:
        for loose in page.loose:
            card = _card_of(loose.where)
            if card is None or is_history(loose.where) or not re.search("元", loose.sentence):
                continue
            for figure in page.figures:
                shown = figure.field in LARGE and _card_of(figure.where) is card
                if shown and figure.value == loose.value and not _in_part(figure.where):
                    yield f"{page.path}: {figure.field} {figure.value} and 「{loose.sentence[:60]}」"


def _card_of(node: Node) -> Node | None:
    return next((part for part in node.up() if part.tag == "section"), None)


def all_loans_is_the_sum(reading: Reading) -> Iterator[str]:
    """With several loans: a sum over them is their sum, and says of how many of them it is."""
    if len(reading.loans) < 2:
        return
    each: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for whom, _, figure in _figures(reading):
        if figure.field in SUMS and not figure.number and whom:
            each[figure.field][whom] = figure.value
    for whom, page, figure in _figures(reading):
        name = figure.field.removeprefix("all-")
        if name not in SUMS or (whom and name == figure.field):
            continue
        whole = sum((each[name].get(loan, ZERO) for loan in reading.loans), ZERO)
        said = _section_text(figure.where)
        if figure.value != whole:
            yield (
                f"{page.path}: 「{figure.label}」 {figure.value} ({figure.field}), "
                f"the loans' own pages add up to {whole}: {said[:80]}"
            )
        if not re.search("全部|笔", said):
            yield f"{page.path}: 「{figure.label}」 {figure.value} does not say of which loans: {said[:80]}"


def _section_text(node: Node) -> str:
    box = next((p for p in node.up() if p.tag in {"section", "a"} or p.has_class("in")), node)
    return box.text


# --- Times ------------------------------------------------------------------------------------

PROMISES: tuple[tuple[str, str], ...] = (  # the first that fits: what is promised by when
    ("evidence", r"上传|补充材料|补充："),
    (
        "offer",
        r"有效期|(接受|确认|答复|处理).{0,12}(方案|建议)|方案.{0,30}(前|到期).{0,8}(接受|确认|答复|登录)?",
    ),
    ("review", r"审核结果|完成审核|告诉你结果|正在审核|审核超时|没有在承诺的时间"),
    ("answer", r"给你(协商|新的)?.{0,4}方案|答复你|复核"),
    ("appeal", r"申诉"),
    ("pay", r"还清|补救|计划继续有效|违约|处理"),
)
BEFORE = re.compile(r"^\s*(24:00)?\s*[（(]?[^，。；]{0,2}前|^\s*到期[，,]请")
DUE_LABEL = re.compile(r"(下一?期|下一笔)[^，。；]{0,6}$")
PAST_WORDS = re.compile(r"原承诺|没能|没有(在|按|做到)|已过|已超过|超过承诺|原定|延误|曾|没按")


def promise_of(told: Told) -> str:
    """What is promised by that time, or "" when it is no promise."""
    if told.field == "review-deadline":
        return "" if PAST_WORDS.search(told.says) else "review"
    if DUE_LABEL.search(re.sub(r"[：:\s到期日]+$", "", told.before)):
        return "next due"
    is_deadline = BEFORE.search(told.behind)
    clauses = re.split("[，；。]", told.behind)
    clause = re.split("[，；。]", told.before)[-1] + clauses[0]
    answer = clauses[1] if len(clauses) > 1 else ""
    if not is_deadline or PAST_WORDS.search(clause) or re.match("也?没(有|能)", answer):
        return ""
    texts = (clause, told.says)  # its own words count first
    return next((kind for text in texts for kind, words in PROMISES if re.search(words, text)), "")


def _promises(reading: Reading) -> Iterator[tuple[str, str, Page, Told]]:
    for page in reading.all():
        written = getattr(page, "written_at", None)
        if written is not None and written < reading.at - timedelta(minutes=45):
            continue  # said at another time of another state
        for told in page.times:
            kind = promise_of(told)
            if re.search(r"有效期至[：\s]*$", told.before) and any(
                link.endswith("/accept/") for link in page.links
            ):
                kind = "offer"  # only an offer that can still be accepted promises that
            if kind:
                yield reading.whom(told.about), kind, page, told


def one_promise_one_time(reading: Reading) -> Iterator[str]:
    """The same promise on the same loan ends at the same moment wherever it is told."""
    told: dict[tuple[str, str], dict[datetime, tuple[Page, Told]]] = defaultdict(dict)
    for whom, kind, page, one in _promises(reading):
        loan = whom.partition("#")[0]
        told[whom if kind == "offer" and "#" in whom else loan, kind].setdefault(
            _minute(one.end), (page, one)
        )
    for (whom, kind), ends in told.items():
        if len(ends) > 1 and (whom or len(reading.numbers) == 1):
            yield f"{kind}: " + "; ".join(
                f"{page.path} says {end.astimezone(SHANGHAI):%Y-%m-%d %H:%M} ({one.says[:60]})"
                for end, (page, one) in sorted(ends.items())
            )


def _minute(end: datetime) -> datetime:
    """23:59:59, 24:00 and 00:00 of the next day are one moment."""
    return (end + timedelta(minutes=1)).replace(second=0, microsecond=0) if _is_night(end) else end


def _is_night(end: datetime) -> bool:
    local = end.astimezone(SHANGHAI)
    return (local.hour, local.minute) == (23, 59)


def no_promise_in_the_past(reading: Reading) -> Iterator[str]:
    """What was to come by a time that has passed is not told as still to come."""
    for _, kind, page, one in _promises(reading):
        if one.end <= reading.at:
            yield (
                f"{kind}: {page.path} on {reading.at.astimezone(SHANGHAI):%m-%d %H:%M} "
                f"promises {one.end.astimezone(SHANGHAI):%Y-%m-%d %H:%M}: {one.says[:80]}"
            )
    for page in reading.messages:
        for one in page.times:
            written = page.written_at
            if promise_of(one) and one.end <= written:
                yield f"{page.path} written {written.astimezone(SHANGHAI):%m-%d}: {one.says[:80]}"


GROWS = re.compile(r"每天约增加 ¥?[\d,]+\.\d\d")


def an_amount_that_grows_says_so(reading: Reading) -> Iterator[str]:
    """What is owed today, asked for by a later day, is told with what each day adds to it."""
    growing = {
        whom
        for whom, _, figure in _figures(reading)
        if figure.field == "penalty-per-day" and figure.value
    }
    for whom, kind, page, told in _promises(reading):
        is_asked = kind == "pay" and page in reading.pages and re.search("还清|还款", told.says)
        if is_asked and whom.partition("#")[0] in growing and not GROWS.search(told.says):
            yield f"{page.path} says 「{told.says[:80]}」 of a debt that grows"


# --- Words ------------------------------------------------------------------------------------

OPEN_STATES = frozenset(
    {"DRAFT", "SUBMITTED", "IN_REVIEW", "NEED_MORE", "NEGOTIATING", "AWAITING_APPROVAL"}
    | {"OFFERED", "COUNTERED", "PLAN_ACTIVE", "WARNED"}
)
UNTOLD_ENDS = frozenset({"BREACHED", "EXPIRED"})


LATE = re.compile(r"已逾期 ?[1-9]\d* ?天|(?<![期满])逾期 [1-9]\d* 天$|[1-9] 期逾期")


@dataclass
class LoanSummary:
    """What the pages of a day say in figures and marks about one loan (or about all)."""

    penalty: Decimal = ZERO
    due_now: Decimal = ZERO
    late: bool = False
    states: frozenset[str] = frozenset()


def _summary_of(reading: Reading, loan: str) -> LoanSummary:
    """Worked out once for a reading and a loan."""
    if loan not in reading.kept:
        reading.kept[loan] = _work_out(reading, loan)
    return reading.kept[loan]


def _work_out(reading: Reading, loan: str) -> LoanSummary:
    found, states = LoanSummary(), set()
    for whom, _, figure in _figures(reading):
        ours = whom.partition("#")[0]
        if loan and (ours != loan or figure.field.startswith("all-")):
            continue
        if figure.field in {"penalty-total", "all-penalty-total"}:
            found.penalty = max(found.penalty, figure.value)
        elif figure.field in {"due-now", "all-due-now", "what-if-now"}:
            found.due_now = max(found.due_now, figure.value)
    for page in reading.pages:
        for name, value, _, whom in page.states:
            ours = reading.whom(whom).partition("#")[0]
            if name == "case-state" and loan in ("", ours):
                states.add(value)
        found.late = found.late or any(_is_late(said, reading, loan) for said in page.sentences)
    found.states = frozenset(states)
    return found


def _is_late(said: Sentence, reading: Reading, loan: str) -> bool:
    ours = reading.whom(said.about).partition("#")[0]
    return loan in ("", ours) and not is_history(said.where) and bool(LATE.search(said.text))


def _claims(words: str, reading: Reading) -> Iterator[tuple[Page, str, LoanSummary]]:
    for page in reading.pages:
        for said in page.sentences:
            if is_history(said.where) or not re.search(words, said.text):
                continue
            loan = reading.whom(said.about).partition("#")[0]
            yield page, said.text, _summary_of(reading, loan)


def no_penalty_beside_a_penalty(reading: Reading) -> Iterator[str]:
    """无罚息, 不会产生罚息, 正常还款中 are not said of a loan that has a penalty or is late."""
    for page, text, stands in _claims(r"^无罚息$|没有罚息|不会产生罚息|不产生罚息", reading):
        broken = stands.states & {"BREACHED"} and "不会" in text
        if stands.penalty or broken:
            yield f"{page.path} says 「{text[:50]}」 beside a penalty of {stands.penalty}"
    for page, text, stands in _claims(r"正常还款中|还款正常|没有逾期，继续保持", reading):
        if stands.penalty or stands.late or stands.states & {"BREACHED", "WARNED"}:
            yield (
                f"{page.path} says 「{text[:50]}」 beside a penalty of {stands.penalty}, "
                f"{stands.due_now} due now, case {','.join(stands.states)}"
            )


def late_words_when_late(reading: Reading) -> Iterator[str]:
    """还清逾期 is said only of a loan of which something is overdue."""
    for page, text, stands in _claims(r"还清逾期", reading):
        if not stands.late and "WARNED" not in stands.states and "结清" not in text:
            yield f"{page.path} says 「{text[:60]}」, and nothing is overdue"


def plan_words_when_a_plan(reading: Reading) -> Iterator[str]:
    """并入新计划 is said of a broken plan's own rows by nobody, 执行中 only while a plan is in force.

    What a breach made due at once is not counted in instalments: 已还 0/1 期.
    """
    for page in reading.pages:
        for said in page.sentences:
            if not re.search(r"并入新计划|执行中|已还 \d+/\d+ 期", said.text) or is_history(
                said.where
            ):
                continue
            states = _summary_of(reading, reading.whom(said.about).partition("#")[0]).states
            if "BREACHED" not in states or states & {"PLAN_ACTIVE", "WARNED"}:
                continue
            box = next((p for p in said.where.up() if p.tag == "section"), said.where)
            if not box.text.startswith("原计划"):
                yield f"{page.path} says 「{said.text[:60]}」 of a plan that is broken"


def ends_are_told(reading: Reading) -> Iterator[str]:
    """暂无进行中 is not all that 我的 has to say after a breach or an expiry."""
    for page, text, stands in _claims(r"暂无进行中", reading):
        if stands.states & UNTOLD_ENDS and not stands.states & OPEN_STATES and reading.loans:
            yield f"{page.path} says 「{text[:40]}」 of a case that is {','.join(stands.states)}"
        if stands.states & OPEN_STATES:
            yield f"{page.path} says 「{text[:40]}」 beside a case that is {','.join(stands.states)}"


def replaced_by_something(reading: Reading) -> Iterator[str]:
    """已被新方案替代 is said only where the newer version can be seen."""
    for page in reading.pages:
        for said in page.sentences:
            if not re.search("已被(新方案)?替代", said.text):
                continue
            mine = reading.whom(said.about).partition("#")
            versions = {
                int(link[1])
                for other in reading.pages
                for link in (
                    re.search(r"/offers/(\d+)/", path) for path in [other.path, *other.links]
                )
                if link
            }
            if mine[2] and not any(one > int(mine[2]) for one in versions):
                yield f"{page.path} says 「{said.text[:60]}」 of version {mine[2]}, and there is no newer one"


def repayment_offers_something(reading: Reading) -> Iterator[str]:
    """还款 opens with an amount while a plan runs: with what is due, or with the next instalment."""
    for page in reading.pages:
        loan = about_of(page.path)
        if not re.fullmatch(r"/jiebei/[a-z0-9]+/repay/", page.path) or loan not in reading.loans:
            continue
        if _summary_of(reading, loan).states & {"PLAN_ACTIVE", "WARNED"}:
            amounts = [f.value for f in page.figures if f.field == "repay-amount"]
            if not any(amounts):
                yield f"{page.path} opens without an amount to pay"


def one_state_one_word(reading: Reading) -> Iterator[str]:
    """A case has one state on all pages, and that state one name."""
    told: dict[tuple[str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for page in reading.pages:
        for name, value, text, whom in page.states:
            if name in {"case-state", "plan-standing"}:
                case = whom.partition("#")[0]
                told[name, case].setdefault((value, text), page.path)
    for (name, _), values in told.items():
        if len(values) > 1:
            yield f"{name}: " + "; ".join(f"{path} says {v} {t}" for (v, t), path in values.items())


COUNTS = (
    *(r"已还 (\d+/\d+) 期", r"已逾期 (\d+) 天", r"之后 ?(?:还有)? ?(\d+) 天内?(?:还清|补救)"),
    r"每天约增加 ¥?([\d,]+\.\d\d)",
)


def one_count_one_number(reading: Reading) -> Iterator[str]:
    """已还 n/m 期, 已逾期 n 天, n 天补救, 每天约增加 n 元: the same wherever said of a loan."""
    told: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for page in reading.pages:
        for said in page.sentences:
            if is_history(said.where):
                continue
            for words in COUNTS:
                for number in re.findall(words, said.text):
                    whom = reading.whom(said.about).partition("#")[0]
                    told[whom, words].setdefault(number, f"{page.path} ({said.text[:50]})")
    for (whom, words), values in told.items():
        if len(values) > 1 and (whom or len(reading.numbers) == 1):
            yield f"{words}: " + "; ".join(f"{n} on {where}" for n, where in values.items())


# --- From one look to the next ------------------------------------------------------------------


def what_comes_back_comes_back(before: Reading, after: Reading) -> Iterator[str]:
    """What pages and agreement say a breach brings back is what the books then restore."""
    for loan, posted in after.restored.items():
        added = posted - before.restored.get(loan, ZERO)
        if not added:
            continue
        for when, reading in (("before", before), ("after", after)):
            for whom, page, figure in _figures(reading):
                if whom != loan or figure.field not in {"breach-returned", "breach-restored"}:
                    continue
                if figure.value != added:
                    yield f"{page.path} ({when}) says {figure.value}, the books restored {added}"


def nothing_paid_all_comes_back(reading: Reading) -> Iterator[str]:
    """While nothing of a plan is paid, its page, its offer and its agreement name one sum."""
    told: dict[str, dict[Decimal, str]] = defaultdict(dict)
    unpaid = set(_loans_with_a_plan_unpaid(reading))
    for whom, page, figure in _figures(reading):
        loan = whom.partition("#")[0]
        if loan in unpaid and figure.field == "breach-returned":
            told[loan][figure.value] = page.path
    for page in (one for one in reading.pages if not ENDED.search(one.root.text)):
        for loose in page.loose:
            loan = reading.whom(loose.about).partition("#")[0]
            signed = "一期未还时恢复" in loose.sentence and "恢复" in loose.label
            if loan in told and signed:
                told[loan].setdefault(loose.value, page.path)
    for values in told.values():
        if len(values) > 1:
            yield "comes back: " + "; ".join(f"{path} says {v}" for v, path in values.items())


def _loans_with_a_plan_unpaid(reading: Reading) -> Iterator[str]:
    for page in reading.pages:
        for said in page.sentences:
            loan = reading.whom(said.about).partition("#")[0]
            runs = _summary_of(reading, loan).states & {"PLAN_ACTIVE", "WARNED"}
            if runs and re.search(r"已还 0/\d+ 期", said.text):
                yield loan


def promises_do_not_move_silently(before: Reading, after: Reading) -> Iterator[str]:
    """A promise that is another one now was told anew by a message in between."""
    old = {(w.partition("#")[0], k): one.end for w, k, _, one in _promises(before)}
    new = {(w.partition("#")[0], k): (one.end, p) for w, k, p, one in _promises(after)}
    said = {one.end.astimezone(SHANGHAI).date() for p in after.messages for one in p.times}
    for key, (end, page) in new.items():
        if key[1] in {"review", "answer", "evidence", "appeal"} and key in old:
            moved = _minute(old[key]) != _minute(end)
            if moved and end.astimezone(SHANGHAI).date() not in said:
                yield f"{key[1]}: {page.path} promises {end.astimezone(SHANGHAI):%m-%d %H:%M}, nobody was told"


DAILY = (
    *(same_field_same_value, same_word_same_value, parts_add_up, all_loans_is_the_sum),
    *(one_sum_of_penalty_on_a_page, an_amount_once_in_a_card, one_figure_one_word),
    papers_say_what_pages_say,
    an_amount_that_grows_says_so,
    *(one_promise_one_time, no_promise_in_the_past, no_penalty_beside_a_penalty),
    *(late_words_when_late, plan_words_when_a_plan, ends_are_told, replaced_by_something),
    *(repayment_offers_something, one_state_one_word, one_count_one_number),
    *(nothing_paid_all_comes_back, the_last_case_has_one_word),
)
BETWEEN = (what_comes_back_comes_back, promises_do_not_move_silently)
