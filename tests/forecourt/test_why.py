"""The decomposition: exact for any groups, and causes that stand out of the noise of their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt import why
from forecourt.metrics import Metric, Period
from forecourt.periods import cohort_before
from forecourt.records import Amounts, Named, Records
from forecourt.verbs.show_figures import print_why
from forecourt.why import Sums, Why, rate_and_mix

parts = st.decimals(-1000, 1000, places=2).map(Fraction)
groups = st.dictionaries(st.sampled_from("abcdef"), st.tuples(parts, parts), min_size=1)


@dataclass(frozen=True)
class Counted:
    """A record of one period (0 before, 1 after) with its groups."""

    period: int
    record: str
    groups: tuple[str, ...]
    numerator: int
    denominator: int


def split(metric: Metric, dimensions: Sequence[str], counted: Sequence[Counted], *, is_brief: bool = False) -> Why:
    def columns(rows: Sequence[Counted]) -> Records:
        return Records(
            Named.of([row.record for row in rows]),
            Amounts.of(row.numerator for row in rows),
            Amounts.of(row.denominator for row in rows),
            tuple(Named.of([row.groups[place] for row in rows]) for place in range(len(dimensions))),
        )

    periods = [columns([each for each in counted if each.period == period]) for period in (0, 1)]
    return why.split(metric, None, dimensions, *periods, is_brief=is_brief)


Groups = dict[str, tuple[Fraction, Fraction]]


def effects_of(before: Groups, after: Groups) -> Groups:
    """(rate_effect, mix_effect) of every group, whose numerators and denominators are given."""

    def sums(given: Groups) -> dict[str, Sums]:
        return {group: Sums(top, bottom) for group, (top, bottom) in given.items()}

    def total(given: Groups) -> Sums:
        return Sums(
            sum((top for top, _ in given.values()), Fraction()), sum((d for _, d in given.values()), Fraction())
        )

    zero, one = sums(before), sums(after)
    totals = total(before), total(after)
    return {group: rate_and_mix((zero.get(group, Sums()), one.get(group, Sums())), totals) for group in {**zero, **one}}


@pytest.mark.metrics("8.groups", "8.effect", "8.rate-effect")
@given(groups, groups)
def test_effects_add_up_to_the_change_exactly(
    before: dict[str, tuple[Fraction, Fraction]], after: dict[str, tuple[Fraction, Fraction]]
) -> None:
    """Also with vanished, new, zero and negative groups, as long as both totals are positive."""
    bottoms = [sum(bottom for _, bottom in period.values()) for period in (before, after)]
    if min(bottoms) <= 0:
        return
    rates = [
        sum(top for top, _ in period.values()) / bottom for period, bottom in zip((before, after), bottoms, strict=True)
    ]
    effects = effects_of(before, after)
    assert sum(rate + mix for rate, mix in effects.values()) == rates[1] - rates[0]


@pytest.mark.metrics("8.mix-effect", "8.exact")
def test_effects_are_the_usual_ones_where_denominators_are_positive() -> None:
    before = {"new": (Fraction(30), Fraction(100)), "used": (Fraction(10), Fraction(100))}
    after = {"new": (Fraction(20), Fraction(100)), "used": (Fraction(60), Fraction(300))}
    effects = effects_of(before, after)
    rate, total = Fraction(40, 200), Fraction(400)
    for group in before:
        weights = [before[group][1] / 200, after[group][1] / total]
        rates = [before[group][0] / before[group][1], after[group][0] / after[group][1]]
        assert effects[group] == (
            weights[1] * (rates[1] - rates[0]),
            (weights[1] - weights[0]) * (rates[0] - rate),
        )


@pytest.mark.metrics("8.effect", "8.exact")
def test_a_group_that_is_new_or_gone_has_its_whole_effect() -> None:
    before = {"stays": (Fraction(10), Fraction(100)), "gone": (Fraction(30), Fraction(100))}
    after = {"stays": (Fraction(10), Fraction(100)), "new": (Fraction(50), Fraction(100))}
    effects = effects_of(before, after)
    assert effects["new"] == (Fraction(50) / 200 - Fraction(40, 200) * Fraction(1, 2), 0)
    assert sum(effects["gone"]) == -(Fraction(30) - Fraction(1, 5) * 100) / 200
    assert sum(sum(each) for each in effects.values()) == Fraction(60, 200) - Fraction(40, 200)


@pytest.mark.parametrize("tops", [(10, 10), (0, 0)])
def test_nothing_moved_gives_no_effect(tops: tuple[int, int]) -> None:
    same = {group: (Fraction(top), Fraction(50)) for group, top in zip("ab", tops, strict=True)}
    assert set(effects_of(same, same).values()) == {(Fraction(0), Fraction(0))}


SHARE = Metric("x_rate", "X", "", "flow", "percent", "fct_x", "marts.fct_x", "day", "sum(a)", "sum(b)")
DAYS = Metric("x_days", "X days", "", "duration", "days", "fct_x", "marts.fct_x", "day", "seconds", seconds=86400)


def sold(period: int, person: str, of_each_hundred: int, records: int = 400) -> list[Counted]:
    """Records of one person, so many of each hundred sold."""
    return [
        Counted(period, f"{person}{number}", (person,), int(number % 100 < of_each_hundred), 1)
        for number in range(records)
    ]


def causes(after: dict[str, int]) -> list[str]:
    """Who is named when everybody sold 20 of a hundred before, and this many since."""
    counted = [each for person in after for each in sold(0, person, 20)]
    counted += [each for person, share in after.items() for each in sold(1, person, share)]
    return [effect.group for effect in split(SHARE, ["salesperson"], counted).causes]


@pytest.mark.metrics("8.noise")
def test_a_cause_stands_out_of_the_noise_and_makes_a_tenth_of_the_move() -> None:
    assert causes({"Ann": 50, "Bob": 20, "Cid": 20}) == ["Ann"]
    assert causes({"Ann": 22, "Bob": 20, "Cid": 20}) == []  # as much as chance does
    assert causes({"Ann": 95, "Bob": 26, "Cid": 20}) == ["Ann"]  # Bob's share of the move is below a tenth


@pytest.mark.metrics("8.mean")
def test_a_duration_is_split_by_its_mean_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    spans = {0: (1, 3), 1: (1, 1, 10)}
    counted = [
        Counted(period, f"{period}{number}", ("Ann",), days * 86400, 1)
        for period, each in spans.items()
        for number, days in enumerate(each)
    ]
    found = split(DAYS, ["salesperson"], counted)
    assert (found.before, found.after) == (2, 4)  # the medians are 2 and 1
    month = Period(date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 31))
    print_why([found], month, month)
    said = " ".join(capsys.readouterr().out.split())
    assert "X days, the mean, rose from 2.00 days to 4.00 days (+2.00 days)" in said


def deals(
    period: int, margins: dict[str, int], records: int = 24, models: tuple[str, ...] = ("A1", "A2", "B1")
) -> list[Counted]:
    """Deals of each person at that margin, give or take, of all models in turn; make A has A1 and A2."""
    return [
        Counted(
            period,
            f"{period}{person}{number}",
            ("R1", person, model[0], model),
            (margin + (-2, 1, 2, -1)[number % 4]) * 100,
            100 * 100,
        )
        for person, margin in margins.items()
        for number in range(records)
        for model in [models[number % len(models)]]
    ]


DIMENSIONS = ["rooftop", "salesperson", "make", "model"]
USUAL = {"Ann": 12, "Bob": 12, "Cid": 12, "Dee": 12}


def named(counted: list[Counted]) -> list[tuple[str, str]]:
    return [(cause.dimension, cause.group) for cause in split(SHARE, DIMENSIONS, counted).causes]


def test_who_only_holds_the_cause_is_not_named() -> None:
    """The rooftop has the whole change, each model a part of it: they moved because Ann did."""
    assert named(deals(0, USUAL) + deals(1, USUAL | {"Ann": 2})) == [("salesperson", "Ann")]


def test_two_causes_are_both_named_the_larger_first() -> None:
    found = deals(0, USUAL) + deals(1, USUAL | {"Bob": 5, "Ann": 2})
    assert named(found) == [("salesperson", "Ann"), ("salesperson", "Bob")]


@pytest.mark.metrics("8.noise")
def test_of_nested_groups_the_smallest_that_carries_the_effect_is_named() -> None:
    """B is only sold as B1, and nearly all that make A lost it lost on A1."""
    before = deals(0, USUAL)

    def cheaper(models: tuple[str, ...]) -> list[Counted]:
        return [
            Counted(1, each.record, each.groups, each.numerator - (800 if each.groups[3] in models else 0), 10_000)
            for each in deals(1, USUAL)
        ]

    assert named(before + cheaper(("B1",))) == [("model", "B1")]
    assert named(before + cheaper(("A1",))) == [("model", "A1")]
    assert named(before + cheaper(("A1", "A2"))) == [("make", "A")]


def test_one_record_is_no_cause() -> None:
    """One deal at a dreadful loss is an event: the record is what to look at, not the person."""
    after = deals(1, USUAL)
    after[0] = Counted(1, after[0].record, after[0].groups, -20_000, 10_000)
    assert named(deals(0, USUAL) + after) == []


def test_an_outcome_names_no_cause() -> None:
    """That what is late is late says nothing of who made it so."""
    counted = [
        Counted(period, f"{period}{number}", ("late" if number < late else "in time",), int(number < late), 1)
        for period, late in ((0, 10), (1, 70))
        for number in range(200)
    ]
    assert split(SHARE, ["bucket"], counted).causes
    assert not split(replace(SHARE, outcomes=("bucket",)), ["bucket"], counted).causes


def test_a_name_known_at_several_rooftops_is_told_with_the_one_that_carries_it() -> None:
    counted = deals(0, USUAL) + deals(1, USUAL | {"Ann": 2})
    counted += [replace(each, record=f"two{each.record}", groups=("R2", *each.groups[1:])) for each in deals(0, USUAL)]
    counted += [replace(each, record=f"two{each.record}", groups=("R2", *each.groups[1:])) for each in deals(1, USUAL)]
    (cause,) = split(SHARE, DIMENSIONS, counted).causes
    assert (cause.group, cause.at) == ("Ann", "R1")


@pytest.mark.metrics("8.exact")
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(-500, 500),
            st.integers(-100, 400),
        ),
        min_size=2,
        max_size=30,
    )
)  # fmt: skip
def test_every_dimension_adds_up_whatever_the_records(drawn: list[tuple[int, str, str, int, int]]) -> None:
    counted = [Counted(p, str(number), (a, x), top, bottom) for number, (p, a, x, top, bottom) in enumerate(drawn)]
    found = split(SHARE, ["first", "second"], counted)
    if found.change is None:
        assert not found.effects
        return
    for dimension in ("first", "second"):
        assert sum(each.effect for each in found.effects if each.dimension == dimension) == found.change
        assert all(each.rate_effect + each.mix_effect == each.effect for each in found.effects)


def test_a_cohort_is_compared_with_the_equally_long_one_before() -> None:
    cohort = Period(date(2026, 4, 3), date(2026, 7, 2), date(2026, 9, 30))
    assert cohort_before(cohort) == Period(date(2026, 1, 2), date(2026, 4, 2), date(2026, 9, 30))
