"""The records behind the numbers: which rows of a mart a page lists, in which order, under which heads.

They are chosen by the same days and the same population as the KPI, so that they add up to it (a test says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.tables import Column
from forecourt.metrics import Metric


@dataclass(frozen=True)
class Records:
    """Records behind a KPI. ``sql`` selects from ``asked`` (first, last, as_of, rooftops) and a mart, with file_id and
    row_number; ``{population}`` stands for the KPI's own population. ``needs`` is the mart it reads."""

    title: str
    sql: str
    order: str
    needs: str
    columns: Mapping[str, Column]
    phone: tuple[str, str, str]
    note: str = ""


def statement(metric: Metric, kind: Records) -> str:
    """The SQL of the records, without a limit. Parameters: first day, last day, as_of, rooftops (empty = all)."""
    sql = kind.sql.format(population=metric.population or "true")
    return f"""with asked as (
    select $1::date as first_day, $2::date as last_day, $3::date as as_of, $4::varchar[] as rooftops
),
found as ({sql})
select found.*, files.name as file, count(*) over () as of_all
from found left join meta.files as files on found.file_id = files.file_id
where (select len(rooftops) = 0 or list_contains(rooftops, found.rooftop) from asked)
order by {kind.order}"""


DEALS = Records(
    title="Deals, lowest gross first",
    needs="fct_deal_movement",
    sql="""
        select
            moved.rooftop,
            moved.deal_number,
            any_value(deal.file_id) as file_id,
            any_value(deal.row_number) as row_number,
            any_value(trim(moved.make || ' ' || moved.model)) as car,
            any_value(moved.salesperson) as salesperson,
            any_value(moved.currency) as currency,
            max(moved.moved_on) as moved_on,
            string_agg(distinct replace(moved.kind, '_', ' '), ', ' order by replace(moved.kind, '_', ' ')) as what,
            sum(moved.revenue) as revenue,
            sum(moved.front) as front,
            sum(moved.back) as back,
            sum(moved.total) as total,
            any_value(moved.excluded) as excluded
        from asked, marts.fct_deal_movement as moved
        left join marts.fct_deal as deal on moved.deal_key = deal.deal_key
        where moved.moved_on between asked.first_day and asked.last_day
            and moved.gross_dated_on <= asked.as_of
            and moved.deal_type in ('retail', 'lease')
        group by moved.rooftop, moved.deal_number
    """,
    order="excluded is null, total nulls first, rooftop, deal_number",
    columns={
        "rooftop": Column("Rooftop"),
        "deal_number": Column("Deal"),
        "car": Column("Car"),
        "salesperson": Column("Salesperson"),
        "moved_on": Column("Day", "day"),
        "what": Column("What moved", help="Sale, late cost, cancelled product or reversal in the period."),
        "currency": Column("Currency"),
        "revenue": Column("Revenue", "money"),
        "front": Column("Front gross", "money"),
        "back": Column("Back gross", "money"),
        "total": Column("Total gross", "money"),
        "excluded": Column("Why not counted"),
    },
    phone=("deal_number", "car", "total"),
)


_HANDOVER_COLUMNS = {
    "rooftop": Column("Rooftop"),
    "deal_number": Column("Deal"),
    "car": Column("Car"),
    "source": Column("Source"),
    "salesperson": Column("Salesperson"),
    "started_on": Column("First enquiry", "day"),
}
_HANDOVERS = """
        select
            handover.rooftop,
            handover.deal_number,
            handover.file_id,
            handover.row_number,
            trim(handover.make || ' ' || handover.model) as car,
            handover.source,
            handover.salesperson,
            handover.started_on,
            handover.opened_on,
            handover.delivered_on,
            cast(handover.handover_seconds / 86400 as bigint) as days,
            asked.last_day - coalesce(handover.started_on, handover.opened_on) as age,
            handover.excluded_reason
        from asked, marts.fct_handover as handover
        where ({population})
"""

DONE = Records(
    title="Handed over, slowest first",
    needs="fct_handover",
    sql=_HANDOVERS + "and handover.delivered_on between asked.first_day and asked.last_day",
    order="excluded_reason is not null, days desc nulls last, rooftop, deal_number",
    columns=_HANDOVER_COLUMNS
    | {
        "delivered_on": Column("Handed over", "day"),
        "days": Column("Days", "count"),
        "excluded_reason": Column("Why not counted"),
    },
    phone=("deal_number", "car", "days"),
)
OPEN = Records(
    title="Still waiting, longest first",
    needs="fct_handover",
    sql=_HANDOVERS
    + """and handover.opened_on <= asked.last_day
            and (handover.delivered_on is null or handover.delivered_on > asked.last_day)
            and handover.excluded_reason is null""",
    order="age desc nulls last, rooftop, deal_number",
    columns=_HANDOVER_COLUMNS | {"opened_on": Column("Under contract", "day"), "age": Column("Days so far", "count")},
    phone=("deal_number", "car", "age"),
)


CARS = Records(
    title="Cars, most idle days first",
    needs="fct_vehicle_day",
    sql="""
        select
            days.rooftop,
            days.stock_number,
            any_value(days.file_id) as file_id,
            any_value(days.row_number) as row_number,
            any_value(trim(days.make || ' ' || days.model)) as car,
            string_agg(distinct days."use", ', ' order by days."use") as fleet_use,
            sum(days.in_fleet_seconds) / 86400 as in_fleet,
            sum(days.out_of_service_seconds) / 86400 as out_of_service,
            sum(days.on_hire_seconds) / 86400 as on_hire,
            sum(days.available_seconds - days.on_hire_seconds) / 86400 as idle
        from asked, marts.fct_vehicle_day as days
        where days.day between asked.first_day and asked.last_day
            and days.excluded is null
        group by days.rooftop, days.stock_number
    """,
    order="idle desc, rooftop, stock_number",
    columns={
        "rooftop": Column("Rooftop"),
        "stock_number": Column("Stock number"),
        "car": Column("Car"),
        "fleet_use": Column("Use"),
        "in_fleet": Column("Days in fleet", "number"),
        "out_of_service": Column("Out of service", "number"),
        "on_hire": Column("On hire", "number"),
        "idle": Column("Idle", "number", help="In the fleet, fit for hire, and not on hire."),
    },
    phone=("stock_number", "car", "idle"),
)


CLAIMS = Records(
    title="Claims on these cars, newest first",
    needs="fct_claim",
    note="Claims of the counted kinds on cars delivered in the days named above.",
    sql="""
        select
            claim.rooftop,
            claim.claim_number,
            claim.file_id,
            claim.row_number,
            claim.kind,
            claim.status,
            claim.cause,
            claim.deal_number,
            claim.delivered_on,
            claim.opened_on,
            claim.days_after_delivery,
            claim.currency,
            claim.amount_claimed,
            claim.amount_paid
        from asked, marts.fct_claim as claim
        where claim.delivered_on between asked.first_day and asked.last_day
            and claim.opened_on <= asked.as_of
            and claim.is_counted_kind
            and claim.excluded is null
    """,
    order="opened_on desc, rooftop, claim_number",
    columns={
        "rooftop": Column("Rooftop"),
        "claim_number": Column("Claim"),
        "kind": Column("Kind"),
        "status": Column("Status"),
        "cause": Column("Cause"),
        "deal_number": Column("Deal"),
        "delivered_on": Column("Delivered", "day"),
        "opened_on": Column("Opened", "day"),
        "days_after_delivery": Column("Days after delivery", "count"),
        "currency": Column("Currency"),
        "amount_claimed": Column("Claimed", "money"),
        "amount_paid": Column("Paid", "money"),
    },
    phone=("claim_number", "cause", "amount_claimed"),
)


LEADS = Records(
    title="Leads, unanswered and slowest first",
    needs="fct_lead",
    sql="""
        select
            lead.rooftop,
            lead.lead_id,
            lead.file_id,
            lead.row_number,
            lead.source,
            lead.channel,
            lead.intent,
            lead.owner,
            lead.received_at,
            case when lead.responded_on <= asked.as_of then lead.clock_response_seconds / 60 end as minutes,
            case
                when lead.response_excluded_reason is not null then lead.response_excluded_reason
                when lead.responded_on <= asked.as_of then 'answered'
                else 'not answered'
            end as answer,
            lead.stage
        from asked, marts.fct_lead as lead
        where ({population})
            and lead.received_on between asked.first_day and asked.last_day
    """,
    order="answer != 'not answered', answer != 'answered', minutes desc nulls last, received_at, rooftop, lead_id",
    columns={
        "rooftop": Column("Rooftop"),
        "lead_id": Column("Lead"),
        "source": Column("Source"),
        "channel": Column("Channel"),
        "intent": Column("Wants"),
        "owner": Column("Owner"),
        "received_at": Column("Received (UTC)", "instant"),
        "answer": Column("Answer"),
        "minutes": Column("Minutes", "number", decimals=0, help="By the clock of response.clock."),
        "stage": Column("Stage"),
    },
    phone=("lead_id", "source", "minutes"),
)

ENQUIRIES = Records(
    title="Enquiries, open ones first",
    needs="fct_episode",
    sql="""
        select
            episode.rooftop,
            episode.lead_id,
            episode.file_id,
            episode.row_number,
            episode.source,
            episode.channel,
            episode.intent,
            episode.owner,
            episode.started_on,
            episode.leads,
            case when episode.converted_on <= asked.as_of then episode.converted_on end as converted_on,
            episode.not_good_reason
        from asked, marts.fct_episode as episode
        where episode.started_on between asked.first_day and asked.last_day
    """,
    order="not_good_reason is not null, converted_on is not null, started_on, rooftop, lead_id",
    columns={
        "rooftop": Column("Rooftop"),
        "lead_id": Column("First lead"),
        "source": Column("Source"),
        "channel": Column("Channel"),
        "intent": Column("Wants"),
        "owner": Column("Owner"),
        "started_on": Column("Began", "day"),
        "leads": Column("Leads", "count"),
        "converted_on": Column("Became a deal", "day"),
        "not_good_reason": Column("Why not counted"),
    },
    phone=("lead_id", "source", "converted_on"),
)
