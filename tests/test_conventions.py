"""The rules of STYLE.md and DESIGN.md that a text can be held against: layers, names, documentation, plain SQL.

Each test gathers everything that breaks its rule, so that one run names all of it.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from forecourt.metrics import HEADLINES, KINDS, Metric
from forecourt.settings import POLICY_DEFAULTS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("forecourt", "ingest", "checks", "dashboards")
#: A package may import itself and the kernel.
KERNEL = "forecourt"
SYSTEMS = ("crm", "dms", "portal")


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nothing(broken: Iterable[str]) -> None:
    """Fails with every breach of a rule on a line of its own."""
    listed = list(broken)
    if listed:
        pytest.fail("\n".join([f"{len(listed)} of them:", *listed]), pytrace=False)


def files(pattern: str, *folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob(pattern))]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def yaml_of(path: Path) -> dict[str, Any]:
    return yaml.safe_load(text_of(path)) or {}


# Python: layers, documentation.


class Import(NamedTuple):
    """One import of a module of ours; ``when``: at load, only for types, or only when a function is called."""

    module: str
    line: int
    when: str


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_of(path): path for path in files("*.py", *PACKAGES)}


def imports_of(path: Path) -> Iterator[Import]:
    def walk(node: ast.AST, when: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, child.lineno, when) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                for alias in child.names:
                    inner = f"{child.module}.{alias.name}"
                    yield Import(inner if inner in modules() else str(child.module), child.lineno, when)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from walk(child, "call" if when == "load" else when)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                yield from walk(child, "types")
            else:
                yield from walk(child, when)

    ours = (given for given in walk(ast.parse(text_of(path)), "load") if given.module.split(".")[0] in PACKAGES)
    yield from ours


def test_a_package_imports_itself_and_the_kernel_only() -> None:
    wrong = [
        f"{shown(path)}:{given.line} imports {given.module}"
        for module, path in modules().items()
        for given in imports_of(path)
        if module.split(".")[0] != KERNEL and given.module.split(".")[0] not in (module.split(".")[0], KERNEL)
    ]
    nothing(wrong)


def test_the_kernel_imports_nothing_of_ours_but_lazily_in_its_verbs() -> None:
    wrong = [
        f"{shown(path)}:{given.line} imports {given.module}"
        for module, path in modules().items()
        for given in imports_of(path)
        if module.split(".")[0] == KERNEL
        and given.module.split(".")[0] != KERNEL
        and not (given.when in ("types", "call") and module.startswith("forecourt.verbs."))
    ]
    nothing(wrong)


def test_reports_need_no_page() -> None:
    """The command line makes them, and Streamlit takes a second to load."""
    wrong = [
        f"{shown(path)}:{given.line} imports {given.module}"
        for module, path in modules().items()
        for given in imports_of(path)
        if module.startswith("dashboards.reports")
        and not given.module.startswith((KERNEL, "dashboards.reports"))
        and given.module != "dashboards.words"
    ]
    nothing(wrong)


def test_no_modules_import_each_other_in_a_circle() -> None:
    needs = {
        module: {given.module for given in imports_of(path) if given.when == "load" and given.module != module}
        for module, path in modules().items()
    }
    circles = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            circles.add(" -> ".join((*trail[trail.index(module) :], module)))
            return
        if module in done:
            return
        for other in sorted(needs.get(module, ())):
            visit(other, (*trail, module))
        done.add(module)

    done: set[str] = set()
    for module in sorted(needs):
        visit(module, ())
    nothing(sorted(circles))


def test_every_module_says_what_it_is_for() -> None:
    wrong = [
        shown(path)
        for path in modules().values()
        if text_of(path).strip() and not ast.get_docstring(ast.parse(text_of(path)))
    ]
    nothing(wrong)


def test_public_functions_and_classes_have_docstrings() -> None:
    wrong = [
        f"{shown(path)}:{node.lineno} {node.name}"
        for path in modules().values()
        for node in ast.parse(text_of(path)).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not _is_plain_record(node)
    ]
    nothing(wrong)


def _is_plain_record(node: ast.stmt) -> bool:
    """A class of three or fewer bare fields says all there is in their names."""
    return (
        isinstance(node, ast.ClassDef) and len(node.body) <= 4 and all(isinstance(e, ast.AnnAssign) for e in node.body)
    )


def test_every_package_is_listed_one_by_one() -> None:
    listed = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["setuptools"]["packages"]
    assert listed == sorted(listed)
    assert listed == sorted(module_of(path) for path in files("__init__.py", *PACKAGES))
    folders = {shown(path.parent).replace("/", ".") for path in files("*.py", *PACKAGES)}
    assert folders <= set(listed)


def test_no_module_is_a_drawer() -> None:
    names = re.compile(r"(^|_)(utils?|helpers?|misc|common)(_|$)")
    nothing([shown(path) for path in files("*.py", *PACKAGES, "tests") if names.search(path.stem)])


# Tests.


def test_no_test_is_left_out() -> None:
    left_out = re.compile(r"\b(pytest\.)?(mark\.)?(skip|skipif|xfail|importorskip)\b\s*\(|mark\.(skip|skipif|xfail)\b")
    wrong = [
        f"{shown(path)}:{number} {line.strip()}"
        for path in files("*.py", "tests")
        if path != Path(__file__).resolve()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if left_out.search(line)
    ]
    nothing(wrong)


def test_every_sql_test_says_what_it_is_about() -> None:
    wrong = [
        shown(path)
        for path in files("*.sql", "tests/dbt")
        if not re.match(r"\s*(\{\{.*?\}\}\s*)?(--|\{#)", text_of(path))
    ]
    nothing(wrong)


# What no file may hold.

TEXTS = ("*.py", "*.sql", "*.yml", "*.yaml", "*.md", "*.toml", "*.txt", "*.csv", "*.cfg", "*.css")
FOLDERS = (*PACKAGES, "models", "marts", "macros", "seeds", "docs", "tests", ".streamlit")
#: Words in two parts, so that this file does not hold them itself.
FORBIDDEN = {
    "unfinished work": re.compile("|".join([r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b"])),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:wo" + r"rk|ho" + r"me|ro" + r"ot)/\w"),
    "the host of a package registry": re.compile(
        "|".join(["py" + r"pi\.", r"python" + r"hosted", r"--(extra-)?index-url"])
    ),
}


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_no_file_holds(rule: str) -> None:
    given = [path for kind in TEXTS for path in (*files(kind, *FOLDERS), *sorted(ROOT.glob(kind)))]
    wrong = [
        f"{shown(path)}:{number} {line.strip()[:120]}"
        for path in given
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if FORBIDDEN[rule].search(line)
    ]
    nothing(wrong)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_files_pin_and_hash_everything_and_name_no_index(name: str) -> None:
    text = text_of(ROOT / name)
    assert not re.search(r"https?://|^\s*-(i|f|-index-url|-extra-index-url|-find-links)\b", text, flags=re.MULTILINE)
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*$|^-r .*$", "", text))
    wrong = [
        entry.splitlines()[0]
        for entry in entries
        if entry.strip() and not (re.match(r"[\w.\-\[\]]+==[^\s;]+", entry) and "--hash=sha256:" in entry)
    ]
    nothing(wrong)


# Marts: a pair of files, a grain, every column described and typed.

#: The marts that are questions with parameters and no tables.
MACROS = {"receivable_ageing", "receivable_turnover"}


def mart_files(kind: str) -> dict[str, Path]:
    return {path.stem: path for path in files(f"*.{kind}", "marts")}


def marts() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in mart_files("yml").values():
        for model in yaml_of(path).get("models", []):
            yield path, model


def test_every_mart_is_one_sql_and_one_yaml_of_the_same_name() -> None:
    sql = {path.with_suffix("") for path in files("*.sql", "marts")}
    documented = {path.with_suffix("") for path in files("*.yml", "marts") if not path.stem.endswith("__exposures")}
    assert {shown(path) for path in sql ^ documented} == set()
    named = {
        path.stem: [model["name"] for model in yaml_of(path).get("models", [])] for path in mart_files("yml").values()
    }
    assert {stem: names for stem, names in named.items() if names != [stem] and not stem.endswith("__exposures")} == {}


def test_models_are_named_by_their_layer() -> None:
    rules = {
        "marts": r"(fct|dim|brg)_[a-z0-9_]+",
        "models/staging": r"stg_(crm|dms|portal)__[a-z0-9_]+",
        "models/intermediate": r"int_[a-z0-9_]+",
    }
    wrong = [
        shown(path)
        for folder, rule in rules.items()
        for path in files("*.sql", folder)
        if not re.fullmatch(rule, path.stem) and path.stem not in MACROS
    ]
    nothing(wrong)


def test_a_description_says_the_grain_first() -> None:
    wrong = [f"{shown(path)}: {model['name']}" for path, model in marts() if not says_grain(model)]
    wrong += [
        f"{shown(path)}: {model['name']}"
        for path in files("*.yml", "models")
        for model in yaml_of(path).get("models", [])
        if not says_grain(model)
    ]
    nothing(wrong)


def says_grain(model: dict[str, Any]) -> bool:
    return model.get("description", "").strip().startswith("One row per ")


def test_every_column_of_a_mart_is_described_and_typed() -> None:
    wrong = [
        f"{shown(path)}: {model['name']}.{column['name']}"
        for path, model in marts()
        for column in model.get("columns", [])
        if len(column.get("description", "").strip()) < 5 or not column.get("data_type")
    ]
    wrong += [f"{shown(path)}: {model['name']} has no columns" for path, model in marts() if not model.get("columns")]
    nothing(wrong)


def test_money_is_written_out_and_nothing_is_stored_as_a_double() -> None:
    wrong = [
        f"{shown(path)}: {model['name']}.{column['name']} {column['data_type']}"
        for path, model in marts()
        for column in model.get("columns", [])
        if re.fullmatch(r"decimal|numeric|double|float|real", column.get("data_type", "").strip().lower())
    ]
    nothing(wrong)


def test_every_fact_row_carries_its_rooftop_and_the_row_it_comes_from() -> None:
    wrong = []
    for path, model in marts():
        columns = {column["name"] for column in model.get("columns", [])}
        missing = {"rooftop", "file_id", "row_number"} - columns
        if model["name"].startswith("fct_") and missing and model["name"] not in AGGREGATES:
            wrong.append(f"{shown(path)}: {', '.join(sorted(missing))}")
    nothing(wrong)


#: Facts that many source rows make together, with why no one of them leads.
AGGREGATES = {
    "fct_control_tieout": "a sum of documents against a control account",
    "fct_gross_movement": "the movements of several facts under each other",
    "fct_receivable_rollforward": "all movements of a schedule in a month",
}


def test_every_model_of_the_inner_layers_is_described() -> None:
    described = {
        model["name"] for path in files("*.yml", "models", "marts") for model in yaml_of(path).get("models", [])
    }
    nothing(sorted({path.stem for path in files("*.sql", "models")} - described))


# Plain SQL.

#: What DuckDB alone understands, or what asks a clock: it belongs into macros/engine.sql, under a name.
ENGINE_ONLY = {
    "asof join": r"\basof\b",
    "pivot": r"\b(un)?pivot\b",
    "whole division": r"//",
    "lambda": r"\blambda\b|->",
    "list or struct literal": r"(?<![\w\]\)])\[|\{\s*'",
    "list function": r"\b(list|array_agg|unnest|list_\w+|array_\w+|struct_pack|string_split|str_split|row)\s*\(",
    "positional join": r"\bpositional\s+join\b",
    "star with changes": r"\*\s*(exclude|replace|rename|except)\b",
    "day arithmetic": r"\b(date_diff|datediff|date_sub|date_add|dateadd|to_days|to_seconds|to_minutes|to_hours)\s*\(",
    "day parts": r"\b(strftime|strptime|date_part|epoch\w*|make_date|make_timestamp|monthname|dayname|isodow)\s*\(",
    "time zones": r"\btimezone\s*\(|\bat\s+time\s+zone\b",
    "pattern functions": r"\bregexp_\w+\s*\(|~~|\bsimilar\s+to\b",
    "json": r"\bjson_\w+\s*\(|\bjson\b\s*\(",
    "arg_max": r"\b(arg_max|arg_min|max_by|min_by)\w*\s*\(",
    "distinct on": r"\bdistinct\s+on\b",
    "series": r"\b(range|generate_series)\s*\(",
    "quantiles": r"\bquantile\w*\s*\(",
    "files": r"\b(read_csv|read_parquet|read_json|read_text)\w*\s*\(",
    "the clock": r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|random\s*\(|uuid\s*\()",
}
KEYWORDS = re.compile(
    r"\b(SELECT|FROM|WHERE|WITH|JOIN|LEFT|RIGHT|INNER|FULL|OUTER|CROSS|ON|AND|OR|NOT|NULL|IS|IN|AS|CASE|WHEN|THEN|ELSE"
    r"|END|GROUP|ORDER|BY|HAVING|QUALIFY|UNION|ALL|DISTINCT|OVER|PARTITION|FILTER|BETWEEN|EXISTS|CAST|COALESCE|SUM"
    r"|COUNT|MIN|MAX|AVG|ROUND|ABS|LEAST|GREATEST|INTERVAL|DATE|TIMESTAMP|DECIMAL|VARCHAR|INTEGER|BIGINT|BOOLEAN|TRUE"
    r"|FALSE|LIMIT|ASC|DESC|NULLS|FIRST|LAST|USING|LATERAL|VALUES)\b"
)


def plain(sql: str) -> str:
    """SQL with its comments, Jinja and text literals blanked, line by line where it was."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0])

    for pattern in (
        r"(?s)\{#.*?#\}",
        r"(?s)\{\{.*?\}\}",
        r"(?s)\{%.*?%\}",
        r"--[^\n]*",
        r"(?s)/\*.*?\*/",
        r"'(?:[^']|'')*'",
    ):
        sql = re.sub(pattern, blank, sql)
    return sql


def offences(rule: re.Pattern[str], *folders: str) -> list[str]:
    return [
        f"{shown(path)}:{number} {text_of(path).splitlines()[number - 1].strip()}"
        for path in files("*.sql", *folders)
        for number, line in enumerate(plain(text_of(path)).splitlines(), start=1)
        if rule.search(line)
    ]


#: For each rule a line that must be caught; PLAIN holds what must not.
BREACHES = {
    "asof join": "asof join rates on true",
    "pivot": "from (pivot sales on month using sum(gross))",
    "whole division": "select seconds // 60 as minutes",
    "lambda": "list_transform(kinds, kind -> upper(kind))",
    "list or struct literal": "where kind in ['warranty']",
    "list function": "select array_agg(kind) from claims",
    "positional join": "from a positional join b",
    "star with changes": "select * exclude (key)",
    "day arithmetic": "select date_diff('day', opened_on, closed_on)",
    "day parts": "select strftime(day, '%Y')",
    "time zones": "select received_at at time zone 'UTC'",
    "pattern functions": "where regexp_matches(phone, '[0-9]')",
    "json": "select json_extract(rest, '$.x')",
    "arg_max": "select arg_max(value, valid_from)",
    "distinct on": "select distinct on (vin) *",
    "series": "from generate_series(1, 10)",
    "quantiles": "select quantile_cont(days, 0.5)",
    "files": "from read_csv('x.csv')",
    "the clock": "where due_on < current_date",
}
PLAIN = """
with deals as (
    select *, row_number() over (partition by rooftop order by posted_on) as position,
    from {{ ref('stg_dms__deals') }}  -- a // comment with a list [1, 2]
)

select
    deals.rooftop,
    cast(sum(deals.gross) filter (where deals.kind = 'pivot // [a] -> b') as decimal(18, 2)) as gross,
    {{ days_between('opened_on', 'closed_on') }} as days,
from deals
where deals.range_price between 1 and 2
qualify position = 1
"""


@pytest.mark.parametrize("rule", ENGINE_ONLY)
def test_the_rule_of_plain_sql_catches_its_breach_and_nothing_else(rule: str) -> None:
    found = re.compile(ENGINE_ONLY[rule], re.IGNORECASE)
    assert found.search(plain(BREACHES[rule]))
    assert not found.search(plain(PLAIN))


@pytest.mark.parametrize("rule", ENGINE_ONLY)
def test_marts_are_plain_sql(rule: str) -> None:
    nothing(offences(re.compile(ENGINE_ONLY[rule], re.IGNORECASE), "marts"))


def test_no_model_asks_the_clock() -> None:
    nothing(offences(re.compile(ENGINE_ONLY["the clock"], re.IGNORECASE), "models", "marts", "macros", "tests/dbt"))


def test_sql_is_lower_case() -> None:
    nothing(offences(KEYWORDS, "models", "marts", "macros", "tests/dbt"))


def test_sql_lines_end_within_100_columns() -> None:
    wrong = [
        f"{shown(path)}:{number} {len(line)}"
        for path in files("*.sql", "models", "marts", "macros", "tests/dbt")
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if len(line) > 100
    ]
    nothing(wrong)


def test_a_macro_has_one_definition() -> None:
    found: dict[str, list[str]] = {}
    for path in files("*.sql", "macros"):
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            for name in re.findall(r"\{%-?\s*(?:macro|test)\s+(\w+)", line):
                found.setdefault(name, []).append(f"{shown(path)}:{number}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


# Feeds.


@cache
def feeds() -> dict[str, dict[str, Any]]:
    return {
        name: {**entry, "system": system}
        for system in SYSTEMS
        for name, entry in yaml_of(ROOT / "ingest" / "feeds" / f"{system}.yml").items()
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_sources_of_staging_are_exactly_the_feeds(system: str) -> None:
    (source,) = yaml_of(ROOT / "models" / "staging" / system / f"_{system}__sources.yml")["sources"]
    assert (source["name"], source["database"], source["schema"]) == (system, "landing", system)
    listed = {table["name"]: table["description"] for table in source["tables"]}
    assert listed == {name: feed["description"] for name, feed in feeds().items() if feed["system"] == system}


def test_every_column_of_a_feed_is_described_in_one_sentence() -> None:
    given = yaml_of(ROOT / "ingest" / "feeds" / "columns.yml")
    common, special = given["columns"], given.get("feeds", {})
    columns = {name: {*feed["columns"], "updated_at"} for name, feed in feeds().items()}
    missing = [
        f"{feed}.{column}"
        for feed, names in columns.items()
        for column in names
        if not (special.get(feed, {}).get(column) or common.get(column))
    ]
    nothing(sorted(missing))
    texts = [text for described in (common, *special.values()) for text in described.values()]
    nothing([text for text in texts if not text.endswith(".") or ". " in text])
    unused = sorted(set(common) - set().union(*columns.values()))
    unused += sorted(
        f"{feed}.{name}" for feed, names in special.items() for name in set(names) - columns.get(feed, set())
    )
    nothing(unused)


def test_every_feed_says_its_grain_and_its_key() -> None:
    wrong = [
        name
        for name, feed in feeds().items()
        if not feed["description"].startswith("One row per ")
        or not all(
            feed["columns"].get(part, {}).get("required") or "empty" in feed["columns"].get(part, {})
            for part in feed["key"]
            if part != "rooftop"  # empty for a group-wide customer or employee
        )
    ]
    nothing(wrong)


# KPIs.

UNITS = ("percent", "days", "hours", "minutes", "money", "count", "score")
#: Parts of a KPI's meta that name one column of its mart.
COLUMNS = (
    *("date", "dated", "due", "started", "stopped", "closed", "event", "event_by_as_of"),
    *("record", "excluded", "currency"),
)
#: A stock is not selected by a day of its own, and its relation may be a macro with other columns.
NEEDS = {
    "flow": ("date", "record"),
    "duration": ("date", "seconds", "record"),
    "stock": ("record",),
    "cohort": ("date", "window", "event", "record"),
}


class Kpi(NamedTuple):
    """One ``metrics:`` entry that names a kind, with the YAML it stands in."""

    path: Path
    entry: dict[str, Any]
    meta: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.entry["name"])


def kpis() -> list[Kpi]:
    found = []
    for path in files("*.yml", "marts"):
        for entry in yaml_of(path).get("metrics", []):
            meta = entry.get("config", {}).get("meta", {})
            if "kind" in meta:
                found.append(Kpi(path, entry, meta))
    return found


def wrong_kpis(rule: Any) -> list[str]:
    return [f"{shown(kpi.path)}: {kpi.name}: {said}" for kpi in kpis() for said in rule(kpi)]


@pytest.mark.metrics("intro.one-definition")
def test_the_five_headlines_are_defined_once() -> None:
    names = [kpi.name for kpi in kpis()]
    nothing([name for name in HEADLINES if names.count(name) != 1])
    nothing(sorted({name for name in names if names.count(name) > 1}))


def test_every_kpi_is_documented() -> None:
    def missing(kpi: Kpi) -> Iterator[str]:
        for part in ("label", "description"):
            if not str(kpi.entry.get(part, "")).strip():
                yield f"no {part}"
        for part in ("unit", "question", "example", "better", "feeds", "dimensions"):
            if not kpi.meta.get(part):
                yield f"no {part}"
        if not kpi.meta.get("requires") and len(kpi.meta.get("feeds", [])) == 1:
            yield "no requires, so a feed that never landed would look like nothing happened"
        if not str(kpi.meta.get("question", "?")).rstrip().endswith("?"):
            yield "its question is none"

    nothing(wrong_kpis(missing))


@pytest.mark.metrics("0.one-template-per-kind")
def test_every_kpi_is_one_its_template_can_compute() -> None:
    def unknown(kpi: Kpi) -> Iterator[str]:
        kind = kpi.meta["kind"]
        if kind not in KINDS:
            yield f"kind {kind}"
            return
        yield from (f"no {part}, which a {kind} needs" for part in NEEDS[kind] if part not in kpi.meta)
        yield from (f"unknown meta {part}" for part in kpi.meta if part not in Metric.__dataclass_fields__)
        if kpi.meta.get("unit") not in UNITS:
            yield f"unit {kpi.meta.get('unit')}"
        if kpi.meta.get("better") not in ("up", "down"):
            yield f"better {kpi.meta.get('better')}"
        yield from (
            f"no feed {feed}"
            for part in ("feeds", "requires")
            for feed in kpi.meta.get(part, [])
            if feed not in feeds()
        )
        yield from (
            f"{feed} is required and not in feeds"
            for feed in kpi.meta.get("requires", [])
            if feed not in kpi.meta["feeds"]
        )
        if "window" in kpi.meta and kpi.meta["window"] not in POLICY_DEFAULTS:
            yield f"no policy {kpi.meta['window']}"

    nothing(wrong_kpis(unknown))


def test_every_kpi_names_columns_that_its_mart_has() -> None:
    columns = {model["name"]: {column["name"] for column in model.get("columns", [])} for _, model in marts()}

    def unknown(kpi: Kpi) -> Iterator[str]:
        relation = str(kpi.meta.get("relation", "")).partition("(")[0].removeprefix("marts.") or kpi.path.stem
        known = columns.get(relation, set())
        for part in COLUMNS:
            given = str(kpi.meta.get(part, ""))
            if re.fullmatch(r"[a-z_]\w*", given) and given not in known and not (part == "date" and given == "as_of"):
                yield f"{part} {given} is no column of {relation}"
        missing = [name for name in kpi.meta.get("dimensions", []) if name not in (*dimensions_of(kpi.path), "month")]
        if missing:
            yield f"no dimension {', '.join(missing)} in its semantic model"

    nothing(wrong_kpis(unknown))


def dimensions_of(path: Path) -> set[str]:
    return {
        dimension["name"]
        for model in yaml_of(path).get("semantic_models", [])
        for dimension in model.get("dimensions", [])
    }


def test_every_kpi_is_told_by_rooftop_and_month_and_a_headline_by_two_more() -> None:
    def few(kpi: Kpi) -> Iterator[str]:
        dimensions = set(kpi.meta.get("dimensions", []))
        if not {"rooftop", "month"} <= dimensions:
            yield f"only by {', '.join(sorted(dimensions))}"
        if kpi.name in HEADLINES and len(dimensions - {"rooftop", "month"}) < 2:
            yield f"a headline only by {', '.join(sorted(dimensions))}"

    nothing(wrong_kpis(few))


def test_no_two_kpis_share_a_label() -> None:
    labels = [kpi.entry.get("label") for kpi in kpis()]
    nothing(sorted({str(label) for label in labels if labels.count(label) > 1}))


# Documentation.


@pytest.mark.metrics("9.keys")
def test_every_policy_stands_in_the_settings_page() -> None:
    page = text_of(ROOT / "docs" / "settings.md")
    nothing(key for key in POLICY_DEFAULTS if key not in page and f"{key.rpartition('.')[0]}.<" not in page)


def test_no_page_points_to_a_file_that_is_not_there() -> None:
    wrong = []
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *files("*.md", "docs")):
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            linked = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", line)
            quoted = re.findall(
                r"`((?:docs|ingest|marts|models|macros|checks|dashboards|forecourt|tests)/[\w./-]+\.\w+)`", line
            )
            missing = [name for name in linked if not (path.parent / name).exists()]
            missing += [name for name in quoted if not (ROOT / name).exists()]
            wrong += [f"{shown(path)}:{number} {name}" for name in missing]
    nothing(wrong)
