"""XML records: elements, attributes and paths as names; entities, document types and the network off."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecourt.errors import Problem
from ingest.readers.xml_rows import find_records, open_xml, read_xml, without_tail

FEED = b"""<?xml version="1.0" encoding="ISO-8859-15"?>
<s:stock xmlns:s="urn:stock" dealer="R1">
  <s:car id="7" s:id="n"><make>Citro\xebn</make><price cur="EUR">9 \xa4</price><photo>a</photo><photo>b</photo>
    <spec><km unit="km">9</km>note<!-- x --></spec><none/></s:car>
  <s:car><attribute name="make">Ford</attribute><attribute name="vin">W1</attribute></s:car>
</s:stock>"""


def test_what_lies_in_a_record_becomes_names() -> None:
    found = read_xml(
        open_xml(FEED), "//car", {"dealer": "../@dealer", "vin": "attribute[@name='vin']", "cars": "count(../car)"}
    )
    assert found.values == [
        {
            "@id": "7",
            "@id.2": "n",
            "make": "Citroën",
            "price": "9 €",
            "price@cur": "EUR",
            "photo": "a",
            "photo.2": "b",
            "spec": "note",
            "spec.km": "9",
            "spec.km@unit": "km",
            "none": "",
            "dealer": "R1",
            "cars": "2",
        },
        {
            "attribute": "Ford",
            "attribute@name": "make",
            "attribute.2": "W1",
            "attribute.2@name": "vin",
            "dealer": "R1",
            "vin": "W1",
            "cars": "2",
        },
    ]
    assert (found.row_numbers, found.encoding) == ([3, 5], "iso-8859-15")
    assert found.raw(1).startswith("<car")


def test_a_numbered_field_counts_as_far_as_the_record_goes() -> None:
    root = open_xml(b"<o><r><p n='1'/><p n='2'/></r><r/></o>")
    assert read_xml(root, "/o/r", {"part {n}": "p[{n}]/@n"}).values == [
        {"p@n": "1", "p": "", "p.2@n": "2", "p.2": "", "part 1": "1", "part 2": "2"},
        {},
    ]


def test_lines_are_counted_beyond_what_a_short_number_holds() -> None:
    root = open_xml(b"<o>" + b"\n" * 70_000 + b"<r/></o>")
    assert read_xml(root, "//r").row_numbers == [70_001]


def test_records_on_one_line_are_counted_by_their_place() -> None:
    found = read_xml(open_xml(b"<o>\n<r/><r/></o>"), "//r")
    assert (found.row_numbers, found.unit) == ([1, 2], "record")


@pytest.mark.parametrize(
    ("content", "record"),
    [
        ("Golf <b>GTI</b> red", {"n": "Golf GTI red", "n.b": "GTI"}),
        ("<b>Golf</b>", {"n": "Golf", "n.b": "Golf"}),
        ("Golf<br/>GTI", {"n": "Golf\nGTI", "n.br": ""}),
        ("<p>Golf</p><p>GTI</p>", {"n": "Golf\nGTI", "n.p": "Golf", "n.p.2": "GTI"}),
        ("Call <phone>7</phone> now", {"n": "Call 7 now", "n.phone": "7"}),
        ("100<currency>EUR</currency>", {"n": "100", "n.currency": "EUR"}),
        ("<currency>EUR</currency>", {"n.currency": "EUR"}),
    ],
)
def test_words_with_markup_in_them_are_one_text(content: str, record: dict[str, str]) -> None:
    assert read_xml(open_xml(f"<o><r><n>{content}</n></r></o>".encode()), "//r").values == [record]


def test_a_name_from_two_namespaces_is_that_of_the_element_itself_in_every_record() -> None:
    feed = b"""<o xmlns:g="urn:g" xmlns:k="urn:k"><r><g:title>other</g:title><title>own</title></r>
    <r><g:title>other</g:title></r><r><g:id>7</g:id></r></o>"""
    assert read_xml(open_xml(feed), "//r").values == [
        {"title": "own", "g-title": "other"},
        {"g-title": "other"},
        {"id": "7"},
    ]


def test_what_stands_beside_the_records_and_is_not_read_is_told() -> None:
    feed = b"<o><head><sent>1</sent></head><title>x</title><new><id>1</id></new><r><id>2</id></r></o>"
    assert read_xml(open_xml(feed), "//r", {"sent": "../head/sent"}).remarks == [
        "elements beside its records were not read: new (1)"
    ]
    assert read_xml(open_xml(feed), "//r|//new", {"sent": "../head/sent"}).remarks == []


def test_a_path_that_leads_to_no_elements_finds_none() -> None:
    assert find_records(open_xml(FEED), "count(//car)") == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<a><b></a>", "line 1: this is no XML"),
        (b"\n\n<a>&nope;</a>", "line 3: this is no XML"),
        (b"<a" + b">x<a" * 300 + b"/>", "this is no XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "it declares a document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', "it declares a document type"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"), "it declares a document type"),
        (
            b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 100 + b'">'
            + b"".join(b'<!ENTITY %c "%s">' % (c + 1, b"&%c;" % c * 10) for c in range(97, 110))
            + b"]><a>&n;</a>",
            "it declares a document type",
        ),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>Müller</a>'.encode(), "declared as iso-8859-1, but every"),
        (b'<?xml version="1.0" encoding="ISO-8859-15"?>\n<a>\x80</a>', "line 2 has the byte 0x80, which is no"),
        (b"<a>M\xfcller</a>", "line 1: this is no XML"),
    ],
    ids=["broken", "unknown entity", "deep", "entity", "external", "utf-16", "bomb", "utf-8", "cp1252", "latin"],
)  # fmt: skip
def test_broken_and_hostile_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        open_xml(data)


def test_no_file_is_read_through_an_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'
    for encoding in ("utf-8", "utf-16", "utf-7"):
        with pytest.raises(Problem):
            open_xml(text.encode(encoding))


def test_a_large_file_is_refused() -> None:
    with pytest.raises(Problem, match="XML is read up to 0 MB"):
        open_xml(b"<a>xxxx</a>", max_bytes=5)


def test_a_text_below_the_document_is_told_and_hides_no_record() -> None:
    document = b"<a><car><vin>1</vin></car></a>"
    assert without_tail(document + b"\n\nComments: call before noon\n") == (document, "Comments: call before noon")
    assert without_tail(document) == (document, "")
    for cut in (b"<a><car>", b"no document", document + b"\n<b/> x"):
        with pytest.raises(Problem):
            open_xml(without_tail(cut)[0])


def test_too_many_tags_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.readers.xml_rows.MAX_TAGS", 3)
    with pytest.raises(Problem, match="it has more than 3 tags"):
        open_xml(b"<a><b/><b/></a>")
