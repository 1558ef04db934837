"""Files as public bodies and people publish them, each with its clean twin: a cell is right, or its row is withheld.

Each is declared in one YAML that says how the file is written. No cell may differ from the twin without a word, none
may be lost, and no row may be made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pytest
import yaml

from forecourt.settings import Settings
from forecourt.settings_file import load_settings
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.source_file import read_source
from ingest.sources import Source
from ingest.staging import stage
from ingest.values import prepare
from tests.ingest.landing_scene import SETTINGS
from tests.ingest.surveys import plain as compared
from tests.ingest.surveys import survey

Row = tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file, how its source declares it, and its clean twin; ``withheld``: how many rows of the twin do not land,
    ``notes``: how many other lines are withheld."""

    data: bytes
    rows: list[Row]
    declared: dict[str, Any] = field(default_factory=dict)
    header: tuple[str, ...] = ("place", "day", "cars")
    withheld: int = 0
    notes: int = 0


def rows(*texts: str) -> list[Row]:
    """Rows of a twin, their values between bars."""
    return [tuple(text.split("|")) for text in texts]


NORTH, SOUTH, EAST = "Nordby|2026-03-01|12", "Südheim|2026-03-02|7", "Oststadt|2026-03-03|31"
PLAIN = rows(NORTH, SOUTH, EAST)
HEAD = ("place", "day", "cars")


def text(*lines: str, end: str = "\n", encoding: str = "utf-8", mark: str = "|") -> bytes:
    """Lines written with bars, as a file with another delimiter."""
    return (end.join(line.replace("|", mark) for line in lines) + end).encode(encoding)


BODY = ("place|day|cars", NORTH, SOUTH, EAST)

FILES: dict[str, File] = {
    "commas": File(text(*BODY, mark=","), PLAIN),
    "semicolons in Windows-1252": File(
        text(*BODY, mark=";", encoding="cp1252", end="\r\n"), PLAIN, {"delimiter": ";", "encoding": "cp1252"}
    ),
    "tabs in UTF-16 with a mark": File(
        b"\xff\xfe" + text(*BODY, mark="\t", encoding="utf-16-le"), PLAIN, {"delimiter": "\t"}
    ),
    "tabs in UTF-16 without a mark": File(
        text(*BODY, mark="\t", encoding="utf-16-le"), PLAIN, {"delimiter": "\t", "encoding": "utf-16-le"}
    ),
    "a byte order mark": File(b"\xef\xbb\xbf" + text(*BODY, mark=","), PLAIN),
    "bars": File(text(*BODY), PLAIN, {"delimiter": "|"}),
    "carets": File(text(*BODY, mark="^"), PLAIN, {"delimiter": "^"}),
    "a comma and a blank": File(
        text("place, day, cars", "Nordby, 2026-03-01, 12", "Ost,Stadt, 2026-03-03, 31"),
        rows("Nordby|2026-03-01|12", "Ost,Stadt|2026-03-03|31"),
        {"delimiter": ", "},
    ),
    "two bars": File(text(*BODY, mark="||"), PLAIN, {"delimiter": "||"}),
    "two characters and quotes": File(
        b'place~|day~|cars\n"Nord~|by"~|2026-03-01~|12\nEast~|"a ""b"""~|7\n',
        [("Nord~|by", "2026-03-01", "12"), ("East", 'a "b"', "7")],
        {"delimiter": "~|"},
    ),
    "a mark beyond ASCII": File(
        text(*BODY, mark="¦", encoding="cp1252"), PLAIN, {"delimiter": "¦", "encoding": "cp1252"}
    ),
    "old line ends": File(text(*BODY, mark=",", end="\r"), PLAIN),
    "mixed line ends": File(b"place,day,cars\r\na,b,1\nc,d,2\re,f,3\r\n", rows("a|b|1", "c|d|2", "e|f|3")),
    "no line end at the end": File(text(*BODY, mark=",")[:-1], PLAIN),
    "a title": File(text("Cars by place", "", *BODY, mark=";"), PLAIN, {"delimiter": ";", "preamble": 3}),
    "a warning of a web server above": File(
        text("<br />", "<b>Notice</b>: no such name in <b>stock.php</b>", *BODY, mark=","), PLAIN, {"preamble": 2}
    ),
    "a first name in brackets": File(b"<place>,day,cars\na,b,1\n", rows("a|b|1"), header=("<place>", "day", "cars")),
    "a padded title": File(text("Cars by place||", "||", "Source: office||", *BODY, mark=","), PLAIN, {"preamble": 5}),
    "a title with old line ends": File(text("Cars by place", *BODY, mark=",", end="\r"), PLAIN, {"preamble": 1}),
    "apostrophes as quotes": File(
        b"place,day,cars\n'Nord, by','it''s',1\nEast,d,2\n",
        rows("Nord, by|it's|1", "East|d|2"),
        {"quote": "'"},
    ),
    "quotes are characters": File(
        b'place\tday\tcars\n5" rim\t"x\t1\n', rows('5" rim|"x|1'), {"delimiter": "\t", "quote": ""}
    ),
    "backslashes in quotes": File(
        b'place,day,cars\n"a \\"b\\" \\\\ c",d,1\n"x\\, y",e,2\nplain,f,3\n',
        rows('a "b" \\ c|d|1', "plain|f|3"),
        {"escape": "\\"},
        withheld=0,
        notes=1,
    ),
    "backslashes without quotes": File(
        b'place,day,cars\na\\, b,d \\\\,1\nC:\\x,e,2\nEast,\\"f\\",3\n',
        rows("a, b|d \\|1", "C:\\x|e|2", 'East|"f"|3'),
        {"escape": "\\"},
        withheld=1,
    ),
    "a line end in a value": File(
        b'place,day,cars\n"Nord\nby","a\r\nb",1\nEast,c,2\n', rows("Nord\nby|a\nb|1", "East|c|2")
    ),
    "comments": File(
        b'# made by hand\n#\nplace,day,cars\na,b,1\n# half "done\nc,#d,2\n"e\n#e",f,3\n',
        rows("a|b|1", "c|#d|2", "e\n#e|f|3"),
        {"comment": "#"},
    ),
    "no header": File(
        text(*BODY[1:], mark=";"),
        PLAIN,
        {"delimiter": ";", "names": list(HEAD), "files": ["survey*"]},
    ),
    "no header below a title": File(
        text("Cars by place", "", *BODY[1:], mark=";"),
        PLAIN,
        {"delimiter": ";", "names": list(HEAD), "files": ["survey*"], "preamble": 2},
    ),
    "no header and a ragged first row": File(
        b"Nordby;2026-03-01\nEast;x;2\nWest;y;3\n",
        rows("Nordby|2026-03-01|", "East|x|2", "West|y|3"),
        {"delimiter": ";", "names": list(HEAD), "files": ["survey*"]},
        withheld=1,
    ),
    "a header of two lines": File(
        b"Region,2025,,2026\nname,new,used,new\nNord,1,2,3\nEast,4,5,6\n",
        rows("Nord|1|2|3", "East|4|5|6"),
        {"header_lines": 2},
        header=("Region name", "2025 new", "used", "2026 new"),
    ),
    "a header of two lines, the first shorter than the rows": File(
        b"Region,2025\nname,new,used\nNord,1,2\nEast,3,4\n",
        rows("Nord|1|2", "East|3|4"),
        {"header_lines": 2},
        header=("Region name", "2025 new", "used"),
    ),
    "a header of three lines below a title": File(
        b'Title,,\n,"Sold, all",Left\n,cars,cars\nplace,n,n\nNord,1,2\n',
        rows("Nord|1|2"),
        {"header_lines": 3, "preamble": 1},
        header=("place", "Sold, all cars n", "Left cars n"),
    ),
    "a header of two lines on each page": File(
        b"Region,Sold\nname,cars\nNord,1\nEast,2\nRegion,Sold\nname,cars\nWest,3\n",
        rows("Nord|1", "East|2", "West|3"),
        {"header_lines": 2},
        header=("Region name", "Sold cars"),
        withheld=1,
        notes=2,
    ),
    "a delimiter at the end of each line": File(
        b"place,day,cars,\na,b,1,\nc,d,2,\n", rows("a|b|1|", "c|d|2|"), header=(*HEAD, "")
    ),
    "a delimiter at the end of each row, not of the header": File(
        b"place,day,cars\na,b,1,\nc,d,2,\n", rows("a|b|1", "c|d|2"), withheld=2
    ),
    "rows with fewer and with more values": File(
        b"place,day,cars\na,b,1\nc,d\ne,f,3,4\ng,h,5\n", rows("a|b|1", "c|d|", "e|f|3 4", "g|h|5"), withheld=2
    ),
    "a quote that is never closed": File(
        b'place,day,cars\na,b,1\nc,"d,2\ne,f,3\n', rows("a|b|1", 'c|"d|2', "e|f|3"), withheld=1
    ),
    "quotes inside a value": File(
        b'place,day,cars\na,5" rim,1\nc,"d" x,2\ne,f,3\n', rows('a|5" rim|1', "c|d x|2", "e|f|3"), withheld=2
    ),
    "blank lines between rows": File(
        b"place,day,cars\n\na,b,1\n\n\nc,d,2\n,,\ne,f,3\n\n", rows("a|b|1", "c|d|2", "e|f|3")
    ),
    "a line end that is not quoted, in the last value": File(
        b"place,cars,note\nNord,1,sold in May\nand in June\nEast,2,none\n",
        rows("Nord|1|sold in May\nand in June", "East|2|none"),
        header=("place", "cars", "note"),
        withheld=1,
        notes=1,
    ),
    "a line end that is not quoted, in the midst": File(
        b"place,note,cars\nNord,sold in\nMay,1\nEast,none,2\n",
        rows("Nord|sold in\nMay|1", "East|none|2"),
        header=("place", "note", "cars"),
        withheld=1,
        notes=1,
    ),
    "an old line end in a value": File(
        b"place,cars,note\r\nNord,1,in May\rin June\r\nEast,2,none\r\n",
        rows("Nord|1|in May\rin June", "East|2|none"),
        header=("place", "cars", "note"),
        withheld=1,
        notes=1,
    ),
    "a line end that is not quoted, in the first value": File(
        b"place,day,cars\nNord,a,1\nOst\nstadt,b,2\nWest,c,3\n",
        rows("Nord|a|1", "Ost\nstadt|b|2", "West|c|3"),
        withheld=1,
        notes=1,
    ),
    "a line end of another kind in a last value, with as many values below as a row has": File(
        b"place,cars,note\r\nNord,1,in May\nOst,2,in June\r\nEast,2,none\r\nWest,3,none\r\n",
        rows("Nord|1|in May\nOst,2,in June", "East|2|none", "West|3|none"),
        header=("place", "cars", "note"),
        withheld=1,
        notes=1,
    ),
    "a line end of another kind in a first value": File(
        b"place,day,cars\r\nWest,a,1\r\nWest\nsee,b,2\r\nWest\r\nsee,b,2\r\nEast,c,3\r\n",
        rows("West|a|1", "West\nsee|b|2", "West\nsee|b|2", "East|c|3"),
        withheld=2,
        notes=2,
    ),
    "two files in one, of which lines end in CR LF and in LF": File(
        text("place|day|cars", *[f"Nord|a|{number}" for number in range(9)], mark=",", end="\r\n")
        + text(*[f"West|b|{number}" for number in range(9)], mark=","),
        rows(*[f"Nord|a|{number}" for number in range(9)], *[f"West|b|{number}" for number in range(9)]),
    ),
    "lines with line ends in quotes that are of another kind": File(
        b'place,day,note\r\nNord,a,"in\nMay"\r\nWest,b,"\n"\r\nEast,c,none\r\n',
        rows("Nord|a|in\nMay", "West|b|", "East|c|none"),
        header=("place", "day", "note"),
    ),
    "a line end that is not quoted, between two numbers": File(
        b"place,day,cars\nNord,a,10\n20\nEast,b,30\n", rows("Nord|a|10 20", "East|b|30"), withheld=1, notes=1
    ),
    "a number that may be the rest of the row above, or the beginning of the one below": File(
        b"cars,note,place\n1,a,10\n20\n3,b,30\n4,c,40\n",
        rows("1|a|10 20", "3|b|30", "4|c|40"),
        header=("cars", "note", "place"),
        withheld=2,
        notes=1,
    ),
    "a line end that is not quoted, in the first value, a number, and one more": File(
        b"place,day,cars\nN1,a,1\nO2\nor\nO3,b,2\nW4,c,3\n",
        rows("N1|a|1", "O2 or O3|b|2", "W4|c|3"),
        withheld=1,
        notes=2,
    ),
    "a line end that is not quoted, before as many delimiters as a record has": File(
        b"cars,note,place\n1,sold in\nMay, June,a\n2,none,b\n",
        rows("1|sold in May, June|a", "2|none|b"),
        header=("cars", "note", "place"),
        withheld=1,
        notes=1,
    ),
    "a line end that is not quoted, before figures": File(
        b"cars,note\n1,sold\n2,7\n0 left\n3,none\n",
        rows("1|sold", "2|7\n0 left", "3|none"),
        header=("cars", "note"),
        withheld=1,
        notes=1,
    ),
    "a line end that is not quoted, before a word in quotes": File(
        b'cars,note\n1,sold\nas "new" ones\n2,none\n',
        rows('1|sold\nas "new" ones', "2|none"),
        header=("cars", "note"),
        withheld=1,
        notes=1,
    ),
    "line ends that are not quoted, one of an empty line": File(
        b"cars,note\n1,sold\n\nto Ann\n2,none\n",
        rows("1|sold\n\nto Ann", "2|none"),
        header=("cars", "note"),
        withheld=1,
        notes=1,
    ),
    "a stray quote that the next one closes": File(
        b'cars,note,place\n1,"sold,a\n2,none,b\n3,left",c\n4,none,d\n',
        rows('1|"sold|a', "2|none|b", '3|left"|c', "4|none|d"),
        header=("cars", "note", "place"),
        withheld=3,
        notes=-2,  # one record is withheld, and it has three rows of the twin
    ),
    "a stray quote that the next one closes, in records that begin with words": File(
        b'place,note,cars\nNord,"sold,1\n\nEast,none,2\nWest,left",3\nSouth,none,4\n',
        rows('Nord|"sold|1', "East|none|2", 'West|left"|3', "South|none|4"),
        header=("place", "note", "cars"),
        withheld=3,
        notes=-2,
    ),
    "a stray quote in a first value, a line with too few values below it": File(
        b'place,note\n"Nord,sold\nEast,none\nOst\nWest",left\nSouth,none\n',
        rows('"Nord|sold', "East|none", 'West"|left', "South|none"),
        header=("place", "note"),
        withheld=3,
        notes=-2,
    ),
    "stray quotes that stand alone": File(
        b'place,note,day\nNord,sold,"\nEast,none,2\nWest,left,"\nSouth,none,4\n',
        rows('Nord|sold|"', "East|none|2", 'West|left|"', "South|none|4"),
        header=("place", "note", "day"),
        withheld=3,
        notes=-2,
    ),
    "stray quotes between tabs": File(
        b'place\tnote\tday\nNord\tsold\t"\nEast\t\t\nWest\t\t"\nSouth\tnone\t4\n',
        rows('Nord|sold|"', "East||", 'West||"', "South|none|4"),
        {"delimiter": "\t"},
        header=("place", "note", "day"),
        withheld=3,
        notes=-2,
    ),
    "addresses of several lines": File(
        b'place,address,cars\nNord,"12 High Street, Leeds, UK\nnorth, of it, at last",1\n"Ost,\nstadt, South",x,2\n',
        [("Nord", "12 High Street, Leeds, UK\nnorth, of it, at last", "1"), ("Ost,\nstadt, South", "x", "2")],
        header=("place", "address", "cars"),
    ),
    "prose of several lines with as many commas as a record": File(
        b'name,place,address\nAnn,Nord,"12 High Street\nLeeds, Yorkshire, UK"\n',
        [("Ann", "Nord", "12 High Street\nLeeds, Yorkshire, UK")],
        header=("name", "place", "address"),
    ),
    "a value of several lines that are no records": File(
        b'cars,note,place\n1,"sold,\n2 of them, at last,\nin May",a\n4,none,d\n',
        [("1", "sold,\n2 of them, at last,\nin May", "a"), ("4", "none", "d")],
        header=("cars", "note", "place"),
    ),
    "a second table of the same width below its title": File(
        text(*BODY, "", "By brand", "brand|year|sold", "Vega|2025|9", mark=","), PLAIN, notes=3
    ),
    "a table that goes on below the title of a page": File(
        text(*BODY[:3], "", "Page 2", BODY[0], EAST, mark=","), PLAIN, notes=1
    ),
    "files put together, each with a byte order mark": File(
        text("\ufeffplace|day|cars", NORTH, "\ufeffplace|day|cars", SOUTH, EAST, mark=";"), PLAIN, {"delimiter": ";"}
    ),
    "two byte order marks": File(b'\xef\xbb\xbf\xef\xbb\xbf"place","day","cars"\na,b,1\n', rows("a|b|1")),
    "pages behind a form feed": File(text(*BODY[:3], "\f" + BODY[0], EAST, mark=","), PLAIN),
    "another file below, its columns in another order": File(
        text(*BODY[:3], "cars|place|day", "31|Oststadt|2026-03-03", mark=","), PLAIN, withheld=1, notes=1
    ),
    "another file below, one of its columns another": File(
        text(*BODY, "Place|Day|vans", "Weststadt|2026-03-04|3", mark=","), PLAIN, notes=2
    ),
    "rows in which names of columns are words": File(
        text(*BODY, "Place|2026-03-04|3", "place|day|", mark=","), [*PLAIN, ("Place", "2026-03-04", "3")], notes=1
    ),
    "columns without a name": File(
        b",2025,,2026\nNord,1,x,2\nEast,3,,4\n", rows("Nord|1|x|2", "East|3||4"), header=("", "2025", "", "2026")
    ),
    "declared notes": File(text(*BODY, "", "Source: office", "* counted, twice", mark=","), PLAIN, {"footer": 2}),
    "declared notes, a blank line among them": File(
        text(*BODY, "Source: office", "", "* counted twice", "", mark=","), PLAIN, {"footer": 3}
    ),
    "names on two lines": File(
        b'"name of\nplace",cars  sold\nNord,1\n', rows("Nord|1"), header=("name of place", "cars sold")
    ),
    "a declared note that could be a row": File(
        text(*BODY, "", "Source: office", "* counted, twice, since May", mark=","), PLAIN, {"footer": 2}, notes=1
    ),
    "declared notes by their beginning": File(
        text(*BODY, "Total||50", "Source: office||", mark=";"), PLAIN, {"delimiter": ";", "footer": "^(Total|Source)"}
    ),
    "more notes declared than there are": File(
        text(*BODY, "Source: office||", mark=","), PLAIN, {"footer": 2}, withheld=1
    ),
    "notes that nobody declared": File(
        text(*BODY, "||", "Source: office||", "* counted twice||", mark=","), PLAIN, notes=2
    ),
    "notes right below the rows": File(text(*BODY, "Source: office||", mark=","), PLAIN, notes=1),
    "notes right below rows of which many have a first value alone": File(
        b"day,cars,note\n2026-03-01,,\n2026-03-02,4,\n2026-03-03,,\nSource: office,,\n",
        rows("2026-03-01||", "2026-03-02|4|", "2026-03-03||"),
        header=("day", "cars", "note"),
        notes=1,
    ),
    "notes of another width": File(
        text(*BODY, "", "Source: office", "* counted, twice, since, May", mark=","), PLAIN, notes=2
    ),
    "a note as wide as the table": File(
        b"place,cars\nNord,1\nEast,2\n\nNote: counted, twice\n",
        rows("Nord|1", "East|2"),
        header=("place", "cars"),
        notes=1,
    ),
    "a second table of the same width": File(
        text(*BODY, "||", "brand|year|sold", "Vega|2025|9", "Lyra|2026|8", mark=","), PLAIN, notes=3
    ),
    "a second table right below the rows": File(
        text(*BODY, "brand|year|sold", "Vega|2025|9", "Lyra|2026|8", mark=","), PLAIN, notes=3
    ),
    "a second table right below the rows, narrower and padded": File(
        text(*BODY, "brand|sold|", "Vega|9|", mark=";"), PLAIN, {"delimiter": ";"}, notes=2
    ),
    "a second table of words right below the rows": File(
        b"place,kind\nNord,new\nEast,used\nbrand,kind\nVega,new\n",
        rows("Nord|new", "East|used"),
        header=("place", "kind"),
        notes=2,
    ),
    "a note of two words right below the rows": File(
        b"place,cars\nNord,1\nEast,2\nSource,office\n", rows("Nord|1", "East|2"), header=("place", "cars"), notes=1
    ),
    "a title right above a second table": File(
        text(*BODY, "By brand||", "brand|year|sold", "Vega|2025|9", mark=","), PLAIN, notes=3
    ),
    "a note of two values right below the rows": File(text(*BODY, "Source|office|", mark=","), PLAIN, notes=1),
    "two notes of several values right below the rows": File(
        text(*BODY, "Source|since 2026|", "Note|counted twice|in May", mark=","), PLAIN, notes=2
    ),
    "a note below days": File(
        b"day,cars\n2026-03-01,1\n2026-03-02,2\n2026-03-03,4\nSource,office 7\n",
        rows("2026-03-01|1", "2026-03-02|2", "2026-03-03|4"),
        header=("day", "cars"),
        notes=1,
    ),
    "a note below numbers of orders": File(
        b"order,place,note\nRO-1,Nord,sold\nRO-2,East,none\nRO-13,Nord,left\nSource,office,list\n",
        rows("RO-1|Nord|sold", "RO-2|East|none", "RO-13|Nord|left"),
        header=("order", "place", "note"),
        withheld=1,
        notes=1,
    ),
    "a total right below the rows": File(
        b"place,cars\nNord,1\nEast,2\nTotal:,3\n", rows("Nord|1", "East|2"), header=("place", "cars"), notes=1
    ),
    "a total and a note above declared ones": File(
        text(*BODY, "Gesamt||50", "Stand|Mai|", "", "Source: office", mark=","), PLAIN, {"footer": 1}, notes=2
    ),
    "a second row of two values": File(b"place,day,cars\nNord,a,1\nEast,,2\n", rows("Nord|a|1", "East||2")),
    "a last row that begins like the others": File(
        b"order,place,cars\n101,Nord,1\n102,East,2\n103,Ost,4\n104,unbekannt,keine\n105,,\n",
        rows("101|Nord|1", "102|East|2", "103|Ost|4", "104|unbekannt|keine", "105||"),
        header=("order", "place", "cars"),
    ),
    "a declared word for a value that is missing": File(
        b"place,cars\nNord,1\nEast,2\nOst,geheim\n",
        rows("Nord|1", "East|2", "Ost|"),
        {"null_words": ["Geheim"]},
        header=("place", "cars"),
    ),
    "the rest of a value below an empty line": File(
        b"cars,note\n1,sold\n2,sold in May\n\nand in June\n",
        rows("1|sold", "2|sold in May\n\nand in June"),
        header=("cars", "note"),
        withheld=1,
        notes=1,
    ),
    "the rest of a value below empty lines, with as many commas as a row": File(
        b"cars,note\n1,sold\n2,sold in May\n\n\nand in June, too\n",
        rows("1|sold", "2|sold in May\n\n\nand in June, too"),
        header=("cars", "note"),
        withheld=1,
        notes=1,
    ),
    "the rest of a value with as many commas as a row": File(
        b"cars,note\n1,sold\n2,sold in May\nand in June, too\n3,none\n",
        rows("1|sold", "2|sold in May\nand in June, too", "3|none"),
        header=("cars", "note"),
        withheld=2,
        notes=1,
    ),
    "a word for a figure that is not known": File(
        text(BODY[0], NORTH, SOUTH, "Vega|not known|9", "Lyra|not known|not known", EAST, mark=","),
        rows(NORTH, SOUTH, "Vega|not known|9", "Lyra|not known|not known", EAST),
    ),
    "a second table, narrower and padded": File(
        text(*BODY, "", "Vega|2025|", "Lyra|2026|", mark=";"), PLAIN, {"delimiter": ";"}, notes=2
    ),
    "a second table of another width": File(text(*BODY, "", "brand|sold", "Vega|9", mark=","), PLAIN, notes=2),
    "a title between two tables": File(text(*BODY, "||", "By brand||", "Vega|2025-01-01|9", mark=","), PLAIN, notes=2),
    "two columns of one name": File(
        b"place,note,note\nNord,a,b\n", rows("Nord|a|b"), header=("place", "note (column 2)", "note (column 3)")
    ),
    "one column": File(b"place\nNord\nEast\n", rows("Nord", "East"), header=("place",)),
    "cyrillic": File(
        "место;машины\nЮжный;3\n".encode("cp1251"),
        rows("Южный|3"),
        {"delimiter": ";", "encoding": "cp1251"},
        header=("место", "машины"),
    ),
    "half a letter in one line of many": File(
        text("place|day|cars", *["Südheim|2026-03-02|7"] * 10, mark=",") + b"S\xc3,2026-03-03,8\n",
        rows(*["Südheim|2026-03-02|7"] * 10, "S?|2026-03-03|8"),
        withheld=1,
    ),
    "half a letter in one line of many, an encoding to be detected, and a header of our own": File(
        text(*["Südheim|2026-03-02|7"] * 10, mark=";") + b"S\xc3;2026-03-03;8\n",
        rows(*["Südheim|2026-03-02|7"] * 10, "S?|2026-03-03|8"),
        {"encoding": "detect", "delimiter": ";", "names": list(HEAD), "files": ["survey*"]},
        withheld=1,
    ),
    "an encoding to be detected": File(
        "Ort;Käufer\nMünchen;Groß\nKöln;Weiß\n".encode("cp1252"),
        rows("München|Groß", "Köln|Weiß"),
        {"delimiter": ";", "encoding": "detect"},
        header=("Ort", "Käufer"),
    ),
    "an end mark of DOS": File(text(*BODY, mark=",", end="\r\n") + b"\x1a", PLAIN),
    "a total without a name": File(text(*BODY[:1], NORTH, SOUTH, EAST, "||50", mark=","), PLAIN, notes=1),
    "a note in the last column": File(text(*BODY, "||* estimated", mark=","), PLAIN, notes=1),
    "a last row of one value that is not its first": File(
        text(*BODY, "|2026-03-04|", mark=","), [*PLAIN, ("", "2026-03-04", "")], withheld=1
    ),
    "a last row without a first value, as others": File(
        text(*BODY, "|2026-03-04|5", "Vega|2026-03-05|6", "|2026-03-06|7", mark=","),
        [*PLAIN, ("", "2026-03-04", "5"), ("Vega", "2026-03-05", "6"), ("", "2026-03-06", "7")],
    ),
    "a total that says of what": File(text(*BODY, "Total of cars||50", mark=","), PLAIN, notes=1),
    "notes below rows of which each value is quoted": File(
        text(
            *(line.replace("|", '"|"').join('""') for line in BODY),
            "",
            '"Leads last month"',
            '"Report by Ann"',
            mark=",",
        ),
        PLAIN,
        notes=2,
    ),
    "the padded title of another table below rows of which each value is quoted": File(
        text(
            *(line.replace("|", '"|"').join('""') for line in (*BODY, "Vans||", "place|day|vans", "West|2026-03-04|9")),
            mark=",",
        ),
        PLAIN,
        notes=3,
    ),
    "a total that is named last": File(text(*BODY, "Land insgesamt|2026|50", mark=","), PLAIN, notes=1),
    "padded titles of pages above the header": File(
        text(*BODY, "Page 2||", *BODY, "Report||", "Page 3||", *BODY, mark=","), PLAIN * 3, notes=3
    ),
    "rows of one value above the header of a page, and elsewhere": File(
        text(*BODY[:2], "Vega||", SOUTH, "Lyra||", EAST, "Mira||", BODY[0], NORTH, mark=","),
        [PLAIN[0], ("Vega", "", ""), PLAIN[1], ("Lyra", "", ""), PLAIN[2], ("Mira", "", ""), PLAIN[0]],
    ),
    "names in another language below the header": File(
        text(BODY[0], "Ort|Tag|Autos", *BODY[1:], mark=","), PLAIN, notes=1
    ),
    "units below the header": File(
        text("place|km/h|share", "|km/h|%", "Nord|10|1.5", "East|20|2.5", "West|7|3.5", mark=","),
        rows("Nord|10|1.5", "East|20|2.5", "West|7|3.5"),
        header=("place", "km/h", "share"),
        notes=1,
    ),
    "numbers of the columns below the header": File(text(BODY[0], "(1)|(2)|(3)", *BODY[1:], mark=","), PLAIN, notes=1),
    "a line drawn below the header": File(text(BODY[0], "-----|---|----", *BODY[1:], mark=","), PLAIN, notes=1),
    "a first row without figures": File(
        text(BODY[0], "Vega|unknown|unknown", *BODY[1:], mark=","), [("Vega", "unknown", "unknown"), *PLAIN]
    ),
    "a first row that counts": File(
        text("a|b|c", "1|2|3", "4|5|6", "7|8|9", mark=","), rows("1|2|3", "4|5|6", "7|8|9"), header=("a", "b", "c")
    ),
}


def lines_of(file: File) -> list[str]:
    """The lines of a file in which something is withheld; these are in UTF-8."""
    return file.data.decode("utf-8", "replace").splitlines()


def source_of(file: File) -> Source:
    names = list(dict.fromkeys(name.partition(" (column")[0] for name in file.header if name))
    key = [name for name in file.header if name and "(column" not in name]
    said = {"description": "a survey", "evidence": "a file", **file.declared}
    if "names" not in said:
        said["header"] = names
    columns = {"rooftop": {"const": "R1"}, "portal": {"const": "survey"}, "listing_id": {"digest": key}}
    said["feeds"] = {"portal_listings": {"columns": columns}}
    return read_source("survey", yaml.safe_dump(said, allow_unicode=True), "survey.yml")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, Settings]]:
    path = tmp_path_factory.mktemp("settings") / "forecourt.toml"
    path.write_text(SETTINGS)
    with duckdb.connect() as connection:
        loaded = load_settings(path)
        prepare(connection)
        yield connection, loaded


@pytest.mark.parametrize("name", FILES)
def test_every_cell_is_right_or_withheld(asked: tuple[duckdb.DuckDBPyConnection, Settings], name: str) -> None:
    connection, settings = asked
    file = FILES[name]
    source = source_of(file)
    found = read_rows(recognise("survey.csv", file.data, lambda: {"survey": source}), settings)
    stage(connection, source, found, settings)
    kept = connection.execute(
        "select coalesce(rest::varchar, '{}') from typed_portal_listings where problem is null order by row_id"
    ).fetchall()
    (empty,) = connection.execute("select count(*) from typed_portal_listings where problem is not null").fetchall()[0]
    connection.execute("drop table typed_portal_listings")
    names = [name or f"column {place + 1}" for place, name in enumerate(file.header)]
    said = [{plain(name): value for name, value in json.loads(rest).items()} for (rest,) in kept]
    landed = [tuple(row.get(name, "").replace("\r\n", "\n") for name in names) for row in said]
    twin = list(file.rows)
    # What lands is the twin in its order, without the rows that are withheld.
    rest = iter(twin)
    assert all(row in rest for row in landed), (landed, twin)
    assert (len(twin) - len(landed), len(found.bad)) == (file.withheld, file.withheld + file.notes)
    assert found.rows_read == len(landed) + empty + len(found.bad) + sum(found.skipped.values())
    for bad in found.bad:
        assert bad.raw.splitlines()[0] == lines_of(file)[bad.row_number - 1]


def test_a_column_without_a_name_is_kept_under_a_name_that_no_other_has(
    asked: tuple[duckdb.DuckDBPyConnection, Settings],
) -> None:
    connection, settings = asked
    source = source_of(File(b"", [], header=("column 2", "cars")))
    found = read_rows(recognise("s.csv", b"column 2,,cars\na,b,1\n", lambda: {"s": source}), settings)
    stage(connection, source, found, settings)
    (kept,) = connection.execute("select rest::varchar from typed_portal_listings").fetchall()[0]
    connection.execute("drop table typed_portal_listings")
    assert json.loads(kept) == {"column 2": "a", "column 2 without a name": "b", "cars": "1"}


@pytest.mark.parametrize(
    ("below", "line", "reason"),
    [
        (b"brand,sold\n", 7, "line 6 has words"),
        (b"brand,sold\n", 5, "line 6 may be the rest"),
        (b"\nbrand,sold\n", 8, "below line 7,"),
        (b"\nbrand,sold\n", 5, "line 7 may be the rest"),
        (b'"cars",place\n', 7, "line 6 repeats the header"),
        (b"and in May\n", 5, "line 6 has too few values"),
    ],
)
def test_a_reason_names_lines_of_the_file_not_of_the_table(
    asked: tuple[duckdb.DuckDBPyConnection, Settings], below: bytes, line: int, reason: str
) -> None:
    source = source_of(File(b"", [], {"preamble": 3}, header=("cars", "place")))
    data = b"Cars by place\n\ncars,place\n1,Nord\n2,East\n" + below + b"3,West\n"
    found = read_rows(recognise("s.csv", data, lambda: {"s": source}), asked[1])
    list(found.taken())
    assert reason in next(bad.reason for bad in found.bad if bad.row_number == line)


def plain(name: str) -> str:
    """A name as it is kept, on one line."""
    return " ".join(name.split())


def test_random_files_have_no_cell_that_is_silently_different(
    asked: tuple[duckdb.DuckDBPyConnection, Settings],
) -> None:
    right = withheld = 0
    for seed in range(600):
        made = survey(seed)
        said = {"description": "a survey", "files": ["survey*"], **made.declared}
        columns = {"rooftop": {"const": "R1"}, "portal": {"const": "survey"}, "listing_id": {"digest": ["x"]}}
        said["feeds"] = {"portal_listings": {"columns": columns}}
        sources = {"survey": read_source("survey", yaml.safe_dump(said, allow_unicode=True), "survey.yml")}
        found = read_rows(recognise("survey.csv", made.data, lambda sources=sources: sources), asked[1])
        landed = [
            tuple(map(compared, row.values()))
            for batch in found.taken()
            for row in batch.rows.drop(["row_id", "row_number"]).to_pylist()
        ]
        rest = iter(made.twin)
        assert all(row in rest for row in landed if any(row)), seed
        right += len(landed)
        withheld += len(made.twin) - len(landed)
    assert withheld * 20 < right


def test_there_are_enough_kinds() -> None:
    assert len(FILES) >= 30
