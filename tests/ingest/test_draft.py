"""A file of no declared kind: what is told of it, and the mapping that a person begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from forecourt.cli import cli
from forecourt.errors import Problem
from ingest.draft import draft, look_at, propose, sentence
from ingest.recognition import recognise
from ingest.sources import read_source
from tests.ingest.workbooks import xlsx

GERMAN = """Anfragen M\u00e4rz;;;;;

Filiale;Lead-Nr;Eingang;Kunde;E-Mail;Budget
Nord;4711;31.03.2026;J\u00fcrgen Gro\u00df;erika@example.com;18.500,00
Nord;4712;03.11.2026;Max K\u00f6nig;;1.200,50
""".encode("cp1252")

SOLD = b"""Deal Number|Stock Number|VIN|Deal Type|Deal Status|Front Gross|Sold
D1|S1|WVWZZZ1|Retail|Closed|1,200.50|3/31/2026
D2|S2|WVWZZZ2|Retail|Open|900.00|4/1/2026
"""


@pytest.mark.parametrize(
    ("data", "keys", "header"),
    [
        (
            GERMAN,
            {"encoding": "cp1252", "delimiter": ";", "preamble": 2},
            ["Filiale", "Lead-Nr", "Eingang", "Kunde", "E-Mail", "Budget"],
        ),
        (b"who,what\nx,'y, z'\na,'b,c'\n", {"quote": "'"}, ["who", "what"]),
        (b"who, what\nx, y\na,b, c\n", {"delimiter": ", "}, ["who", "what"]),
        ("who\twhat\nx\ty\n".encode("utf-16"), {"delimiter": "\t"}, ["who", "what"]),
        (b"note\nonly words\n", {}, ["note"]),
        (
            xlsx({"A": [["x"]], "B": [["Title"], ["who", "what"], ["x", 1], ["y", 2]]}),
            {"sheet": "B", "preamble": 1},
            ["who", "what"],
        ),
        (b'[{"who": "x", "what": 1}]', {"reader": "json"}, ["who", "what"]),
        (b"<a><car><vin>1</vin></car><car><vin>2</vin></car></a>", {"reader": "xml", "rows": "//car"}, ["vin"]),
    ],
)  # fmt: skip
def test_what_a_file_is_written_like_is_seen(data: bytes, keys: dict[str, object], header: list[str]) -> None:
    seen = look_at("survey.dat", data)
    assert (seen.keys, seen.header) == (keys, header)


def test_a_draft_names_what_is_known_and_leaves_what_is_not() -> None:
    text = draft(look_at("sold_2026-03.csv", SOLD))
    assert "delimiter: '|'\ndates: mdy\nthousands: ','\n" in text
    for line in ("  dms_deals:", "      deal_number: Deal Number\n", "      vin: VIN\n", "      status: Deal Status\n"):
        assert line in text
    assert "rooftop: {const: R1}        # no column seems to name the rooftop: which is it?" in text
    source = read_source("sold", text, "sold.yml")
    assert source.feeds == ("dms_deals",)
    assert recognise("sold_2026-04.csv", SOLD, {"sold": source}).source is source


def test_a_draft_is_no_mapping_until_a_person_has_completed_it() -> None:
    seen = look_at("anfragen.csv", GERMAN)
    text = draft(seen)
    assert "dates: dmy\ndecimal: ','\nthousands: .\n" in text
    assert propose(seen).needed
    with pytest.raises(Problem, match="which is not mapped"):
        read_source("anfragen", text, "anfragen.yml")


def test_a_refusal_tells_what_was_seen_and_how_to_begin() -> None:
    with pytest.raises(Problem) as refused:
        recognise("north/anfragen.csv", GERMAN)
    assert "its header (Filiale, Lead-Nr, Eingang, Kunde ...) is that of no source" in str(refused.value)
    assert str(refused.value).endswith(sentence(look_at("anfragen.csv", GERMAN)))
    assert "Seen: cp1252, values between ';', quotes \", names of columns in line 3." in str(refused.value)
    assert "`forecourt land --draft anfragen.csv`" in str(refused.value)


def test_the_draft_is_printed_and_nothing_lands(tmp_path: Path) -> None:
    path = tmp_path / "sold.csv"
    path.write_bytes(SOLD)
    home = tmp_path / "home"
    done = CliRunner().invoke(cli, ["land", "--draft", str(path), "--home", str(home)])
    assert (done.exit_code, done.output) == (0, draft(look_at("sold.csv", SOLD)))
    assert not home.exists()
    path.write_bytes(b"%PDF-1.7")
    done = CliRunner().invoke(cli, ["land", "--draft", str(path), "--home", str(home)])
    assert isinstance(done.exception, Problem)
    assert "it is a PDF document, which no source can declare" in str(done.exception)
