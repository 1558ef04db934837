"""The board of cases at the end of a day: where each stood then, and what blocked it then.

The days of the stages and of what blocks are in the marts, so the board of a past day is made of the same facts as
today's (a test compares it with ``fct_case``). A deal that was cancelled stands on the board of no day, since no source
says when it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dashboards.data import Reader

STAGES = ("enquiry", "inspection", "quotation", "approval", "preparation", "sale", "handover", "follow-up")
_ENTERED = {stage: f"it.{stage.replace('-', '_')}_on" for stage in STAGES}
_REACHED = [f"when {column} <= asked.day then" for column in reversed(_ENTERED.values())]

#: Parameters: the day, the rooftops (none = all). One row per case that was open at the end of the day.
STATEMENT = f"""with asked as (select $1::date as day, $2::varchar[] as rooftops),

cases as (
    select
        it.*,
        case {" ".join(f"{when} '{stage}'" for when, stage in zip(_REACHED, reversed(STAGES), strict=True))}
        end as stage_then,
        case {" ".join(f"{when} {column}" for when, column in zip(_REACHED, reversed(_ENTERED.values()), strict=True))}
        end as entered_on
    from marts.fct_case as it, asked
    where not it.is_called_off
        and (it.ended_on is null or it.ended_on > asked.day)
        and (it.follow_up_on is null or it.follow_up_on > asked.day)
        and (len(asked.rooftops) = 0 or list_contains(asked.rooftops, it.rooftop))
),

troubles as (
    select
        it.deal_key, lead.episode_key, it.rule, it.label || coalesce(' (' || it.evidence || ')', '') as blocker,
        it.label, it.role, it.broken_on as blocked_on, it.exception_key as trouble_key
    from marts.fct_exception as it
    cross join asked
    left join marts.fct_lead as lead on it.lead_key = lead.lead_key
    where it.broken_on <= asked.day and (it.closed_on is null or it.closed_on > asked.day)

    union all

    select
        null, lead.episode_key, 'pending_approval', 'Approval of a quotation pending (' || it.quote_id || ')',
        'Approval of a quotation pending', 'manager', it.requested_on, it.quote_key
    from marts.fct_quote as it
    cross join asked
    inner join marts.fct_lead as lead on it.lead_key = lead.lead_key
    where it.requested_on <= asked.day
        and (it.approval_status = 'pending' or (it.approval_status = 'approved' and it.approved_on > asked.day))
),

-- What has stood in the way longest.
blockers as (
    select *
    from (
        select cases.case_key, troubles.* from cases inner join troubles on cases.deal_key = troubles.deal_key
        union all
        select cases.case_key, troubles.* from cases inner join troubles on cases.episode_key = troubles.episode_key
        where troubles.deal_key is null
    )
    qualify row_number() over (partition by case_key order by blocked_on, trouble_key) = 1
)

select
    cases.case_key, cases.rooftop, coalesce(cases.deal_number, cases.case_key) as "case", cases.owner,
    coalesce(
        blockers.role,
        case cases.stage_then
            when 'enquiry' then 'bdc' when 'inspection' then 'buyer' when 'approval' then 'manager'
            when 'preparation' then 'technician' when 'sale' then 'controller' else 'sales'
        end
    ) as role,
    cases.stage_then as stage, cases.entered_on, asked.day - cases.entered_on as days,
    blockers.blocker, blockers.label, blockers.rule, blockers.blocked_on,
    cases.file_id, files.name as file, cases.row_number
from cases
cross join asked
left join blockers on cases.case_key = blockers.case_key
left join meta.files as files on cases.file_id = files.file_id
where cases.stage_then is not null
order by blockers.blocker is null, days desc, cases.rooftop, cases.case_key"""


def board(reader: Reader, day: date, rooftops: Sequence[str]) -> list[dict[str, Any]]:
    """The cases that were open at the end of a day, blocked ones first and the oldest of them on top."""
    return reader.rows(STATEMENT, (day, tuple(rooftops)))
