"""Arrow arrays made without pandas hold what they were made of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.errors import Problem
from ingest.readers import arrays
from ingest.readers.arrays import booleans, integers, numbers_of, strings

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(st.lists(TEXTS, max_size=20))
def test_texts_come_back(values: list[str | None]) -> None:
    made = strings(values)
    made.validate(full=True)
    assert made.to_pylist() == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_numbers_come_back_whatever_part_of_a_column_is_asked(values: list[int], start: int, cut: int) -> None:
    column = pa.chunked_array([integers(values[:cut]), integers(values[cut:])], pa.int64())
    assert numbers_of(column.slice(start)).tolist() == values[start:]


@given(st.lists(st.booleans(), max_size=20), st.integers(0, 20))
def test_truths_come_back_as_numbers(values: list[bool], start: int) -> None:
    column = pa.chunked_array([booleans(np.array(values, bool))])
    assert column.to_pylist() == values
    assert numbers_of(column.slice(start)).tolist() == values[start:]


def test_more_text_than_a_column_can_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MOST_BYTES", 4)
    assert strings(["äö"]).to_pylist() == ["äö"]
    with pytest.raises(Problem, match="more than 2 GB of text"):
        strings(["äö", "a"])
