"""What is published, how fresh it is, and what needs a person: the facts behind ``forecourt status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from forecourt.door import current_run, last_run, open_warehouse
from forecourt.home import Home

#: Part of the answer -> the query of the published run that gives its rows.
QUERIES = {
    "files": """
        select status, count(*) as files, sum(rows_read) as rows_read, sum(rows_quarantined) as rows_quarantined
        from meta.files
        group by status
        order by status
    """,
    "held": "select file_id, name, reason from meta.files where status = 'held' order by name",
    "quarantined": """
        select feed, reason_code, count(*) as rows
        from meta.quarantine
        where status = 'open'
        group by all
        order by all
    """,
    "quarantine": """
        select statuses.status, count(rows.status) as rows
        from unnest(['open', 'closed', 'accepted', 'retried', 'discarded']) with ordinality as statuses (status, place)
        left join meta.quarantine as rows on statuses.status = rows.status
        group by statuses.status, statuses.place
        order by statuses.place
    """,
    "checks": "select outcome, count(*) as checks from meta.check_results group by outcome order by outcome",
    "findings": """
        select name, failures, description
        from meta.check_results
        where outcome = 'finding'
        order by failures desc, name
    """,
    "feeds": "select feed, rooftop, exported_at, data_through from meta.freshness order by feed, rooftop",
}


def status_of(home: Home) -> dict[str, Any]:
    """Facts ready for JSON: home, run in force, last_run, inbox (files waiting), and the rows of each query."""
    last = last_run(home)
    facts: dict[str, Any] = {
        "home": str(home.root.resolve()),
        "run": current_run(home),
        "last_run": asdict(last) if last else None,
        "inbox": sum(path.is_file() for path in home.inbox.glob("*")),
    }
    if facts["run"] is None:
        return facts | {part: [] for part in QUERIES}
    warehouse = open_warehouse(home)
    return facts | {part: warehouse.rows(query) for part, query in QUERIES.items()}
