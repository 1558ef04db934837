-- The newest day that any landed file speaks for, in the rooftop where it is the latest.
select max(last_day) as newest_on
from {{ ref('int_rooftops_exported') }}
