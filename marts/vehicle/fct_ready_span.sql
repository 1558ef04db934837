with stock_units as (
    select * from {{ ref('fct_stock_unit') }}
),

statuses as (
    select * from {{ ref('int_stock_statuses_dated') }}
),

-- What matters of a car's statuses: when it was ready, and when it went back to the workshop.
steps as (
    select
        stock_unit_key,
        status,
        valid_from,
        position,
        lag(status) over (partition by stock_unit_key order by position) as status_before,
    from statuses
    where status in ('ready', 'in_recon')
),

starts as (
    select
        stock_unit_key,
        0 as position,
        'first' as span_kind,
        in_stock_on as started_on,
        first_ready_on as ready_on,
    from stock_units
    where in_stock_on is not null
    union all
    select
        steps.stock_unit_key,
        steps.position,
        'return to recon' as span_kind,
        steps.valid_from as started_on,
        min(later.valid_from) as ready_on,
    from steps
    left join steps as later
        on steps.stock_unit_key = later.stock_unit_key
        and later.status = 'ready'
        and later.position > steps.position
    where steps.status = 'in_recon'
        and steps.status_before = 'ready'
    group by steps.stock_unit_key, steps.position, steps.valid_from
),

numbered as (
    select
        *,
        row_number() over (partition by stock_unit_key order by position) as span_number,
        {{ days_between('started_on', 'ready_on') }} * cast(86400 as bigint) as ready_seconds,
    from starts
)

select
    numbered.stock_unit_key || '|' || cast(numbered.span_number as varchar) as ready_span_key,
    numbered.stock_unit_key,
    stock_units.rooftop,
    stock_units.stock_number,
    numbered.span_number,
    stock_units.file_id,
    stock_units.row_number,
    numbered.span_kind,
    stock_units."use",
    stock_units.condition,
    stock_units.make,
    stock_units.model,
    stock_units.acquisition_channel,
    stock_units.supplier,
    {{ why_no_duration('numbered.ready_seconds') }} as excluded,
    numbered.started_on,
    numbered.ready_on,
    stock_units.left_on,
    numbered.ready_seconds,
from numbered
inner join stock_units
    on numbered.stock_unit_key = stock_units.stock_unit_key
