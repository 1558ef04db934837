"""One run: build the candidate, test it, let the checks read it, and only then move the pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from forecourt.build import NodeResult, Paths, build
from forecourt.home import Home
from forecourt.literals import literal
from forecourt.meta import CheckResult, write_checks, write_meta
from forecourt.publish import publish, record_end
from forecourt.settings import Settings
from forecourt.wording import counted

Gate = Callable[[Home, Paths], list[CheckResult]]
#: Adds to the candidate file what readers ask first; it has nothing to say about whether the run is published.
Prepare = Callable[[Home, Paths], None]
SAMPLE_ROWS = 5


@contextmanager
def recording_failure(home: Home, run_id: str) -> Iterator[None]:
    """Whatever fails in here is how the run ended: LAST keeps it, and the pages show it above yesterday's numbers."""
    try:
        yield
    except Exception as error:
        record_end(home, run_id, "failed", f"The run failed: {error}")
        raise


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``checks`` holds every check; what blocks has outcome ``block``."""

    run_id: str
    is_published: bool
    checks: tuple[CheckResult, ...]
    message: str

    @property
    def blocks(self) -> list[CheckResult]:
        return [check for check in self.checks if check.outcome == "block"]

    @property
    def findings(self) -> list[CheckResult]:
        return [check for check in self.checks if check.outcome == "finding"]


def new_run_id() -> str:
    """Sorts by time, to the microsecond: one run works at a time, so no two are alike."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S-%f}"


def build_and_publish(
    home: Home,
    settings: Settings,
    gate: Gate,
    *,
    prepare: Prepare | None = None,
    on_node: Callable[[int, int, str], None] | None = None,
) -> Outcome:
    """Builds, checks and publishes what has landed. The caller holds the home's lock.

    A block publishes nothing: yesterday's run stays in force and LAST says why.
    """
    run_id, started = new_run_id(), datetime.now(UTC).replace(tzinfo=None)
    paths = Paths(home.build)
    with recording_failure(home, run_id):
        nodes = build(home, settings, on_node=on_node)
        checks = list(dbt_checks(home, paths, nodes))
        # A failed test leaves out the models after it: the gate never reads a file with marts missing.
        if all(node.status == "success" for node in nodes if node.resource_type in ("model", "seed")):
            write_meta(home, paths, run_id=run_id, started_at=started, known_at=None)
            checks += gate(home, paths)
            write_checks(paths, checks)
        blocks = [check for check in checks if check.outcome == "block"]
        if not blocks:
            if prepare:
                prepare(home, paths)
            publish(home, paths.warehouse, run_id, keep=settings.keep_runs)
    if blocks:
        names = ", ".join(check.name for check in blocks[:5]) + (", ..." if len(blocks) > 5 else "")
        message = f"{len(blocks)} {'check blocks' if len(blocks) == 1 else 'checks block'} publishing: {names}."
        record_end(home, run_id, "blocked", message)
        return Outcome(run_id, False, tuple(checks), message)
    found = sum(check.outcome == "finding" for check in checks)
    message = f"{counted(len(checks), 'checks')}, {counted(found, 'findings')}."
    record_end(home, run_id, "published", message)
    return Outcome(run_id, True, tuple(checks), message)


def dbt_checks(home: Home, paths: Paths, nodes: list[NodeResult]) -> Iterator[CheckResult]:
    """dbt's tests, and models that could not be built, as checks with the rows that failed them.

    What dbt left out because something before it failed is no check of its own: its cause is listed.
    """
    for node in nodes:
        if node.status == "skipped":
            continue
        if node.resource_type == "test":
            outcome = {"pass": "passed", "warn": "finding"}.get(node.status, "block")
            rows = _failing_rows(home, paths, node) if outcome != "passed" else []
            said = node.description or (node.message if outcome == "block" else "")
            yield CheckResult(node.name, "dbt test", outcome, node.failures, said, rows)
        elif node.status not in ("success", "pass"):
            yield CheckResult(node.name, "dbt model", "block", 1, node.message)


def _failing_rows(home: Home, paths: Paths, node: NodeResult) -> list[dict[str, Any]]:
    if not node.sql:
        return []
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(paths.warehouse)} as forecourt (read_only)")
        connection.execute(f"attach {literal(paths.scratch)} as scratch (read_only)")
        connection.execute(f"attach {literal(home.landing)} as landing (read_only)")
        connection.execute("use forecourt")
        try:
            found = connection.execute(f"select * from ({node.sql}) limit {SAMPLE_ROWS}")
        except duckdb.Error as error:
            return [{"the rows could not be read": str(error)}]
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
