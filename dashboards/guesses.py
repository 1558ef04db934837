"""Deals that no lead is known for, each with the lead that fits best, a score of 100 and what speaks for it.

A guess is for a person to look at: it changes no number. What the ladder of METRICS section 6 finds is not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.data import Reader
from forecourt.metrics import Period

#: What speaks for a lead -> its points. They add up to 100; decision 20 says why these.
POINTS: Mapping[str, int] = {
    "asked for this car": 35,
    "the buyer's name": 30,
    "names the model": 10,
    "won within a week of it": 10,
    "owned by the salesperson": 10,
    "asked in the month before": 5,
}
#: A guess with fewer points is none.
LEAST = 35
#: Days before the sale in which the lead of a deal was asked for.
REACH = 180

#: Parameters: first day, last day, as_of, rooftops (none = all).
STATEMENT = f"""with asked as (
    select $1::date as first_day, $2::date as last_day, $3::date as as_of, $4::varchar[] as rooftops
),

deals as (
    select
        it.deal_key, it.rooftop, it.deal_number, it.salesperson, it.sold_on, it.file_id, it.row_number,
        deal.make, deal.model, deal.vin, deal.stock_unit_key, deal.stock_number, deal.customer_id, deal.currency,
        deal.sale_price,
        (
            select any_value(buyer.customer_name) from marts.dim_customer as buyer
            where buyer.system = 'dms' and buyer.customer_id = deal.customer_id
                and coalesce(buyer.rooftop, deal.rooftop) = deal.rooftop
        ) as buyer
    from marts.fct_sale_match as it
    inner join marts.fct_deal as deal on it.deal_key = deal.deal_key
    cross join asked
    where it.match_status = 'DMS unmatched' and it.excluded is null
        and it.valid_from between asked.first_day and asked.last_day
        and (it.valid_to is null or it.valid_to > asked.as_of)
        and (len(asked.rooftops) = 0 or list_contains(asked.rooftops, it.rooftop))
),

taken as (select distinct lead_key from marts.brg_lead_deal),

leads as (
    select
        it.lead_key, it.lead_id, it.rooftop, it.owner, it.vin, it.stock_number, it.vehicle_text, it.received_on,
        it.stage, it.stage_changed_at,
        (
            select any_value(person.customer_name) from marts.dim_customer as person
            where person.system = 'crm' and person.customer_id = it.customer_id
                and coalesce(person.rooftop, it.rooftop) = it.rooftop
        ) as asker
    from marts.fct_lead as it
    where it.is_sales and it.lead_key not in (select lead_key from taken)
),

pairs as (
    select
        deals.deal_key,
        leads.*,
        coalesce(leads.vin = deals.vin or leads.stock_number = deals.stock_number, false) as has_car,
        -- A letter may be typed otherwise; another first name is another person.
        coalesce(
            length(leads.asker) > 5 and levenshtein(lower(leads.asker), lower(deals.buyer)) <= 1, false
        ) as has_name,
        coalesce(contains(lower(leads.vehicle_text), lower(deals.model)), false) as has_model,
        coalesce(
            leads.stage = 'won' and abs(cast(leads.stage_changed_at as date) - deals.sold_on) <= 7, false
        ) as is_won,
        coalesce(leads.owner = deals.salesperson, false) as has_owner,
        deals.sold_on - leads.received_on <= 30 as is_near
    from deals
    inner join leads
        on deals.rooftop = leads.rooftop
        and leads.received_on between deals.sold_on - {REACH} and deals.sold_on
),

scored as (
    select
        *,
        {
    " + ".join(
        f"if({column}, {points}, 0)"
        for column, points in zip(
            ("has_car", "has_name", "has_model", "is_won", "has_owner", "is_near"), POINTS.values(), strict=True
        )
    )
} as score,
        concat_ws(', ', {
    ", ".join(
        f"if({column}, '{said.replace(chr(39), chr(39) * 2)}', null)"
        for column, said in zip(
            ("has_car", "has_name", "has_model", "is_won", "has_owner", "is_near"), POINTS, strict=True
        )
    )
}) as why
    from pairs
),

-- Each side's best, so that no lead is the guess for two deals.
guesses as (
    select *
    from scored
    where score >= {LEAST}
    qualify row_number() over (partition by deal_key order by score desc, received_on desc, lead_key) = 1
        and row_number() over (partition by lead_key order by score desc, deal_key) = 1
)

select
    deals.*,
    guesses.lead_id,
    guesses.asker,
    guesses.received_on,
    guesses.score,
    guesses.why,
    files.name as file
from deals
left join guesses on deals.deal_key = guesses.deal_key
left join meta.files as files on deals.file_id = files.file_id
order by guesses.score desc nulls last, deals.sold_on desc, deals.rooftop, deals.deal_number"""


def unmatched(reader: Reader, period: Period, rooftops: Sequence[str]) -> list[dict[str, Any]]:
    """The deals of a period that no lead is known for, those with the strongest guess first; one row per deal."""
    return reader.rows(STATEMENT, (period.first, period.end, period.as_of, tuple(rooftops)))
