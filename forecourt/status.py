"""What is published, how fresh it is, and what needs a person: the facts behind ``forecourt status``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import duckdb

from forecourt.door import current_run, last_run, open_warehouse
from forecourt.home import Home
from forecourt.landed import IN_USE, open_landed

#: Part of the answer -> the query that gives its rows. What has landed and what has not is asked of the landing, where
#: a delivery or a decision stands at once; ``{ledger}`` is its schema there, and that of its copy in a published run.
LANDED = {
    "files": """
        select status, count(*) as files, sum(rows_read) as rows_read, sum(rows_quarantined) as rows_quarantined
        from {ledger}.files
        group by status
        order by status
    """,
    "held": "select file_id, name, reason from {ledger}.files where status = 'held' order by name",
    "quarantined": """
        select feed, reason_code, count(*) as rows
        from {ledger}.quarantine
        where status = 'open'
        group by all
        order by all
    """,
    "quarantine": """
        select statuses.status, count(rows.status) as rows
        from unnest(['open', 'closed', 'accepted', 'retried', 'discarded']) with ordinality as statuses (status, place)
        left join {ledger}.quarantine as rows on statuses.status = rows.status
        group by statuses.status, statuses.place
        order by statuses.place
    """,
}
PUBLISHED = {
    "checks": "select outcome, count(*) as checks from meta.check_results group by outcome order by outcome",
    "findings": """
        select name, failures, description
        from meta.check_results
        where outcome = 'finding'
        order by failures desc, name
    """,
    "feeds": "select feed, rooftop, exported_at, data_through from meta.freshness order by feed, rooftop",
}

Facts = dict[str, Any]


def status_of(home: Home) -> Facts:
    """Facts ready for JSON: home, run in force, last_run, inbox (files waiting), and the rows of each query.

    ``counted_in``: where files and quarantine were counted: in the ``landing``, or, while another process writes to
    it, in the published ``run``; None where there is neither.
    """
    last, run = last_run(home), current_run(home)
    facts: Facts = {
        "home": str(home.root.resolve()),
        "run": run,
        "last_run": asdict(last) if last else None,
        "inbox": sum(path.is_file() for path in home.inbox.glob("*")),
    }
    warehouse = open_warehouse(home) if run else None
    landed = _landed(home)
    counted_in = "landing" if landed else None
    if landed is None and warehouse:
        counted_in = "run"
        landed = {part: warehouse.rows(query.format(ledger="meta")) for part, query in LANDED.items()}
    published = {part: warehouse.rows(query) for part, query in PUBLISHED.items()} if warehouse else {}
    nothing: Mapping[str, list[Facts]] = {part: [] for part in (*LANDED, *PUBLISHED)}
    return {**facts, "counted_in": counted_in, **nothing, **(landed or {}), **published}


def _landed(home: Home) -> dict[str, list[Facts]] | None:
    """The rows of each query of the landing; None where there is none, or where another process writes to it."""
    if not home.landing.exists():
        return None
    found = {}
    try:
        with open_landed(home) as landing:
            for part, query in LANDED.items():
                answer = landing.execute(query.format(ledger="ledger"))
                names = [column[0] for column in answer.description or ()]
                found[part] = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    except duckdb.IOException as error:
        if IN_USE in str(error):
            return None
        raise
    return found
