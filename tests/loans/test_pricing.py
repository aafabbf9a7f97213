"""`price`: the published cases as files, refusals that name the field, and the books' own figures."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from loans.casefile import read_case
from loans.models import Loan
from loans.pricing import price
from loans.queries.debt import load_debt
from portal.core.kernel.errors import InvalidInput
from tests.architecture import ROOT
from tests.loans.books import EXAMPLE, day, example_loan, paid

CASES = sorted((Path(__file__).parent / "cases").iterdir())
README = (ROOT / "loans" / "README.md").read_text()
USUAL = json.loads((Path(__file__).parent / "cases" / "breach.json").read_text())
MISSING = object()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_published_case_comes_to_its_published_figures(path: Path) -> None:
    case = read_case(path.read_text())

    priced = price(case)

    assert isinstance(case, dict)
    assert case["expect"]
    assert priced.differences == []
    assert case["expect"].items() <= priced.figures.items()


def changed(place: str, value: object) -> dict[str, Any]:
    """The usual case with one value changed, or taken out."""
    case = deepcopy(USUAL)
    *parts, last = place.split(".")
    inner = case
    for part in parts:
        inner = inner[part]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return case


@pytest.mark.parametrize(
    ("field", "place", "value"),
    [
        ("as_of", "as_of", MISSING),
        ("as_of", "as_of", "2023-02-30"),
        ("as_of", "as_of", 20230920),
        ("profile", "profile", MISSING),
        ("profile", "product", "daily_004"),
        ("profile.rate", "profile.rate", "four"),
        ("profile.rate", "profile.rate", 0.0003),
        ("profile.rate_kind", "profile.rate_kind", "weekly"),
        ("profile.penalty_times", "profile.penalty_times", "1.5"),
        ("loan", "loan", MISSING),
        ("loan", "instalments", [{"due_on": "2023-01-01", "principal": "1.00"}]),
        ("loan.principal", "loan.principal", "6000.005"),
        ("loan.principal", "loan.principal", 6000.0),
        ("loan.principal", "loan.principal", MISSING),
        ("loan.principle", "loan.principle", "6000.00"),
        ("loan.term_months", "loan.term_months", "3"),
        ("loan.term_months", "loan.term_months", True),
        ("loan.due_day", "loan.due_day", 32),
        ("payments", "payments", {}),
        ("payments[1].amount", "payments", [{"on": "2023-09-20", "amount": "0.00"}]),
        ("payments[1].amount", "payments", [{"on": "2023-09-20", "amount": "9000.00"}]),
        ("payments[2].on", "payments", [{"on": "2023-09-20", "amount": "1.00"}, {"amount": "1.00"}]),
        ("plan.waive_penalty", "plan.waive_penalty", "161.51"),
        ("plan.waive_penalty_percent", "plan.waive_penalty_percent", "60"),
        ("plan.period", "plan.period", "daily"),
        ("plan.first_due_on", "plan.first_due_on", "2023-10-09"),
        ("breach", "plan", MISSING),
        ("breach.paid_instalments", "breach.paid_instalments", 13),
        ("expect.breach.total.vested", "expect", {"breach.total.vested": 67.29}),
        ("penalties", "penalties", []),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(field: str, place: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        price(changed(place, value))

    assert refused.value.field == field
    assert refused.value.message


@pytest.mark.parametrize("case", [None, [], "case", 1])
def test_what_is_no_case_is_refused(case: object) -> None:
    with pytest.raises(InvalidInput):
        price(case)


HISTORIES = {
    "nothing paid": [],
    "late": [("2100.00", "2023-09-20")],
    "on time, then ahead, then late": [
        ("2036.70", "2023-07-10"), ("1500.00", "2023-07-20"), ("300.00", "2023-08-30"),
    ],
    "a part of the running interest": [("10.00", "2023-07-01"), ("1000.00", "2023-07-05")],
    "paid off": [("6054.00", "2023-07-10")],
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"compound_on_interest": True, "as_of_inclusive": True},
        {"penalty_base": "all_outstanding", "method": "interest_only"},
        {"late_fee": "20.00", "late_fee_share": "0.01", "round_penalty": "DOWN"},
        {"method": "balloon", "balloon_share": "0.5", "penalty_rate_stated": "0.0006"},
    ],
    ids=str,
)
@pytest.mark.parametrize("history", HISTORIES)
def test_the_books_say_the_same(changes: dict[str, Any], history: str) -> None:
    profile = type(EXAMPLE).from_dict(EXAMPLE.to_dict() | changes)
    loan = example_loan(product=profile)
    for amount, on in HISTORIES[history]:
        paid(loan, amount, on)
    debt = load_debt(Loan.objects.get(pk=loan.pk), day("2023-10-05"))

    figures = price(
        {
            "profile": profile.to_dict(),
            "loan": {k: v for k, v in USUAL["loan"].items()},
            "as_of": "2023-10-05",
            "payments": [{"amount": amount, "on": on} for amount, on in HISTORIES[history]],
        }
    ).figures

    told = {
        part: figures[f"debt.payoff.{part}"] for part in ("principal", "penalty", "compound", "fee")
    }
    assert told == {part: str(debt.parts[part]) for part in told}
    assert figures["debt.payoff.total"] == str(debt.payoff)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("price", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_prints_every_table(tmp_path: Path) -> None:
    text = run(str(CASES[0].parent / "breach.json"))

    assert "12 | 2024-10-10 | 500.00 | 0.00 | 9.25 | 0.00 | 509.25" in text
    assert "total | 2500.00 | 67.29 | 94.21 | 3500.00" in text


def test_as_csv_and_as_of_another_day() -> None:
    text = run(str(CASES[0].parent / "penalty-2023-07-10.json"), "--as-of", "2023-07-11", "--csv")

    assert '"罚息（截至 2023-07-11）","total","罚息","0.89"' in text


def test_numbers_of_json_are_read_exactly(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps(USUAL).replace('"0.0003"', "0.0003").replace('"6000.00"', "6000.00"))

    assert "94.21" in run(str(case))
    assert price(read_case(case.read_text())).differences == []


def test_the_case_in_the_readme_comes_to_what_it_says() -> None:
    case = README.partition("```yaml\n")[2].partition("```")[0]

    priced = price(read_case(case))

    assert len(priced.expected) == 2
    assert priced.differences == []


def test_every_name_that_a_case_knows_is_in_the_readme() -> None:
    """Read off the façade: whatever it asks a mapping of a case for."""
    asked = re.findall(
        r"\.(?:take|text|day|whole|number|amount|part|parts)\(\"(\w+)\"",
        (ROOT / "loans" / "pricing.py").read_text(),
    )

    assert len(asked) > 15
    assert [name for name in asked if f"`{name}`" not in README] == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0003", Decimal("0.0003")),
        ("12", 12),
        ("true", True),
        ("no", "no"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("1e3", "1e3"),
        ("2023-06-10", "2023-06-10"),
        ('"6000.00"', "6000.00"),
        ("~", None),
        ("", None),
    ],
)
def test_a_value_of_yaml_is_what_it_looks_like(text: str, value: object) -> None:
    assert read_case(f"name: {text}") == {"name": value}


@pytest.mark.parametrize(
    ("rule", "text", "sentence"),
    [
        ("no JSON", "{", "不是 JSON"),
        ("no number", '{"as_of": NaN}', "不是 JSON"),
        ("no text", b"\xff\xfe", "不是 UTF-8"),
        ("twice in JSON", '{"as_of": "2023-10-09", "as_of": "2023-10-08"}', "as_of stands twice"),
        ("twice in YAML", "as_of: 2023-10-09\nas_of: 2023-10-08", "as_of stands twice"),
        ("no YAML", "loan: [", "不是 JSON"),
        ("two documents", "a: 1\n---\nb: 2", "不是 JSON"),
        ("an object", "loan: !!python/object/apply:os.getcwd []", "不是 JSON"),
        ("a number that is none", "loan: !!float x", "不是 JSON"),
        ("no end", "{" * 100_000, "不是 JSON"),
        ("a refusal", "{}", "profile"),
    ],
)
def test_a_bad_file_is_a_sentence(
    tmp_path: Path, rule: str, text: str | bytes, sentence: str
) -> None:
    case = tmp_path / "case.json"
    case.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(CommandError, match=sentence):
        run(str(case))


def test_a_missing_file_and_an_unexpected_figure_fail(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="读不到文件"):
        run(str(tmp_path / "none.json"))

    case = tmp_path / "case.json"
    case.write_text(json.dumps(USUAL | {"expect": {"breach.total.vested": "67.30"}}))
    with pytest.raises(SystemExit):
        run(str(case))
    assert price(json.loads(case.read_text())).differences == [
        "breach.total.vested：应为 67.30，得到 67.29"
    ]
