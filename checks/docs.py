"""Data Docs that open without a network: Great Expectations' pages without what they load, and an index of ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from forecourt.meta import CheckResult

#: What a page would fetch from elsewhere: styles, scripts, a logo that counts its readers, an advertisement.
REMOTE = (
    re.compile(r'<link\b[^>]*\bhref="https?://[^>]*>', re.IGNORECASE),
    re.compile(r'<script\b[^>]*\bsrc="https?://[^>]*>\s*</script>', re.IGNORECASE),
    re.compile(r'<img\b[^>]*\bsrc="https?://[^>]*>', re.IGNORECASE),
    re.compile(r"<footer>.*?</footer>", re.IGNORECASE | re.DOTALL),
)

STYLE = """<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 1.5rem }
nav[style] { height: auto !important }
nav ol, nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .75rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top }
pre, code { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem }
.collapse .collapse, .card:has(.btn-group), .cooltip .top { display: none }
.text-success::before { content: "passed"; color: #287a3e }
.text-danger::before, .text-warning::before { content: "failed"; color: #b3261e }
.outcome { font-weight: 600; white-space: nowrap }
.said { width: 100%; max-width: 0 }
.rows { display: block; overflow-x: auto; font-size: .85rem; margin: .25rem 0 1rem }
</style>"""

WORDS = {"passed": "passed", "finding": "finding", "block": "blocks publishing"}


def finish_docs(folder: Path, run_id: str, results: Sequence[CheckResult]) -> None:
    """Makes every page below ``folder`` self-contained and writes its ``index.html``."""
    pages = [page for page in sorted(folder.rglob("*.html")) if page != folder / "index.html"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for pattern in REMOTE:
            text = pattern.sub("", text)
        page.write_text(text.replace("</head>", f"{STYLE}\n</head>", 1), encoding="utf-8")
    (folder / "index.html").write_text(_index(folder, pages, run_id, results), encoding="utf-8")


def _rows(result: CheckResult) -> str:
    if not result.rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in result.rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_cell(value))}</td>' for value in row.values())}</tr>" for row in result.rows
    )
    return f"<table class='rows'><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) and value % 1 else str(value)


def _index(folder: Path, pages: Sequence[Path], run_id: str, results: Sequence[CheckResult]) -> str:
    links = {
        page.relative_to(folder).parts[1]: page for page in pages if page.relative_to(folder).parts[0] == "validations"
    }
    body = [f"<h1>Checks of run {escape(run_id)}</h1>"]
    for suite in dict.fromkeys(result.source for result in results):
        body.append(f"<h2>{escape(suite)}</h2>")
        if suite in links:
            href = quote(links[suite].relative_to(folder).as_posix())
            body.append(f'<p><a href="{href}">{escape(suite)} in Great Expectations</a></p>')
        body.append("<table><tr><th>Check</th><th>Outcome</th><th>Rows</th><th>What holds</th></tr>")
        body += [
            f"<tr><td>{escape(result.name)}</td><td class='outcome'>{WORDS[result.outcome]}</td>"
            f"<td>{result.failures}</td><td class='said'>{escape(result.description)}{_rows(result)}</td></tr>"
            for result in results
            if result.source == suite
        ]
        body.append("</table>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Checks of run {escape(run_id)}</title>{STYLE}</head>\n<body>{''.join(body)}</body></html>\n"
    )
