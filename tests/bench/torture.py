"""How forecourt reads files that are written wrongly, cell by cell, beside DuckDB, polars and pandas.

    python -m tests.bench.torture FOLDER [FOLDER ...]

Each FOLDER holds a set of files that others published; none of them is part of the project. With a truth beside them
(``csv``, ``clean`` and ``parameters`` as Pollock has them, ``csvs`` or ``csv`` with ``json``) every cell is compared;
every file of every folder is also landed in a home of its own, where it must be landed or refused with a reason. The
page is written to ``docs/torture.md``; names of files stand there, contents do not: reasons stand there by class.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import yaml

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings_file import load_settings
from ingest.containers import members
from ingest.draft import draft, look_at
from ingest.landing import land
from ingest.outcome import FileResult
from ingest.readers.dialect import DETECT, Dialect, trimmed
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.source_file import read_source

_SETTINGS = load_settings(Path("absent.toml"))
PAGE = Path(__file__).parents[2] / "docs" / "torture.md"
Row = tuple[str, ...]
#: What a source must map, whatever the file holds.
_COLUMNS = {"rooftop": {"const": "R1"}, "portal": {"const": "x"}}


@dataclass(frozen=True)
class Declared:
    """How a file is written, as a source would declare it; ``names``: those of its columns, as far as it has any."""

    dialect: Dialect
    columns: int
    names: tuple[str, ...] = ()
    preamble: int = 0
    header_lines: int = 1
    footnotes: int = 0


@dataclass(frozen=True)
class Case:
    """A file with its truth: the rows below the header."""

    path: Path
    truth: list[Row]
    declared: Declared


@dataclass
class Read:
    """What a reader gave: rows, how many it withheld, or why it refused the file."""

    rows: list[Row] = field(default_factory=list)
    withheld: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Score:
    """Cells of a file: as in the truth, withheld with a reason, and different, lost or made up in silence."""

    right: int
    withheld: int
    silent: int


# --- the files and their truth -----------------------------------------------------------------------------------


def cases(folder: Path) -> Iterator[Case]:
    """The files of a set that have a truth."""
    for given in sorted(folder.rglob("parameters")):
        for path in sorted((given.parent / "csv").glob("*")):
            clean, parameters = given.parent / "clean" / path.name, given / f"{path.name}_parameters.json"
            if clean.exists() and parameters.exists():
                yield _pollock(path, clean, json.loads(parameters.read_text()))
    for given in sorted(folder.rglob("json")):
        for truth in sorted(given.glob("*.json")):
            for name in ("csvs", "csv"):
                path = given.parent / name / f"{truth.stem}.csv"
                if path.exists():
                    yield _json_case(path, json.loads(truth.read_text()))


def _pollock(path: Path, clean: Path, given: dict[str, Any]) -> Case:
    with clean.open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    marks = {name: given.get(name) or "" for name in ("delimiter", "quotechar", "escapechar")}
    lines = {name: given.get(f"{name}_lines") or 0 for name in ("preamble", "header", "footnote")}
    # A doubled quote is the escape of every dialect.
    escape = "" if marks["escapechar"] == marks["quotechar"] else marks["escapechar"]
    dialect = Dialect(given.get("encoding") or DETECT, marks["delimiter"], marks["quotechar"], escape)
    declared = Declared(
        dialect,
        given.get("n_columns") or max(map(len, rows), default=1),
        tuple(given.get("column_names") or ()),
        lines["preamble"],
        lines["header"],
        lines["footnote"],
    )
    return Case(path, rows[min(lines["header"], 1) :], declared)


def _json_case(path: Path, given: Any) -> Case:
    given = given if isinstance(given, list) else [given]
    if given and isinstance(given[0], dict):
        rows = [tuple(str(value) for value in row.values()) for row in given]
        return Case(path, rows, Declared(Dialect(), len(rows[0]), tuple(given[0])))
    rows = [tuple(str(value) for value in row) for row in given]
    is_headed = path.name.startswith("header")
    names = tuple(next(csv.reader([path.read_text(encoding="utf-8").split("\n")[0]]))) if is_headed else ()
    return Case(path, rows, Declared(Dialect(), max(map(len, rows), default=1), names, header_lines=int(is_headed)))


# --- the readers -------------------------------------------------------------------------------------------------


def read_here(case: Case) -> Read:
    """The rows that a file of a declared source gives, before they are typed."""
    try:
        source = read_source("tortured", yaml.safe_dump(_declaration(case.declared)), "tortured.yml")
        found = read_rows(recognise("tortured.csv", case.path.read_bytes(), lambda: {"tortured": source}), _SETTINGS)
        batches = [batch.rows.drop(["row_id", "row_number"]).to_pydict() for batch in found.taken()]
    except Problem as problem:
        return Read(refused=str(problem))
    return Read([row for batch in batches for row in zip(*batch.values(), strict=True)], len(found.bad))


def read_as_drafted(name: str, data: bytes) -> Read:
    """The rows of a file for which no source is declared, read as the first mapping for it says how it is written."""
    try:
        drafted = yaml.safe_load(draft(look_at(name, data)))
        seen = [column for column in drafted.get("header", drafted.get("names")) if column]
        drafted |= {
            "files": ["*"],
            "feeds": {"portal_listings": {"columns": _COLUMNS | {"listing_id": {"digest": seen}}}},
        }
        source = read_source("drafted", yaml.safe_dump(drafted), "drafted.yml")
        found = read_rows(recognise(name, data, lambda: {"drafted": source}), _SETTINGS)
        rows = sum(batch.rows.num_rows for batch in found.taken())
    except Problem as problem:
        return Read(refused=str(problem))
    return Read([()] * rows, len(found.bad))


def _declaration(declared: Declared) -> dict[str, Any]:
    """The YAML of a source, as a person would write it who knows how the file is written."""
    dialect = declared.dialect
    keys: dict[str, Any] = {
        "description": "a file of a torture set",
        "files": ["tortured*"],
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter or ",",
        "quote": dialect.quote,
        "escape": dialect.escape,
        "preamble": declared.preamble,
        "footer": declared.footnotes,
    }
    if declared.header_lines:
        keys |= {"header": [name for name in declared.names if name], "header_lines": declared.header_lines}
    else:
        keys["names"] = [f"column {place}" for place in range(declared.columns)]
    columns = _COLUMNS | {"listing_id": {"digest": ["column 0"]}}
    return keys | {"feeds": {"portal_listings": {"columns": columns}}}


def read_by_duckdb(case: Case) -> Read:
    given = case.declared
    dialect = given.dialect
    skipped = given.preamble + max(given.header_lines - 1, 0)
    with duckdb.connect() as connection:
        options = (
            f"delim = $delimiter, quote = $quote, escape = $escape, header = {given.header_lines > 0}, "
            f"skip = {skipped}, all_varchar = true, store_rejects = true"
        )
        marks = {"delimiter": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape or dialect.quote}
        found = connection.execute(f"select * from read_csv($path, {options})", {"path": str(case.path), **marks})
        rows = _texts(found.fetchall())
        rejected = connection.execute("select count(distinct line) from reject_errors").fetchone()
    return Read(rows, rejected[0] if rejected else 0)


def read_by_polars(case: Case) -> Read:
    given = case.declared
    found = pl.read_csv(
        case.path,
        separator=given.dialect.delimiter,
        quote_char=given.dialect.quote or None,
        has_header=given.header_lines > 0,
        skip_lines=given.preamble + max(given.header_lines - 1, 0),
        infer_schema=False,
    )
    return Read(_texts(found.rows()))


def read_by_pandas(case: Case) -> Read:
    given = case.declared
    found = pd.read_csv(
        case.path,
        sep=given.dialect.delimiter,
        quotechar=given.dialect.quote,
        escapechar=given.dialect.escape or None,
        header=0 if given.header_lines else None,
        skiprows=given.preamble + max(given.header_lines - 1, 0),
        encoding=None if given.dialect.encoding == DETECT else given.dialect.encoding,
        dtype=str,
        keep_default_na=False,
        engine="c" if len(given.dialect.delimiter) == 1 else "python",
    )
    if not isinstance(found.index, pd.RangeIndex):
        found = found.reset_index()
    return Read(_texts(found.itertuples(index=False, name=None)))


HERE = "forecourt"
READERS: dict[str, Callable[[Case], Read]] = {
    HERE: read_here,
    "DuckDB": read_by_duckdb,
    "polars": read_by_polars,
    "pandas": read_by_pandas,
}


def read_by(name: str, case: Case) -> Read:
    """What a reader gives. One of others may refuse a file by any error; one of ours is a defect."""
    try:
        return READERS[name](case)
    except Exception as error:
        if name == HERE:
            raise
        return Read(refused=_first_line(error))


def _texts(rows: Any) -> list[Row]:
    return [tuple("" if pd.isna(value) else str(value) for value in row) for row in rows]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


# --- the score ---------------------------------------------------------------------------------------------------


def score(case: Case, read: Read) -> Score:
    """Compares by rows in their order: what neither stands in the truth nor was withheld is silently different.

    Blanks around a value, how a line ends inside it, and rows without any value do not count.
    """
    truth, rows = _filled(case.truth), _filled(read.rows)
    total = sum(map(len, truth))
    if read.refused:
        return Score(0, total, 0)
    right = silent = withheld = 0
    left = read.withheld
    for kind, a, b, c, d in SequenceMatcher(None, truth, rows, autojunk=False).get_opcodes():
        if kind == "equal":
            right += sum(map(len, truth[a:b]))
            continue
        # A withheld row explains a missing one; a row that stands instead of another is a different one.
        explained = min(left, max((b - a) - (d - c), 0))
        left -= explained
        missing = sum(map(len, truth[b - explained : b]))
        withheld += missing
        silent += max(sum(map(len, truth[a:b])) - missing, sum(map(len, rows[c:d])))
    return Score(right, withheld, silent)


def _filled(rows: list[Row]) -> list[Row]:
    stripped = [tuple(trimmed(value).replace("\r\n", "\n") for value in row) for row in rows]
    return [row for row in stripped if any(row)]


# --- landing everything ------------------------------------------------------------------------------------------

NO_SOURCE = "no source for its header"
#: How a sentence begins that says why a file is refused -> its class. The sentences quote the files; the page does not.
REFUSALS = {
    "no feed has this name": NO_SOURCE,
    "none of its records can be read": "no record in it is an object with values",
    "the file is empty": "empty",
    "it has no record": "no record",
    "it is a web page without a table": "a web page without a table",
    "its encoding cannot be told": "the encoding is not certain",
    "its letters beyond ASCII": "letters of no known encoding",
    "its header names .* columns": "too many columns",
    "its name says JSON, and it begins like none": "a name that says JSON, and no JSON",
    "drafted.yml: header": "no column has a name",
}
#: The same for a row that is withheld.
WITHHOLDINGS = {
    r"The lead has no request date": "no request date",
    r"The request date '.*' cannot be read": "a request date that is none",
    r"The prospect is no readable XML .*control character": "a control character",
    r"The prospect that starts here has no end tag": "cut off before its end",
    r"The file has an adf tag but no prospect": "no prospect in the file",
    r"The file starts with <.*> and holds no ADF": "another root than adf",
    r"line \d+: rooftop is empty": "no vendor, so no rooftop",
}
REPAIRS = {
    r"a < that opens no tag": "a stray < escaped",
    r"no phone number that can be called": "a number that cannot be called dropped",
    r"text before, between or after the leads": "text outside the leads passed over",
    r"the adf element is not closed": "adf not closed",
    r"more than one vehicle is asked for": "the first of several vehicles taken",
}


@dataclass(frozen=True)
class Landed:
    """What became of a file, or of one inside it, in a home of its own; ``withheld``: a reason for each row."""

    path: Path
    place: str
    result: FileResult
    withheld: tuple[str, ...]

    @property
    def rows(self) -> int:
        return self.result.rows_new + self.result.rows_changed + self.result.rows_unchanged


def land_all(folder: Path) -> Iterator[Landed]:
    """Every file of a folder, each landed in a home of its own, so that none depends on another."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with tempfile.TemporaryDirectory() as made:
            home = Home(Path(made) / "home")
            home.create()
            for result in land(home, load_settings(home.settings), [path]):
                place = path.relative_to(folder).parent / result.name
                yield Landed(path, str(place), result, _withheld(home, result))


def _withheld(home: Home, result: FileResult) -> tuple[str, ...]:
    if not result.rows_quarantined:
        return ()
    with duckdb.connect(str(home.landing), read_only=True) as connection:
        rows = connection.execute(
            "select reason from ledger.quarantine where file_id = ? order by row_number", [result.file_id]
        ).fetchall()
    return tuple(reason for (reason,) in rows)


def _class(sentence: str, classes: dict[str, str], place: str) -> str:
    """The class of a reason; one that has none is shown on the terminal, to be given one."""
    found = next((words for start, words in classes.items() if re.match(start, sentence)), None)
    if found is None:
        print(f"{place}: of no class: {sentence}")
    return found or "another reason"


def _classes(sentences: Iterable[str], classes: dict[str, str], place: str) -> str:
    return ", ".join(dict.fromkeys(_class(sentence, classes, place) for sentence in sentences))


def _repairs(landed: Landed) -> list[str]:
    notes = (re.match(r"Repaired: (?:line \d+: )?(.+)", note) for note in landed.result.notes)
    return [note[1] for note in notes if note]


def main(folders: list[str]) -> None:
    sets = sorted(map(Path, folders), key=lambda folder: folder.name)
    lines: dict[str, list[str]] = {"truth": [], "leads": [], "others": []}
    totals: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    landed: Counter[str] = Counter()
    defects = []
    for folder in sets:
        known = list(cases(folder))
        lines["truth"] += [_truth_line(folder, case, totals) for case in sorted(known, key=lambda case: case.path)]
        told = {str(case.path.relative_to(folder)) for case in known}
        for one in land_all(folder):
            landed[one.result.status] += 1
            if "defect of forecourt" in one.result.reason:
                defects.append(f"{folder.name}/{one.place}: {one.result.reason}")
            if one.result.source == "adf":
                lines["leads"].append(_lead_line(folder, one))
            elif one.place not in told and not _is_truth(one.place, known, folder):
                lines["others"].append(_other_line(folder, one))
    PAGE.write_text(_page(sets, totals, lines, landed, defects), encoding="utf-8")
    print(
        f"{len(lines['truth'])} files with a truth, {landed.total()} landed or refused, {len(defects)} defects: {PAGE}"
    )
    for name, counted in totals.items():
        print(name, dict(counted))
    for defect in defects:
        print(defect)
    if defects or totals[HERE]["silent"]:
        sys.exit(1)


def _truth_line(folder: Path, case: Case, totals: dict[str, Counter[str]]) -> str:
    cells = []
    for name in READERS:
        read = read_by(name, case)
        found = score(case, read)
        totals[name].update(right=found.right, withheld=found.withheld, silent=found.silent)
        totals[name].update(files_right=int(not found.withheld and not found.silent and not read.refused))
        totals[name].update(files_silent=int(bool(found.silent)))
        cells.append("refused" if read.refused else f"{found.right} / {found.withheld} / {found.silent}")
    return f"| {folder.name} | {case.path.name} | {' | '.join(cells)} |"


def _is_truth(place: str, known: list[Case], folder: Path) -> bool:
    """Whether a file only says what another one holds: a clean twin, its parameters, its values as JSON."""
    beside = {case.path.parent.parent.relative_to(folder) for case in known}
    kind = Path(place).parent
    return kind.parent in beside and kind.name in ("clean", "parameters", "json")


def _lead_line(folder: Path, one: Landed) -> str:
    reasons = _classes(one.withheld, WITHHOLDINGS, one.place)
    repairs = _classes(_repairs(one), REPAIRS, one.place)
    return f"| {folder.name} | {one.place} | {one.rows} | {len(one.withheld)} | {reasons} | {repairs} |"


def _other_line(folder: Path, one: Landed) -> str:
    result = one.result
    reason = _class(result.reason, REFUSALS, one.place) if result.status == "refused" else result.status
    cells = ["", ""]
    if reason == NO_SOURCE:
        read = read_as_drafted(result.name, _content(one))
        cells = (
            [_class(read.refused, REFUSALS, one.place), ""]
            if read.refused
            else [f"{len(read.rows)}", f"{read.withheld}"]
        )
    return f"| {folder.name} | {one.place} | {one.rows} | {result.rows_quarantined} | {reason} | {' | '.join(cells)} |"


def _content(one: Landed) -> bytes:
    data = one.path.read_bytes()
    if one.result.name == one.path.name:
        return data
    return next(member.content for member in members(one.path.name, data) if member.name == one.result.name)


def _page(
    sets: list[Path],
    totals: dict[str, Counter[str]],
    lines: dict[str, list[str]],
    landed: Counter[str],
    defects: list[str],
) -> str:
    page = io.StringIO()
    page.write(
        """# How wrongly written files are read

Other people publish files that are written wrongly on purpose, some with the truth beside them. This page counts what
becomes of each file: of each cell for forecourt's reader of delimited text and for three readers of others, all told
the same delimiter, quote, escape mark, header and preamble; of each lead; and of each file that has no truth. The files
themselves are not part of this project: `torture-pollock` is the Pollock benchmark, `torture-csv-spectrum` and
`torture-csv-test-data` are the test sets of those names, `torture-frictionless` and `torture-clevercsv` the test data
of those libraries, and the `adf` sets are what parsers and vendors publish as examples, most broken or incomplete. One
command makes the page, where SETS is the folder in which they lie:

```
"""
    )
    folders = " \\\n    ".join(f"SETS/{folder.name}" for folder in sets)
    page.write(f"python -m tests.bench.torture \\\n    {folders}\n")
    page.write(
        """```

The sets stand here by name and the files of each by theirs, however the folders are given. forecourt reads a file with
a truth through a source, one YAML as a person would write it; `tests/ingest/test_survey.py` does the same with invented
files, ninety written by hand and six hundred at random, where no cell may be silent.

A cell is **right** when it is as in the truth, **withheld** when its row is in quarantine with a reason or its file is
refused with one, and **silent** when it is different, lost or made up without a word. Blanks around a value, how a line
ends inside it, and rows without any value do not count. DuckDB stores what it rejects (`store_rejects`): withheld.

"""
    )
    page.write(f"In {len(lines['truth'])} files with a truth:\n\n")
    page.write("| reader | files wholly right | files with a silent cell | cells right | withheld | silent |\n")
    page.write("|---|---|---|---|---|---|\n")
    for name, counted in totals.items():
        columns = ("files_right", "files_silent", "right", "withheld", "silent")
        page.write(f"| {name} | {' | '.join(f'{counted[column]:,}' for column in columns)} |\n")
    counts = ", ".join(f"{count} {status}" for status, count in sorted(landed.items()))
    page.write(
        f"""
All {landed.total()} files of these folders, whatever they are and those in archives each for itself, were given to
`forecourt land` as they stand, each with a home of its own: {counts}, {len(defects)} defects.
Refused: of no declared kind or not readable, with a reason.
"""
    )
    page.write("\n## Files with a truth\n\nCells right / withheld / silent; a refused file withholds all of them.\n\n")
    page.write(f"| set | file | {' | '.join(READERS)} |\n|---|---|{'---|' * len(READERS)}\n")
    page.write("\n".join(lines["truth"]) + "\n")
    page.write(
        """
## Leads in ADF

Leads that landed and leads withheld in quarantine, with the class of the reason, and what was repaired on the way; a
file without any lead is one withheld row. The file lands, and nothing of it is lost.

| set | file | leads landed | withheld | because | repaired |
|---|---|---|---|---|---|
"""
    )
    page.write("\n".join(lines["leads"]) + "\n")
    page.write(
        """
## Files without a truth

As they stand, without a source of their own. Most are tables of other trades, for which no source is declared: such a
file is refused as a whole, with a first mapping for a person to correct, and never landed by a guess. The last two
columns say what is read if the first mapping is believed in how the file is written: rows, and lines withheld with a
reason, or why the file is refused then too; lines that it takes for a title above the header are in neither. Clean
twins, parameters and values as JSON, which only say what another file holds, are not listed.

| set | file | rows landed | withheld | refused because | rows by the first mapping | withheld |
|---|---|---|---|---|---|---|
"""
    )
    page.write("\n".join(lines["others"]) + "\n")
    return page.getvalue()


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    if len(sys.argv) < 2 or not all(map(os.path.isdir, sys.argv[1:])):
        sys.exit("usage: python -m tests.bench.torture FOLDER [FOLDER ...], each a folder with files")
    main(sys.argv[1:])
