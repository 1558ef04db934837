"""Encodings: declared ones are held to, detection never guesses between two that give different letters."""

from __future__ import annotations

import pytest

from forecourt.errors import Problem
from ingest.readers.dialect import is_character_set
from ingest.readers.encoding import decode_as, detect, likely
from ingest.readers.faults import FAULT

GERMAN = "Modell;Händler\nKäfer;Jürgen Groß\nŠkoda;5\n"
MIXED = "Käfer\n".encode() + "Grün\n".encode("cp1252")
POLISH = "Województwo łódzkie;Kraków;Zażółć gęślą jaźń;właściciel;Łukasz Wójcik\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "iso-8859-1", "iso-8859-2", "iso-8859-9", "iso-8859-15"],
)
def test_a_declared_encoding_gives_its_letters(encoding: str) -> None:
    text = "Käfer;Größe\n"
    assert decode_as(text.encode(encoding), encoding).data.decode() == text


def test_a_byte_order_mark_wins_and_is_recorded() -> None:
    for encoding, found in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le")):
        decoded = decode_as(GERMAN.encode(encoding), "cp1252")
        assert (decoded.encoding, decoded.data.decode()) == (found, GERMAN)


@pytest.mark.parametrize("encoding", ["iso2022_jp", "hz", "utf-7", "utf-16-le", "shift_jis", "cp500", "cp1252"])
def test_letters_that_are_written_in_the_bytes_of_ascii_are_read_too(encoding: str) -> None:
    text = "id,name\n1,+A ~{ b}\n" if encoding in ("cp500", "cp1252") else "id,name\n1,\u65e5\u672c\n"
    assert decode_as(text.encode(encoding), encoding).data == text.encode("utf-8")


@pytest.mark.parametrize(
    ("data", "encoding", "reason"),
    [
        ("Käfer\n".encode(), "cp1252", "declared as cp1252, but every letter beyond ASCII in it is one of UTF-8"),
        (b"a\n5 \x80\n", "iso-8859-1", "line 2 has the byte 0x80, which is no letter in iso-8859-1"),
        (b"a\nK\xe4fer\n", "utf-8", "line 2 has the byte 0xE4, which is not UTF-8"),
        (b"a\n\x81\n", "cp1252", "line 2 has the byte 0x81, which is not CP1252"),
        (MIXED, "cp1252", "line 1 has letters in UTF-8 and line 2 has others, so no one encoding reads both"),
        (MIXED, "utf-8", "line 2 has the byte 0xFC, which is not UTF-8, and others are"),
        (MIXED, "iso-8859-2", "line 1 has letters in UTF-8 and line 2 has others"),
        (MIXED, "detect", "line 1 has letters in UTF-8 and line 2 has others"),
        ("MÜNCHEN\n".encode() + b"K\xd6LN\n", "iso-8859-1", "line 1 has letters in UTF-8 and line 2 has others"),
        ("über\nGrü".encode()[:-1], "cp1252", "line 1 has letters in UTF-8 and line 2 has others"),
        ("Köln;Gießen\n".encode("mac-roman"), "detect", "'Kšln;Gie§en' is no word"),
    ],
)
def test_a_contradiction_is_refused(data: bytes, encoding: str, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        decode_as(data, encoding)


@pytest.mark.parametrize(("sound", "is_read"), [(9, False), (10, True), (300, True)])
@pytest.mark.parametrize("encoding", ["utf-8", "detect"])
def test_a_table_in_utf_8_may_have_few_faulty_lines_and_no_other_file(sound: int, is_read: bool, encoding: str) -> None:
    data = "Käfer\n".encode() * sound + b"plain\nGr\xc3\n"
    if is_read:
        decoded = decode_as(data, encoding, with_faults=True)
        assert (decoded.data.decode().splitlines()[-1], decoded.has_faults) == (f"Gr{FAULT}", True)
    else:
        with pytest.raises(Problem):
            decode_as(data, encoding, with_faults=True)
    with pytest.raises(Problem):
        decode_as(data, encoding)


def test_what_another_encoding_nearly_equals_is_not_detected() -> None:
    with pytest.raises(Problem, match=r"cannot be told: .* as cp1250 would be .* as cp1252"):
        detect("Descrição;Débito\nGALPÃO;5\nPRESTAÇÃO;7\n".encode("cp1252"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        ("город;цена\nОрёл;5\n", "utf-16-le"),
        ("Käfer;Jürgen Groß\n", "cp1252"),
        (POLISH, "iso8859_2"),
        (POLISH, "cp1250"),
        ("only ascii\n", "utf-8"),
    ],
)
def test_an_encoding_is_detected(text: str, encoding: str) -> None:
    assert text.encode(encoding).decode(detect(text.encode(encoding))) == text


def test_what_could_be_two_encodings_is_refused_with_both_readings() -> None:
    with pytest.raises(Problem, match=r"'Preis 5 ¤' as cp1252 would be 'Preis 5 €' as iso8859_15"):
        detect("Preis 5 €\n".encode("iso-8859-15"))


@pytest.mark.parametrize("text", ["CAFÉ»;NESCAFÉ®;ü", "IRMÃ»;PADRÃO", "SPÓŁKA;Ăştia;ż", "ÄÖÜ"])
def test_capitals_beside_signs_are_no_letters_of_utf8(text: str) -> None:
    encoding = "cp1250" if "Ł" in text else "cp1252"
    assert decode_as(text.encode(encoding), encoding).data.decode() == text


def test_an_encoding_in_doubt_is_told_with_its_readings() -> None:
    assert likely("Käfer;Jürgen Groß\n".encode("cp1252")) == ("cp1252", "")
    name, doubt = likely("Endereço;Situação\nSão Paulo;Concluída\n".encode("cp1252"))
    assert name == "cp1252"
    assert "'o;Situação São Pa' would be 'o;Situaçăo Săo Pa' as cp1250" in doubt
    assert likely("Филиал;Москва\n".encode("cp1251"))[0] == "cp1251"
    with pytest.raises(Problem, match="line 1 has letters in UTF-8"):
        likely(MIXED)


def test_only_character_sets_are_encodings() -> None:
    assert all(map(is_character_set, ("cp1252", "latin-1", "ISO-8859-15", "utf_16", "cp932")))
    assert not any(map(is_character_set, ("rot13", "punycode", "base64", "nonsense", 5)))
