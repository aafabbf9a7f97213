"""Every form of the product, found at every address of the URL configuration as the people below see it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from itertools import product
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.apps import apps
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from loans.desk.proposals import LOAN_ACTS
from loans.models import Loan, Payment
from loans.services.portfolio import count_chunks, order_report
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, PhoneTask, StaffChange, User
from relief.cases.application import STEPS
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import messages
from relief.evidence.consents import give_consent
from relief.offers import negotiate
from relief.rights import erasure
from tests import factories
from tests.addresses import Address, all_addresses

TYPED = "我住院三周，想晚一点再还"
# Answers that are no pages, and slow to make.
FILES = re.compile(r"-(pdf|csv|xlsx|file)$|_file$|:(calendar|logout|jsi18n)$")
AMOUNTS = re.compile("amount|waive|monthly|income|spending|payment|principal|interest|charges")
# What fields of these names take where they are empty, and what is another value than the one that stands.
FILLED = {
    "username": "somebody.new",
    "name": "陈新",
    "date": "2035-01-02",
    "again_on": f"{factories.NOW + timedelta(days=60):%Y-%m-%d}",
    "monthly": "600.00",
    "terms": "",  # one of the two
}
OTHERWISE = {"name_tolerance": "营业外支出——尾差"}
CHOICES = {"checkbox", "radio"}
NOT_TYPED = {"hidden", "submit", "button", "image", "reset", "file"}


@dataclass
class Form:
    """A form that posts, as it stands on the page at `page` for `user`, filled in as TYPED says."""

    user: User
    page: str
    action: str
    is_htmx: bool = False
    hidden: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    prose: set[str] = field(default_factory=set)  # the written fields with room for sentences
    shown: dict[str, str] = field(default_factory=dict)  # what the page itself had in them
    files: set[str] = field(default_factory=set)
    has_secret: bool = False
    draft_to: str = ""  # where ui/_draft.html sends what is typed so far
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, action

    @property
    def values(self) -> dict[str, list[str]]:
        written = {name: [value] for name, value in self.written.items()}
        proof = (
            {"by": ["password"], "password": [factories.PASSWORD]} if "by" in self.hidden else {}
        )
        return self.hidden | proof | self.chosen | written

    @property
    def is_looked_at(self) -> bool:
        """Nothing to fill in and nothing to press: a frame around what is read."""
        return not (self.buttons or self.chosen or self.written or self.has_secret)

    @property
    def is_typed(self) -> bool:
        """Whether somebody writes in it what they would not like to write again; a secret is asked anew."""
        return bool(self.written) and not self.has_secret

    @property
    def kind(self) -> tuple[str, ...]:
        """What makes it another form than others: where it goes and what it asks."""
        return (view_at(self.action), *sorted({*self.chosen, *self.written}), *self._acts())

    def _acts(self) -> list[str]:
        return sorted({f"{name}={value}@{view_at(to)}" for name, value, to in self.buttons if name})

    def sendings(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Where each button sends the form, and with what."""
        for name, value, action in dict.fromkeys(self.buttons) or {("", "", self.action): None}:
            yield action, self.values | ({name: [value]} if name else {})

    def __str__(self) -> str:
        return f"{view_at(self.action)} {sorted(self.values)} on {self.page}"


def view_at(path: str) -> str:
    """Name of the address; "" for none."""
    try:
        return resolve(urlsplit(path).path).view_name
    except Resolver404:
        return ""


class _Reader(HTMLParser):
    """The forms of one page."""

    def __init__(self, user: User, path: str, html: str) -> None:
        super().__init__()
        self.user, self.path = user, path
        self.forms: list[Form] = []
        self._by_id: dict[str, Form] = {}
        self._open: Form | None = None
        self._select = self._textarea = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._begin(given)
        form = self._by_id.get(given["form"]) if "form" in given else self._open
        if form is None:
            return
        name, kind = given.get("name", ""), given.get("type", "")
        if "X-Draft" in given.get("hx-headers", ""):
            form.draft_to = given["hx-post"]
        if tag == "button" and kind in {"", "submit"}:
            self._button(form, name, given)
        elif tag == "option" and self._select:
            if given.get("value") and ("selected" in given or self._select not in form.chosen):
                form.chosen[self._select] = [given["value"]]
        elif tag == "select":
            self._select = name
        elif tag == "textarea" and name:
            form.written[name] = TYPED
            form.prose.add(name)
            self._textarea = name
        elif tag == "input" and (name or kind == "submit"):
            self._input(form, name, kind or "text", given)

    def _begin(self, given: dict[str, str]) -> None:
        self._open = None
        if given.get("method", "").lower() == "post":
            target = given.get("action") or given.get("hx-post", "")
            action = urljoin(self.path, target)
            self._open = Form(self.user, self.path, action, is_htmx="hx-post" in given)
            self._by_id[given.get("id", "")] = self._open
            self.forms.append(self._open)

    def _button(self, form: Form, name: str, given: dict[str, str]) -> None:
        action = urljoin(self.path, given.get("formaction") or form.action)
        form.buttons.append((name, given.get("value", ""), action))

    def _input(self, form: Form, name: str, kind: str, given: dict[str, str]) -> None:
        value = given.get("value", "")
        if kind == "password" or given.get("autocomplete") == "one-time-code":
            form.has_secret = True
            form.hidden[name] = [factories.PASSWORD]
        elif kind in CHOICES:
            if "checked" in given or name not in form.chosen:
                form.chosen[name] = [value or "on"]
        elif kind == "submit":
            self._button(form, name, given)
        elif kind in NOT_TYPED:
            if kind == "hidden":
                form.hidden.setdefault(name, []).append(value)
            elif kind == "file":
                form.files.add(name)
        else:
            form.written[name] = OTHERWISE.get(name) or value or guess(name, kind)
            form.shown[name] = value

    def handle_data(self, data: str) -> None:
        if self._textarea and self._open is not None:
            self._open.shown[self._textarea] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
        elif tag == "form":
            self._open = None


def anew(form: Form) -> Form | None:
    """The same form when its page is opened once more, as on another device; None when it is not there."""
    html = client_of(form.user).get(form.page).content.decode()
    return next(
        (one for one in _Reader(form.user, form.page, html).forms if one.kind == form.kind), None
    )


def guess(name: str, kind: str) -> str:
    """Something that a field of this name takes."""
    if name in FILLED:
        return FILLED[name]
    if kind == "date" or name.endswith(("_on", "as_of", "from", "to")):
        return f"{factories.NOW:%Y-%m-%d}"
    if kind == "number":
        return "12"
    return "12.00" if AMOUNTS.search(name) else TYPED


# --- Who looks ------------------------------------------------------------------------------------------


@dataclass
class Standpoint:
    """Somebody before one case, or before everything else; `values` fill the addresses, each in turn."""

    user: User
    values: dict[str, Iterable[Any]]
    at_desk_case: Case | None = None
    queries: dict[str, str] = field(default_factory=dict)  # what some addresses are asked with

    def paths(self, address: Address) -> Iterator[str]:
        """The address filled in every way; none when this is no place of theirs."""
        if address.is_desk != self.user.is_staff_member and address.name not in SHARED:
            return
        known = self.values | (self._row(address) if address.is_desk else {})
        if set(address.parameters) <= set(known):
            for values in product(*(known[name] for name in address.parameters)):
                filled = dict(zip(address.parameters, values, strict=True))
                yield reverse(address.name, kwargs=filled) + self.queries.get(address.name, "")

    def _row(self, address: Address) -> dict[str, Iterable[Any]]:
        """At the desk: the newest row of the model whose page it is; of cases, this one."""
        app, _, rest = address.name.removeprefix("admin:").partition("_")
        if app not in {"portal", "loans", "relief"}:
            return {}
        model = apps.get_model(app, rest.partition("_")[0])
        is_case, case = model is Case, self.at_desk_case
        if is_case != (case is not None):
            return {}
        row = case or model._default_manager.order_by("pk").last()
        return {name: [row.pk] for name in ("pk", "object_id")} if row else {}


SHARED = {"portal:kept"}
BORROWERS = (State.DRAFT, State.NEED_MORE, State.OFFERED, State.REJECTED, State.EXPIRED)
BORROWERS += (State.WITHDRAWN, State.PLAN_ACTIVE)
AT_THE_DESK = (State.SUBMITTED, State.IN_REVIEW, State.NEGOTIATING, State.AWAITING_APPROVAL)
AT_THE_DESK += (State.OFFERED, State.COUNTERED, State.PLAN_ACTIVE, State.WARNED)
SWEPT = (State.EXPIRED, State.WARNED)


def standpoints() -> list[Standpoint]:
    """Borrowers at each stage that has forms of its own, and the desk before each kind of case."""
    # What comes to pass by a deadline, first: the sweep is of all cases.
    states = sorted({*BORROWERS, *AT_THE_DESK}, key=lambda state: (state not in SWEPT, state))
    cases = {state: factories.case_at(state) for state in states}
    anywhere: dict[str, Iterable[Any]] = {
        "step": STEPS,
        "kind": ["medical"],
        "slug": ["privacy"],
        "message": [0],
    }
    loan = factories.overdue_loan()
    found = [
        Standpoint(factories.borrower(), anywhere),
        Standpoint(loan.borrower, anywhere | {"loan": [loan.public_id]}),
    ]
    for state in BORROWERS:
        case = cases[state]
        own = {"loan": [case.loan.public_id], "case": [case.public_id], "number": [1]}
        found.append(Standpoint(case.borrower, anywhere | own))
    offered = cases[State.OFFERED]
    a_minute_ago = factories.NOW - timedelta(minutes=1)  # an offer is read before it is accepted
    negotiate.open_offer(case=offered, number=1, actor=offered.borrower, now=a_minute_ago)
    give_consent(kind="medical", actor=cases[State.DRAFT].borrower, now=factories.NOW)
    _leave_work_for_the_desk(loan)
    people = {"user": [factories.staff().pk], "kind": StaffChange.Kind.values, "act": LOAN_ACTS}
    ticked = {"admin:relief_case_reassign": f"?cases={cases[State.IN_REVIEW].pk}"}
    for user in (factories.staff(Rank.MANAGER), factories.staff()):
        found.append(Standpoint(user, people, queries=ticked))
        found += [Standpoint(user, {}, cases[state]) for state in AT_THE_DESK]
    return found


def _leave_work_for_the_desk(loan: Loan) -> None:
    """What waits for staff besides cases: a talk, an erasure, a call, an act on the books, a new colleague."""
    messages.say(text="我想找人工", actor=loan.borrower, now=factories.NOW)
    messages.ask_human(actor=loan.borrower, now=factories.NOW)
    erasure.ask_for_erasure(user=factories.borrower(), origin=Origin(), now=factories.NOW)
    factories.pay_amount(loan, Decimal("100.00"), factories.NOW.date())
    reason = {"reason": "银行退票，按原日期冲回"}
    payment = Payment.objects.get(loan=loan)
    post(factories.staff(), reverse("admin:loans_payment_reverse", args=[payment.pk]), reason)
    factories.pay_amount(loan, Decimal("50.00"), factories.NOW.date(), reference="second")
    hiring = {"username": "newcomer", "name": "新人", "rank": Rank.REVIEWER.value, "reason": "入职"}
    other = factories.staff(Rank.MANAGER, "the-other-manager")
    post(other, reverse("admin:portal_staffchange_new"), hiring)
    today = factories.NOW.date()
    order_report(as_of=today, today=today, actor=other, now=factories.NOW)
    count_chunks(now=factories.NOW, real_now=factories.NOW)
    call = Delivery.objects.create(
        **{"user": loan.borrower, "channel": "phone", "event": "x", "key": "x", "to": "1"},
        **{"text": "请告知", "next_attempt_at": factories.NOW, "created_at": factories.NOW},
    )
    PhoneTask.objects.create(delivery=call, script="请告知", created_at=factories.NOW)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(user: User, path: str, values: dict[str, Any]) -> None:
    answer = client_of(user).post(path, values)
    assert answer.status_code == 302, answer.content.decode()


# --- What there is to find ------------------------------------------------------------------------------


@dataclass
class Found:
    """Every kind of form, once, and the templates that were shown on the way."""

    forms: dict[tuple[str, ...], Form] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)


def find_forms() -> Found:
    """Open every address as everybody; the same kind of form at another place is one."""
    found = Found()
    addresses = [address for address in all_addresses() if not FILES.search(address.name)]
    for standpoint in standpoints():
        client = client_of(standpoint.user)
        for address in addresses:
            for path in standpoint.paths(address):
                answer = client.get(path)
                if answer.streaming or "text/html" not in answer.headers.get("Content-Type", ""):
                    continue
                found.templates |= {str(template.name) for template in answer.templates}
                for form in _Reader(standpoint.user, path, answer.content.decode()).forms:
                    found.forms.setdefault(form.kind, form)
    return found
