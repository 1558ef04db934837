"""Numbers, days and sentences for people: how a value is written on cards, axes, tables and in the answer of a page.

The language is English; the decimal mark and the thousands separator follow the reader's browser.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from textwrap import wrap

from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period
from forecourt.periods import last_day
from forecourt.wording import form

#: Keeps a number and its unit on one line.
SPACE = "\u00a0"
MINUS = "\u2212"
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}

_MARKDOWN = frozenset("\\`*_{}[]()#+-.!|~$:<>&")

#: Whose start a cohort's days are.
COHORTS = {
    "claim_rate": "cars delivered",
    "return_rate": "cars delivered",
    "conversion_rate": "enquiries that began",
}

#: Codes of the marts that say nothing by themselves -> what people say.
TERMS = {"bdc": "enquiry team (BDC)"}

#: Language of the browser -> (thousands separator, decimal mark).
_SEPARATORS = {
    "de": (".", ","),
    "es": (".", ","),
    "it": (".", ","),
    "nl": (".", ","),
    "pt": (".", ","),
    "da": (".", ","),
    "fr": ("\u202f", ","),
    "pl": (SPACE, ","),
    "sv": (SPACE, ","),
    "nb": (SPACE, ","),
    "cs": (SPACE, ","),
}


@dataclass(frozen=True)
class Locale:
    """How one reader writes numbers and days."""

    thousands: str = ","
    point: str = "."
    month_first: bool = False


ENGLISH = Locale()


def locale_of(tag: str | None) -> Locale:
    """The writing of a browser's language tag, like ``en-GB``; an unknown one writes as English does."""
    language, _, region = (tag or "").partition("-")
    thousands, point = _SEPARATORS.get(language.lower(), (",", "."))
    if (language, region) == ("de", "CH"):
        thousands, point = "’", "."
    return Locale(thousands, point, month_first=(language, region) == ("en", "US"))


def number(value: Decimal | float | int | str, decimals: int = 0, locale: Locale = ENGLISH) -> str:
    """A number with separators, rounded half away from zero, a true minus sign."""
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    text = f"{abs(exact):,.{decimals}f}".translate({44: locale.thousands, 46: locale.point})
    return f"{MINUS}{text}" if exact < 0 else text


def signed(value: Decimal | float | int | str, decimals: int = 0, locale: Locale = ENGLISH) -> str:
    """A number with a plus above zero; what rounds to zero has no sign."""
    text = number(value, decimals, locale)
    return f"+{text}" if any(sign in "123456789" for sign in text) and not text.startswith(MINUS) else text


def money(value: Decimal | float | int | str, currency: str | None, decimals: int = 0, locale: Locale = ENGLISH) -> str:
    """An amount with its currency: a symbol where everyone knows it, else the code."""
    text = number(value, decimals, locale)
    sign, digits = (MINUS, text[1:]) if text.startswith(MINUS) else ("", text)
    if currency in SYMBOLS:
        return f"{sign}{SYMBOLS[currency]}{digits}"
    return f"{sign}{currency}{SPACE}{digits}" if currency else text


def value_text(metric: Metric, value: float | int | str, currency: str | None, locale: Locale = ENGLISH) -> str:
    """A KPI's value with its unit, as a card shows it."""
    match metric.unit:
        case "percent":
            return f"{number(Decimal(str(value)) * 100, metric.decimals, locale)}{SPACE}%"
        case "money":
            return money(value, currency, 0, locale)
        case "count":
            return number(value, 0, locale)
        case unit:
            text = number(value, metric.decimals, locale)
            return f"{text}{SPACE}{unit.removesuffix('s') if text == '1' else unit}"


def difference_text(metric: Metric, difference: Decimal, currency: str | None, locale: Locale = ENGLISH) -> str:
    """The size of a difference between two values of a KPI, without its sign: percentages differ by points."""
    size = abs(difference)
    if metric.unit == "percent":
        text = number(size * 100, metric.decimals, locale)
        return f"{text}{SPACE}{'point' if Decimal(text.replace(locale.point, '.')) == 1 else 'points'}"
    return value_text(metric, str(size), currency, locale)


def difference(value: float | int | str | None, other: float | int | str | None) -> Decimal | None:
    """value − other, exact; None where one is missing."""
    if value is None or other is None:
        return None
    return Decimal(str(value)) - Decimal(str(other))


def is_visible(metric: Metric, change: Decimal) -> bool:
    """Whether a difference shows at the KPI's decimals."""
    scaled = change * 100 if metric.unit == "percent" else change
    decimals = 0 if metric.unit in ("money", "count") else metric.decimals
    return scaled.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) != 0


def day(value: date, locale: Locale = ENGLISH) -> str:
    """30 September 2026, or September 30, 2026 where the month comes first."""
    month = calendar.month_name[value.month]
    return f"{month} {value.day}, {value.year}" if locale.month_first else f"{value.day} {month} {value.year}"


def short_day(value: date, locale: Locale = ENGLISH) -> str:
    """30 Sep 2026."""
    month = calendar.month_abbr[value.month]
    return f"{month} {value.day}, {value.year}" if locale.month_first else f"{value.day} {month} {value.year}"


def instant(value: datetime, locale: Locale = ENGLISH) -> str:
    """30 Sep 2026 21:05 UTC."""
    return f"{short_day(value.date(), locale)} {value:%H:%M} UTC"


def span(first: date, last: date, locale: Locale = ENGLISH) -> str:
    """A period in words: a whole month by its name, a single day as a day, else from and to."""
    whole = _is_whole(first, last)
    if first == last:
        return day(first, locale)
    if (first.year, first.month) == (last.year, last.month):
        if whole:
            return f"{calendar.month_name[last.month]} {last.year}"
        name = calendar.month_name[last.month]
        if locale.month_first:
            return f"{name} {first.day}–{last.day}, {last.year}"
        return f"{first.day}–{last.day} {name} {last.year}"
    if whole:
        start = calendar.month_name[first.month] + ("" if first.year == last.year else f" {first.year}")
        return f"{start} to {calendar.month_name[last.month]} {last.year}"
    return f"{short_day(first, locale)} to {short_day(last, locale)}"


def short_span(first: date, last: date, locale: Locale = ENGLISH) -> str:
    """A period for one line on a phone: Sep 2026, 1–17 Sep 2026, Jul–Sep 2026."""
    text = span(first, last, locale)
    for month in calendar.month_name[1:]:
        text = text.replace(month, month[:3])
    return text.replace(" to ", "–") if _is_whole(first, last) else text


def during(first: date, last: date, locale: Locale = ENGLISH) -> str:
    """A period as part of a sentence: in September 2026, from 1 to 17 September 2026."""
    if first == last:
        return f"on {day(first, locale)}"
    whole = _is_whole(first, last)
    if whole and (first.year, first.month) == (last.year, last.month):
        return f"in {span(first, last, locale)}"
    if whole:
        return f"from {span(first, last, locale)}"
    if (first.year, first.month) == (last.year, last.month) and not locale.month_first:
        return f"from {first.day} to {day(last, locale)}"
    return f"from {day(first, locale)} to {day(last, locale)}"


def when(metric: Metric, period: Period, locale: Locale = ENGLISH) -> str:
    """The days a KPI speaks of, as part of a sentence; a cohort says whose start they are."""
    if metric.kind == "stock":
        return f"on {day(period.end, locale)}"
    text = during(period.first, period.end, locale)
    if metric.kind != "cohort":
        return text
    return f"for {COHORTS.get(metric.name, 'those that started')} {text}"


def as_of(metric: Metric, period: Period, locale: Locale = ENGLISH) -> str:
    """The day up to whose end facts count: a stock is the state at the period's end, all else is seen from as_of."""
    return f"as of {short_day(period.end if metric.kind == 'stock' else period.as_of, locale)}"


#: What a record key counts, where its name does not say it.
_THINGS = {
    "key": "documents",
    "exposure_key": "cars",
    "stock_unit_key": "cars",
    "ready_span_key": "preparations",
    "episode_key": "enquiries",
    "": "records",
    "1": "records",
}


def things(metric: Metric) -> str:
    """What n counts, in the plural: deals, leads, documents."""
    record = metric.record or ""
    if record == "record_key":
        return "cars" if metric.relation.endswith(("fct_vehicle_day", "fct_stock_span")) else "records"
    return _THINGS.get(record, record.removesuffix("_key").replace("_", " ") + "s")


def missing(metric: Metric, reason: str | None) -> tuple[str, str]:
    """What stands in the place of a value, and why: "no data" only where no record is there to compute it from."""
    why = reason or "no records in the period"
    if why.startswith("no data: ") or why == "no records in the period":
        return "no data", why.removeprefix("no data: ")
    return "no rate" if metric.unit == "percent" else "no number", why


def against_target(metric: Metric, row: KpiRow, locale: Locale = ENGLISH) -> str | None:
    """ "1.2 points below target", "on target"; None without a target or a value."""
    gap = difference(row.value, row.target)
    if gap is None:
        return None
    if not is_visible(metric, gap):
        return "on target"
    return f"{difference_text(metric, gap, row.currency, locale)} {'above' if gap > 0 else 'below'} target"


def is_good(metric: Metric, change: Decimal) -> bool:
    """Whether a change goes the way the business wants."""
    return change > 0 if metric.better == "up" else change < 0


def term(code: str) -> str:
    """A code of the marts in words: service advisor, call back."""
    return TERMS.get(code, code.replace("_", " "))


def elided(text: str, width: int, lines: int) -> str:
    """A text that wraps into at most so many lines of so many signs; a longer one ends in an ellipsis."""
    if len(wrap(text, width)) <= lines:
        return text
    end = min(len(text), width * lines)
    while end and len(wrap(f"{text[:end].rstrip()}…", width)) > lines:
        end -= 1
    return f"{text[:end].rstrip()}…"


def listed(words: Sequence[str]) -> str:
    """one, two and three."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(count: int, plural: str, locale: Locale = ENGLISH) -> str:
    """3 deals, 1 deal."""
    return f"{number(count, 0, locale)}{SPACE}{form(count, plural)}"


def answer(
    metric: Metric,
    period: Period,
    rows: Sequence[KpiRow],
    before: Sequence[KpiRow],
    versus: str,
    locale: Locale = ENGLISH,
) -> str:
    """The first sentence of a page: the value in words, against its comparison and its target.

    ``rows`` holds one row, or one per currency; ``before`` the same for the comparison, which ``versus`` names.
    """
    known = [row for row in rows if row.value is not None]
    name = in_sentence(metric.label)
    if not known:
        reason = rows[0].reason if rows else "no records in the period"
        return f"There is no {name} {when(metric, period, locale)}: {reason}."
    earlier = {row.currency: row for row in before}
    several = len({row.currency for row in rows}) > 1
    clauses = []
    for row in known:
        value = f"**{value_text(metric, row.value or 0, row.currency, locale)}**"
        clause = f"{value} in {row.currency}" if several else value
        notes = [
            note
            for note in (
                _against_before(metric, row, earlier.get(row.currency), versus, locale),
                against_target(metric, row, locale),
            )
            if note
        ]
        clauses.append((clause, notes))
    verb = "were" if metric.kind != "duration" and _is_plural(metric.label) else "was"
    subject = f"The median {name}" if metric.kind == "duration" else metric.label
    if not several:
        clause, notes = clauses[0]
        tail = f": {' and '.join(notes)}" if notes else ""
        return f"{subject} {verb} {clause} {when(metric, period, locale)}{tail}."
    parts = [clause + (f" ({'; '.join(notes)})" if notes else "") for clause, notes in clauses]
    return f"{subject} {when(metric, period, locale)} {verb} {listed(parts)}."


def _is_plural(label: str) -> bool:
    """Whether a label speaks of several things: its first word that ends in one s (Cars in stock, not Gross margin)."""
    first = label.split(maxsplit=1)[0]
    return first.endswith("s") and not first.endswith("ss")


def plain(text: str) -> str:
    """A text of a source as it stands, for places that read Markdown: it may not bold, link or load anything."""
    return "".join(f"\\{character}" if character in _MARKDOWN else character for character in text)


def in_sentence(label: str) -> str:
    """A label inside a sentence: only its first letter changes, and not that of an abbreviation."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _against_before(metric: Metric, row: KpiRow, before: KpiRow | None, versus: str, locale: Locale) -> str | None:
    change = difference(row.value, before.value if before else None)
    if change is None:
        return None
    if not is_visible(metric, change):
        return f"the same as {versus}"
    if metric.unit in ("days", "hours", "minutes"):
        word = "longer" if change > 0 else "shorter"
        return f"{difference_text(metric, change, row.currency, locale)} {word} than {versus}"
    word = "above" if change > 0 else "below"
    return f"{difference_text(metric, change, row.currency, locale)} {word} {versus}"


def _is_whole(first: date, last: date) -> bool:
    return first.day == 1 and last == last_day(last)
