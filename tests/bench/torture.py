"""How forecourt reads files that are written wrongly, cell by cell, beside DuckDB, polars and pandas.

    python -m tests.bench.torture FOLDER [FOLDER ...]

Each FOLDER holds a set of files that others published; none of them is part of the project. With a truth beside them
(``csv``, ``clean`` and ``parameters`` as Pollock has them, ``csvs`` or ``csv`` with ``json``) every cell is compared;
every file of every folder is also landed in a home of its own, where it must be landed or refused with a reason. The
table is written to ``docs/torture.md``; names of files stand there, contents do not.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
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
from forecourt.settings import load_settings
from ingest.landing import land
from ingest.outcome import FileResult
from ingest.readers.dialect import Dialect, trimmed
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.sources import read_source

_SETTINGS = load_settings(Path("absent.toml"))
PAGE = Path(__file__).parents[2] / "docs" / "torture.md"
Row = tuple[str, ...]


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
    quote, escape = given["quotechar"], given["escapechar"]
    # A doubled quote is the escape of every dialect.
    dialect = Dialect(given["encoding"], given["delimiter"], quote, "" if escape == quote else escape)
    headed = min(given["header_lines"], 1)
    declared = Declared(
        dialect,
        given["n_columns"] or max(map(len, rows), default=1),
        tuple(given["column_names"]),
        given["preamble_lines"],
        given["header_lines"],
        given["footnote_lines"],
    )
    return Case(path, rows[headed:], declared)


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
        found = read_rows(recognise("tortured.csv", case.path.read_bytes(), {"tortured": source}), _SETTINGS)
        batches = [batch.rows.drop(["row_id", "row_number"]).to_pydict() for batch in found.taken()]
    except Problem as problem:
        return Read(refused=str(problem))
    return Read([row for batch in batches for row in zip(*batch.values(), strict=True)], len(found.bad))


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
    columns = {"rooftop": {"const": "R1"}, "portal": {"const": "x"}, "listing_id": {"digest": ["column 0"]}}
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
        try:
            found = connection.execute(
                f"select * from read_csv($path, {options})", {"path": str(case.path), **marks}
            ).fetchall()
            rejected = connection.execute("select count(distinct line) from reject_errors").fetchone()
        except duckdb.Error as error:
            return Read(refused=_first_line(error))
    return Read(_texts(found), rejected[0] if rejected else 0)


def read_by_polars(case: Case) -> Read:
    given = case.declared
    try:
        found = pl.read_csv(
            case.path,
            separator=given.dialect.delimiter,
            quote_char=given.dialect.quote or None,
            has_header=given.header_lines > 0,
            skip_lines=given.preamble + max(given.header_lines - 1, 0),
            infer_schema=False,
        )
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        return Read(refused=_first_line(error))
    return Read(_texts(found.rows()))


def read_by_pandas(case: Case) -> Read:
    given = case.declared
    try:
        found = pd.read_csv(
            case.path,
            sep=given.dialect.delimiter,
            quotechar=given.dialect.quote,
            escapechar=given.dialect.escape or None,
            header=0 if given.header_lines else None,
            skiprows=given.preamble + max(given.header_lines - 1, 0),
            encoding=given.dialect.encoding,
            dtype=str,
            keep_default_na=False,
            engine="c" if len(given.dialect.delimiter) == 1 else "python",
        )
    except (ValueError, OSError, TypeError, csv.Error) as error:
        return Read(refused=_first_line(error))
    if not isinstance(found.index, pd.RangeIndex):
        found = found.reset_index()
    return Read(_texts(found.itertuples(index=False, name=None)))


READERS: dict[str, Callable[[Case], Read]] = {
    "forecourt": read_here,
    "DuckDB": read_by_duckdb,
    "polars": read_by_polars,
    "pandas": read_by_pandas,
}


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


def land_all(folder: Path) -> list[FileResult]:
    """Every file of a folder, landed in a home that is thrown away."""
    with tempfile.TemporaryDirectory() as made:
        home = Home(Path(made) / "home")
        home.create()
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return land(home, load_settings(home.settings), paths)


def main(folders: list[str]) -> None:
    lines: list[str] = []
    totals: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    files = 0
    for folder in map(Path, folders):
        for case in cases(folder):
            files += 1
            cells = []
            for name, reader in READERS.items():
                read = reader(case)
                found = score(case, read)
                totals[name].update(right=found.right, withheld=found.withheld, silent=found.silent)
                totals[name].update(files_right=int(not found.withheld and not found.silent and not read.refused))
                totals[name].update(files_silent=int(bool(found.silent)))
                cells.append("refused" if read.refused else f"{found.right} / {found.withheld} / {found.silent}")
            lines.append(f"| {folder.name} | {case.path.name} | {' | '.join(cells)} |")
    landed: Counter[str] = Counter()
    defects = []
    for folder in map(Path, folders):
        for result in land_all(folder):
            landed[result.status] += 1
            if "defect of forecourt" in result.reason:
                defects.append(f"{folder.name}/{result.name}: {result.reason}")
    PAGE.write_text(_page(files, totals, lines, landed, defects), encoding="utf-8")
    print(f"{files} files with a truth, {landed.total()} landed or refused, {len(defects)} defects: {PAGE}")
    for name, counted in totals.items():
        print(name, dict(counted))
    for defect in defects:
        print(defect)
    if defects or totals["forecourt"]["silent"]:
        sys.exit(1)


def _page(
    files: int, totals: dict[str, Counter[str]], lines: list[str], landed: Counter[str], defects: list[str]
) -> str:
    page = io.StringIO()
    page.write(
        """# How wrongly written files are read

Other people publish files that are written wrongly on purpose, with the truth beside them. This page counts what
becomes of each cell, for forecourt's reader of delimited text and for three readers of others, all told the same
delimiter, quote, escape mark, header and preamble. `python -m tests.bench.torture FOLDER ...` makes it anew from
folders with such sets; the files themselves are not part of this project. forecourt reads each through a source, one
YAML as a person would write it; `tests/ingest/test_survey.py` does the same with invented files, nearly seventy written
by hand and six hundred at random, where no cell may be silent.

A cell is **right** when it is as in the truth, **withheld** when its row is in quarantine with a reason or its file is
refused with one, and **silent** when it is different, lost or made up without a word. Blanks around a value, how a line
ends inside it, and rows without any value do not count. DuckDB stores what it rejects (`store_rejects`): withheld.

"""
    )
    page.write(f"In {files} files with a truth:\n\n")
    page.write("| reader | files wholly right | files with a silent cell | cells right | withheld | silent |\n")
    page.write("|---|---|---|---|---|---|\n")
    for name, counted in totals.items():
        columns = ("files_right", "files_silent", "right", "withheld", "silent")
        page.write(f"| {name} | {' | '.join(f'{counted[column]:,}' for column in columns)} |\n")
    counts = ", ".join(f"{count} {status}" for status, count in sorted(landed.items()))
    page.write(
        f"\nAll {landed.total()} files of these folders, whatever they are, were given to `forecourt land` as they "
        f"stand: {counts}, {len(defects)} defects. Refused: of no declared kind or not readable, with a reason.\n"
    )
    page.write("\n## File by file\n\nCells right / withheld / silent; a refused file withholds all of them.\n\n")
    page.write(f"| set | file | {' | '.join(READERS)} |\n|---|---|{'---|' * len(READERS)}\n")
    page.write("\n".join(lines) + "\n")
    return page.getvalue()


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tests.bench.torture FOLDER [FOLDER ...]")
    main(sys.argv[1:])
