"""What each lead source or person brought: the leads of a period and what became of them, what happened in it, money.

Two views that are never mixed: the cohort follows the leads received in the period, whenever the rest happened; the
period counts what happened in its days, whoever's lead it was. A share always has its numerator and denominator beside
it. The columns are those of the lead source report of a large CRM, worked out from raw leads instead of taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dashboards.data import Reader
from dashboards.tables import Column
from forecourt.metrics import Period

By = Literal["source", "owner"]
#: The marts that the report reads; a run without the leads has none.
MART = "fct_lead_span"
NO_LEAD = "no lead"

#: By what a record is grouped: of leads, appointments and what people send, of deals.
_GROUP = {
    "source": {"lead": "it.source", "appointment": "it.source", "sent": "leads.source", "deal": "born.source"},
    "owner": {"lead": "it.owner", "appointment": "it.employee", "sent": "it.employee", "deal": "it.salesperson"},
}


def statement(by: By) -> str:
    """The SQL of the report, a row per group and currency.

    Parameters: first day, last day, as_of, rooftops (none = all). Cohort columns begin with ``of_``; the others are of
    the period.
    """
    group = _GROUP[by]
    return f"""with asked as (
    select $1::date as first_day, $2::date as last_day, $3::date as as_of, $4::varchar[] as rooftops
),

rooftops as (
    select it.rooftop, it.currency
    from marts.dim_rooftop as it, asked
    where len(asked.rooftops) = 0 or list_contains(asked.rooftops, it.rooftop)
),

leads as (
    select lead_key, source, owner, customer_id, received_at, received_on, first_attempt_at, attempts
    from marts.fct_lead
),

-- A visit is a day on which the lead came: an appointment kept, or a visit that somebody entered.
visits as (
    select found.*, row_number() over (partition by lead_key order by visited_on) as visit
    from (
        select lead_key, shown_on as visited_on from marts.fct_appointment
        where shown_on is not null and kind in ('sales_visit', 'test_drive', 'appraisal') and lead_key is not null
        union
        select lead_key, occurred_on from marts.fct_lead_activity
        where channel = 'visit' and direction = 'in' and lead_key is not null
    ) as found, asked
    where visited_on <= asked.as_of
),

visits_of_leads as (
    select lead_key, min(visited_on) as first_on, min(visited_on) filter (where visit = 2) as second_on
    from visits
    group by lead_key
),

-- The lead a deal came from is the first of those that became it.
born as (
    select
        links.deal_key,
        min_by(links.lead_key, (links.received_on, links.lead_key)) as lead_key,
        min(links.received_on) as received_on,
        min_by(leads.source, (links.received_on, links.lead_key)) as source
    from marts.brg_lead_deal as links
    inner join leads on links.lead_key = leads.lead_key
    group by links.deal_key
),

became as (
    select born.lead_key, count(*) as deals
    from born
    inner join marts.fct_deal as deal on born.deal_key = deal.deal_key
    cross join asked
    where deal.recognised_on <= asked.as_of and deal.deal_type in ('retail', 'lease')
        and (deal.reversed_on is null or deal.reversed_on > asked.as_of)
    group by born.lead_key
),

cohort as (
    select
        coalesce({group["lead"]}, 'unknown') as grp,
        rooftops.currency,
        count(*) as of_leads,
        count(*) filter (where it.not_good_reason is null) as of_good,
        count(*) filter (where it.not_good_reason is not null) as of_bad,
        count(*) filter (where it.quality = 'duplicate') as of_duplicate,
        count(*) filter (where it.not_good_reason is not null and it.quality <> 'duplicate') as of_bad_other,
        count(distinct coalesce(leads.customer_id, it.lead_key)) as of_customers,
        count(*) filter (where it.not_good_reason is null and leads.first_attempt_at < asked.as_of + 1) as of_attempted,
        count(*) filter (where it.not_good_reason is null and it.contacted_on <= asked.as_of) as of_contacted,
        avg(leads.attempts) filter (where it.not_good_reason is null and it.contacted_on <= asked.as_of)
            as of_attempts_each,
        count(*) filter (where it.not_good_reason is null and it.appointment_created_on <= asked.as_of) as of_set,
        avg(it.appointment_created_on - it.received_on)
            filter (where it.not_good_reason is null and it.appointment_created_on <= asked.as_of) as of_days_to_set,
        count(*) filter (where it.not_good_reason is null and visits_of_leads.first_on is not null) as of_shown,
        avg(visits_of_leads.first_on - it.received_on)
            filter (where it.not_good_reason is null and visits_of_leads.first_on >= it.received_on)
            as of_days_to_visit,
        avg(visits_of_leads.second_on - visits_of_leads.first_on) filter (where it.not_good_reason is null)
            as of_days_to_be_back,
        coalesce(sum(became.deals) filter (where it.not_good_reason is null), 0)::bigint as of_sold
    from marts.fct_lead_span as it
    inner join rooftops on it.rooftop = rooftops.rooftop
    cross join asked
    inner join leads on it.lead_key = leads.lead_key
    left join visits_of_leads on it.lead_key = visits_of_leads.lead_key
    left join became on it.lead_key = became.lead_key
    where it.received_on between asked.first_day and asked.last_day
        and it.valid_from <= asked.as_of and (it.valid_to is null or it.valid_to > asked.as_of)
    group by all
),

appointments as (
    select
        coalesce({group["appointment"]}, 'unknown') as grp,
        rooftops.currency,
        count(*) filter (where it.created_on between asked.first_day and asked.last_day) as made,
        count(*) filter (where it.due_on between asked.first_day and asked.last_day and it.excluded_reason is null)
            as due,
        count(*) filter (
            where it.due_on between asked.first_day and asked.last_day and it.excluded_reason is null
                and it.confirmed_at is not null
        ) as confirmed,
        count(*) filter (
            where it.due_on between asked.first_day and asked.last_day and it.excluded_reason is null
                and it.shown_on <= asked.as_of
        ) as shown
    from marts.fct_appointment as it
    inner join rooftops on it.rooftop = rooftops.rooftop
    cross join asked
    where it.kind <> 'service'
    group by all
),

visited as (
    select
        coalesce(leads.{by}, 'unknown') as grp,
        rooftops.currency,
        count(*) as visits,
        count(*) filter (where visits.visit = 1) as first_visits,
        count(*) filter (where visits.visit > 1) as be_backs
    from visits
    inner join marts.fct_lead as lead on visits.lead_key = lead.lead_key
    inner join leads on visits.lead_key = leads.lead_key
    inner join rooftops on lead.rooftop = rooftops.rooftop
    cross join asked
    where visits.visited_on between asked.first_day and asked.last_day
    group by all
),

written as (
    select
        coalesce({group["sent"]}, 'unknown') as grp,
        rooftops.currency,
        count(*) filter (where it.channel = 'call') as calls_out,
        count(*) filter (where it.channel = 'email') as emails_out,
        count(*) filter (where it.channel in ('sms', 'whatsapp')) as texts_out
    from marts.fct_lead_activity as it
    inner join rooftops on it.rooftop = rooftops.rooftop
    cross join asked
    left join leads on it.lead_key = leads.lead_key
    where it.direction = 'out' and not it.is_automatic and not it.is_bulk
        and it.occurred_on between asked.first_day and asked.last_day and it.occurred_on <= asked.as_of
    group by all
),

-- As units and total gross count: every effect on the day it belongs to, a gross that is not known in neither sum.
sold as (
    select
        coalesce({group["deal"]}, '{NO_LEAD}') as grp,
        it.currency,
        sum(it.unit) filter (where it.moved_on between asked.first_day and asked.last_day) as sold,
        avg(it.recognised_on - born.received_on)
            filter (where it.kind = 'sale' and it.moved_on between asked.first_day and asked.last_day) as days_to_sale,
        sum(it.front) filter (where {{known}}) as front,
        sum(it.back) filter (where {{known}}) as back,
        sum(it.total) filter (where {{known}}) as gross
    from marts.fct_deal_credit as it
    inner join rooftops on it.rooftop = rooftops.rooftop
    cross join asked
    left join born on it.deal_key = born.deal_key
    where it.deal_type in ('retail', 'lease') and it.dated_on <= asked.as_of
        and (
            it.moved_on between asked.first_day and asked.last_day
            or it.gross_moved_on between asked.first_day and asked.last_day
        )
    group by all
),

spent as (
    select it.source as grp, it.currency, sum(it.amount) as cost
    from marts.fct_spend_effect as it
    inner join rooftops on it.rooftop = rooftops.rooftop
    cross join asked
    where {"true" if by == "source" else "false"} and it.row_kind = 'spend' and it.excluded is null
        and it.effect_on between asked.first_day and asked.last_day and it.effect_on <= asked.as_of
    group by all
),

every as (
    select grp, currency from cohort
    union select grp, currency from appointments
    union select grp, currency from visited
    union select grp, currency from written
    union select grp, currency from sold
    union select grp, currency from spent
)

select
    every.grp,
    every.currency,
    cohort.* exclude (grp, currency),
    appointments.* exclude (grp, currency),
    visited.* exclude (grp, currency),
    written.* exclude (grp, currency),
    calls_out + emails_out + texts_out as sent,
    sold.* exclude (grp, currency),
    spent.cost,
    sold.gross - coalesce(spent.cost, 0) as profit
from every
left join cohort using (grp, currency)
left join appointments using (grp, currency)
left join visited using (grp, currency)
left join written using (grp, currency)
left join sold using (grp, currency)
left join spent using (grp, currency)
where coalesce(of_leads, due, made, visits, sent, sold, gross, cost) is not null
order by of_leads desc nulls last, sold desc nulls last, grp, currency""".replace(
        "{known}",
        "it.excluded is null and it.gross_dated_on <= asked.as_of "
        "and it.gross_moved_on between asked.first_day and asked.last_day",
    )


#: Share -> its numerator and denominator, both shown beside it.
SHARES: Mapping[str, tuple[str, str]] = {
    "of_attempted_pct": ("of_attempted", "of_good"),
    "of_contacted_pct": ("of_contacted", "of_good"),
    "of_set_pct": ("of_set", "of_good"),
    "of_shown_pct": ("of_shown", "of_good"),
    "of_sold_pct": ("of_sold", "of_good"),
    "sold_pct": ("sold", "of_good"),
    "confirmed_pct": ("confirmed", "due"),
    "shown_pct": ("shown", "due"),
}
#: Average of money -> its sum and what it is shared over.
EACH: Mapping[str, tuple[str, str]] = {
    "front_each": ("front", "sold"),
    "back_each": ("back", "sold"),
    "gross_each": ("gross", "sold"),
    "cost_per_good": ("cost", "of_good"),
    "cost_per_sold": ("cost", "sold"),
}
_PER_GOOD = "Of the good leads."
_PER_DUE = "Of the appointments due."
COLUMNS: Mapping[str, Column] = {
    "of_leads": Column("Leads", "count", "Received in these days."),
    "of_good": Column("Good leads", "count"),
    "of_bad": Column("Bad leads", "count"),
    "of_duplicate": Column("Duplicates", "count"),
    "of_bad_other": Column("Bad otherwise", "count"),
    "of_customers": Column("Customers", "count", "Different customers behind the leads."),
    "of_attempted": Column("Tried", "count", "Good leads that a person tried to reach."),
    "of_attempted_pct": Column("Tried %", "number", _PER_GOOD),
    "of_contacted": Column("Reached", "count", "Good leads with a contact in both directions."),
    "of_contacted_pct": Column("Reached %", "number", _PER_GOOD),
    "of_attempts_each": Column("Tries each", "number", "Personal attempts, of those who were reached."),
    "of_set": Column("With appointment", "count"),
    "of_set_pct": Column("With appointment %", "number", _PER_GOOD),
    "of_days_to_set": Column("Days to it", "number", "From the lead to the making of its first appointment."),
    "of_shown": Column("Came", "count", "Good leads that came at least once."),
    "of_shown_pct": Column("Came %", "number", _PER_GOOD),
    "of_days_to_visit": Column("Days to visit", "number", "From the lead to its first visit."),
    "of_days_to_be_back": Column("Days to be-back", "number", "From the first visit to the second."),
    "of_sold": Column("Sold of them", "count", "Deals that these leads became, taken back ones out."),
    "of_sold_pct": Column("Sold of them %", "number", _PER_GOOD),
    "made": Column("Appointments made", "count", "Made in these days, for any lead."),
    "due": Column("Due", "count", "Due in these days, not cancelled; a chain of new slots is one."),
    "confirmed": Column("Confirmed", "count"),
    "confirmed_pct": Column("Confirmed %", "number", _PER_DUE),
    "shown": Column("Shown", "count"),
    "shown_pct": Column("Shown %", "number", _PER_DUE),
    "visits": Column("Visits", "count", "Days on which a lead came, by appointment or without."),
    "first_visits": Column("First visits", "count"),
    "be_backs": Column("Be-backs", "count", "Visits after the first."),
    "calls_out": Column("Calls out", "count", "By a person; machines and mailings are out."),
    "emails_out": Column("E-mails out", "count"),
    "texts_out": Column("Texts out", "count", "SMS and WhatsApp."),
    "sent": Column("All out", "count"),
    "sold": Column("Sold", "number", "Units of these days, as the KPI counts them."),
    "sold_pct": Column("Sold %", "number", "Units of these days over the good leads of these days."),
    "days_to_sale": Column("Days to sale", "number", "From the first lead to the sale, of the units of these days."),
    "front": Column("Front gross", "money"),
    "front_each": Column("Front each", "money", "Over the units sold."),
    "back": Column("Back gross", "money"),
    "back_each": Column("Back each", "money", "Over the units sold."),
    "gross": Column("Total gross", "money"),
    "gross_each": Column("Gross each", "money", "Over the units sold."),
    "cost": Column("Cost", "money", "What the source cost, spread over the days of its month."),
    "cost_per_good": Column("Cost per good lead", "money"),
    "cost_per_sold": Column("Cost per sold", "money"),
    "profit": Column("Profit", "money", "Total gross less cost."),
}


#: Columns that do not add up over groups, so that a total has none.
_MEANS = frozenset({"of_attempts_each", "of_days_to_set", "of_days_to_visit", "of_days_to_be_back", "days_to_sale"})


def report(reader: Reader, period: Period, rooftops: Sequence[str], by: By) -> list[dict[str, Any]]:
    """The rows of the report, totals by currency first, with shares (of 100) and averages.

    A share with an empty denominator is left out. ``rooftop`` is None by source; a person's code belongs to a rooftop,
    so by owner each row is of one.
    """
    found: list[dict[str, Any]] = []
    each: list[tuple[str, ...]] = [(code,) for code in rooftops or reader.rooftops()]
    for one in each if by == "owner" else [tuple(rooftops)]:
        asked = (period.first, period.end, period.as_of, one)
        found += [row | {"rooftop": one[0] if by == "owner" else None} for row in reader.rows(statement(by), asked)]
    found.sort(key=lambda row: (-(row["of_leads"] or 0), -(row["sold"] or 0), str(row["grp"])))
    currencies = dict.fromkeys(row["currency"] for row in found)
    totals = [_total([row for row in found if row["currency"] == currency]) for currency in currencies]
    return [_with_shares(row) for row in (*totals, *found)]


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of groups of one currency."""
    total: dict[str, Any] = {"grp": None, "currency": rows[0]["currency"], "rooftop": None}
    for name in rows[0].keys() - total.keys():
        known = [row[name] for row in rows if row[name] is not None]
        total[name] = sum(known) if known and name not in _MEANS else None
    return total


def _with_shares(row: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(row)
    for name, (numerator, denominator) in SHARES.items():
        top, bottom = row[numerator], row[denominator]
        found[name] = 100 * float(top or 0) / float(bottom) if bottom and bottom > 0 else None
    for name, (amount, units) in EACH.items():
        top, bottom = row[amount], row[units]
        found[name] = float(top) / float(bottom) if top is not None and bottom and bottom > 0 else None
    return found
