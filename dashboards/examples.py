"""Questions with their statements, to begin with on the SQL page. A test runs every one of them."""

from __future__ import annotations

#: Question -> statement.
EXAMPLES = {
    "Which models earn most per car?": """select
    fct_deal.make,
    fct_deal.model,
    fct_deal.currency,
    sum(unit) as cars,
    sum(total) as gross,
    round(sum(total) / nullif(sum(unit), 0), 2) as gross_per_car
from fct_deal_movement
inner join fct_deal using (deal_key)
where fct_deal.deal_type in ('retail', 'lease')
group by all
having sum(unit) > 0
order by currency, gross_per_car desc""",
    "How does gross run by month and rooftop?": """select
    date_trunc('month', moved_on)::date as month,
    rooftop,
    sum(total) as gross,
    sum(unit) as cars
from fct_deal_movement
group by all
order by month, rooftop""",
    "Which source brings leads that buy?": """select
    source,
    count(distinct fct_lead.lead_key) as leads,
    count(distinct brg_lead_deal.deal_key) as deals,
    round(count(distinct brg_lead_deal.deal_key) / count(distinct fct_lead.lead_key), 3) as deals_per_lead
from fct_lead
left join brg_lead_deal using (lead_key)
group by source
order by leads desc""",
    "Which cars have stood longest?": """select
    rooftop,
    stock_number,
    make,
    model,
    arrived_on,
    days_in_stock,
    cost,
    currency
from fct_stock_unit
where is_in_stock
order by days_in_stock desc nulls last""",
    "Who owes what, by bucket?": """select
    schedule,
    bucket,
    currency,
    count(*) as documents,
    sum(outstanding) as outstanding
from receivable_ageing((select max(data_through) from freshness), 'due')
group by schedule, bucket, bucket_position, currency
order by schedule, currency, bucket_position""",
    "Which line of which file is behind a deal?": """select
    fct_deal.deal_key,
    fct_deal.total_gross,
    files.name as file,
    fct_deal.row_number as line,
    files.received_at
from fct_deal
left join files using (file_id)
order by fct_deal.deal_key""",
    "What does a mart hold?": """select "column", type, unit, description
from columns
where mart = 'fct_deal'""",
}
