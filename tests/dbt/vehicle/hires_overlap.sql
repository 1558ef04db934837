{{ config(severity = 'warn') }}
-- Says: a car was out on two agreements at once.
-- Matters: utilisation counts the time once; one of the agreements names the wrong car or was not
-- closed.
-- Resolve: check the two agreements at the rental desk.
with hires as (
    select
        rental_key,
        stock_unit_key,
        out_at,
        returned_at,
        lead(out_at) over (partition by stock_unit_key order by out_at, rental_key) as next_out_at,
        lead(rental_key) over (partition by stock_unit_key order by out_at, rental_key)
            as next_rental_key,
    from {{ ref('fct_rental') }}
)

select stock_unit_key, rental_key, next_rental_key
from hires
where next_out_at < returned_at
