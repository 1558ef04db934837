from __future__ import annotations

from datetime import datetime

import click
import pytest

from forecourt.verbs.options import Day, Instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-31T18:00", "2026-03-31T18:00:00"),
        ("2026-03-31T18:00+02:00", "2026-03-31T16:00:00"),
        ("2026-03-31T18:00:00Z", "2026-03-31T18:00:00"),
        ("2026-03-31", "2026-03-31T23:59:59.999999"),
    ],
)
def test_instants_are_utc_and_a_day_is_its_end(text: str, instant: str) -> None:
    assert Instant().convert(text, None, None) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["31.03.2026", "2026-02-30", "today", ""])
def test_what_is_no_day_is_wrong_use(text: str) -> None:
    for kind in (Day(), Instant()):
        with pytest.raises(click.BadParameter, match="write it like"):
            kind.convert(text, None, None)
