-- Says: the gross of a deal that its movements add up to is the formula over its current parts.
-- Matters: every figure of gross is a sum of movements; a late cost or product counted twice or not at all shows here.
-- Resolve: compare the deal's rows in fct_deal_movement with its cost lines and products; ours to mend.
select
    deal_key,
    front_gross,
    back_gross,
    revenue,
from {{ ref('fct_deal') }}
where excluded is null
    and is_recognised
    and (
        front_gross != case when is_consignment then commission else sale_price - margin_vat - vehicle_cost end
            - over_allowance + front_product_gross
        or back_gross != back_product_gross - chargebacks
        or total_gross != front_gross + back_gross
    )
