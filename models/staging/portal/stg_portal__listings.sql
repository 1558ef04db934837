with listings as (
    {{ in_force(source('portal', 'portal_listings')) }}
)

select
    * exclude (key),
    key as listing_key,
from listings
