"""Building: settings into the scratch file, then dbt over the landing into the candidate file.

dbt runs as a process of its own: run inside this one it keeps locks on the attached databases.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from forecourt.child import ending_with_us
from forecourt.close import closed_months
from forecourt.dbt_process import kept_reading
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.identity import write_identity
from forecourt.inputs import write_inputs
from forecourt.landed import open_landed, require_landed
from forecourt.literals import literal
from forecourt.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
FOREVER = datetime(9999, 1, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
#: Dates outside this range are typing errors of a source; calendars are not made for them.
CALENDAR_FROM = date(2000, 1, 1)
CALENDAR_AHEAD = timedelta(days=400)


@dataclass(frozen=True)
class NodeResult:
    """One model, seed or test of a build. ``status``: success, pass, warn, fail, error or skipped."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    failures: int
    message: str
    seconds: float
    severity: str
    description: str
    sql: str


@dataclass(frozen=True)
class Paths:
    """Where one build writes: the home's own ``build/``, or a folder of its own for a question."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "forecourt.duckdb"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch.duckdb"

    @property
    def target(self) -> Path:
        return self.folder / "target"


def build(
    home: Home,
    settings: Settings,
    *,
    folder: Path | None = None,
    known_at: datetime | None = None,
    select: str | None = None,
    tests: bool = True,
    unit_tests: bool = False,
    on_node: Callable[[int, int, str], None] | None = None,
) -> list[NodeResult]:
    """Builds the candidate file anew from the landing and, unless ``tests`` is false, tests it.

    ``known_at`` (UTC) leaves out what the landing learned later; ``select`` is a dbt selection for a part;
    ``on_node`` is told (done, total, name) as nodes finish. Returns a result per node, also where tests failed:
    the caller decides what a failure means. Raises Problem when nothing has landed, the landing cannot be read, the
    selection is empty or dbt itself cannot run.
    """
    require_landed(home)
    paths = Paths((folder or home.build).resolve())  # dbt works in the project's folder
    paths.folder.mkdir(parents=True, exist_ok=True)
    for file in (paths.warehouse, paths.scratch):
        for leftover in (file, file.with_suffix(".duckdb.wal")):
            leftover.unlink(missing_ok=True)
    _write_settings(home, settings, paths, known_at or FOREVER)
    left_out = [] if unit_tests else ["unit_test"]
    _run_dbt(home, paths, select, left_out if tests else [*left_out, "test"], on_node)
    finished = list(results(paths))
    if not finished:
        raise Problem(f"There is nothing to build: no model matches {select!r}." if select else "There are no models.")
    return finished


def _write_settings(home: Home, settings: Settings, paths: Paths, known_at: datetime) -> None:
    with open_landed(home) as landing, duckdb.connect() as scratch:
        rooftops, first, last = _extent(landing)
        scratch.execute("set TimeZone = 'UTC'")
        scratch.execute(f"attach {literal(paths.scratch)} as scratch (storage_version 'v1.5.0')")
        scratch.execute("use scratch")
        write_inputs(
            scratch,
            settings,
            rooftops=rooftops,
            first_day=first,
            last_day=last,
            known_at=known_at,
            closed=[
                (month.first_on, month.last_on, datetime.fromisoformat(month.closed_at))
                for month in closed_months(home)
            ],
        )
        write_identity(scratch, landing, settings)


def _extent(landing: duckdb.DuckDBPyConnection) -> tuple[list[str], date, date]:
    """The rooftops in the data and the first and last day that calendars must reach."""
    columns = landing.execute(
        """
        select table_schema, table_name, column_name
        from information_schema.columns
        where table_schema in ('crm', 'dms', 'portal')
            and (column_name = 'rooftop' or data_type in ('DATE', 'TIMESTAMP'))
        order by all
        """
    ).fetchall()
    rooftops: set[str] = set()
    days: list[date] = []
    for schema, table, column in columns:
        source = f'"{schema}"."{table}"'
        if column == "rooftop":
            found = landing.execute(f"select distinct rooftop from {source} where rooftop is not null")
            rooftops.update(code for (code,) in found.fetchall() if code)
        elif column != "landed_at":
            limits = landing.execute(
                f"""
                select cast(min("{column}") as date), cast(max("{column}") as date)
                from {source}
                where "{column}" >= $1 and "{column}" < $2
                """,
                [CALENDAR_FROM, datetime.now(UTC).date() + CALENDAR_AHEAD],
            ).fetchone()
            days += [day for day in limits or () if day is not None]
    if not days:
        today = datetime.now(UTC).date()
        return sorted(rooftops), today, today
    return sorted(rooftops), min(days) - timedelta(days=7), max(days) + timedelta(days=7)


def _run_dbt(
    home: Home,
    paths: Paths,
    select: str | None,
    left_out: Sequence[str],
    on_node: Callable[[int, int, str], None] | None,
) -> None:
    arguments = ["build"]
    if select:
        # Only tests all of whose models are here: a test across the edge of the part would fail for what is missing.
        arguments += ["--select", select, "--indirect-selection", "buildable"]
    for kind in left_out:
        arguments += ["--exclude-resource-type", kind]
    (paths.target / "run_results.json").unlink(missing_ok=True)
    process = _dbt(home, paths, arguments)
    assert process.stdout is not None
    errors: list[str] = []
    for line in process.stdout:
        said = _said(line)
        if "error" in said:
            errors.append(re.sub(r"\x1b\[[0-9;]*m", "", said["error"]).strip())
        elif on_node is not None:
            on_node(said["done"], said["total"], said["name"])
    process.wait()
    if not (paths.target / "run_results.json").exists():
        raise Problem("dbt could not build the marts:\n" + "\n".join(dict.fromkeys(errors[-20:])))


def _dbt(home: Home, paths: Paths, arguments: list[str]) -> subprocess.Popen[str]:
    """dbt at work on the project for that home, in a process that says what `forecourt.dbt_process` says."""
    project = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(paths.target)]
    return subprocess.Popen(
        ending_with_us([sys.executable, "-m", "forecourt.dbt_process", *arguments, *project]),
        env=os.environ
        | {
            "FORECOURT_BUILD": str(paths.folder),
            "FORECOURT_LANDING": str(home.landing.resolve()),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        },
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def reading_ahead(home: Home) -> Iterator[None]:
    """Lets dbt read a project that it has not read before while something else goes on, such as landing.

    Saves the first run after an installation ten seconds; what goes wrong there is said by the build that follows.
    """
    if kept_reading(PROJECT).exists():
        yield
        return
    process = _dbt(home, Paths(home.build.resolve()), ["parse"])
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        process.communicate()


def _said(line: str) -> dict[str, Any]:
    """A line of the process: what it says as JSON, or a line of an interpreter that could not even start."""
    try:
        said = json.loads(line)
    except ValueError:
        return {"error": line}
    return said if isinstance(said, dict) else {"error": line}


def results(paths: Paths) -> Iterator[NodeResult]:
    """The node results of the last build in that folder, in the order they finished."""
    run = json.loads((paths.target / "run_results.json").read_text(encoding="utf-8"))
    nodes = manifest(paths)["nodes"]
    for entry in run["results"]:
        node = nodes.get(entry["unique_id"], {})
        kind = entry["unique_id"].split(".")[0]
        yield NodeResult(
            unique_id=entry["unique_id"],
            resource_type=kind,
            name=node.get("name", entry["unique_id"]),
            status=entry["status"],
            failures=entry.get("failures") or 0,
            message=(entry.get("message") or "").strip(),
            seconds=entry["execution_time"],
            severity=str(node.get("config", {}).get("severity", "error")).lower(),
            # One paragraph, however the YAML breaks its lines.
            description=" ".join((node.get("description") or _leading_comment(node.get("raw_code", ""))).split()),
            sql=(entry.get("compiled_code") or "").strip().rstrip(";"),
        )


def _leading_comment(sql: str) -> str:
    """The comment that a test written as SQL begins with: what it says, when it matters, how to resolve it."""
    lines = re.sub(r"{{ *config\(.*?\) *}}", "", sql, flags=re.S).strip().splitlines()
    said = [line.removeprefix("--").strip() for line in itertools.takewhile(lambda line: line.startswith("--"), lines)]
    return re.sub(r"\b(?:Says|Matters|Resolve): (\w)", lambda found: found[1].upper(), " ".join(said))


def manifest(paths: Paths) -> dict[str, Any]:
    """dbt's manifest of the last build in that folder."""
    loaded: dict[str, Any] = json.loads((paths.target / "manifest.json").read_text(encoding="utf-8"))
    return loaded
