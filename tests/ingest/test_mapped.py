"""Bytes that are kept on disk answer like bytes, and a file that is too large for the memory lands like any other."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.home import Home
from ingest import archive, mapped
from ingest.intake import take_file
from ingest.mapped import Mapped, below, chunks_of, gathered, part, whole
from ingest.readers.decoding import decode, first_wrong
from ingest.readers.dialect import Dialect
from tests.ingest.landing_scene import Scene
from tests.ingest.readers.whole_text import read_text

TEXTS = st.binary(min_size=1, max_size=60)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at at once is a few bytes, so that each border between two pieces is met."""
    monkeypatch.setattr(mapped, "CHUNK", 7)
    monkeypatch.setattr(mapped, "LARGE", 10)


def on_disk(data: bytes, folder: Path) -> Mapped:
    made = gathered([data], folder, large=0)
    assert isinstance(made, Mapped)
    return made


@given(TEXTS, TEXTS.map(lambda text: text[:3]), st.integers(0, 70), st.none() | st.integers(0, 70))
def test_bytes_on_disk_answer_like_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, sought: bytes, start: int, end: int | None
) -> None:
    folder = tmp_path_factory.getbasetemp()
    made = on_disk(data, folder)
    assert made.find(sought, start, end) == data.find(sought, start, end)
    assert made.startswith((sought, b"ab"), start, end) == data.startswith((sought, b"ab"), start, end)
    assert made.count(sought[:1], start, end) == data.count(sought[:1], start, end)
    assert (sought in made) == (sought in data)
    assert made.isascii() == data.isascii()
    assert b"".join(chunks_of(made, start, end)) == data[start:end]
    assert whole(part(made, min(start, len(data) - 1))) == data[min(start, len(data) - 1) :]
    assert whole(below(b"head", made)) == b"head" + data
    assert archive.content_hash(made) == archive.content_hash(data)


@given(st.text(min_size=1, max_size=40), st.sampled_from(["utf-8", "utf-16-le", "cp1252"]), st.binary(max_size=3))
def test_the_first_wrong_byte_is_where_decoding_the_whole_finds_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str, dirt: bytes
) -> None:
    data = text.encode(encoding, "replace") + dirt
    try:
        data.decode(encoding)
        expected = None
    except UnicodeDecodeError as error:
        expected = error.start
    folder = tmp_path_factory.getbasetemp()
    assert first_wrong(on_disk(data, folder), encoding) == first_wrong(data, encoding) == expected


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("cp1252", b"")],
)
def test_a_text_on_disk_is_decoded_and_cut_like_one_in_memory(tmp_path: Path, encoding: str, mark: bytes) -> None:
    text = 'id;name;place\n1;Zoë;"Köln\nDeutz"\n2; Ann ;Bonn\n\n3;Bea\n4;Carl;"a ""b"" c"\n'
    data = mark + text.encode(encoding)
    dialect = Dialect(delimiter=";")
    in_memory = read_text(decode(data, encoding), dialect)
    made = decode(on_disk(data, tmp_path), encoding)
    assert isinstance(made.data, Mapped)
    read = read_text(made, dialect)
    assert (read.header, read.rows.to_pydict(), read.bad, read.blank) == (
        in_memory.header,
        in_memory.rows.to_pydict(),
        in_memory.bad,
        in_memory.blank,
    )
    assert [read.raw(number) for number in read.rows["row_number"].to_pylist()] == [
        in_memory.raw(number) for number in in_memory.rows["row_number"].to_pylist()
    ]


def test_a_large_file_is_read_from_a_copy_that_nobody_can_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.intake.LARGE", 10)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    path = inbox / "large.csv"
    path.write_bytes(b"a,b\n" * 100)
    data = take_file(path, inbox).content()
    path.write_bytes(b"")
    assert whole(data) == b"a,b\n" * 100


def test_a_large_file_lands_and_is_fetched_like_any_other(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "rooftop,lead_id,received_at\n" + "".join(f"R1,L{number},2026-03-01T10:00Z\n" for number in range(50))
    small = scene.land_text("crm_leads_2026-03-01.csv", text)
    large = scene.land_text("crm_leads_2026-03-02.csv", text.replace("L1,", "L001,"))
    assert (small.rows_new, large.rows_new, large.rows_unchanged) == (50, 1, 49)
    fetched = archive.fetch(Home(scene.home.root), archive.content_hash(text.encode()))
    assert isinstance(fetched, Mapped)
    assert whole(fetched) == text.encode()
