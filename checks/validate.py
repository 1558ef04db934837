"""Great Expectations over DuckDB, as a process of its own: suites as JSON in, results as JSON out, Data Docs beside.

A process of its own, because importing Great Expectations takes seconds and hundreds of megabytes that nothing else in
a run needs, because it prints, and because only the end of a process surely lets go of the database files.

Input: {"profile", "warehouse", "docs", "answer", "run_id", "suites": [{"name", "batch", "expectations": [{"name",
"level", "says", "query"}]}]}. Into the file `answer`: {suite: [{"name", "failures", "rows", "error"}]}, in the order of
the input.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from forecourt.literals import literal

SAMPLE_ROWS = 5
FETCHED_ROWS = 1000
SITE = "data-docs"
SEVERITY = {"block": "critical", "finding": "warning"}


def validate(request: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Runs the suites of ``request`` and writes the Data Docs."""
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.expectations import UnexpectedRowsExpectation
    from great_expectations.expectations.metadata_types import FailureSeverity

    context = gx.get_context(mode="ephemeral", project_config=_project(request["docs"]))
    # As a dict: the type stub of add_sql lacks kwargs, which go to SQLAlchemy.
    options: dict[str, Any] = {
        "connection_string": f"duckdb:///{request['profile']}",
        "create_temp_table": False,
        "kwargs": {"connect_args": {"read_only": True}},
    }
    source = context.data_sources.add_sql("forecourt", **options)
    _prepare(source.get_execution_engine().engine, request["warehouse"])
    definitions = []
    for suite in request["suites"]:
        batch = source.add_query_asset(suite["name"], query=suite["batch"])
        expectations = [
            UnexpectedRowsExpectation(
                unexpected_rows_query=_braced(expectation["query"]),
                description=f"{expectation['name']}: {expectation['says']}",
                severity=FailureSeverity(SEVERITY[expectation["level"]]),
                meta={"name": expectation["name"]},
            )
            for expectation in suite["expectations"]
        ]
        definitions.append(
            context.validation_definitions.add(
                gx.ValidationDefinition(
                    name=suite["name"],
                    data=batch.add_batch_definition_whole_table("all"),
                    suite=context.suites.add(gx.ExpectationSuite(name=suite["name"], expectations=expectations)),
                )
            )
        )
    checkpoint = gx.Checkpoint(
        name="gate",
        validation_definitions=definitions,
        # COMPLETE is the one format that returns the rows; it is cut to a few before it leaves this process.
        result_format={"result_format": "COMPLETE"},
    )
    ran = context.checkpoints.add(checkpoint).run(run_id=RunIdentifier(run_name=request["run_id"]))
    by_suite = {result.suite_name: result for result in ran.run_results.values()}
    for result in by_suite.values():
        for entry in result.results:
            details = entry.result.get("details") or {}
            details["unexpected_rows"] = details.get("unexpected_rows", [])[:SAMPLE_ROWS]
    context.build_data_docs()
    return {suite["name"]: _results(by_suite[suite["name"]], suite) for suite in request["suites"]}


def _project(docs: str) -> Any:
    """A context in memory that writes nothing but the docs and reports to nobody."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    site = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": docs},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "show_how_to_buttons": False,
    }
    quiet: Any = {"globally": False}
    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={SITE: site},
        analytics_enabled=False,
        progress_bars=quiet,
    )


def _prepare(engine: Any, warehouse: str) -> None:
    """Every connection sees the candidate as its own schemas and the profile as ``profile``."""
    from sqlalchemy import event
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    def attach(connection: Any, _record: Any) -> None:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach if not exists {literal(warehouse)} as forecourt (read_only)")
        connection.execute("use forecourt")

    def buffer(_connection: Any, cursor: Any, _sql: str, _parameters: Any, context: Any, _many: bool) -> None:
        # Great Expectations fetches after its connection was closed, when DuckDB has dropped the result. It reads
        # at most 200 rows of any query, so a mart full of failures is not brought here.
        rows = cursor.fetchmany(FETCHED_ROWS) if cursor.description else []
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor, initial_buffer=rows)

    event.listen(engine, "connect", attach)
    event.listen(engine, "after_cursor_execute", buffer)


def _braced(query: str) -> str:
    """Great Expectations formats the query with ``{batch}``: braces of our own are doubled."""
    return query.replace("{", "{{").replace("}", "}}")


def _results(result: Any, suite: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for entry in result.results:
        name = entry.expectation_config.meta["name"]
        rows = (entry.result.get("details") or {}).get("unexpected_rows", [])
        found[name] = {
            "name": name,
            "failures": entry.result.get("observed_value"),
            "rows": [dict(row) for row in rows],
            "error": _error(entry.exception_info),
        }
    return [found[expectation["name"]] for expectation in suite["expectations"]]


def _error(information: Any) -> str | None:
    """The first message of an exception; Great Expectations gives one record, or one for every metric."""
    if not information:
        return None
    records = [information] if "raised_exception" in information else list(information.values())
    return next((str(record["exception_message"]) for record in records if record["raised_exception"]), None)


def main() -> None:
    """Reads a request from standard input and writes the answer to the file that it names."""
    request = json.load(sys.stdin)
    # Great Expectations prints advice, which is no part of the answer.
    with redirect_stdout(sys.stderr):
        answer = validate(request)
    Path(request["answer"]).write_text(json.dumps(answer, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()
