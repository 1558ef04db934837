"""Cars: the fleet's days, the stock and its preparation, cars on their way, hires, claims."""

from __future__ import annotations

from dashboards.lists.fields import (
    CAR,
    CONDITION,
    CURRENCY,
    CUSTOMER,
    KIND,
    LEAD,
    ONE_CAR,
    ROOFTOP,
    STOCK_NUMBER,
    WHY_NOT,
)
from dashboards.records import Records, in_turn
from dashboards.tables import Column

CARS = Records(
    title="Cars, most idle days first",
    mart="fct_vehicle_day",
    where="it.day between asked.first_day and asked.last_day and it.excluded is null",
    key="stock_unit_key",
    traced="fct_stock_unit",
    is_grouped=True,
    columns={
        "rooftop": ROOFTOP,
        "stock_number": STOCK_NUMBER,
        "car": ONE_CAR,
        "fleet_use": Column("Use", "code", sql='string_agg(distinct it."use", \', \' order by it."use")'),
        "in_fleet": Column("Days in fleet", "number", sql="sum(it.in_fleet_seconds) / 86400"),
        "out_of_service": Column("Out of service", "number", sql="sum(it.out_of_service_seconds) / 86400"),
        "on_hire": Column("On hire", "number", sql="sum(it.on_hire_seconds) / 86400"),
        "idle": Column(
            "Idle",
            "number",
            help="In the fleet, fit for hire, and not on hire.",
            sql="sum(it.available_seconds - it.on_hire_seconds) / 86400",
        ),
    },
    order="idle desc, rooftop, stock_number",
    phone=("stock_number", "car", "idle"),
)

_STOCK = {
    "rooftop": ROOFTOP,
    "stock_number": STOCK_NUMBER,
    "car": CAR,
    "condition": CONDITION,
}

STOCK = Records(
    title="In stock, oldest first",
    mart="fct_stock_span",
    where="it.row_kind = 'in stock' and it.valid_from <= asked.last_day "
    "and (it.valid_to is null or it.valid_to > asked.last_day) and it.excluded is null",
    joins="inner join marts.fct_stock_unit as unit on it.record_key = unit.stock_unit_key",
    leading="unit",
    key="record_key",
    traced="fct_stock_unit",
    columns={
        "rooftop": ROOFTOP,
        "stock_number": Column("Stock number", sql="unit.stock_number"),
        "car": CAR,
        "condition": CONDITION,
        "in_stock_on": Column("In stock since", "day", sql="unit.in_stock_on"),
        "days": Column("Days", "count", sql="asked.last_day - unit.in_stock_on"),
        "first_ready_on": Column(
            "Ready since", "day", sql="case when unit.first_ready_on <= asked.last_day then unit.first_ready_on end"
        ),
        "currency": CURRENCY,
        "cost": Column(
            "Cost",
            "money",
            help="What was posted to the car by the end of the day.",
            sql="""(
            select sum(part.cost) from marts.fct_stock_span as part
            where part.record_key = it.record_key and part.row_kind = 'cost' and part.excluded is null
                and part.valid_from <= asked.last_day and (part.valid_to is null or part.valid_to > asked.last_day)
        )""",
        ),
        "acquisition_channel": Column("From", "code", sql="unit.acquisition_channel"),
        "supplier": Column("Supplier", sql="unit.supplier"),
    },
    order="days desc, rooftop, stock_number",
    phone=("stock_number", "car", "days"),
)

#: Cost categories of preparing a car for sale; buying, moving and financing it are others.
PREPARING = "('recon', 'inspection', 'maintenance', 'damage')"


def _policy(key: str) -> str:
    """The value of a setting on the day asked for; ``key`` is SQL, the last of several keys goes before the others."""
    return f"""(
            select arg_max(policy.value, position)::decimal(18,2)
            from (select unnest([{key}]) as key, unnest(range(len([{key}]))) as position) as wanted
            inner join meta.policies as policy using (key)
            where policy.valid_from <= asked.last_day
                and (policy.valid_to is null or policy.valid_to > asked.last_day)
        )"""


def _days_in(stage: str) -> str:
    """Days that the car of a span stood in a stage since the span began, up to the day asked for."""
    return f"""(
            select sum(least(coalesce(clock.left_on, asked.last_day), asked.last_day) - clock.entered_on)::bigint
            from marts.fct_vehicle_stage as clock
            where clock.stock_unit_key = it.stock_unit_key and clock.stage = '{stage}'
                and clock.entered_on between it.started_on and asked.last_day
                and (it.ready_on is null or clock.entered_on < it.ready_on)
        )"""


_PREP_COST = f"""(
            select sum(line.amount) from marts.fct_vehicle_cost as line
            where line.stock_unit_key = it.stock_unit_key and line.category in {PREPARING}
                and line.posted_on <= asked.last_day
        )"""
_BUDGET = "nullif(" + _policy("'stock.prep_budget.default', 'stock.prep_budget.' || it.condition") + ", 0)"
_LIMIT = _policy("'stock.prep_days'")
_CLOCKS = {
    "inspected": Column("Inspection, days", "count", sql=_days_in("inspection")),
    "in_recon": Column("Workshop, days", "count", sql=_days_in("in_recon")),
    "for_parts": Column("Waiting for parts, days", "count", sql=_days_in("awaiting_parts")),
}
_COSTED = {
    "currency": Column(
        "Currency",
        sql="(select unit.currency from marts.fct_stock_unit as unit where unit.stock_unit_key = it.stock_unit_key)",
    ),
    "spent": Column("Spent", "money", "Recon, inspection, maintenance and damage.", sql=_PREP_COST),
    "budget": Column("Budget", "money", "The setting stock.prep_budget of the car's condition.", sql=_BUDGET),
    "over": Column("Over budget", "money", sql=f"nullif(greatest(coalesce({_PREP_COST}, 0) - {_BUDGET}, 0), 0)"),
}
_ROUND = {"span_kind": Column("Round", "code", "The first time, or back in preparation.")}

PREPARED = Records(
    title="In preparation, longest first",
    mart="fct_ready_span",
    where="it.started_on <= asked.last_day and it.excluded is null "
    "and (it.ready_on is null or it.ready_on > asked.last_day) and (it.left_on is null or it.left_on > asked.last_day)",
    joins="left join marts.fct_vehicle_stage as stage on it.stock_unit_key = stage.stock_unit_key "
    "and stage.entered_on <= asked.last_day and (stage.left_on is null or stage.left_on > asked.last_day)",
    columns=_STOCK
    | {
        "standing": Column(
            "Standing",
            help="Delayed: longer in preparation than stock.prep_days.",
            sql=f"case when asked.last_day - it.started_on > {_LIMIT} then 'delayed' else 'in time' end",
        ),
        "stage": Column("Stage", "code", sql="stage.stage"),
        "stage_days": Column("Days in it", "count", sql="asked.last_day - stage.entered_on"),
        "note": Column("Note", sql="stage.note"),
        "place": Column("Stands at", sql="stage.location"),
        "started_on": Column("Since", "day"),
        "days": Column("Days so far", "count", sql="asked.last_day - it.started_on"),
    }
    | _CLOCKS
    | _COSTED
    | _ROUND
    | {
        "use": Column("Use", "code", sql='it."use"'),
    },
    order="days desc, rooftop, stock_number",
    phone=("stock_number", "stage", "days"),
)

READY = Records(
    title="Made ready, slowest first",
    mart="fct_ready_span",
    where="it.ready_on between asked.first_day and asked.last_day",
    columns=_STOCK
    | {
        "started_on": Column("Since", "day"),
        "ready_on": Column("Ready", "day"),
        "days": Column("Days", "count", sql="cast(it.ready_seconds / 86400 as bigint)"),
    }
    | _CLOCKS
    | _COSTED
    | _ROUND
    | {
        "excluded": WHY_NOT,
    },
    order="excluded is not null, days desc nulls last, rooftop, stock_number",
    phone=("stock_number", "car", "days"),
)

OVER_BUDGET = Records(
    title="Over budget, most first",
    mart="fct_ready_span",
    note="Made ready in these days or still in preparation. A line that is posted later counts from its day, and moves "
    "the gross of the deal on it.",
    is_by_amount=True,
    where=f"it.span_number = 1 and it.started_on <= asked.last_day "
    f"and (it.ready_on is null or it.ready_on >= asked.first_day) "
    f"and (it.left_on is null or it.left_on >= asked.first_day) and {_PREP_COST} > {_BUDGET}",
    columns=_STOCK
    | _COSTED
    | {
        "late": Column(
            "Of it after it was ready",
            "money",
            sql=f"""(
            select sum(line.amount) from marts.fct_vehicle_cost as line
            where line.stock_unit_key = it.stock_unit_key and line.category in {PREPARING}
                and line.posted_on <= asked.last_day and line.posted_on > it.ready_on
        )""",
        ),
        "ready_on": Column("Ready", "day", sql="case when it.ready_on <= asked.last_day then it.ready_on end"),
        "supplier": Column("Bought from"),
    },
    order=f"{in_turn('over')}, rooftop, stock_number",
    phone=("stock_number", "car", "over"),
)

TRANSIT = Records(
    title="On their way, latest first",
    mart="fct_stock_unit",
    where="least(it.ordered_on, it.acquired_on) <= asked.last_day "
    "and (it.arrived_on is null or it.arrived_on > asked.last_day) "
    "and (it.left_on is null or it.left_on > asked.last_day)",
    columns=_STOCK
    | {
        "ordered_on": Column("Ordered", "day"),
        "acquired_on": Column("Bought", "day"),
        "eta_on": Column("Expected", "day"),
        "days_late": Column("Days late", "count", sql="nullif(greatest(asked.last_day - it.eta_on, 0), 0)"),
        "buyer": Column(
            "Waiting buyer",
            help="The deal that was made on the car, where there is one.",
            sql="(select max(deal.deal_number) from marts.fct_deal as deal "
            "where deal.stock_unit_key = it.stock_unit_key and deal.status not in ('cancelled', 'unwound'))",
        ),
        "currency": CURRENCY,
        "cost": Column("Cost so far", "money"),
        "acquisition_channel": Column("From", "code"),
    },
    order="days_late desc nulls last, eta_on nulls last, rooftop, stock_number",
    phone=("stock_number", "car", "eta_on"),
)

WAITING = Records(
    title="Buyers waiting for a car on its way, longest first",
    mart="brg_lead_vehicle",
    where="it.waiting_from <= asked.last_day and (it.waiting_until is null or it.waiting_until > asked.last_day)",
    joins="""inner join marts.fct_stock_unit as unit on it.stock_unit_key = unit.stock_unit_key
    inner join marts.fct_lead as lead on it.lead_key = lead.lead_key""",
    key="lead_key",
    traced="fct_lead",
    columns={
        "rooftop": ROOFTOP,
        "lead_id": LEAD,
        "car": Column("Car", sql="trim(unit.make || ' ' || unit.model)"),
        "stock_number": STOCK_NUMBER,
        "days": Column("Days waiting", "count", sql="asked.last_day - it.waiting_from"),
        "eta_on": Column("Expected", "day"),
        "owner": Column("Owner", sql="lead.owner"),
        "source": Column("Source", sql="lead.source"),
        "received_on": Column("Asked", "day"),
        "matched_by": Column("Found by", help="How the enquiry names the car; by its words it may be any of several."),
    },
    order="days desc, rooftop, lead_id, stock_number",
    phone=("car", "eta_on", "owner"),
)

_HIRE = {
    "rooftop": ROOFTOP,
    "agreement_number": Column("Agreement"),
    "stock_number": STOCK_NUMBER,
    "kind": KIND,
    "customer": CUSTOMER,
    "out_at": Column("Out (UTC)", "instant"),
    "due_back_at": Column("Due back (UTC)", "instant", short="Due back"),
}
_OUT = (
    "it.out_on <= asked.last_day and (it.returned_on is null or it.returned_on > asked.last_day) and not it.is_vanished"
)

LATE_HIRES = Records(
    title="Not back in time, longest first",
    mart="fct_rental",
    where=f"{_OUT} and it.due_back_on < asked.last_day",
    columns=_HIRE | {"days": Column("Days late", "count", sql="asked.last_day - it.due_back_on")},
    order="days desc, rooftop, agreement_number",
    phone=("agreement_number", "stock_number", "days"),
)
OUT_NOW = Records(
    title="On hire, next back first",
    mart="fct_rental",
    where=_OUT,
    columns=_HIRE | {"days": Column("Days out", "count", sql="asked.last_day - it.out_on")},
    order="due_back_at nulls last, rooftop, agreement_number",
    phone=("agreement_number", "stock_number", "due_back_at"),
)
BACK = Records(
    title="Returned, most revenue first",
    mart="fct_rental",
    where="it.returned_on between asked.first_day and asked.last_day",
    columns=_HIRE
    | {
        "returned_at": Column("Returned (UTC)", "instant"),
        "late": Column("Late", sql="case when it.is_late_return then 'late' end"),
        "currency": CURRENCY,
        "revenue": Column("Revenue", "money"),
    },
    is_by_amount=True,
    order=f"{in_turn('revenue')}, rooftop, agreement_number",
    phone=("agreement_number", "stock_number", "revenue"),
)

CLAIMS = Records(
    title="Claims on these cars, newest first",
    mart="fct_claim",
    note="Claims of the counted kinds on cars delivered in the days named above.",
    joins="left join marts.fct_deal as deal on it.deal_key = deal.deal_key",
    where="it.delivered_on between asked.first_day and asked.last_day and it.opened_on <= asked.as_of "
    "and it.is_counted_kind and it.excluded is null",
    columns={
        "rooftop": ROOFTOP,
        "claim_number": Column("Claim"),
        "kind": KIND,
        "status": Column("Status", "code"),
        "cause": Column("Cause", "code"),
        "deal_number": Column("Deal", sql="coalesce(deal.deal_number, it.deal_number)"),
        "delivered_on": Column("Delivered", "day"),
        "opened_on": Column("Opened", "day"),
        "days_after_delivery": Column("Days after delivery", "count"),
        "currency": CURRENCY,
        "amount_claimed": Column("Claimed", "money"),
        "amount_paid": Column("Paid", "money"),
    },
    order="opened_on desc, rooftop, claim_number",
    phone=("claim_number", "cause", "amount_claimed"),
)
