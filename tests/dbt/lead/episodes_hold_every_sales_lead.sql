-- Says: a sales lead lies in exactly one episode, and an episode counts just the leads that lie in
-- it.
-- Matters: conversion and turnaround are counted by episode; a lost lead would be a lost customer.
-- Resolve: compare fct_lead and fct_episode by episode_key; ours to mend.
with counted as (
    select
        episode_key,
        count(*) as leads,
    from {{ ref('fct_lead') }}
    where is_sales
    group by episode_key
)

select
    coalesce(counted.episode_key, episodes.episode_key) as episode_key,
    counted.leads as leads_found,
    episodes.leads as leads_counted,
from counted
full join {{ ref('fct_episode') }} as episodes
    on counted.episode_key = episodes.episode_key
where counted.leads is distinct from episodes.leads
