"""For accountants: the journal is the postings, the trial balance is zero, files hold exact amounts."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loans.domain.chart import STANDARD, mapped
from loans.models import Account, BookExport, ChartVersion, Loan, Posting
from loans.presenters import exports
from loans.presenters.accounts import balance_lines, balance_totals, is_balanced, journal_table
from loans.presenters.exports import ExportTable, Format, to_csv, write
from loans.queries.chart import chart_of_accounts
from loans.queries.journal import Period, journal, journal_size, trial_balance
from loans.services.acts.accounting import map_accounts
from loans.services.payments.payment import reverse_payment
from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models.append_only import AppendOnlyError
from tests import factories
from tests.loans.books import D, at, day, example_loan, make_borrower, paid, relief_terms, relieved

ALL = Period(date(2023, 1, 1), date(2026, 12, 31))
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def lived(db: None) -> Loan:
    """A loan with penalty, a payment, one taken back, and a plan with a waiver."""
    loan = example_loan()
    paid(loan, "2100.00", "09-20", "=HYPERLINK(1)")
    bounced = paid(loan, "50.00", "09-25")
    reverse_payment(payment_id=bounced.pk, reason="退票退回", actor=None, now=at(day("09-26")))
    relieved(loan, relief_terms("10-09", "50.00"), "10-09")
    example_loan(make_borrower("13900000002"))
    return loan


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_xlsx(content: bytes, sheet: int = 1) -> list[list[str]]:
    """The cells of one sheet as the file stores them."""
    book = zipfile.ZipFile(io.BytesIO(content))
    tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    assert not list(tree.iter(f"{SHEET}f"))  # formulas
    return [
        ["".join(cell.itertext()) for cell in row.iter(f"{SHEET}c")]
        for row in tree.iter(f"{SHEET}row")
    ]


# --- The chart --------------------------------------------------------------------------------


def test_every_account_of_the_ledger_is_in_the_chart() -> None:
    assert set(STANDARD) == {account.value for account in Account}


def test_codes_of_the_lender_lie_over_the_standard() -> None:
    chart = mapped({"cash": ("１００２．０８", "银行存款——工行"), "penalty": ("1132", "应收利息"),
                    "interest": ("1132", "应收利息")})  # fmt: skip

    assert chart["cash"] == ("1002.08", "银行存款——工行")
    assert chart["penalty"] == chart["interest"]
    assert chart["principal"] == STANDARD["principal"]


@pytest.mark.parametrize(
    ("codes", "field", "said"),
    [
        ({"cash": ("", "现金")}, "cash", "科目代码"),
        ({"cash": ("=1+1", "现金")}, "cash", "科目代码"),
        ({"cash": ("1" * 31, "现金")}, "cash", "科目代码"),
        ({"cash": ("1002", " ")}, "cash", "科目名称"),
        ({"cash": ("1002", "长" * 61)}, "cash", "科目名称"),
        ({"cash": ("1002", "现\n金")}, "cash", "科目名称"),
        ({"gold": ("1002", "黄金")}, "gold", "没有这个科目"),
        ({"cash": ("1303.01", "银行存款")}, "cash", "同一代码请用同一名称"),
    ],
)
def test_a_wrong_code_is_refused_by_its_account(
    codes: dict[str, tuple[str, str]], field: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        mapped(codes)

    assert refused.value.field == field


@pytest.mark.django_db
def test_each_change_of_the_chart_is_a_version_that_stays() -> None:
    manager = factories.staff(Rank.MANAGER)
    own = {"cash": ("1002.08", "银行存款——工行")}
    version = map_accounts(codes=own, reason="按我行科目表", actor=manager, now=at(day("09-20")))

    assert version.codes == {"cash": ["1002.08", "银行存款——工行"]}
    assert chart_of_accounts()["cash"].code == "1002.08"
    with pytest.raises(RuleViolation, match="没有变化"):
        map_accounts(codes=own, reason="再来一次", actor=manager, now=at(day("09-21")))
    with pytest.raises(RuleViolation, match="原因"):
        map_accounts(codes={}, reason=" ", actor=manager, now=at(day("09-21")))
    map_accounts(codes={}, reason="恢复标准科目", actor=manager, now=at(day("09-21")))
    assert chart_of_accounts() == STANDARD
    assert ChartVersion.objects.count() == 2
    with pytest.raises(AppendOnlyError):
        ChartVersion.objects.all().delete()


# --- The journal and the trial balance --------------------------------------------------------


def test_the_journal_is_every_posting_in_one_query(lived: Loan) -> None:
    with CaptureQueriesContext(connection) as used:
        lines = list(journal(ALL))

    assert len([q for q in used if q["sql"].startswith(("SELECT", "DECLARE"))]) == 1
    assert len(lines) == journal_size(ALL) == Posting.objects.count()
    stored = Posting.objects.values_list("entry_id", "account", "amount")
    assert sorted((x.entry, x.account, x.amount) for x in lines) == sorted(stored)
    assert all(x.debit - x.credit == x.amount and not (x.debit and x.credit) for x in lines)
    assert sum(x.debit for x in lines) == sum(x.credit for x in lines) > 0
    assert [x.on for x in lines] == sorted(x.on for x in lines)


def test_a_line_tells_date_entry_loan_reference_and_reason(lived: Loan) -> None:
    on = day("09-20")
    cash = [x for x in journal(Period(on, on, lived)) if x.account == Account.CASH]

    assert [(x.debit, x.credit) for x in cash] == [(D("2100.00"), D("0.00"))]
    (line,) = cash
    assert (line.on, line.loan, line.reference) == (on, lived.number, "=HYPERLINK(1)")
    assert line.kind_label == "还款"
    assert line.reason


def test_periods_follow_each_other_without_gap_or_overlap(lived: Loan) -> None:
    parts = [
        Period(date(2023, 1, 1), day("09-20")),
        Period(day("09-21"), day("10-08")),
        Period(day("10-09"), date(2026, 12, 31)),
    ]

    assert [x for part in parts for x in journal(part)] == list(journal(ALL))
    closings: dict[str, Decimal] = {}
    for part in parts:
        found = {moved.account: moved for moved in trial_balance(part)}
        for account, closing in closings.items():
            assert found[account].opening == closing
        closings = {account: moved.closing for account, moved in found.items()}


def test_the_trial_balance_is_zero_and_is_what_the_journal_lists(lived: Loan) -> None:
    for period in (
        ALL,
        Period(day("09-20"), day("10-09")),
        Period(day("09-20"), day("10-09"), lived),
    ):
        lines = list(journal(period))
        found = trial_balance(period)

        assert sum(moved.opening for moved in found) == 0
        assert sum(moved.closing for moved in found) == 0
        for moved in found:
            mine = [x for x in lines if x.account == moved.account]
            assert moved.debit == sum(x.debit for x in mine)
            assert moved.credit == sum(x.credit for x in mine)
        assert is_balanced(balance_totals(balance_lines(found, STANDARD)))


def test_accounts_that_share_a_code_are_one_line(lived: Loan) -> None:
    shared = ("1132", "应收利息")
    codes = ("interest", "penalty", "compound", "kept_interest", "kept_penalty")
    found = trial_balance(ALL)

    lines = balance_lines(found, mapped(dict.fromkeys(codes, shared)))

    (one,) = [line for line in lines if line.code == "1132"]
    assert one.debit == sum(moved.debit for moved in found if moved.account in codes)
    assert balance_totals(lines) == balance_totals(balance_lines(found, STANDARD))


def test_an_unbalanced_line_is_told() -> None:
    assert not is_balanced([D("1.00"), D("1.00"), D("0.01"), D("0.00"), D("1.00"), D("1.00")])


# --- Files ------------------------------------------------------------------------------------


def test_csv_and_xlsx_hold_the_same_exact_amounts(lived: Loan) -> None:
    contents = {}
    for kind in Format:
        out = io.BytesIO()
        table = journal_table(journal(ALL), ALL, STANDARD)
        assert write(table, kind, out) == Posting.objects.count()
        contents[kind] = out.getvalue()

    rows = read_csv(contents[Format.CSV])
    head, *cells = read_xlsx(contents[Format.XLSX])
    assert contents[Format.CSV].startswith(b"\xef\xbb\xbf")
    assert head == list(rows[0])
    debit, credit = head.index("借方（元）"), head.index("贷方（元）")
    for row, cell in zip(rows, cells, strict=True):
        assert Decimal(cell[debit]) == Decimal(row["借方（元）"])
        assert Decimal(cell[credit]) == Decimal(row["贷方（元）"])
    assert "'=HYPERLINK(1)" in {row["流水号"] for row in rows}  # text in CSV, by an apostrophe


def test_fen_of_large_amounts_stay_exact_in_a_sheet() -> None:
    amounts = [D("99999999.99"), D("0.01"), D("-12345678901.23")]
    out = io.BytesIO()

    write(ExportTable("x", "x", ["金额"], [(amount,) for amount in amounts]), Format.XLSX, out)

    assert [Decimal(row[0]) for row in read_xlsx(out.getvalue())[1:]] == amounts


def test_a_full_sheet_goes_on_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 3)
    out = io.BytesIO()

    assert write(ExportTable("x", "x", ["n"], [(n,) for n in range(5)]), Format.XLSX, out) == 5

    sheets = [read_xlsx(out.getvalue(), number) for number in (1, 2, 3)]
    assert [[row[0] for row in sheet[1:]] for sheet in sheets] == [["0", "1"], ["2", "3"], ["4"]]


def test_an_empty_table_has_its_heading() -> None:
    out = io.BytesIO()

    assert write(ExportTable("x", "x", ["金额"], []), Format.XLSX, out) == 0
    assert len(read_xlsx(out.getvalue())) == 1
    assert read_csv(to_csv(["金额"], [])) == []


# --- Commands ---------------------------------------------------------------------------------

PERIOD = ("--from", "2023-01-01", "--to", "2023-12-31")


def test_commands_write_a_file_and_note_it(lived: Loan, tmp_path: Path) -> None:
    said = io.StringIO()
    ledger, balance = tmp_path / "ledger.csv", tmp_path / "balance.xlsx"

    call_command("export_journal", *PERIOD, "--output", str(ledger), stdout=said)
    call_command(
        "trial_balance", *PERIOD, "--format", "xlsx", "--output", str(balance), stdout=said
    )

    assert len(read_csv(ledger.read_bytes())) == Posting.objects.count()
    totals = read_xlsx(balance.read_bytes())[-1]
    assert totals[0] == "合计"
    assert Decimal(totals[3]) == Decimal(totals[4]) > 0
    noted = BookExport.objects.order_by("pk").values_list("content", "format", "row_count", "actor")
    assert list(noted) == [
        ("journal", "csv", Posting.objects.count(), None),
        ("trial_balance", "xlsx", len(trial_balance(ALL)) + 1, None),
    ]
    assert list(tmp_path.glob("*.part")) == []


def test_the_ledger_of_one_loan_takes_its_own_name(
    lived: Loan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    call_command("export_journal", *PERIOD, "--loan", lived.number, stdout=io.StringIO())

    (file,) = tmp_path.iterdir()
    assert file.name == f"loan-ledger-{lived.number.lower()}-2023-01-01-2023-12-31.csv"
    rows = read_csv(file.read_bytes())
    assert {row["借据编号"] for row in rows} == {lived.number}
    assert BookExport.objects.get().loan == lived


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--from", "2023-02-01", "--to", "2023-01-01"), "must not be before"),
        ((*PERIOD, "--loan", "nothing"), "no loan"),
    ],
)
@pytest.mark.django_db
def test_a_wrong_period_or_loan_is_refused(wrong: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("export_journal", *wrong)

    assert not BookExport.objects.exists()


def test_a_file_is_whole_or_absent(
    lived: Loan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr("loans.presenters.accounts.in_shanghai", full)
    with pytest.raises(OSError, match="disk full"):
        call_command("export_journal", *PERIOD, "--output", str(tmp_path / "x.csv"))

    assert list(tmp_path.iterdir()) == []
    assert not BookExport.objects.exists()


def test_totals_of_nothing_balance() -> None:
    assert balance_totals([]) == (D("0.00"),) * 6
