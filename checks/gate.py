"""The gate before publishing: deliveries against their history, plausibility of the candidate, Data Docs of both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from checks import candidate, deliveries
from checks.docs import finish_docs
from checks.suite import Expectation
from forecourt.build import PROJECT, Paths
from forecourt.child import ending_with_us
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.meta import CheckResult

DELIVERIES = "deliveries"
CANDIDATE = "candidate"


def check(home: Home, paths: Paths) -> list[CheckResult]:
    """Runs both suites over the landing and the candidate file, which nobody may hold open for writing.

    Returns a result per expectation, with up to five rows that broke it, and replaces the home's Data Docs. Raises
    Problem where a check cannot be made.
    """
    home.reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".checks-", dir=home.reports) as scratch:
        profile = Path(scratch).resolve() / "profile.duckdb"
        suites = {DELIVERIES: deliveries.SUITE, CANDIDATE: candidate.applicable(paths.warehouse)}
        judged = deliveries.write_profile(home.landing, profile)
        unread = candidate.write_profile(home, paths.warehouse, profile)
        run_id = _run_id(paths.warehouse)
        docs = Path(scratch).resolve() / "data-docs"
        answer = _validate(suites, profile, paths.warehouse.resolve(), docs, run_id)
        results = [
            _result(expectation, suite, found, judged if suite == DELIVERIES else "")
            for suite, expectations in suites.items()
            for expectation, found in zip(expectations, answer[suite], strict=True)
        ]
        if unread:
            said = f"The run in force can be read, so that the rows of each mart are compared with its. {unread}"
            results.append(CheckResult("published_run_readable", CANDIDATE, "finding", 1, said))
        finish_docs(docs, run_id, results)
        _replace(docs, home.data_docs)
    return results


def _validate(
    suites: dict[str, tuple[Expectation, ...]], profile: Path, warehouse: Path, docs: Path, run_id: str
) -> dict[str, list[dict[str, Any]]]:
    batches = {DELIVERIES: "select * from profile.main.deliveries", CANDIDATE: "select * from meta.runs"}
    answer = profile.with_name("answer.json")
    request = {
        "profile": str(profile),
        "warehouse": str(warehouse),
        "docs": str(docs),
        "answer": str(answer),
        "run_id": run_id,
        "suites": [
            {
                "name": name,
                "batch": batches[name],
                "expectations": [
                    {
                        "name": expectation.name,
                        "level": expectation.level,
                        "says": expectation.sentence(),
                        "query": expectation.query(),
                    }
                    for expectation in expectations
                ],
            }
            for name, expectations in suites.items()
        ],
    }
    process = subprocess.run(
        ending_with_us([sys.executable, "-m", "checks.validate"]),
        input=json.dumps(request),
        cwd=PROJECT,
        env=os.environ | {"GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode or not answer.exists():
        said = process.stderr.strip().splitlines()
        raise Problem(f"The checks before publishing could not run: {said[-1] if said else 'no message'}")
    loaded: dict[str, list[dict[str, Any]]] = json.loads(answer.read_text(encoding="utf-8"))
    return loaded


def _result(expectation: Expectation, suite: str, found: dict[str, Any], judged: str) -> CheckResult:
    if found["error"]:
        raise Problem(f"The check {expectation.name} ({suite}) could not be made: {found['error'].splitlines()[0]}")
    failures = int(found["failures"])
    return CheckResult(
        name=expectation.name,
        source=suite,
        outcome=expectation.level if failures else "passed",
        failures=failures,
        description=f"{expectation.sentence()} {judged}".strip(),
        rows=found["rows"],
    )


def _run_id(warehouse: Path) -> str:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("select run_id from meta.runs").fetchone()
    if found is None:
        raise Problem(f"The candidate {warehouse} does not say which run made it (meta.runs is empty).")
    return str(found[0])


def _replace(new: Path, old: Path) -> None:
    """Puts the new pages where the old ones lie; the old ones stay until the new ones are complete."""
    shutil.rmtree(old, ignore_errors=True)
    os.replace(new, old)
