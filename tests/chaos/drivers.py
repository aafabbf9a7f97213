"""The load: virtual borrowers over HTTP, staff through the services (files over HTTP), each act in the journal."""

from __future__ import annotations

import hashlib
import http.client
import random
import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection

from loans.models import Loan
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.models import User
from relief.cases import review
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.models import Evidence
from relief.offers import negotiate
from tests.chaos import people
from tests.chaos.http import Person, alerts, hidden, outcome
from tests.chaos.journal import FAIL, OK, UNKNOWN, Act, Journal
from tests.factories import PASSWORD, terms
from tests.visitor import Page

BROKEN = (OSError, http.client.HTTPException, ValueError)
READING = timedelta(seconds=12)  # for so long an offer must have been open
MOST_LOANS = 40  # of one borrower
RECEIVED = "已收到 1 份材料，正在做安全检查"
STATEMENT = "九月住院手术，休病假两个月，收入只剩基本工资，想按能力慢慢还。"


class Gate:
    """Open while there is load; `close` waits until nobody is in the middle of an act."""

    def __init__(self) -> None:
        self._open, self._busy = threading.Event(), 0
        self._changed, self.ended = threading.Condition(), False
        self.wish = ""  # the acts that people prefer just now, by blanks

    def open(self) -> None:
        self._open.set()

    def close(self, seconds: float = 40) -> None:
        self._open.clear()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, timeout=seconds)

    def __enter__(self) -> None:
        while True:
            self._open.wait()
            with self._changed:
                if self._open.is_set():
                    self._busy += 1
                    return

    def __exit__(self, *problem: object) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()


class Driver(threading.Thread):
    """One person who does something every fraction of a second while the gate is open."""

    def __init__(self, name: str, gate: Gate, journal: Journal, seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self.gate, self.journal, self.dice = gate, journal, random.Random(seed)
        self.acts: tuple[Callable[[], None], ...] = ()

    def run(self) -> None:
        while not self.gate.ended:
            with self.gate:
                try:
                    self.choose()()
                except (*BROKEN, DatabaseError, RuleViolation, InvalidInput):
                    pass  # reading broke: the act was not begun, or its outcome stays unknown
                finally:
                    connection.close()
            time.sleep(0.1 + self.dice.random() * 0.5)

    def choose(self) -> Callable[[], None]:
        """What is wished for more often than not, else anything."""
        wished = [act for act in self.acts if act.__name__ in self.gate.wish.split()]
        return self.dice.choice(wished if wished and self.dice.random() < 0.7 else self.acts)


class Borrower(Driver):
    """Looks, pays, writes, applies with proof, opens it, accepts; some clicks are double."""

    def __init__(self, phone: str, address: str, gate: Gate, journal: Journal, seed: str) -> None:
        super().__init__(phone, gate, journal, f"{seed}:{phone}")
        self.phone, self.address = phone, address
        self.person = Person(address, hear=journal.hear)
        self.acts = (
            self.look,
            self.pay,
            self.pay,
            self.write,
            self.apply,
            self.view,
            self.accept,
            self.accept,
        )

    def page(self, path: str) -> Page:
        """A page of one's own, signed in again if need be."""
        page = self.person.get(path)
        if "/login/" in page.url and self.person.sign_in(self.phone):
            page = self.person.get(path)
        return self.checked(page)

    def checked(self, page: Page) -> Page:
        if page.status >= 500 and ("Traceback" in page.text or "psycopg" in page.text):
            self.journal.trouble.append(f"{page.url}: a traceback is shown")
        if page.status >= 500:
            raise ValueError("broken page")
        return page

    def loans(self) -> list[str]:
        return self.page("/jiebei/").links(r"^/jiebei/[a-z0-9]+/$")

    def send(self, act: Act, post: Callable[[], Page], done: Callable[[Page], bool]) -> None:
        """One form, sometimes twice; either good answer is good."""
        for _ in range(1 + (self.dice.random() < 0.25)):
            answer = self.insist(post)
            seen = outcome(answer, done=done(answer))
            if act.outcome != OK:
                self.journal.end(act, seen, f"{answer.status} {answer.url}")

    def insist(self, post: Callable[[], Page]) -> Page:
        """The answer to a form; if it is lost, the same form once more, as anybody would."""
        try:
            return post()
        except BROKEN:
            time.sleep(1)
            return post()

    def look(self) -> None:
        for loan in self.loans()[:1]:
            self.page(loan + "penalty/")
        self.page("/me/notices/")

    def pay(self) -> None:
        loan = self.dice.choice(self.loans())
        amount = f"{self.dice.randrange(100, 5000) / 100:.2f}"
        page = self.page(f"{loan}repay/?scope=custom&amount={amount}")
        fields = hidden(page)
        if "token" not in fields:
            return
        reference = f"HK-{loan.split('/')[2]}-{fields['token']}"
        act = self.journal.begin("pay", reference, amount=fields["amount"])
        self.send(
            act,
            lambda: self.person.submit(loan + "repay/", fields, page),
            lambda answer: answer.status == 200 and "/repay/" in answer.url.rstrip("/") + "/"
            and not answer.url.endswith("/repay/"),
        )  # fmt: skip

    def write(self) -> None:
        page, words = self.page("/service/"), f"你好 {secrets.token_hex(6)}"
        act = self.journal.begin("write", words)
        answer = self.person.submit("/service/send/", {"text": words}, page)
        self.journal.end(act, outcome(answer, done=answer.status == 200), f"{answer.status}")

    def apply(self) -> None:
        """All steps of an application for a loan that has none; the file is an act of its own."""
        own = {State.DRAFT.value, ""}
        free = [loan for loan in self.loans() if self._state(loan) in own]
        if not free:
            return
        loan = self.dice.choice(free)
        base = loan.replace("/jiebei/", "/service/apply/")
        for step, fields in (("reason", {"reasons": "illness"}), ("statement", {"statement": STATEMENT})):  # fmt: skip
            page = self.page(f"{base}{step}/")
            self.checked(self.person.submit(f"{base}{step}/", {**fields, "go": "next"}, page))
        page = self.page(f"{base}evidence/")
        case = Case.objects.open().get(loan__public_id=loan.split("/")[2]).public_id
        data = people.picture(secrets.token_hex(8))
        act = self.journal.begin("upload", hashlib.sha256(data).hexdigest(), case=case)
        path, fields = f"/relief/{case}/evidence/add/", {"kind": "income", "consent": "on"}
        answer = self.insist(lambda: self.person.upload(path, fields, "证明.jpg", data, page))
        done = answer.status == 200 and RECEIVED in answer.text
        said = RECEIVED if done else alerts(answer)
        self.journal.end(act, outcome(answer, done=done), f"{answer.status} {said}")
        page = self.page(f"{base}confirm/")
        act = self.journal.begin("submit", case)
        self.send(
            act,
            lambda: self.person.submit(f"{base}confirm/", {"agree": "on", "go": "next"}, page),
            lambda answer: answer.url.endswith("/receipt/"),
        )

    def view(self) -> None:
        """A file of one's own that has been checked."""
        files = Evidence.objects.current().with_bytes().filter(case__borrower__phone=self.phone)
        if file := files.exclude(clean_key="").order_by("?").first():
            self.page(f"/relief/files/{file.public_id}/")

    def _state(self, loan: str) -> str:
        case = Case.objects.open().filter(loan__public_id=loan.split("/")[2]).first()
        return case.state if case else ""

    def accept(self) -> None:
        """Open an offer; once it has been read long enough, accept exactly that version."""
        open_ones = Case.objects.filter(borrower__phone=self.phone, state=State.OFFERED)
        for case in open_ones.order_by("pk"):
            offer = case.offers.get(status="open")
            number, path = offer.number, f"/relief/{case.public_id}/offers/{offer.number}/"
            if offer.first_read_at is None or clock.now() - offer.first_read_at < READING:
                self.page(path)
                continue
            page = self.page(path + "accept/")
            fields = hidden(page) | {"agree": "on", "know": "on", "by": "password"}
            fields |= {"password": PASSWORD, "do": "accept"}
            fields.pop("code", None)
            act = self.journal.begin("accept", f"{case.public_id}:{number}")
            self.send(
                act,
                lambda fields=fields, page=page, path=path: self.person.submit(
                    path + "accept/", fields, page
                ),
                lambda answer: answer.status == 200 and answer.url.endswith("/agreement/"),
            )
            return


class Staff(Driver):
    """A reviewer who claims, passes, offers, looks at files, and lends when somebody has nothing left to do."""

    def __init__(
        self, username: str, address: str, gate: Gate, journal: Journal, seed: str
    ) -> None:
        super().__init__(username, gate, journal, f"{seed}:{username}")
        self.person = Person(address, hear=journal.hear)
        self.acts = (self.claim, self.let_pass, self.offer, self.offer, self.view, self.lend)

    @property
    def me(self) -> User:
        return User.objects.get(username=self.name)

    def act(self, kind: str, case: Case, do: Callable[[], object]) -> None:
        act = self.journal.begin(kind, f"{case.public_id}:{case.version}")
        try:
            do()
        except (RuleViolation, InvalidInput) as refused:
            self.journal.end(act, FAIL, str(refused))
        except DatabaseError as broken:
            self.journal.end(act, UNKNOWN, type(broken).__name__)
        else:
            self.journal.end(act, OK)

    def one(self, state: State, **more: object) -> Case | None:
        return Case.objects.filter(state=state, **more).order_by("?").first()

    def claim(self) -> None:
        if case := self.one(State.SUBMITTED):
            self.act("claim", case, lambda: review.claim_case(case=case, actor=self.me, now=clock.now()))  # fmt: skip

    def let_pass(self) -> None:
        if case := self.one(State.IN_REVIEW, assigned_to__username=self.name):
            self.act("pass", case, lambda: review.pass_review(case=case, actor=self.me, now=clock.now()))  # fmt: skip

    def offer(self) -> None:
        if case := self.one(State.NEGOTIATING, assigned_to__username=self.name):
            now = clock.now()
            draft = terms(business_date(now + timedelta(days=1)))
            self.act(
                "offer",
                case,
                lambda: negotiate.make_offer(case=case, draft=draft, actor=self.me, now=now),
            )

    def view(self) -> None:
        """A page of a file that was checked, at the desk, signed in if need be."""
        files = Evidence.objects.current().with_bytes().exclude(case__state=State.DRAFT)
        if file := files.exclude(clean_key="").order_by("?").first():
            path = f"/admin/relief/case/{file.case_id}/files/{file.public_id}/"
            page = self.person.get(path)
            if "/login/" in page.url:
                fields = hidden(page) | {"username": self.name, "password": PASSWORD}
                self.person.submit(page.url, fields, page)
                self.person.get(path)

    def lend(self) -> None:
        """Whoever has no loan without a case gets one more, up to a limit."""
        for person in User.objects.filter(phone__in=people.PHONES):
            loans = Loan.objects.filter(borrower=person)
            if not loans.exclude(cases__isnull=False).exists() and loans.count() < MOST_LOANS:
                people.lend(person)
                return
