"""Formatting of templates: money, dates, marks, fields, navigation, drawings."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import override_settings

from portal.core import charts
from portal.templatetags import portal_ui
from portal.templatetags.portal_page import optional_url

NOW = datetime(2026, 11, 26, 6, 50, tzinfo=UTC)  # 14:50 in Shanghai
TEMPLATES = Path(settings.BASE_DIR) / "templates"
STATIC = Path(settings.BASE_DIR) / "static"


def rendered(source: str, **values: object) -> str:
    text = "{% load portal_ui portal_page %}" + source
    return Template(text).render(Context({"business_now": NOW, **values}))


@pytest.mark.parametrize(
    ("amount", "yuan", "money"),
    [
        (Decimal("1234.5"), "1,234.50", "¥1,234.50"),
        (Decimal(0), "0.00", "¥0.00"),
        (Decimal("-70.54"), "−70.54", "−¥70.54"),
        (99999999, "99,999,999.00", "¥99,999,999.00"),
        (None, "–", "–"),
    ],
)
def test_amounts(amount: Decimal | int | None, yuan: str, money: str) -> None:
    assert portal_ui.yuan(amount) == yuan
    assert portal_ui.money(amount) == money


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.0004", "0.04%"), ("0.00075", "0.075%"), ("0.8", "80%"), ("1", "100%"), ("0", "0%")],
)
def test_rates(value: str, text: str) -> None:
    assert portal_ui.rate(Decimal(value)) == text


def test_masked_phone() -> None:
    assert portal_ui.masked_phone("13800136027") == "138****6027"
    assert portal_ui.masked_phone("") == ""


def test_data_mark_of_the_contract() -> None:
    assert rendered('{% data x "penalty-total" %}', x=Decimal("1110.21")) == (
        '<data value="1110.21" data-field="penalty-total" class="num">1,110.21</data>'
    )
    marked = rendered('{% data x "plan-instalment" symbol="¥" instalment=4 %}', x=Decimal("-5"))
    assert 'value="-5.00" data-field="plan-instalment" data-instalment="4"' in marked
    assert ">−¥5.00<" in marked


def test_dates_drop_the_year_only_when_it_is_this_one() -> None:
    assert rendered("{% day d %}", d=date(2026, 12, 1)) == (
        '<time datetime="2026-12-01">12月1日</time>'
    )
    assert ">2027年1月2日<" in rendered("{% day d %}", d=date(2027, 1, 2))
    assert ">2026年12月1日<" in rendered('{% day d "full" %}', d=date(2026, 12, 1))
    assert ">26-12-01<" in rendered('{% day d "compact" %}', d=date(2026, 12, 1))


def test_instants_are_shown_in_shanghai() -> None:
    shown = rendered('{% when t field="review-deadline" %}', t=NOW)
    assert shown == (
        '<time datetime="2026-11-26T14:50:00+08:00" data-field="review-deadline">11月26日 14:50</time>'
    )
    assert ">14:50<" in rendered('{% when t "time" %}', t=NOW)
    new_year = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)
    assert ">2027年1月1日 01:00<" in rendered("{% when t %}", t=new_year)
    assert rendered("{% when t %}", t=None) == "–"


def test_time_left() -> None:
    until = NOW + timedelta(days=5, hours=1, minutes=40)
    assert portal_ui.time_left({"business_now": NOW}, until) == [
        (5, "天"),
        (1, "小时"),
        (40, "分"),
    ]
    assert portal_ui.time_left({"business_now": NOW}, NOW + timedelta(minutes=9)) == [(9, "分")]
    assert portal_ui.time_left({"business_now": NOW}, NOW) == []


def test_case_state_mark() -> None:
    shown = rendered('{% case_state state="IN_REVIEW" label="审核中" %}')
    assert shown == (
        '<span class="tag b" data-field="case-state" data-value="IN_REVIEW">审核中</span>'
    )


def test_text_is_escaped() -> None:
    shown = rendered('{% case_state state="X" label=l %}{% data 1 f %}', l="<b>", f='"><script>')
    assert "<b>" not in shown
    assert "<script>" not in shown


class Form(forms.Form):
    amount = forms.CharField(label="金额", error_messages={"required": "请填写金额"})
    reason = forms.ChoiceField(
        label="原因", widget=forms.RadioSelect, choices=[("a", "失业|被裁员"), ("b", "其他")]
    )
    agree = forms.BooleanField(label="同意", error_messages={"required": "请先勾选"})


def test_a_wrong_field_is_tied_to_its_error_and_hint() -> None:
    form = Form({"amount": ""})
    html = render_to_string(
        "ui/forms/_money_field.html", {"field": form["amount"], "hint": "最多 88.18"}
    )
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_amount-error id_amount-hint"' in html
    assert 'id="id_amount-error"' in html
    assert 'id="id_amount-hint"' in html
    assert 'inputmode="decimal"' in html
    summary = render_to_string("ui/forms/_error_summary.html", {"form": form})
    assert 'href="#id_amount"' in summary
    assert "请先勾选" in summary


def test_a_good_field_carries_no_error() -> None:
    html = render_to_string("ui/forms/_field.html", {"field": Form()["amount"]})
    assert "aria-invalid" not in html
    assert "aria-describedby" not in html
    assert render_to_string("ui/forms/_error_summary.html", {"form": Form()}).strip() == ""


def test_choices_split_their_small_line() -> None:
    html = render_to_string("ui/forms/_choices.html", {"field": Form()["reason"]})
    assert "失业|" not in html
    assert "被裁员" in html
    assert html.count('type="radio"') == 2


def test_capture_turns_blank_blocks_into_nothing() -> None:
    source = "{% capture as x %} \n {% endcapture %}{% if x %}some{% else %}none{% endif %}"
    assert rendered(source) == "none"
    assert (
        rendered("{% capture as x %}<b>{{ v }}</b>{% endcapture %}{{ x }}", v="<") == "<b>&lt;</b>"
    )


def test_every_icon_named_in_a_template_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text()))
    for path in TEMPLATES.rglob("*.html"):
        named = set(re.findall(r'{% icon "([^"]+)"', path.read_text()))
        named |= set(re.findall(r'icon_name="([^"]+)"', path.read_text()))
        assert named <= drawn, path


def test_no_style_or_script_inside_pages() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|<style|javascript:", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert "|safe" not in text, path


def test_nothing_comes_from_another_host() -> None:
    for path in STATIC.rglob("*.*"):
        text = path.read_text(errors="replace").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path


def test_error_page_500_needs_no_request() -> None:
    html = render_to_string("500.html")
    assert html.count("<h1") == 1
    assert 'lang="zh-CN"' in html


def test_line_chart_scale_and_words() -> None:
    points = [(date(2026, 10, 5), Decimal(0)), (date(2026, 11, 5), Decimal("37.28"))]
    points += [(date(2026, 11, 23), Decimal("80.90")), (date(2026, 11, 30), Decimal("97.87"))]
    chart = charts.line_chart(
        points, today=date(2026, 11, 23), title="罚息", marks={date(2026, 11, 5): "第 5 期开始逾期"}
    )
    assert [line.text for line in chart.grid] == ["0", "25", "50", "75", "100"]
    assert chart.line.startswith("34.0,152.0 ")
    assert chart.forecast.endswith("312.0,18.9")
    assert "11月23日累计 80.90 元，按现状 11月30日为 97.87 元" in chart.sentence
    assert [dot.text for dot in chart.dots] == ["第 5 期开始逾期", "今天 ¥80.90", "¥97.87"]
    assert "80.90" in render_to_string("ui/_chart.html", {"chart": chart, "business_now": NOW})


def test_line_chart_words_never_cover_each_other() -> None:
    days = [date(2026, 9, 24), date(2026, 10, 24), date(2026, 11, 24), date(2026, 11, 26)]
    amounts = [Decimal(0), Decimal(35), Decimal("107.39"), Decimal("114.45")]

    chart = charts.line_chart(
        list(zip(days, amounts, strict=True)),
        today=days[-1],
        title="罚息",
        marks={days[1]: "第 5 期开始逾期", days[2]: "第 6 期开始逾期"},
    )

    assert [dot.text for dot in chart.dots] == ["第 5 期开始逾期", "", "今天 ¥114.45"]
    assert "11月24日第 6 期开始逾期" in chart.sentence


@pytest.mark.parametrize("late_days", [1, 8, 15, 43, 75, 198, 365])
@pytest.mark.parametrize("daily", ["0.07", "2.42", "6.77", "912.30"])
def test_line_chart_words_keep_apart_however_late(late_days: int, daily: str) -> None:
    """Of every length a loan may be late, with a bend a month and the forecast close to today."""
    today = date(2026, 11, 24)
    first = today - timedelta(days=late_days)
    bends = [day for n in range(30, late_days, 31) if (day := first + timedelta(days=n)) < today]
    days = [first, *bends, today, today + timedelta(days=7)]

    chart = charts.line_chart(
        [(day, Decimal(daily) * (day - first).days) for day in days],
        today=today,
        title="罚息",
        marks={day: f"第 {number} 期开始逾期" for number, day in enumerate(bends[-2:], 2)},
    )

    said = [dot for dot in chart.dots if dot.text and dot.anchor == "end"]
    boxes = [(dot.text_x - charts._width(dot.text), dot.text_x, dot.text_y) for dot in said]
    for (left, right, y), (other_left, other_right, other_y) in combinations(boxes, 2):
        is_apart = right < other_left or other_right < left or abs(y - other_y) >= 11
        assert is_apart, [dot.text for dot in chart.dots]
    assert {"今天", "¥"} <= {
        dot.text[:2].strip() if dot.strong else dot.text[:1] for dot in chart.dots
    }


def test_line_chart_of_nothing() -> None:
    chart = charts.line_chart([], today=date(2026, 11, 23), title="罚息")
    assert chart.line == ""
    assert chart.dots == ()


@pytest.mark.parametrize(
    ("top", "step"), [("97.87", "25"), ("0.03", "0.01"), ("0", "1"), ("4000", "1000"), ("12", "5")]
)
def test_nice_step(top: str, step: str) -> None:
    assert charts.nice_step(Decimal(top)) == Decimal(step)


def test_share_bar_fills_the_width_and_keeps_small_shares_visible() -> None:
    bar = charts.share_bar(
        [
            charts.Share("a", "罚息", Decimal("3.26"), "split-penalty"),
            charts.Share("b", "利息", Decimal("259.23"), "split-interest"),
            charts.Share("c", "本金", Decimal("1193.12"), "split-principal"),
        ]
    )
    assert bar.total == Decimal("1455.61")
    assert bar.sentence == "罚息 3.26，利息 259.23，本金 1,193.12"
    assert bar.parts[0].width > 3
    last = bar.parts[-1]
    assert abs(last.x + last.width - 326) < Decimal("0.5")


def test_share_bar_of_nothing() -> None:
    bar = charts.share_bar([charts.Share("a", "罚息", Decimal(0), "split-penalty")])
    assert bar.parts[0].width == 0


def test_what_is_made_once_knows_nothing_of_the_page_it_was_made_for() -> None:
    once = Template(
        "{% load portal_page static %}{% once %}{{ user }}{% static 'a.css' %}{% endonce %}"
    )

    assert once.render(Context({"user": "林晓云"})) == "/static/a.css"
    assert once.render(Context({"user": "赵远"})) == "/static/a.css"
    with override_settings(STATIC_URL="/elsewhere/"):
        assert once.render(Context({})) == "/elsewhere/a.css"


def test_addresses_that_were_looked_up_are_those_of_the_urlconf_at_work() -> None:
    assert optional_url("portal:me") == "/me/"
    with override_settings(ROOT_URLCONF="django.contrib.auth.urls"):
        assert optional_url("portal:me") == ""
        assert optional_url("login") == "/login/"
    assert optional_url("portal:me") == "/me/"
