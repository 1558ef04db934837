"""Bars of a distribution: every record in one, the long tail in the last."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dashboards.spread import BARS, bins

LENGTHS = st.lists(st.floats(min_value=0, max_value=1e4, allow_nan=False), min_size=1, max_size=200)


@given(LENGTHS, st.floats(min_value=0, max_value=1e4, allow_nan=False))
def test_every_record_is_counted_once(lengths: list[float], p90: float) -> None:
    found = bins(lengths, p90)
    assert sum(each["n"] for each in found) == len(lengths)
    assert 1 <= len(found) <= BARS
    assert all(left["end"] == right["start"] for left, right in itertools.pairwise(found))


def test_whole_days_get_whole_bars_and_the_tail_is_said() -> None:
    found = bins([1.0, 2.0, 2.0, 3.0, 400.0], 3.0)
    assert [each["n"] for each in found[:4]] == [0, 1, 2, 1]
    assert found[-1]["is_last"]
    assert found[-1]["n"] == 1
    assert found[-1]["label"].endswith("or more")


def test_nothing_has_no_bars() -> None:
    assert bins([], None) == []
