"""Every format gives the same rows: property tests over all of them, and what a landing makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from forecourt.errors import Problem
from forecourt.settings import Settings
from forecourt.settings_file import load_settings
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.staging import stage
from ingest.values import prepare
from tests.ingest.formats import COLUMNS, FORMATS, SOURCES, Row, declared
from tests.ingest.landing_scene import SETTINGS, Scene

#: Letters of all encodings in use, and what delimited text, XML and JSON have to write in another way.
_WORDS = st.text("aZ09äßéñ€;,|\"'&<>=[]{}\\ -.", max_size=12).map(str.strip)

_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "rooftop": st.just("R1"),
            "lead_id": st.sampled_from(("L1", "L2", "007", "0.10", "1e5", "=L3")),
            "received_at": st.sampled_from(("2026-03-31T14:05:01", "2026-12-01T00:00:01", "soon", "")),
            "budget": st.sampled_from(("", "1234.50", "0.10", "-7", "99999999999.99", "dear")),
            "stage": _WORDS,
            "customer_name": _WORDS,
        }
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, Settings]]:
    """A database in memory that types rows as the landing does, with the sources of the test."""
    folder = tmp_path_factory.mktemp("sources")
    path = folder / "forecourt.toml"
    path.write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch, declared(folder, patch, SOURCES), duckdb.connect() as connection:
        loaded = load_settings(path)
        prepare(connection)
        yield connection, loaded


def typed_rows(connection: duckdb.DuckDBPyConnection, loaded: Settings, name: str, data: bytes) -> list[Any]:
    recognised = recognise(name, data)
    rows = read_rows(recognised, loaded)
    stage(connection, recognised.source, rows, loaded)
    columns = ", ".join(f'"{column}"' for column in COLUMNS)
    found = connection.execute(
        f"select {columns}, key, row_hash, bad::varchar, problem, problem_text from typed_crm_leads order by row_id"
    ).fetchall()
    connection.execute("drop table typed_crm_leads")
    assert rows.rows_read == len(found) + len(rows.bad) + sum(rows.skipped.values())
    assert not rows.bad
    return found


def refused(name: str, data: bytes) -> str:
    """Why a file is no known kind; empty for one that is."""
    try:
        recognise(name, data)
    except Problem as problem:
        return str(problem)
    return ""


@settings(
    max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=_ROWS)
def test_the_same_rows_are_the_same_in_every_format(
    asked: tuple[duckdb.DuckDBPyConnection, Settings], rows: list[Row]
) -> None:
    connection, loaded = asked
    expected = typed_rows(connection, loaded, "crm_leads.csv", FORMATS["crm_leads_a.csv"](rows))
    assert len(expected) == len(rows)
    for name, write in FORMATS.items():
        content = write(rows)
        if refusal := refused(name, content):  # letters of one encoding that are, by chance, all letters of another
            assert "every letter beyond ASCII in it is one of UTF-8" in refusal
            continue
        found = typed_rows(connection, loaded, name, content)
        # What failed is kept as the file wrote it, and a German writes a comma.
        assert [row[:-3] for row in found] == [row[:-3] for row in expected], name
        assert [row[-2] for row in found] == [row[-2] for row in expected], name


@cache
def sound_file(name: str) -> bytes:
    """A file of a format, made once: a workbook made again has another time in it, and sometimes another length."""
    return FORMATS[name]([dict.fromkeys(COLUMNS, "x"), dict.fromkeys(COLUMNS, "y")])


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused_and_nothing_else(
    asked: tuple[duckdb.DuckDBPyConnection, Settings], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(FORMATS)))
    content = bytearray(sound_file(name))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=4) | st.sampled_from((b'"', b"\n", b"\0", b"<", b"[", b"99999999", b"\xff\xfe"))
        )
    try:
        rows = read_rows(recognise(name, bytes(content)), asked[1])
    except Problem:
        return
    for batch in rows.batches:
        assert [*batch.rows.column_names[:-2]] == [f"c{place}" for place in range(len(batch.header))]
        assert all(rows.raw(row_id).strip() for row_id in batch.rows["row_id"].to_pylist())


def test_every_format_lands_with_all_its_rows_accounted(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = {"rooftop": "R1", "received_at": "2026-03-31T14:05:01", "budget": "1234.50", "stage": "new"}
    rows = [
        lead | {"lead_id": "L1", "customer_name": "Jürgen Groß"},
        lead | {"lead_id": "L2", "customer_name": 'Café "Zur Post"'},
        lead | {"lead_id": "L1", "customer_name": "Jürgen Groß"},
        lead | {"lead_id": "L3", "received_at": "", "customer_name": "Niemand"},
    ]
    folder = tmp_path / "sources"
    folder.mkdir()
    with declared(folder, monkeypatch, SOURCES):
        results = scene.land(*(scene.write(name, write(rows)) for name, write in FORMATS.items()))
        counts = {
            result.name: (result.status, result.rows_new, result.rows_unchanged, result.rows_quarantined)
            for result in results
        }
    first = results[0].name
    assert counts == {name: ("landed", 2 * (name == first), 1 + 2 * (name != first), 1) for name in counts}
    assert len(counts) == len(FORMATS)
    skipped = {result.name: result.rows_skipped for result in results if result.rows_skipped}
    assert skipped == {"semicolons.csv": 2, "semicolons.xlsx": 2}
    assert scene.rows("select count(*) from crm.crm_leads") == [(2,)]
    assert scene.rows("select distinct row_number from ledger.quarantine order by 1") == [(4,), (5,), (7,), (38,)]
    assert dict(scene.rows("select name, encoding from ledger.files")) == {
        "crm_leads_a.csv": "utf-8",
        "crm_leads_b.csv": "utf-8",
        "crm_leads_c.csv": "utf-16-le",
        "crm_leads_d.xlsx": "xlsx",
        "crm_leads_e.xls": "xls",
        "crm_leads_f.xlsb": "xlsb",
        "crm_leads_g.ods": "ods",
        "crm_leads_h.json": "utf-8",
        "crm_leads_i.ndjson": "utf-16-le",
        "crm_leads_j.csv": "xlsx",
        "semicolons.csv": "cp1252",
        "semicolons.xlsx": "xlsx",
        "headless.txt": "iso-8859-15",
        "listed.json": "utf-8",
        "elements.xml": "iso-8859-15",
        "attributes.xml": "utf-8",
    }
    missing = "received_at is empty, and crm_leads needs it. Correct the"
    reasons = {reason.split(missing)[0] for (reason,) in scene.rows("select reason from ledger.quarantine")}
    assert reasons == {"line 4: ", "line 5: ", "line 7: ", "line 38: ", "row 5: ", "row 7: ", "record 4: "}
    notes = scene.rows(
        "select name, detail from ledger.notes join ledger.files using (file_id) where kind = 'remark' order by name"
    )
    assert notes == [
        ("crm_leads_j.csv", "its name ends in .csv, and it is a workbook: it was read as that"),
        ("semicolons.xlsx", "sheet 'Info' was not read; sheet 'Anfragen' was"),
    ]


@pytest.mark.parametrize(("absent", "stage"), [("empty", None), ("unsaid", "new")])
def test_a_field_that_a_record_leaves_out_is_empty_or_unsaid_as_declared(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str, stage: str | None
) -> None:
    text = SOURCES["listed"].replace("rows: data.leads", f"rows: leads\nabsent: {absent}")
    record = '{"id": "L%d", "at": "2026-01-01", "money": ["1"], "who": {"name": "x"}%s}'
    folder = tmp_path / "sources"
    folder.mkdir()
    with declared(folder, monkeypatch, {"listed": text}):
        for day, said in ((1, ', "stage": "new"'), (2, "")):
            records = ", ".join((record % (1, said), record % (2, ', "stage": "won"')))
            result = scene.land_text(f"listed_2026-01-0{day}.json", f'{{"shop": "R1", "leads": [{records}]}}')
            assert (result.status, result.rows_read) == ("landed", 2)
    assert landed_stage(scene) == stage


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (
            '{"id": "L2", "at": "2026-01-02", "stage": {"name": "won"}}',
            "its stage has parts, and is one value in other",
        ),
        ('{"id": "L2", "at": "2026-01-02", "money": "7"}', "it has one value where other records have money.1"),
        ('{"id": "L2", "at": "2026-01-02", "stage": null}', ""),
    ],
)
def test_a_record_is_withheld_whose_value_would_be_lost_in_parts(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: str, reason: str
) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    first = '{"id": "L1", "at": "2026-01-01", "money": ["1"], "who": {"name": "x"}, "stage": "new"}'
    with declared(folder, monkeypatch, {"listed": SOURCES["listed"].replace("rows: data.leads", "rows: leads")}):
        result = scene.land_text("listed_2026-01-02.json", f'{{"shop": "R1", "leads": [{first}, {records}]}}')
    assert (result.rows_read, result.rows_new) == (2, 1 if reason else 2)
    assert [reason in told for (told,) in scene.rows("select reason from ledger.quarantine")] == [True] * bool(reason)


def landed_stage(scene: Scene) -> str | None:
    """The stage of L1 that is in force: of the last version whose file carries the column."""
    return scene.rows(
        """select stage from crm.crm_leads where lead_id = 'L1' and (carried is null or carried like '%stage%')
            order by exported_at desc limit 1"""
    )[0][0]
