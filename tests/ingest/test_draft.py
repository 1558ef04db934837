"""A file of no declared kind: what is told of it, and the mapping that a person begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from forecourt.cli import cli
from forecourt.errors import Problem
from forecourt.settings_file import load_settings
from ingest.draft import draft, look_at, propose, sentence
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.source_file import read_source
from ingest.sources import name_fits
from tests.ingest.workbooks import xlsx

GERMAN = """Anfragen M\u00e4rz;;;;;

Filiale;Lead-Nr;Eingang;Kunde;E-Mail;Budget
Nord;4711;31.03.2026;J\u00fcrgen Groß;erika@example.com;18.500,00
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
        # As the reader reads the header, so that the file is known by what the draft says.
        (xlsx({"A": [["who", 2026.0], ["x", 1.0], ["y", 2.5]]}), {}, ["who", "2026"]),
        (b'[{"who": "x", "what": 1}]', {"reader": "json"}, ["who", "what"]),
        (
            b'{"at": 1, "stock": [{"vin": "x", "price": 1, "photos": [{"id": 1}, {"id": 2}]}]}',
            {"reader": "json", "rows": "stock"},
            ["/at", "vin", "price", "photos.1.id", "photos.2.id"],
        ),
        (
            b'[{"id": "R1", "cars": [{"vin": "x", "colour": "red"}]}, {"id": "R2", "cars": [{"vin": "y"}]}]',
            {"reader": "json", "rows": "cars"},
            ["/id", "vin", "colour"],
        ),
        (b'{"id": "R1", "cars": 3}', {"reader": "json"}, ["id", "cars"]),
        (b"<a><car><vin>1</vin></car><car><vin>2</vin></car></a>", {"reader": "xml", "rows": "//car"}, ["vin"]),
    ],
)  # fmt: skip
def test_what_a_file_is_written_like_is_seen(data: bytes, keys: dict[str, object], header: list[str]) -> None:
    seen = look_at("survey.dat", data)
    assert (seen.keys, seen.header) == (keys, header)


#: A file -> the rows that it gives with the marks of its draft, how many are withheld, or why it is refused with them.
DRAFTED: dict[str, tuple[bytes, list[list[str]] | str | int]] = {
    "a statement with quotes above it": (
        b'"Account:";"4711"\n\n"From:";"1.11.2026"\n"Day";"Text";"Amount";"Note"\n"2.11.";"Rent\nMay";"-1,50";""\n"3.11.";"a";"2";"b"\n',
        [["2.11.", "Rent\nMay", "-1,50", ""], ["3.11.", "a", "2", "b"]],
    ),
    "a delimiter behind each row, none behind the header": (
        b"Nr;Name\n1;Ann;\n2;Bob;\n3;Cid;\n",
        [["1", "Ann", ""], ["2", "Bob", ""], ["3", "Cid", ""]],
    ),
    "a delimiter behind each row, whose first value counts": (
        b"id;name;n\n1;Ann;3;\n2;Bob;4;\n",
        [["1", "Ann", "3", ""], ["2", "Bob", "4", ""]],
    ),
    "many empty rows": (
        b"place,n,say\nA,1,a\nB,2,b\n" + b",,\n" * 190,
        [["A", "1", "a"], ["B", "2", "b"], *[["", "", ""]] * 190],
    ),
    "a line of a database drawn below the names": (
        b"id,name,n\n--,----,-\n1,Ann,3\n2,Bob,4\n",
        [["1", "Ann", "3"], ["2", "Bob", "4"]],
    ),
    "Arabic commas": (
        "\u0627\u060c\u0628\u060c\u062a\n\u062b\u060c\u0661\u060cx\n\u062c\u060c\u0662\u060cy\n".encode(),
        [["\u062b", "\u0661", "x"], ["\u062c", "\u0662", "y"]],
    ),
    "a delimiter behind the header alone": (b"Nr;Name;\n1;Ann\n2;Bob\n", [["1", "Ann"], ["2", "Bob"]]),
    "backslashes": (b'id,said\n1,"a \\"b\\" c"\n2,d\n', [["1", 'a "b" c'], ["2", "d"]]),
    "inches": (b'id,rim\n1,17" alloy\n2,18" steel\n', [["1", '17" alloy'], ["2", '18" steel']]),
    "inches in quotes": (b'"id","rim"\n"1","17" alloy"\n"2","steel"\n', [["2", "steel"]]),
    "numbers kept as text": (b'id;zip\n="07";Ulm\n="08";Bonn\n', [['="07"', "Ulm"], ['="08"', "Bonn"]]),
    "blanks before quotes": (b'"id" ; "say"\n"1" ; "a; b"\n"2" ; "c"\n', [["1", "a; b"], ["2", "c"]]),
    "three marks between values": (b"id~|~say\n1~|~a|b\n2~|~c\n", [["1", "a|b"], ["2", "c"]]),
    "two bars between values": (b"id||n||say\n1||2||a | b\n2||||c\n", [["1", "2", "a | b"], ["2", "", "c"]]),
    "some values in apostrophes": (
        b"id,say\n'1',a\n'2','b'\n3,'c'\n" + b"4,d\n" * 40 + b"5,e 'f\n",
        [["1", "a"], ["2", "b"], ["3", "c"], *[["4", "d"]] * 40],
    ),
    "a title with the delimiter, and a third column": (
        b"Cars; sold\n\nid;n;say\n1;2;\n3;4;\n5;6;a\n",
        [["1", "2", ""], ["3", "4", ""], ["5", "6", "a"]],
    ),
    "a line that cannot be read": (b'id^say\n1^a\n2^b "c\n3^d\n4^e\n', [["1", "a"], ["3", "d"], ["4", "e"]]),
    "control marks between values": (b"id\x1fsay\n1\x1fa,b\n2\x1fc\n", [["1", "a,b"], ["2", "c"]]),
    "a drawn table": (
        b"+----+-----+\n| id | say |\n+----+-----+\n|  1 | a   |\n|  2 | b   |\n+----+-----+\n",
        [["", "1", "a", ""], ["", "2", "b", ""]],
    ),
    "notes between rows": (b"# made\nid,say\n1,a\n# page 2\n2,b\n", [["1", "a"], ["2", "b"]]),
    "names that begin like notes": (b"#who\n\n#id;#say\n1;a\n2;b\n3;c\n", [["1", "a"], ["2", "b"], ["3", "c"]]),
    "years as names": (b";2025;2026\nNord;1;2\nEast;3;4\n", [["Nord", "1", "2"], ["East", "3", "4"]]),
    "names twice": (b"say;say;n;\na;b;1;x\nc;d;2;y\n", [["a", "b", "1", "x"], ["c", "d", "2", "y"]]),
    "names on several lines": (b'id,"n\n(EUR)"\n1,2\n', [["1", "2"]]),
    "a title on several lines": (b'"Sales\nof May"\nid;say\n1;a\n2;b\n', [["1", "a"], ["2", "b"]]),
    "words and values above the table": (
        b"Report;Sales\nFrom;1.11.2026\n\nPlace;Cars\nNord;1\nEast;2\nWest;3\n",
        [["Nord", "1"], ["East", "2"], ["West", "3"]],
    ),
    "short rows with decimal commas": (
        b"id;n;say\n1;1,5\n2;2,5;b\n3;3,5\n4;4,5;d\n",
        [["2", "2,5", "b"], ["4", "4,5", "d"]],
    ),
    "no names": (b"4711;Golf;1,5\n4712;Polo;2,5\n", [["4711", "Golf", "1,5"], ["4712", "Polo", "2,5"]]),
    "one column with commas": (b'"say"\n"a, b"\n"c"\n', [["a, b"], ["c"]]),
    "a name with a number first": (b"id,say\n1,a\n", [["1", "a"]]),
    "words over groups of columns, and a unit": (
        b"Cars;;;\n;;;\nPlace;2025;;2026\n;new;used;new\n;items;;\nNord;1;2;3\nEast;4;5;6\n;;;\n* counted;;;\n",
        [["Nord", "1", "2", "3"], ["East", "4", "5", "6"], [""] * 4],
    ),
    "units below the names": (
        b"Day,Speed,Way\n,km/h,km\n2026-01-01,50,2\n2026-01-02,60,3\n",
        [["2026-01-01", "50", "2"], ["2026-01-02", "60", "3"]],
    ),
    "numbers of columns below the names": (
        b"Place,Cars,Vans\n(1),(2),(3)\nNord,1,2\nEast,3,4\n",
        [["Nord", "1", "2"], ["East", "3", "4"]],
    ),
    "no figures in the first row": (
        b"Place,Cars,Vans\nNord,n/a,-\nEast,3,4\nWest,5,6\n",
        [["Nord", "n/a", "-"], ["East", "3", "4"], ["West", "5", "6"]],
    ),
    "cars beside each other": (
        b"Field;Car 1;Car 2\nVIN;X1;X2\nKm;10;20\nPrice;1;2\n",
        [["VIN", "X1", "X2"], ["Km", "10", "20"], ["Price", "1", "2"]],
    ),
    "words and values right above the table": (
        b"Report,Stock\nDealer,Alba\nRun,2026-01-01\nNumber,Price\nS1,100\nS2,200\n",
        [["S1", "100"], ["S2", "200"]],
    ),
    "many notes with the delimiter above": (
        b"# line 7 of the licence; free\n" * 40 + b"Number;Price\nS1;100\nS2;200\n",
        [["S1", "100"], ["S2", "200"]],
    ),
    "a wide title with delimiters": (
        b"Cars, vans, bikes, by place\nPlace,Year,Sold\nNord,2025,1\nEast,2025,2\n",
        [["Nord", "2025", "1"], ["East", "2025", "2"]],
    ),
    "notes below an empty line": (
        b"Place,Cars\nNord,1\nEast,2\n\nSource: office\n(1) vans, lorries and buses too\n",
        [["Nord", "1"], ["East", "2"]],
    ),
    "an empty line in the last value": (
        b'n,say,k\n1,a,5\n2,"b\n\nYours,\nAnn",6\n',
        [["1", "a", "5"], ["2", "b\n\nYours,\nAnn", "6"]],
    ),
    "another table below": (b"Place,Cars,%\nNord,1,9\nEast,2,9\n\nBy brand\nbrand,n\nVega,1\nLyra,1\n", 4),
    "the rest of a value below an empty line": (b"Cars,Note\n1,so\n2,first\n\nsecond\n", [["1", "so"]]),
    "fewer names than values": (b"id,lat,lon\n1,46,9,7,4\n2,47,5,7,6\n", 2),
    "names with marks that are no letters": ("a\x80;b\u2028c\n1;2\n3;4\n".encode(), [["1", "2"], ["3", "4"]]),
    "a long line": (b"id,say\n1," + "ü".encode() * 600_000 + b"\n", [["1", "ü" * 600_000]]),
    "a line drawn above a title": (b"-" * 90 + b" Cars\nid,say\n1,a\n2,b\n", [["1", "a"], ["2", "b"]]),
    "numbers of rows without a name": (
        b'"say","n"\n"1","a",5\n"2","b",7\n',
        [["1", "a", "5"], ["2", "b", "7"]],
    ),
    "amounts with the delimiter below fewer names": (b"id,n\n1,12,50\n2,13,00\n", 2),
    "days as names": (
        b"Place;01.01.2025;01.01.2026\nNord;1.234.567;1.234.568\nEast;2.234.567;2.234.568\n",
        [["Nord", "1.234.567", "1.234.568"], ["East", "2.234.567", "2.234.568"]],
    ),
    "days below the names": (
        b"Place;new;used\n;01.01.2026;01.01.2026\nNord;1 234;-\nEast;5;7\n",
        [["Nord", "1 234", "-"], ["East", "5", "7"]],
    ),
    "wide commas": ("名，車，円\nA，ソ，1\nB，ア，2\n".encode(), [["A", "ソ", "1"], ["B", "ア", "2"]]),
    "blanks between values": (
        b'place "the day" n\nA "1 May" 4\nB "2 May" 5\n',
        [["A", "1 May", "4"], ["B", "2 May", "5"]],
    ),
    "colons between values": (b"user:id:home\nann:1:/a\nbob:2:/b\n", [["ann", "1", "/a"], ["bob", "2", "/b"]]),
    "escaped delimiters": (b"id,say\n1,a\\, b\n2,c\n3,d\\, e\n", [["1", "a, b"], ["2", "c"], ["3", "d, e"]]),
    "a table of a database": (b'id\tsay\n1\t\\N\n2\ta "b\n', [["1", "\\N"], ["2", 'a "b']]),
    "one number a line": (b"4711\n4712\n4713\n", [["4711"], ["4712"], ["4713"]]),
    "a warning above": (
        b"<br />\n<b>Notice</b>: none in <b>a.php</b>\nid,say\n1,a\n2,b\n",
        [["1", "a"], ["2", "b"]],
    ),
    "letters that may be others": ("Straße;\u20ac\nœuvre;1\n".encode("iso-8859-15"), "its encoding cannot be told"),
}


@pytest.mark.parametrize("name", DRAFTED)
def test_a_draft_reads_the_file_that_it_was_made_for(name: str) -> None:
    data, rows = DRAFTED[name]
    file = f"{len(name)} {name}-03.csv"
    head = yaml.safe_load(draft(look_at(file, data)))
    key = [column for column in head.get("names") or head["header"] if column][:1]
    columns = {"rooftop": {"const": "R1"}, "portal": {"const": "x"}, "listing_id": {"digest": key}}
    source = read_source("s", yaml.safe_dump(head | {"feeds": {"portal_listings": {"columns": columns}}}), "s.yml")
    assert name_fits(file, source)
    if isinstance(rows, str):
        with pytest.raises(Problem, match=rows):
            recognise(file, data, lambda: {"s": source})
        return
    found = read_rows(recognise(file, data, lambda: {"s": source}), load_settings(Path("absent.toml")))
    tables = [batch.rows.drop(["row_id", "row_number"]).to_pylist() for batch in found.taken()]
    if isinstance(rows, int):
        assert len(found.bad) == rows
        return
    assert [list(row.values()) for table in tables for row in table] == rows


@pytest.mark.parametrize(
    ("data", "doubt"),
    [
        (b"id,lat,lon\n1,46,9,7,4\n2,47,5,7,6\n", "the header names 3 columns and most rows have 5 values"),
        (b"4711;Golf;1,5\n4712;Polo;2,5\n", "no line seems to name the columns"),
        (b"note\n" * 120 + b"id;say\n" + b"1;a\n" * 250, "120 lines stand above the header"),
        ("Город;Цена\nКазань;5\n".encode("cp1251"), "the encoding, here cp1251"),
        ("車名;価格\nソアラ;5\n".encode("cp932"), "the encoding, here cp932"),
        ("Descrição;Preço\nGalpão;5\n".encode("cp1252"), "the encoding, here cp125"),
    ],
)  # fmt: skip
def test_what_only_a_person_can_tell_is_said(data: bytes, doubt: str) -> None:
    seen = look_at("survey.csv", data)
    assert doubt in seen.doubt
    assert f"Not certain: {seen.doubt}" in draft(seen)
    with pytest.raises(Problem, match=doubt):
        recognise("survey.csv", data, lambda: {})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"WHO     WHERE    HOW MANY\nAnn     Ulm      5\nBob     Bonn     17\n", "columns of a fixed width"),
        (b'"id,say"\n"1,""a, b"""\n"2,c"\n', "each line is quoted as a whole"),
        (b"<stock><car>\n<vin>1</vin></stock>\n", "no XML"),
    ],
)
def test_what_no_source_can_declare_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        look_at("survey.csv", data)
    with pytest.raises(Problem, match=reason):
        recognise("survey.csv", data, lambda: {})


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        (("1 234,56", "12,50"), {"decimal": ",", "thousands": " "}),
        (("1\u202f234,56", "-12,50"), {"decimal": ",", "thousands": "\u202f"}),
        (("1.234,56-",), {"decimal": ",", "thousands": ".", "negative": "behind"}),
        (('"(1,234.56)"', "7.50"), {"thousands": ",", "negative": "brackets"}),
        (("1'234.50", "7.50"), {"thousands": "'"}),
        (("1,234,567", "1,234"), {"thousands": ","}),
        (("1,234", "7.50"), {}),
    ],
)
def test_the_marks_in_amounts_are_seen(values: tuple[str, ...], keys: dict[str, str]) -> None:
    data = "\n".join(["who;what", *(f"x;{value}" for value in values)]).encode()
    head = yaml.safe_load(draft(look_at("survey.csv", data)))
    assert {key: head[key] for key in ("decimal", "thousands", "negative") if key in head} == keys


@pytest.mark.parametrize(
    ("value", "dates"),
    [
        ("31.03.2026", "dmy"), ("3/31/26 14:05", "mdy"), ("2026/3/1", "ymd"), ("2026-03-01T14:05:00", "iso"),
        ("3.4.2026", "dmy"), ("3/4/2026", None), ("555-12-3456", None), ("10.20.30.40", None), ("13.1.2", None),
    ],
)  # fmt: skip
def test_the_order_of_dates_is_seen(value: str, dates: str | None) -> None:
    assert yaml.safe_load(draft(look_at("survey.csv", f"who;when\nx;{value}\n".encode()))).get("dates") == dates


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        (
            ["11/3/2026", "11/4/2026"],
            "# Not certain: 11/3/2026 may begin with the day or with the month: write dates, dmy or",
        ),
        (
            ["11/30/2026", "30/11/2026"],
            "# Not certain: dates are written in several orders (dmy, mdy): give each column",
        ),
        (["11/30/2026", "11/3/2026"], ""),
        (["2026-11-30"], ""),
    ],
)
def test_an_order_of_dates_that_cannot_be_seen_is_asked_for(values: list[str], doubt: str) -> None:
    text = draft(look_at("survey.csv", b"who;when\n" + b"".join(f"x;{value}\n".encode() for value in values)))
    assert doubt in text if doubt else "Not certain" not in text


def test_where_no_name_is_known_the_feeds_are_named() -> None:
    text = draft(look_at("survey.csv", b"who;what\nx;1\n"))
    assert "  # No name of a column is known. Which feed is it? crm_leads, crm_activities" in text
    assert "No name of a column is known" not in draft(look_at("survey.csv", b"vin;what\nx;1\n"))


def test_a_draft_names_what_is_known_and_leaves_what_is_not() -> None:
    text = draft(look_at("sold_2026-03.csv", SOLD))
    assert "delimiter: '|'\ndates: mdy\nthousands: ','\n" in text
    for line in ("  dms_deals:", "      deal_number: Deal Number\n", "      vin: VIN\n", "      status: Deal Status\n"):
        assert line in text
    assert "rooftop: {const: R1}        # no column seems to name the rooftop: which is it?" in text
    source = read_source("sold", text, "sold.yml")
    assert source.feeds == ("dms_deals",)
    assert recognise("sold_2026-04.csv", SOLD, lambda: {"sold": source}).source is source


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


def test_a_header_that_stands_elsewhere_is_told_from_one_without_the_names() -> None:
    columns = "{rooftop: {const: R1}, portal: {const: x}, listing_id: who}"
    declared = (
        f"description: a list\nfiles: ['list*']\nheader: [who]\nfeeds: {{portal_listings: {{columns: {columns}}}}}"
    )
    source = read_source("list", declared, "list.yml")
    with pytest.raises(Problem, match="has the names of it, but it does not stand where, or is not written as"):
        recognise("list.csv", b"A list\nwho,what\nx,1\ny,2\n", lambda: {"list": source})
    with pytest.raises(Problem, match="its header has no who"):
        recognise("list.csv", b"whom,what\nx,1\ny,2\n", lambda: {"list": source})


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
