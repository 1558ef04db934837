-- Says: every deal in force has its row in fct_handover, with its episode or the reason why it has
-- none.
-- Matters: a deal that falls out here would leave the turnaround without being counted as excluded.
-- Resolve: compare with stg_dms__deals by deal_key; ours to mend.
select
    coalesce(deals.deal_key, handovers.deal_key) as deal_key,
    handovers.episode_key,
    handovers.excluded_reason,
from {{ ref('stg_dms__deals') }} as deals
full join {{ ref('fct_handover') }} as handovers
    on deals.deal_key = handovers.deal_key
where deals.deal_key is null
    or handovers.deal_key is null
    or (handovers.episode_key is null and handovers.excluded_reason is null)
