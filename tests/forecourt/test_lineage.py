"""What a column is made of, read from statements like those that dbt runs."""

from __future__ import annotations

import pytest

from forecourt.lineage import Lineage, Sources, sourced
from forecourt.metrics import Metric

MODELS = {
    "stg_dms__deals": """
        with deals as (
            with versions as (
                select versions.*, row_number() over (partition by versions.key) as version_number
                from landing.dms.dms_deals as versions
                join landing.ledger.files as files on versions.file_id = files.file_id
            )
            select versions."rooftop", versions."sale_price", versions."status", versions.key, versions.day_only
            from versions
        )
        select * exclude (key, status), key as deal_key, lower(status) as status from deals
    """,
    "stg_dms__costs": "select rooftop, cost_amount, cost_rate, stock_number from landing.dms.dms_vehicle_costs",
    "int_costed": """
        select deals.deal_key, deals.sale_price, sum(costs.cost_amount * costs.cost_rate) as cost,
            case when deals.status = (
                select value from scratch.settings.policies where key = 'deal.recognition'
            ) then deals.rooftop end as rooftop,
        from scratch.staging.stg_dms__deals as deals
        left join scratch.staging.stg_dms__costs as costs on deals.rooftop = costs.rooftop
        group by all
    """,
    "fct_x": """
        with united as (
            select deal_key as key, sale_price - cost as gross, 'deal' as row_kind, cast(null as varchar) as reason
            from scratch.intermediate.int_costed
            union all
            select stock_number, cost_amount, 'cost',
                case when cost_rate is null then 'no rate' else 'rate ' || rooftop end
            from scratch.staging.stg_dms__costs
        )
        select *, coalesce(reason, 'fine') as told from united
        where (select value from scratch.settings.policies where key = 'deal.pack') = 'beside'
    """,
    "aged": """
        select edges.label as bucket, deals.sale_price
        from scratch.staging.stg_dms__deals as deals cross join scratch.settings.stock_edges as edges
    """,
}
MANIFEST = {
    "nodes": {name: {"resource_type": "model", "name": name, "compiled_code": sql} for name, sql in MODELS.items()}
}


@pytest.fixture(scope="module")
def lineage() -> Lineage:
    return Lineage(MANIFEST)


@pytest.mark.parametrize(
    ("model", "expression", "columns", "settings"),
    [
        ("stg_dms__deals", "status", ["dms_deals.status"], []),
        ("stg_dms__deals", "sale_price", ["dms_deals.sale_price"], []),
        ("stg_dms__deals", "deal_key", [], []),
        ("int_costed", "cost", ["dms_vehicle_costs.cost_amount", "dms_vehicle_costs.cost_rate"], []),
        ("int_costed", "rooftop", ["dms_deals.rooftop", "dms_deals.status"], ["deal.recognition"]),
        (
            "fct_x",
            "sum(gross) filter (where key is not null)",
            [
                "dms_deals.sale_price",
                "dms_vehicle_costs.cost_amount",
                "dms_vehicle_costs.cost_rate",
                "dms_vehicle_costs.stock_number",
            ],
            ["deal.pack"],
        ),
        ("aged", "bucket", [], ["stock.edges"]),
        ("fct_x", "no_such_column", [], []),
        ("no_such_model", "gross", [], []),
    ],
)
def test_a_column_is_followed_to_the_feeds_and_the_settings(
    lineage: Lineage, model: str, expression: str, columns: list[str], settings: list[str]
) -> None:
    leaves = tuple((name.partition(".")[0], name.partition(".")[2]) for name in columns)
    assert lineage.behind(model, [expression]) == Sources(leaves, tuple(settings))


def test_the_words_of_a_column_are_the_ends_of_its_cases(lineage: Lineage) -> None:
    assert lineage.words("fct_x", "reason") == ("no rate", "rate ...")
    assert lineage.words("fct_x", "told") == ("no rate", "rate ...", "fine")
    assert lineage.words("fct_x", "row_kind") == ("deal", "cost")
    assert lineage.words("int_costed", "cost") == ()


def test_a_kpi_names_its_sources_its_window_and_its_exclusions(lineage: Lineage) -> None:
    metric = Metric(
        name="x_rate",
        label="X",
        description="By the kinds of claim.kinds.",
        kind="cohort",
        unit="percent",
        model="fct_x",
        relation="marts.fct_x",
        date="key",
        numerator="count(key)",
        window="claim.window_days",
        excluded="reason",
        population="gross > 0 and '2026-01-01' <= {as_of}",
    )
    found = sourced(metric, lineage)
    assert "dms_deals.sale_price" in found.sources
    assert found.settings == ("claim.kinds", "claim.window_days", "deal.pack")
    assert found.reasons == ("no rate", "rate ...")
