"""Numbers, days and sentences as people write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from dashboards import cards, words
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period

NBSP = words.SPACE
SEPTEMBER = Period(date(2026, 9, 1), date(2026, 9, 30), date(2026, 9, 30))


def metric(**more: object) -> Metric:
    given = {
        "name": "gross_margin_rate",
        "label": "Gross margin",
        "description": "",
        "kind": "flow",
        "unit": "percent",
        "relation": "marts.fct_deal_movement",
        "model": "fct_deal_movement",
        "date": "moved_on",
        "numerator": "sum(total)",
        "denominator": "sum(revenue)",
        "record": "deal_key",
    }
    return Metric(**given | more)  # type: ignore[arg-type]


def row(
    value: float | str | None, *, target: float | None = None, currency: str | None = None, reason: str | None = None
) -> KpiRow:
    return KpiRow(
        kpi="gross_margin_rate",
        label="Gross margin",
        unit="percent",
        kind="flow",
        from_=SEPTEMBER.first,
        to=SEPTEMBER.last,
        as_of=SEPTEMBER.as_of,
        group=None,
        value=value,
        numerator=None,
        denominator=None,
        n=10,
        p90=None,
        open=None,
        excluded=0,
        excluded_reasons={},
        immature=None,
        immature_events=None,
        target=target,
        data_through=None,
        is_stale=False,
        currency=currency,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en-GB", "1,234,567.9"),
        ("de-DE", "1.234.567,9"),
        ("de-CH", "1’234’567.9"),
        ("fr-FR", "1\u202f234\u202f567,9"),
        (None, "1,234,567.9"),
        ("xx", "1,234,567.9"),
    ],
)
def test_number_follows_the_browser(tag: str | None, expected: str) -> None:
    assert words.number("1234567.89", 1, words.locale_of(tag)) == expected


def test_numbers_round_half_away_from_zero_and_take_a_true_minus() -> None:
    assert words.number("0.125", 2) == "0.13"
    assert words.number("-0.125", 2) == "−0.13"
    assert words.number("-0.001", 2) == "0.00"
    assert words.money("-1234.5", "GBP", 2) == "−£1,234.50"
    assert words.money("1234.5", "PLN", 0) == f"PLN{NBSP}1,235"


def test_values_carry_their_unit() -> None:
    assert words.value_text(metric(), 0.1136, None) == f"11.4{NBSP}%"
    assert words.value_text(metric(unit="days"), 17, None) == f"17.0{NBSP}days"
    assert words.value_text(metric(unit="minutes", decimals=0), 1, None) == f"1{NBSP}minute"
    assert words.value_text(metric(unit="money", decimals=2), "1739.50", "EUR") == "€1,740"
    assert words.value_text(metric(unit="count"), 1200, None) == "1,200"


@pytest.mark.parametrize(
    ("first", "last", "spoken", "in_text"),
    [
        ((2026, 9, 1), (2026, 9, 30), "September 2026", "in September 2026"),
        ((2026, 9, 1), (2026, 9, 17), "1–17 September 2026", "from 1 to 17 September 2026"),
        ((2026, 7, 1), (2026, 9, 30), "July to September 2026", "from July to September 2026"),
        ((2025, 12, 1), (2026, 2, 28), "December 2025 to February 2026", "from December 2025 to February 2026"),
        ((2026, 6, 3), (2026, 7, 2), "3 Jun 2026 to 2 Jul 2026", "from 3 June 2026 to 2 July 2026"),
        ((2026, 9, 1), (2026, 9, 1), "1 September 2026", "on 1 September 2026"),
    ],
)
def test_periods_in_words(first: tuple[int, int, int], last: tuple[int, int, int], spoken: str, in_text: str) -> None:
    assert words.span(date(*first), date(*last)) == spoken
    assert words.during(date(*first), date(*last)) == in_text


def test_a_phone_gets_short_periods() -> None:
    assert words.short_span(date(2026, 7, 1), date(2026, 9, 30)) == "Jul–Sep 2026"
    assert words.short_span(date(2026, 5, 1), date(2026, 5, 31)) == "May 2026"


def test_american_days_put_the_month_first() -> None:
    american = words.locale_of("en-US")
    assert words.day(date(2026, 3, 4), american) == "March 4, 2026"
    assert words.instant(datetime.fromisoformat("2026-03-04T09:05"), american) == "Mar 4, 2026 09:05 UTC"


def test_answer_names_value_comparison_and_target() -> None:
    said = words.answer(metric(), SEPTEMBER, [row(0.114, target=0.126)], [row(0.106)], "August 2026")
    assert said == (
        f"Gross margin was **11.4{NBSP}%** in September 2026: "
        f"0.8{NBSP}points above August 2026 and 1.2{NBSP}points below target."
    )


def test_answer_keeps_currencies_apart() -> None:
    rows = [row(0.095, currency="GBP", target=0.095), row(0.092, currency="EUR")]
    said = words.answer(metric(), SEPTEMBER, rows, [row(0.095, currency="GBP")], "August 2026")
    assert said == (
        f"Gross margin in September 2026 was **9.5{NBSP}%** in GBP (the same as August 2026; on target) "
        f"and **9.2{NBSP}%** in EUR."
    )


def test_answer_without_a_value_says_why() -> None:
    said = words.answer(metric(), SEPTEMBER, [row(None, reason="no data: no dms_deals landed")], [], "")
    assert said == "There is no gross margin in September 2026: no data: no dms_deals landed."


def test_durations_grow_longer_not_higher() -> None:
    turnaround = metric(kind="duration", unit="days", label="Enquiry to handover", better="down")
    said = words.answer(turnaround, SEPTEMBER, [row(12)], [row(15.5)], "August 2026")
    assert said == (
        f"The median enquiry to handover was **12.0{NBSP}days** in September 2026: "
        f"3.5{NBSP}days shorter than August 2026."
    )


def test_good_and_visible_changes() -> None:
    overdue = metric(better="down")
    assert words.is_good(overdue, Decimal("-0.02"))
    assert not words.is_good(overdue, Decimal("0.02"))
    assert not words.is_visible(overdue, Decimal("0.0004"))
    assert words.is_visible(overdue, Decimal("0.0005"))
    assert words.against_target(overdue, replace(row(0.2504), target=0.25)) == "on target"


def test_things_are_counted_in_singular_and_plural() -> None:
    assert words.counted(1, "enquiries") == f"1{NBSP}enquiry"
    assert words.counted(1200, words.things(metric())) == f"1,200{NBSP}deals"
    assert words.things(metric(record="key")) == "documents"
    assert words.things(metric(record="record_key", relation="marts.fct_vehicle_day")) == "cars"


@pytest.mark.parametrize("text", ["![x](http://example.org/a.png)", "**bold**", "[a](b)", "<b>", ":red[x]", "$x$"])
def test_a_source_s_text_cannot_write_markdown(text: str) -> None:
    shown = words.plain(text)
    assert shown.replace("\\", "") == text
    assert all(shown[place - 1] == "\\" for place, character in enumerate(shown) if character in "![]()*<>:$")


@pytest.mark.parametrize(
    ("unit", "reason", "said"),
    [
        ("percent", "the denominator is zero or negative", ("no rate", "the denominator is zero or negative")),
        ("percent", "immature: 2 of 100 so far", ("no rate", "immature: 2 of 100 so far")),
        (
            "days",
            "none finished in the period, 3 still open",
            ("no number", "none finished in the period, 3 still open"),
        ),
        ("percent", "no data: no dms_deals landed", ("no data", "no dms_deals landed")),
        ("percent", "no records in the period", ("no data", "no records in the period")),
        ("percent", None, ("no data", "no records in the period")),
    ],
)
def test_only_absent_data_is_called_no_data(unit: str, reason: str | None, said: tuple[str, str]) -> None:
    assert words.missing(metric(unit=unit), reason) == said


def test_a_stock_is_as_of_the_end_of_its_period_and_all_else_as_of_the_day_asked() -> None:
    march = Period(date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 3))
    assert {kind: words.as_of(metric(kind=kind), march) for kind in ("flow", "duration", "cohort", "stock")} == {
        "flow": "as of 3 Apr 2026",
        "duration": "as of 3 Apr 2026",
        "cohort": "as of 3 Apr 2026",
        "stock": "as of 31 Mar 2026",
    }


def test_records_excluded_in_two_currencies_for_one_reason_add_up() -> None:
    pounds = replace(row(0.1, currency="GBP"), excluded=3, excluded_reasons={"wholesale": 2, "cost unknown": 1})
    euros = replace(row(0.2, currency="EUR"), excluded=4, excluded_reasons={"wholesale": 4})
    assert cards.excluded_by_reason([pounds, euros]) == {"cost unknown": 1, "wholesale": 6}
