"""The bytes say what a file is, whatever its name ends in; what is no table is refused in bounded time."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecourt.errors import Problem
from forecourt.settings_file import load_settings
from ingest.readers.decoding import Decoded
from ingest.readers.encoding import decode_as
from ingest.readers.kinds import kind_of
from ingest.reading import read_rows
from ingest.recognition import SheetContent, TextContent, check_lines, recognise
from tests.ingest.formats import SOURCES, declared
from tests.ingest.workbooks import compound, xls, xlsx, zipped

HEADER = "rooftop,task_id,due_at"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"a,b\n1,2\n", "text"),
        (b"[id],name\n1,2\n", "text"),
        (b'"{a}",b\n', "text"),
        (b' \n[{"a": 1}]', "json"),
        (b'\xef\xbb\xbf{"a": 1}', "json"),
        ('{"a": "ä"}'.encode("utf-16"), "json"),
        (b"[[[[", "json"),
        (b"{\n", "json"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"<?xml version='1.0'?><stock><table><row/></table></stock>", "xml"),
        (b"<table><row/></table>", "xml"),
        (b"<!-- x -->\n<TABLE border=1><TR><TD>a</TABLE>", "page"),
        (b"<html xmlns:x='urn:x'><head>", "page"),
        ("<html><table>".encode("utf-16"), "page"),
        ("<a/>".encode("utf-16-le"), "xml"),
        (xlsx({"S": [["a"]]}), "workbook"),
        (xls([["a"]]), "workbook"),
        (zipped({"a.csv": b"x"}), "zip"),
        (zipped({"[Content_Types].xml": b"x", "word/document.xml": b"x"}), "other"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"From: a@example.com\nTo: b@example.com\n\nHello\n", "mail"),
        (b"%PDF-1.7", "other"),
        (compound(b"", "WordDocument"), "other"),
        (compound(b"", "EncryptedPackage"), "workbook"),
        (b"\xd0\xcf\x11\xe0", "workbook"),
        (b"[null, {}]", "json"),
        ('[{"a": 1}]'.encode("utf-16-le"), "json"),
        (b"[13/03/2026, 09:15:00] Ann: Hello\n", "text"),
        (b"MZ;BZh;ustar\n1;2;3\n", "text"),
        (b"a.csv".ljust(257, b"\0") + b"ustar\x0000", "other"),
        (b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "workbook"),
        (b"<Workbook><Worksheet/></Workbook>", "xml"),
    ],
)
def test_a_kind_is_known_by_the_bytes(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


@pytest.mark.parametrize("start", [b"From: a@example.com\nTo: b\n\n", b"\xd0\xcf\x11\xe0", b"<html>", b"<Stock>"])
def test_what_is_read_in_memory_is_refused_by_its_size_before_that(
    start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.containers.MAX_MAIL", 99)
    monkeypatch.setattr("ingest.recognition.MAX_SIZES", dict.fromkeys(("mail", "page", "workbook", "xml"), 99))
    with pytest.raises(Problem, match="of 0 MB, and such files are read up to 0 MB"):
        recognise("stock", start + b"x" * 100)


def test_a_large_file_of_leads_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.readers.adf.MAX_BYTES", 99)
    with pytest.raises(Problem, match="lead files are read up to 0 MB"):
        recognise("lead.xml", b"<adf><prospect>" + b"x" * 100)


def test_a_large_text_is_read_as_a_whole_for_the_source_alone_whose_header_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.opened_file.BEGINNING", 300)
    asked = []

    def decoding(data: bytes, encoding: str, **how: bool) -> Decoded:
        asked.append((len(data), encoding))
        return decode_as(data, encoding, **how)

    monkeypatch.setattr("ingest.opened_file.decode_as", decoding)
    header = "Dealer ID,Consumer ID,Sale Date,Deal Type,Cost of Vehicle,Trade in Value,Vehicle Gross,Vin No\n"
    data = (header + "R1,C1,13/11/25,Lease,,,,WVWZZZ1KZ00000001\n" * 20).encode()
    found = recognise("of_no_name.csv", data)
    assert isinstance(found.content, TextContent)
    assert (found.source.name, found.content.decoded.data) == ("quiter_deals", data)
    assert [encoding for size, encoding in asked if size == len(data)] == ["utf-8"]
    with pytest.raises(Problem, match="is that of no source"):
        recognise("of_no_name.csv", data.replace(b"Vin", b"Win"))


def test_many_comments_before_the_first_tag_take_no_time() -> None:
    assert kind_of(b"<!-- x -->" * 400 + b"<adf/>") == "xml"
    assert kind_of(b"<!-- x -->\n" * 300 + b"<html>") == "page"


def test_a_name_that_belies_the_bytes_is_told_and_does_not_decide() -> None:
    found = recognise("crm_tasks.xls", f"{HEADER}\n".encode())
    assert isinstance(found.content, TextContent)
    assert found.remarks == ["its name ends in .xls, and it is delimited text: it was read as that"]
    found = recognise("crm_tasks.csv", xlsx({"S": [HEADER.split(",")]}))
    assert isinstance(found.content, SheetContent)
    assert recognise("crm_tasks.csv", f"{HEADER}\n".encode()).remarks == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("crm_tasks.xls", b"<html><p>rooftop</p></html>", "it is a web page without a table. Export it as csv"),
        ("stock.xls", b"<!DOCTYPE html>\n<html></html>", "it is a web page without a table"),
        ("stock.xls", b"<table><tr><td>a</td><td>b</td></tr></table>", "its header .a, b. is that of no source"),
        (
            "report.docx",
            zipped({"[Content_Types].xml": b"x", "word/document.xml": b"x"}),
            "it is an Office document or a program archive that is no workbook, which is not read",
        ),
        (
            "lead.msg",
            compound(b"", "__properties_version1.0"),
            r"it is a message of Outlook \(.msg\), which is not read",
        ),
        ("winmail.dat", b"\x78\x9f\x3e\x22\0", "it is a winmail.dat, in which Outlook packs a mail's attachments"),
        ("stock.json", b"// of today\n[]", "its name says JSON, and it begins like none"),
        ("stock.xml", b"<stock><car></stock>", "line 1: this is no XML"),
        ("stock.xml", b"<stock><car>M\xfc</car></stock>", "line 1: this is no XML"),
        ("stock.xml", b"<!DOCTYPE stock><stock/>", "it declares a document type"),
        ("stock.xml", b"<stock><car><id>1</id></car></stock>", "that of no source"),
        ("crm_tasks.csv", b"a.csv".ljust(257, b"\0") + b"ustar\x0000", "it is a tar archive, not delimited text"),
        ("crm_tasks.csv", b"x," * 2000 + b"x\n", "its header names 2,001 columns; files are read up to 2,000"),
        ("other.csv", b"x," * 9_999 + b"x\n", "its header .* is that of no source"),
        ("crm_tasks.csv", b"rooftop,\0task_id\n", "line 1 holds a NUL byte"),
    ],
)
def test_what_is_no_table_is_refused(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        recognise(name, data)


def test_a_line_that_no_export_has_is_found_without_reading_the_file() -> None:
    check_lines(b"x" * 9 + b"\n" + b"x" * 9, most=10)
    check_lines(b"x" * 9 + b"\r" + b"x" * 9, most=10)
    with pytest.raises(Problem, match=r"line 1 is longer than 0 MB"):
        check_lines(b"x" * 30, most=10)
    with pytest.raises(Problem, match=r"line 3 is longer than 0 MB"):
        check_lines(b"1\n2\n" + b"x" * 30 + b"\n", most=10)


def test_a_table_is_known_below_its_title_and_not_below_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"Filiale;Nr;Eingang;Budget;Status;Kunde\n"
    with declared(tmp_path, monkeypatch, SOURCES):
        found = recognise("x.csv", b"Anfragen\n\n" + header)
        assert isinstance(found.content, TextContent)
        assert (found.source.name, found.content.above) == ("semicolons", 2)
        assert recognise("x.csv", header.replace(b"Kunde", b"Kund\xe4")).content.decoded.encoding == "cp1252"  # type: ignore[union-attr]
        with pytest.raises(Problem, match="is that of no source"):
            recognise("x.csv", b"Anfragen\n\n\n" + header)


def test_an_encoding_that_was_detected_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SOURCES["semicolons"].replace("[utf-8, cp1252]", "detect")
    with declared(tmp_path, monkeypatch, {"semicolons": text}):
        found = recognise("x.csv", "Filiale;Nr;Eingang;Käufer\nR1;1;soon;Jürgen Groß\n".encode("cp1252"))
        rows = read_rows(found, load_settings(tmp_path / "absent.toml"))
    assert rows.encoding == "cp1252"
    assert [remark.sentence for remark in rows.remarks] == ["its encoding was detected, not declared: cp1252"]


def test_a_renamed_column_of_a_signature_is_refused_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        SOURCES["elements"].replace("reader: xml\nrows: //lead\n", "files: ['sem*']\n").replace("[Nr]", "[Nr, Eingang]")
    )
    with (
        declared(tmp_path, monkeypatch, {"elements": text}),
        pytest.raises(Problem, match=r"its header has no Eingang\. The nearest to 'Eingang' is 'Eingangs'"),
    ):
        recognise("sem.csv", b"Filiale,Nr,Eingangs\n")
