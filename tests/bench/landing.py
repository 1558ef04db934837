"""How long landing takes beside what a database does with the same file, and how much memory it needs.

    python -m tests.bench.landing [--rows 1000000] [--pairs 5] [--large 10000000]

It makes a file of leads (about 170 bytes and 21 columns a row) and runs whole processes in turns, A B A B: DuckDB's
own `read_csv` of all columns as text into a table on disk, and `forecourt land` into a new home, also of the same file
with broken lines, of as many deals of a declared source, and of a hundred leads. The medians, and the median of the
ratios of the pairs, go into docs/performance.md. A machine with other work on it gives other wall times from one minute
to the next, so processor seconds stand beside them.

dlt is no dependency of the project. Where the environment variable FORECOURT_BENCH_DLT names a Python that has it
(`python -m venv somewhere && somewhere/bin/pip install "dlt[duckdb]" pyarrow`), its fastest path found is measured too:
batches of Arrow, written as Parquet, which DuckDB reads.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb

from tests.bench.report import ROOT, write

SETTINGS = '[company]\nname = "Bench Motors"\ncurrency = "GBP"\n' + "".join(
    f'[[rooftops]]\ncode = "R{number}"\ntime_zone = "Europe/London"\n' for number in range(1, 11)
)

DUCKDB = """
import sys, duckdb
connection = duckdb.connect(sys.argv[2])
connection.execute("create table leads as select * from read_csv($path, all_varchar = true)", {"path": sys.argv[1]})
connection.close()
"""

LAND = "import sys; from forecourt.cli import main; main()"

DLT = """
import sys, dlt, pyarrow.csv as csv, pyarrow as pa
header = open(sys.argv[1]).readline().strip().split(",")
types = csv.ConvertOptions(column_types={name: pa.string() for name in header})
@dlt.resource(name="leads", write_disposition="append")
def leads():
    yield from csv.open_csv(sys.argv[1], convert_options=types, read_options=csv.ReadOptions(block_size=32 << 20))
pipeline = dlt.pipeline("bench", pipelines_dir=sys.argv[2] + ".d", destination=dlt.destinations.duckdb(sys.argv[2]))
pipeline.run(leads(), loader_file_format="parquet")
"""


@dataclass(frozen=True)
class Took:
    """Seconds of the clock and of the processors, and the most memory held, in MB."""

    wall: float
    processor: float
    memory: float


def make_leads(path: Path, rows: int, changed: bool = False) -> None:
    """A native file of leads about invented people; ``changed``: one row in a hundred has another stage."""
    pick = "list_extract([{words}], 1 + (hash(i * 31 + {salt}) % {count})::integer)"

    def one_of(salt: int, *words: str) -> str:
        return pick.format(words=", ".join(f"'{word}'" for word in words), salt=salt, count=len(words))

    stage = one_of(7, "new", "contacted", "qualified", "quoted")
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                    select
                        'R' || (1 + i % 10) as rooftop, 'L' || (1000000 + i) as lead_id,
                        strftime(timestamp '2024-01-01' + to_seconds(hash(i) % 63000000), '%Y-%m-%dT%H:%M:%SZ')
                            as received_at,
                        {one_of(1, "portal one", "website", "mobile")} as source,
                        {one_of(2, "portal", "web_form", "phone", "walk_in", "email")} as channel,
                        {one_of(3, "buy", "trade_in", "finance", "test_drive")} as intent,
                        'C' || (hash(i + 5) % 400000) as customer_id,
                        {one_of(4, "Ann", "Bea", "Carl", "Dora")} || ' '
                            || {one_of(5, "Smith", "Jones, Jr", "Miller", "Berg")} as customer_name,
                        'p' || (hash(i + 5) % 400000) || '@mail.example' as email,
                        '0' || (7000000000 + hash(i + 6) % 99999999) as phone,
                        null as vin,
                        'S' || (hash(i + 7) % 50000) as stock_number,
                        {one_of(6, "VW Golf", "Ford Focus", "Audi A4", "Skoda Octavia")} as vehicle_text,
                        (5000 + hash(i + 8) % 40000) || '.' || lpad((hash(i + 9) % 100)::varchar, 2, '0') as budget,
                        'GBP' as currency,
                        'E' || (hash(i + 10) % 200) as owner,
                        case when {changed} and i % 100 = 7 then 'lost' else {stage} end as stage,
                        strftime(timestamp '2024-01-01' + to_seconds(hash(i) % 63000000 + 5000), '%Y-%m-%dT%H:%M:%SZ')
                            as stage_changed_at,
                        null as quality,
                        case when i % 5 = 0 then 'call' end as next_action,
                        case when i % 5 = 0 then '2026-01-05T09:00' end as next_action_due_at
                    from range({rows}) as numbers (i)
                ) to '{path}' (header)"""
        )


def make_deals(path: Path, rows: int) -> None:
    """A file of a declared source (``quiter_deals``): days, amounts and names of columns are not those of the feed."""
    amount = "translate(format('{{:,.2f}}', (hash(i + {salt}) % 4000000) / 100.0), ',.', '.,')"
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                    select
                        'R' || (1 + i % 10) as "Dealer ID", 'C' || (hash(i) % 400000) as "Consumer ID",
                        strftime(date '2024-01-01' + (hash(i + 1) % 730)::integer, '%d/%m/%y') as "Sale Date",
                        list_extract(['Retail', 'Lease', 'Fleet'], 1 + (hash(i + 2) % 3)::integer) as "Deal Type",
                        {amount.format(salt=3)} as "Listed Price", {amount.format(salt=4)} as "Sales Tax",
                        {amount.format(salt=5)} as "Cost of Vehicle", {amount.format(salt=6)} as "Trade in Value",
                        {amount.format(salt=7)} as "Vehicle Gross", 'WVWZZZ1KZ' || lpad(i::varchar, 8, '0') as "Vin No"
                    from range({rows}) as numbers (i)
                ) to '{path}' (header)"""
        )


def make_broken(path: Path, leads: Path) -> None:
    """The same leads, of which one in two hundred has a quote too many."""
    with leads.open(encoding="utf-8") as sound, path.open("w", encoding="utf-8") as file:
        file.writelines(
            line if number % 200 else line.replace(",", ',5" ', 1) for number, line in enumerate(sound, start=1)
        )


def run(*command: str) -> Took:
    """Runs a process to its end. Raises RuntimeError when it fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        actions = [(os.POSIX_SPAWN_DUP2, said.fileno(), 1), (os.POSIX_SPAWN_DUP2, said.fileno(), 2)]
        child = os.posix_spawn(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)}, file_actions=actions)
        _, status, used = os.wait4(child, 0)
        wall = time.monotonic() - started
        if status:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)[:200]} failed: {said.read().decode()[-1000:]}")
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Bench:
    """The files, homes and databases of one run, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    def land(self, path: Path, *, anew: bool = False) -> Took:
        if anew:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir()
            (self.home / "forecourt.toml").write_text(SETTINGS)
        return run(sys.executable, "-c", LAND, "land", str(path), "--home", str(self.home))

    def load(self, script: str, path: Path, python: str = sys.executable) -> Took:
        database = self.folder / "other.duckdb"
        for left in self.folder.glob("other.duckdb*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        return run(python, "-c", script, str(path), str(database))


def main() -> None:
    parser = argparse.ArgumentParser(description="How long landing takes; writes a section of docs/performance.md.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--large", type=int, default=0, help="rows of a file whose peak memory is measured; 0: none")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="forecourt-bench-") as made:
        write("landing", _measure(Bench(Path(made)), given.rows, given.pairs, given.large))


def _measure(bench: Bench, rows: int, pairs: int, large: int) -> str:
    path, next_day, few, broken = (bench.folder / f"crm_leads_2026-01-0{day}.csv" for day in (1, 2, 3, 4))
    deals = bench.folder / "deals_2026-01-01.csv"
    make_leads(path, rows)
    make_leads(next_day, rows, changed=True)
    make_leads(few, 100)
    make_broken(broken, path)
    make_deals(deals, rows)
    size = path.stat().st_size / 1e6
    dlt = os.environ.get("FORECOURT_BENCH_DLT", "")
    took: dict[str, list[Took]] = {
        name: [] for name in ("duckdb", "first", "changed", "again", "broken", "declared", "few", "dlt")
    }
    for _ in range(pairs):
        took["duckdb"].append(bench.load(DUCKDB, path))
        took["first"].append(bench.land(path, anew=True))
        took["changed"].append(bench.land(next_day))
        took["again"].append(bench.land(next_day))
        took["broken"].append(bench.land(broken, anew=True))
        took["declared"].append(bench.land(deals, anew=True))
        took["few"].append(bench.land(few, anew=True))
        if dlt:
            took["dlt"].append(bench.load(DLT, path, dlt))
    labels = {
        "duckdb": "DuckDB `read_csv`, all columns as text, into a table on disk",
        "first": "`forecourt land`, new home",
        "changed": "`forecourt land`, the same rows a day later, 1 % of them changed",
        "again": "`forecourt land`, the same bytes again",
        "broken": "`forecourt land`, new home, one line in two hundred broken",
        "declared": "`forecourt land`, new home, as many deals of a declared source, with `31/12/25` and `1.234,56`",
        "few": "`forecourt land`, new home, a file of 100 leads",
        "dlt": "dlt, Arrow to DuckDB",
    }
    lines = [
        "## Landing",
        "",
        f"A file of {rows:,} leads, {size:.0f} MB and 21 columns; `python -m tests.bench.landing`, medians of {pairs} "
        "runs in turns, each a whole process. Landing archives the bytes, proves how every record is cut, types and "
        "hashes each row, keeps versions and writes the ledger.",
        "",
        "| process | seconds | of processors | to DuckDB | of processors | memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, label in labels.items():
        found = took[name]
        if found:
            lines.append(
                f"| {label} | {median(one.wall for one in found):.2f} | {median(one.processor for one in found):.2f} "
                f"| {_ratio(found, took['duckdb'], 'wall')} | {_ratio(found, took['duckdb'], 'processor')} "
                f"| {median(one.memory for one in found):.0f} |"
            )
    asked = [
        f"a new home within 2.0 times DuckDB: {_ratio(took['first'], took['duckdb'], 'wall')}",
        f"1 % changed in no more than the first: {_ratio(took['changed'], took['first'], 'wall')}",
        f"the same bytes again under 0.5 s: {median(one.wall for one in took['again']):.2f}",
    ]
    if dlt:
        asked.append(f"a new home 1.5 times faster than dlt: {_ratio(took['dlt'], took['first'], 'wall')}")
    lines.append(f"\nAsked, and measured: {'; '.join(asked)}.")
    if not dlt:
        lines.append("\ndlt was not installed and is not measured; the bench says how to install it.")
    if large:
        for made in (path, next_day, broken, deals):
            made.unlink()
        make_leads(path, large)
        one = bench.land(path, anew=True)
        lines.append(
            f"\nA file of {large:,} leads ({path.stat().st_size / 1e6:,.0f} MB): {one.wall:.0f} seconds, at most "
            f"{one.memory:,.0f} MB of memory."
        )
    return "\n".join(lines)


def _ratio(ours: list[Took], other: list[Took], what: str) -> str:
    return f"{median(getattr(one, what) / getattr(base, what) for one, base in zip(ours, other, strict=True)):.2f}"


if __name__ == "__main__":
    main()
