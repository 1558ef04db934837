from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from forecourt.inputs import TABLES, business_days, is_holiday, write_inputs
from forecourt.settings import DEFAULT_HOURS, WEEKDAYS, Rooftop
from forecourt.settings_file import load_settings

HOUR = 3600
Hours = Mapping[str, tuple[tuple[int, int], ...]]

WORKING: Hours = {
    **dict.fromkeys(WEEKDAYS[:5], ((540, 1140),)),
    "sat": ((540, 1020),),
    "sun": (),
}
NEVER: Hours = dict.fromkeys(WEEKDAYS, ())


def rooftop(
    hours: Hours = WORKING, *, zone: str = "Europe/London", holidays: str | tuple[date, ...] | None = None
) -> Rooftop:
    return Rooftop("R1", "North", "Example Motors Ltd", zone, "GBP", Decimal("0.2"), holidays, hours)


def calendar(place: Rooftop, first: date, last: date) -> dict[date, dict[str, object]]:
    names = list(TABLES["business_days"])
    return {row[1]: dict(zip(names, row, strict=True)) for row, _ in business_days(place, first, last)}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.metrics("0.local-day")
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Europe/London", date(2026, 6, 1), 24),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_a_local_day_is_as_long_as_its_clock_says(zone: str, day: date, hours: float) -> None:
    row = calendar(rooftop(zone=zone), day, day)[day]
    assert row["end_utc"] - row["start_utc"] == timedelta(hours=hours)  # type: ignore[operator]


def test_summer_days_start_an_hour_earlier_in_utc() -> None:
    days = calendar(rooftop(), date(2026, 3, 28), date(2026, 3, 30))
    assert days[date(2026, 3, 29)]["start_utc"] == instant("2026-03-29T00:00")
    assert days[date(2026, 3, 30)]["start_utc"] == instant("2026-03-29T23:00")
    assert json.loads(str(days[date(2026, 3, 30)]["intervals"])) == [["2026-03-30T08:00:00", "2026-03-30T18:00:00"]]


def test_an_open_night_of_a_clock_change_counts_the_seconds_that_pass() -> None:
    hours = NEVER | {"sat": ((1320, 1800),)}  # Saturday 22:00 to Sunday 06:00
    spring = calendar(rooftop(hours), date(2026, 3, 28), date(2026, 3, 29))
    assert [row["open_seconds"] for row in spring.values()] == [2 * HOUR, 5 * HOUR]
    autumn = calendar(rooftop(hours), date(2026, 10, 24), date(2026, 10, 25))
    assert [row["open_seconds"] for row in autumn.values()] == [2 * HOUR, 7 * HOUR]


@pytest.mark.metrics("9.hours")
def test_hours_past_midnight_are_cut_at_midnight() -> None:
    hours = NEVER | {"fri": ((1080, 1560),), "sat": ((540, 720),)}  # Friday 18:00 to 02:00, Saturday 09:00 to 12:00
    pieces = {row[1]: spans for row, spans in business_days(rooftop(hours), date(2026, 1, 9), date(2026, 1, 11))}
    assert pieces == {
        date(2026, 1, 9): [("R1", date(2026, 1, 9), instant("2026-01-09T18:00"), instant("2026-01-10T00:00"))],
        date(2026, 1, 10): [
            ("R1", date(2026, 1, 10), instant("2026-01-10T00:00"), instant("2026-01-10T02:00")),
            ("R1", date(2026, 1, 10), instant("2026-01-10T09:00"), instant("2026-01-10T12:00")),
        ],
        date(2026, 1, 11): [],
    }


def test_a_night_that_began_before_a_holiday_ends_in_it() -> None:
    hours = dict.fromkeys(WEEKDAYS, ((1080, 1560),))
    days = calendar(rooftop(hours, holidays=(date(2026, 1, 10),)), date(2026, 1, 9), date(2026, 1, 11))
    assert [row["open_seconds"] for row in days.values()] == [6 * HOUR, 2 * HOUR, 6 * HOUR]


@pytest.mark.metrics("2.business-seconds")
def test_holidays_by_code() -> None:
    england, scotland = rooftop(holidays="GB-ENG"), rooftop(holidays="GB-SCT")
    assert is_holiday(england, date(2026, 12, 25))
    assert is_holiday(england, date(2026, 4, 6))  # Easter Monday is none in Scotland
    assert not is_holiday(scotland, date(2026, 4, 6))
    assert is_holiday(scotland, date(2026, 1, 2))
    assert not is_holiday(england, date(2026, 1, 2))


def test_holidays_by_list_and_without() -> None:
    listed = rooftop(holidays=(date(2026, 5, 2),))
    assert [is_holiday(listed, date(2026, 5, day)) for day in (1, 2)] == [False, True]
    assert not is_holiday(rooftop(), date(2026, 12, 25))
    row = calendar(rooftop(holidays="GB-ENG"), date(2026, 12, 25), date(2026, 12, 25))[date(2026, 12, 25)]
    assert (row["is_holiday"], row["open_seconds"], row["intervals"]) == (True, 0, "[]")


def test_open_seconds_before_is_the_sum_of_all_earlier_days() -> None:
    days = list(calendar(rooftop(holidays="GB-ENG"), date(2026, 3, 20), date(2026, 4, 20)).values())
    passed = 0
    for row in days:
        assert row["open_seconds_before"] == passed
        passed += int(str(row["open_seconds"]))
    weekdays = sum(day["day"].weekday() < 5 for day in days)  # type: ignore[attr-defined]
    saturdays = sum(day["day"].weekday() == 5 for day in days)  # type: ignore[attr-defined]
    assert passed == ((weekdays - 2) * 10 + saturdays * 8) * HOUR  # Good Friday and Easter Monday


def business_seconds(place: Rooftop, start: datetime, stop: datetime) -> int:
    """As the models do it: the open seconds before each instant, subtracted."""
    days = list(business_days(place, start.date() - timedelta(days=2), stop.date() + timedelta(days=2)))

    def passed(at: datetime) -> int:
        for row, intervals in days:
            if row[2] <= at < row[3]:
                inside = [max(0.0, (min(at, closes) - opens).total_seconds()) for _, _, opens, closes in intervals]
                return int(row[6] + sum(inside))
        raise AssertionError(at)

    return passed(stop) - passed(start)


@pytest.mark.metrics("2.saturday-evening", "2.saturday-afternoon")
@pytest.mark.parametrize(
    ("start", "stop", "elapsed", "business"),
    [("2026-01-10T18:40", "2026-01-12T09:25", 2325, 25), ("2026-01-10T16:50", "2026-01-12T09:05", 2415, 15)],
)
def test_the_vectors_of_business_time(start: str, stop: str, elapsed: int, business: int) -> None:
    begins, ends = instant(start), instant(stop)
    assert (ends - begins).total_seconds() / 60 == elapsed
    assert business_seconds(rooftop(), begins, ends) / 60 == business


def open_at(place: Rooftop, at: datetime) -> bool:
    """Another way to the same answer: is the wall clock of this minute within the hours?"""
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(place.time_zone))
    minute = local.hour * 60 + local.minute
    today, before = WEEKDAYS[local.weekday()], WEEKDAYS[(local.weekday() - 1) % 7]
    return any(start <= minute < end for start, end in place.hours[today]) or any(
        start <= minute + 1440 < end for start, end in place.hours[before]
    )


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    hours: dict[str, tuple[tuple[int, int], ...]] = {}
    for day in WEEKDAYS:
        # Times of day that no clock change touches, at most into the next morning before anything opens.
        morning = draw(st.sampled_from([(), ((480, 720),), ((540, 1020),)]))
        evening = draw(st.sampled_from([(), ((1080, 1440),), ((1110, 1620),), ((1200, 1680),)]))
        hours[day] = (*morning, *evening)
    return hours


@pytest.mark.metrics("2.business-seconds")
@limits(max_examples=15, deadline=None)
@given(
    hours=weeks(),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata"]),
    first=st.dates(date(2026, 1, 5), date(2026, 12, 1)),
)
def test_open_seconds_are_the_open_minutes_counted_one_by_one(hours: Hours, zone: str, first: date) -> None:
    place = rooftop(hours, zone=zone)
    last = first + timedelta(days=4)
    rows = list(calendar(place, first - timedelta(days=1), last).values())[1:]
    for row in rows:
        start, end = row["start_utc"], row["end_utc"]
        assert isinstance(start, datetime)
        assert isinstance(end, datetime)
        minutes = int((end - start).total_seconds() // 60)
        counted = sum(open_at(place, start + timedelta(minutes=minute)) for minute in range(minutes))
        assert row["open_seconds"] == counted * 60, row["day"]


@pytest.fixture
def written(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    path = tmp_path / "forecourt.toml"
    path.write_text(
        """
        [company]
        name = "Example Motors"
        [[rooftops]]
        code = "R1"
        [policy]
        claim.window_days = [{ from = 2026-02-01, value = 60 }, { from = 2026-06-01, value = 120 }]
        claim.kinds = ["warranty", "goodwill", "policy"]
        ageing.edges.customer = [10, 20]
        [[targets]]
        kpi = "claim_rate"
        value = 0.05
        [[benchmarks]]
        kpi = "claim_rate"
        value = 0.06
        source = "an invented survey"
        date = 2025-12-31
        """,
        encoding="utf-8",
    )
    connection = duckdb.connect()
    write_inputs(
        connection,
        load_settings(path),
        rooftops=["R2"],
        first_day=date(2026, 1, 1),
        last_day=date(2026, 1, 31),
        known_at=datetime(2026, 4, 1, 12),  # noqa: DTZ001
    )
    return connection


def test_every_table_has_its_declared_columns(written: duckdb.DuckDBPyConnection) -> None:
    found = written.execute(
        "select table_name, column_name, lower(data_type) from information_schema.columns "
        "where table_schema = 'settings' order by table_name, ordinal_position"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in found:
        tables.setdefault(table, {})[column] = kind
    assert tables == TABLES


def test_a_rooftop_of_the_data_stands_beside_those_of_the_settings(written: duckdb.DuckDBPyConnection) -> None:
    rows = written.execute("select rooftop, is_configured from settings.rooftops order by all").fetchall()
    assert rows == [("R1", True), ("R2", False)]
    days = written.execute("select rooftop, count(*) from settings.business_days group by all order by all").fetchall()
    assert days == [("R1", 31), ("R2", 31)]


def test_a_policy_is_one_row_per_day_it_starts(written: duckdb.DuckDBPyConnection) -> None:
    rows = written.execute(
        "select value, valid_from, valid_to from settings.policies where key = 'claim.window_days' order by valid_from"
    ).fetchall()
    assert rows == [
        ("90", date(1900, 1, 1), date(2026, 2, 1)),
        ("60", date(2026, 2, 1), date(2026, 6, 1)),
        ("120", date(2026, 6, 1), None),
    ]
    listed = written.execute("select value from settings.policies where key = 'claim.kinds'").fetchall()
    assert listed == [("warranty,goodwill,policy",)]


@pytest.mark.metrics("9.value-of-the-day")
def test_on_every_day_each_policy_has_exactly_one_value(written: duckdb.DuckDBPyConnection) -> None:
    wrong = written.execute(
        """
        select policies.key, days.day, count(*)
        from settings.policies as policies
        cross join (values (date '1900-01-01'), (date '2026-02-01'), (date '2026-06-01'), (date '2099-01-01')) days(day)
        where days.day >= policies.valid_from and (days.day < policies.valid_to or policies.valid_to is null)
        group by all
        having count(*) <> 1
        """
    ).fetchall()
    assert wrong == []
    keys = written.execute("select count(distinct key) from settings.policies where valid_from = '1900-01-01'")
    assert keys.fetchone() == written.execute("select count(distinct key) from settings.policies").fetchone()


@pytest.mark.metrics("5.buckets")
@pytest.mark.parametrize(
    ("schedule", "basis", "labels"),
    [
        ("default", "due", ["not_due", "1-30", "31-60", "61-90", "91-120", "121+"]),
        ("default", "invoice", ["0-30", "31-60", "61-90", "91-120", "121+"]),
        ("customer", "due", ["not_due", "1-10", "11-20", "21+"]),
        ("wholesale", "due", ["not_due", "1-30", "31-60", "61-90", "91-120", "121+"]),
        ("contract_in_transit", "due", ["0-3", "4-7", "8-10", "11-15", "16+"]),
        ("contract_in_transit", "invoice", ["0-3", "4-7", "8-10", "11-15", "16+"]),
    ],
)
def test_the_buckets_of_a_schedule(
    written: duckdb.DuckDBPyConnection, schedule: str, basis: str, labels: list[str]
) -> None:
    rows = written.execute(
        "select label from settings.ageing_buckets where schedule = $1 and basis = $2 order by position",
        [schedule, basis],
    ).fetchall()
    assert [label for (label,) in rows] == labels


@pytest.mark.metrics("5.buckets")
def test_every_number_of_days_lies_in_exactly_one_bucket(written: duckdb.DuckDBPyConnection) -> None:
    wrong = written.execute(
        """
        select edges.schedule, edges.basis, days.day, count(*)
        from (select distinct schedule, basis from settings.ageing_buckets) as wanted
        cross join range(-400, 400) as days(day)
        left join settings.ageing_buckets as edges
            on edges.schedule = wanted.schedule
            and edges.basis = wanted.basis
            and (days.day >= edges.low or edges.low is null)
            and (days.day <= edges.high or edges.high is null)
        group by all
        having count(edges.label) <> 1
        """
    ).fetchall()
    assert wrong == []


@pytest.mark.metrics("3.stock-ageing")
def test_the_buckets_of_the_stock_hold_every_age_once(written: duckdb.DuckDBPyConnection) -> None:
    edges = written.execute("select low, high, label from settings.stock_edges order by position").fetchall()
    assert [label for _, _, label in edges] == ["0-30", "31-45", "46-60", "61-90", "91-120", "121+"]
    for age in range(400):
        assert [low <= age and (high is None or age <= high) for low, high, _ in edges].count(True) == 1


def test_targets_and_benchmarks_keep_their_figures(written: duckdb.DuckDBPyConnection) -> None:
    assert written.execute("select kpi, rooftop, value from settings.targets").fetchall() == [
        ("claim_rate", None, Decimal("0.05"))
    ]
    assert written.execute('select kpi, value, "on" from settings.benchmarks').fetchall() == [
        ("claim_rate", Decimal("0.06"), date(2025, 12, 31))
    ]


def test_without_settings_there_are_no_rows_but_all_tables(tmp_path: Path) -> None:
    connection = duckdb.connect()
    write_inputs(
        connection,
        load_settings(tmp_path / "absent.toml"),
        rooftops=[],
        first_day=date(2026, 1, 1),
        last_day=date(2026, 1, 2),
        known_at=datetime(2026, 4, 1),  # noqa: DTZ001
    )
    counts = {
        table: connection.execute(f"select count(*) from settings.{table}").fetchone() for table in ("rooftops", "run")
    }
    assert counts == {"rooftops": (0,), "run": (1,)}


def test_the_documented_default_hours_are_those_of_the_vectors(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "absent.toml").fallback.hours == WORKING
    assert set(DEFAULT_HOURS) == set(WEEKDAYS[:6])
