"""Reads what a page tells: every figure, every date, every sentence, each with whom it is about.

Nothing here knows a page: the HTML is walked, and what stands there is taken down. A figure is a
`<data data-field>` (README); a loose amount is one in the running text, with the word in front
of it; a promise is a time before which something is said to come or to be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from html.parser import HTMLParser

from portal.core.kernel.businesstime import SHANGHAI

VOID = frozenset({"input", "br", "hr", "img", "meta", "link", "use", "path", "rect", "source"})
BLOCKS = frozenset(
    {"p", "li", "dt", "dd", "div", "section", "article", "main", "header", "nav", "ul", "ol", "dl"}
    | {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "h1", "h2", "h3", "form", "fieldset"}
    | {"details", "summary", "aside", "figure", "pre", "label", "legend", "body", "a", "button"}
)
SKIPPED = frozenset({"script", "style", "svg", "head", "footer", "select", "textarea", "template"})
AMOUNT = re.compile(r"[−-]?¥?[−-]?\d{1,3}(?:,\d{3})*\.\d{2}(?![\d%])")
CHINESE_DAY = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日(?:\s*(\d{1,2}):(\d{2}))?")
SENTENCE_END = re.compile(r"(?<=[。；！？])|\n")
MARK = "\ue000"  # stands in a text for a figure or a time, by its index


@dataclass(eq=False)
class Node:
    """An element with what is in it."""

    tag: str
    attrs: dict[str, str]
    parent: Node | None = None
    inside: list[Node | str] = field(default_factory=list)

    @cached_property
    def led(self) -> frozenset[str]:
        """The loans, cases and offers that its links lead to."""
        own = about_of(self.attrs.get("href", "")) if self.tag == "a" else ""
        inner = [child.led for child in self.inside if isinstance(child, Node)]
        return frozenset({own} - {""}).union(*inner)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.inside:
            if isinstance(child, Node):
                yield from child.walk()

    def up(self) -> Iterator[Node]:
        """The elements around it, nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def has_class(self, name: str) -> bool:
        return name in self.attrs.get("class", "").split()

    @property
    def text(self) -> str:
        """All of its text, in one line."""
        parts = [c if isinstance(c, str) else c.text for c in self.inside if not _silent(c)]
        return re.sub(r"\s+", " ", "".join(parts)).strip()

    @property
    def is_block(self) -> bool:
        return self.tag in BLOCKS


def _silent(child: Node | str) -> bool:
    """Whether it is not shown; the word of its column stands in a cell only where a table is stacked."""
    if not isinstance(child, Node):
        return False
    is_columns_word = child.tag == "span" and child.attrs.get("class") == "w"
    return child.tag in SKIPPED or "hidden" in child.attrs or is_columns_word


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Node("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.inside.append(node)
        if tag not in VOID:
            self.here = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.inside.append(Node(tag, {n: v or "" for n, v in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        for node in (self.here, *self.here.up()):
            if node.tag == tag:
                self.here = node.parent or self.root
                return

    def handle_data(self, data: str) -> None:
        self.here.inside.append(data)


def parse(html: str) -> Node:
    builder = _Builder()
    builder.feed(html)
    return builder.root


@dataclass(frozen=True)
class Figure:
    """A marked amount; `number` is the instalment or "", `label` the word in front of it."""

    field: str
    number: str
    value: Decimal
    label: str
    about: str
    where: Node = field(compare=False, repr=False)


@dataclass(frozen=True)
class Loose:
    """An amount in running text and the word it stands behind."""

    label: str
    value: Decimal
    about: str
    sentence: str
    where: Node = field(compare=False, repr=False)


@dataclass(frozen=True)
class Told:
    """A day or instant in a sentence: `end` is the last moment it means, `says` the sentence."""

    end: datetime
    has_hour: bool
    before: str
    behind: str
    says: str
    about: str
    field: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence, and whether it is history (a line of a dated story)."""

    text: str
    about: str
    where: Node = field(compare=False, repr=False)


@dataclass
class Page:
    """What one page tells on one day."""

    path: str
    root: Node
    figures: list[Figure] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)
    times: list[Told] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)
    states: list[tuple[str, str, str, str]] = field(
        default_factory=list
    )  # field, value, text, about
    written_at: datetime | None = None  # of a message

    @property
    def links(self) -> list[str]:
        return [n.attrs["href"] for n in self.root.walk() if n.tag == "a" and n.attrs.get("href")]


ABOUT = re.compile(r"^/(?:jiebei|relief)/(?!files/)([a-z0-9]{8,})(?:/offers/(\d+))?")


def about_of(path: str) -> str:
    """What an address is about: `k7q2…` of a loan or case, with `#2` of an offer; "" of none."""
    found = ABOUT.match(path)
    if not found:
        return ""
    return found[1] + (f"#{found[2]}" if found[2] else "")


def read(path: str, html: str, today: date) -> Page:
    """Everything that a page says in its head (hero), its main part and its action bar."""
    root = parse(html)
    page = Page(path, root)
    for place in _places(root):
        _read_block(place, page, today)
    return page


def _places(root: Node) -> list[Node]:
    """The parts that speak of loans: not the demo's bar, not the site's own navigation."""
    found = [n for n in root.walk() if n.tag == "main" or n.has_class("action-bar")]
    found += [n for n in root.walk() if n.has_class("top-wrap")]
    return found or [root]


def about(node: Node, page: Page) -> str:
    """Whom a piece is about: the nearest part around it that leads to one thing, else the page."""
    own = about_of(page.path)
    for part in (node, *node.up()):
        if part.tag == "main" or not part.tag:
            break
        if part.tag not in {"section", "article", "a", "li"}:
            continue
        if len(part.led) == 1:
            (only,) = part.led
            return own if own.startswith(only) else only
        if len(part.led) > 1:
            break
    return own


def is_history(node: Node) -> bool:
    """Whether it stands in a dated story, a talk, or a struck-out plan: told of then, not of now."""
    for part in (node, *node.up()):
        if part.tag == "del" or part.has_class("tl") or part.has_class("msg"):
            return True
        if part.has_class("time") or part.has_class("sys") or part.has_class("cell-li"):
            return part.has_class("inb")
    return False


def _read_block(node: Node, page: Page, today: date) -> None:
    """One block: its own inline text is cut into sentences; blocks inside are read for themselves."""
    if node.tag in SKIPPED or "hidden" in node.attrs or node.has_class("sr"):
        return
    if "data-field" in node.attrs and "data-value" in node.attrs:
        page.states.append(
            (node.attrs["data-field"], node.attrs["data-value"], node.text, about(node, page))
        )
    runs: list[tuple[str, list[Node]]] = [("", [])]
    for child in node.inside:
        _collect(child, runs, page, today)
    for text, marks in runs:
        _read_run(node, text, marks, page, today)


def _collect(
    child: Node | str, runs: list[tuple[str, list[Node]]], page: Page, today: date
) -> None:
    text, marks = runs[-1]
    if isinstance(child, str):
        runs[-1] = (text + re.sub(r"\s+", " ", child), marks)
    elif child.tag in SKIPPED or "hidden" in child.attrs or child.has_class("sr"):
        return
    elif child.tag in {"data", "time"}:
        runs[-1] = (text + MARK, [*marks, child])
    elif child.tag == "br":
        runs.append(("", []))
    elif (child.is_block and child.tag not in {"a", "button", "label"}) or _is_box(child):
        _read_block(child, page, today)
        runs.append(("", []))
    else:
        if "data-value" in child.attrs and "data-field" in child.attrs:
            mark = child.attrs
            page.states.append(
                (mark["data-field"], mark["data-value"], child.text, about(child, page))
            )
        for inner in child.inside:
            _collect(inner, runs, page, today)


def _is_box(node: Node) -> bool:
    """Whether an inline element is drawn as a box of its own: a card that leads somewhere."""
    if any(n.is_block for n in node.walk() if n is not node):
        return True
    return node.tag == "a" and bool(node.led) and any(isinstance(c, Node) for c in node.inside)


def _read_run(node: Node, text: str, marks: list[Node], page: Page, today: date) -> None:
    if not text.strip():
        return
    head = heading_of(node)
    whom = about(marks[0] if marks else node, page)
    queue = list(marks)
    for piece in SENTENCE_END.split(text):
        if not piece.strip():
            continue
        mine = [queue.pop(0) for _ in range(piece.count(MARK))]
        shown = _shown(piece, mine)
        said = f"{head}：{shown}" if head else shown
        page.sentences.append(Sentence(said.strip(), whom, node))
        _read_marks(piece, mine, said, head, page, today)
        if not is_history(node):
            _read_loose(node, piece, head, said, whom, page, today)


def heading_of(node: Node) -> str:
    """The word that a value stands beside: the <dt> of a <dd>, the row's <th> of a cell."""
    siblings = [c for c in node.parent.inside if isinstance(c, Node)] if node.parent else []
    before = siblings[: siblings.index(node)] if node in siblings else []
    if node.tag == "dd":
        return next((one.text for one in reversed(before) if one.tag == "dt"), "")
    if node.tag == "td":
        return next((one.text for one in before if one.tag == "th"), "")
    return ""


def _shown(piece: str, marks: list[Node]) -> str:
    rest = list(marks)
    return re.sub(MARK, lambda _: rest.pop(0).text, piece)


def _read_marks(
    piece: str, marks: list[Node], said: str, head: str, page: Page, today: date
) -> None:
    parts = piece.split(MARK)
    for place, node in enumerate(marks):
        before, behind = parts[place], parts[place + 1]
        whom = node.attrs.get("data-loan") or about(node, page)
        if node.tag == "data":
            name = node.attrs.get("data-field", "")
            number = node.attrs.get("data-instalment", "")
            label = word_before(before) or word_before(head) or _word_above(node)
            value = Decimal(node.attrs["value"])
            page.figures.append(Figure(name, number, value, label, whom, node))
        elif not is_history(node):
            end, has_hour = _end_of(node.attrs.get("datetime", ""), behind)
            front = f"{head}：{before}" if head else before
            mark = node.attrs.get("data-field", "")
            page.times.append(Told(end, has_hour, front, behind, said.strip(), whom, mark))


def _word_above(node: Node) -> str:
    """The word over a figure that stands alone: what its box says before it."""
    for part in list(node.up())[:3]:
        siblings = [c for c in part.inside if isinstance(c, Node)]
        words = []
        for one in siblings:
            if node is one or node in list(one.walk()):
                break
            words.append(one.text)
        if found := word_before("".join(words)):
            return found
    return ""


def word_before(text: str) -> str:
    """The last word before an amount, without what only introduces it: 「其中罚息 ¥」 is 罚息."""
    last = re.split(r"[，。；：:·,()（）\s/=+−×*]", re.sub(r"\(元\)", "", text).rstrip("¥ ：:"))[-1]
    last = last or re.sub(r"\(元\)", "", text).strip(" ¥：:·")
    return re.sub(r"^(其中|共|含|约|当前|现在|目前|已|合计|查看|还差|还清)", "", last[-14:])


def _end_of(text: str, behind: str) -> tuple[datetime, bool]:
    """The last moment of what is meant: a day until its 24:00, an instant exactly."""
    if "T" in text:
        instant = datetime.fromisoformat(text).astimezone(SHANGHAI)
        return instant, True
    day = date.fromisoformat(text)
    return midnight_after(day), bool(re.match(r"\s*24:00", behind))


def midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=SHANGHAI)


def _read_loose(
    node: Node, piece: str, head: str, said: str, whom: str, page: Page, today: date
) -> None:
    plain = piece.replace(MARK, " ")
    for found in AMOUNT.finditer(plain):
        value = Decimal(re.sub(r"[¥,]", "", found[0]).replace("−", "-"))
        label = word_before(plain[: found.start()]) or word_before(head)
        page.loose.append(Loose(label, value, whom, said.strip(), node))
    for found in CHINESE_DAY.finditer(plain):
        page.times.append(told_in_words(found, plain, today, whom, said.strip()))


def told_in_words(found: re.Match[str], text: str, today: date, whom: str, said: str) -> Told:
    """A date written out: 1月7日 24:00, of the year that is nearest to today."""
    month, day = int(found[2]), int(found[3])
    years = [int(found[1])] if found[1] else [today.year - 1, today.year, today.year + 1]
    days = [_date(year, month, day) for year in years]
    on = min((d for d in days if d), key=lambda d: abs((d - today).days), default=today)
    behind = text[found.end() :]
    if found[4] and int(found[4]) < 24:
        end = datetime.combine(on, time(int(found[4]), int(found[5])), tzinfo=SHANGHAI)
    else:
        end = midnight_after(on)
    return Told(end, bool(found[4]), text[: found.start()], behind, said, whom)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_words(path: str, text: str, today: date, whom: str) -> Page:
    """The same of a text without marks (an SMS, a notice)."""
    page = Page(path, Node("", {}))
    for piece in SENTENCE_END.split(text):
        if piece.strip():
            page.sentences.append(Sentence(piece.strip(), whom, page.root))
            _read_loose(page.root, piece, "", piece, whom, page, today)
    return page
