-- Every customer number of a source, and every lead that names none, with the customer that it is:
-- merged as the CRM or the DMS announces, else matched by telephone or e-mail within a rooftop (the
-- records kept group-wide among themselves). What connects them is followed through chains.
with recursive rules as (
    select
        {{ names_hold(policy('identity.match'), "'email'") }} as match_email,
        {{ names_hold(policy('identity.match'), "'phone'") }} as match_phone,
        {{ policy('identity.join_systems') }} as join_systems,
        cast({{ policy('identity.shared_by') }} as integer) as shared_by,
),

feeds as (
    select
        'crm' as system,
        coalesce(rooftop, '') as scope,
        customer_id,
        'crm|' || customer_key as record_key,
        merged_into,
        email,
        phone,
        file_id,
        row_number,
    from {{ ref('stg_crm__customers') }}

    union all

    select
        'dms' as system,
        coalesce(rooftop, '') as scope,
        customer_id,
        'dms|' || customer_key as record_key,
        merged_into,
        email,
        phone,
        file_id,
        row_number,
    from {{ ref('stg_dms__customers') }}
),

-- A merge is followed to its end; one that runs in a circle has none and joins nobody.
steps as (
    select
        system,
        scope,
        record_key,
        merged_into as reached,
        file_id,
        row_number,
        1 as length,
    from feeds
    where merged_into is not null

    union all

    select
        steps.system,
        steps.scope,
        steps.record_key,
        feeds.merged_into as reached,
        steps.file_id,
        steps.row_number,
        steps.length + 1 as length,
    from steps
    inner join feeds
        on steps.system = feeds.system
        and steps.scope = feeds.scope
        and steps.reached = feeds.customer_id
    where feeds.merged_into is not null
        and steps.length < 100
),

merges as (
    select
        steps.system,
        steps.scope,
        steps.record_key,
        steps.reached,
        coalesce(feeds.record_key, steps.system || '|' || steps.scope || '|' || steps.reached)
            as reached_key,
        steps.file_id,
        steps.row_number,
    from steps
    left join feeds
        on steps.system = feeds.system
        and steps.scope = feeds.scope
        and steps.reached = feeds.customer_id
    where feeds.merged_into is null
),

leads as (
    select
        leads.rooftop,
        leads.lead_key,
        leads.customer_id,
        coalesce(
            own.record_key,
            wide.record_key,
            'crm|' || leads.rooftop || '|' || leads.customer_id
        ) as record_key,
        coalesce(own.scope, wide.scope, leads.rooftop) as scope,
        own.record_key is null and wide.record_key is null as is_only_named,
        leads.email,
        leads.phone,
        leads.file_id,
        leads.row_number,
    from (
        select rooftop, lead_key, customer_id, email, phone, file_id, row_number,
        from {{ ref('stg_crm__leads') }}

        union all

        select
            leads.rooftop,
            leads.lead_key,
            leads.customer_id,
            leads.email,
            leads.phone,
            leads.file_id,
            leads.row_number,
        from {{ ref('stg_portal__leads') }} as leads
        inner join {{ ref('int_portal_messages_matched') }} as messages
            on leads.lead_key = messages.message_key
            and messages.origin = 'portal_lead'
        where messages.lead_key is null

        union all

        select
            calls.rooftop,
            messages.message_key as lead_key,
            cast(null as varchar) as customer_id,
            cast(null as varchar) as email,
            calls.caller_phone as phone,
            calls.file_id,
            calls.row_number,
        from {{ ref('stg_portal__calls') }} as calls
        inner join {{ ref('int_portal_messages_matched') }} as messages
            on calls.rooftop || '|call|' || calls.call_id = messages.message_key
        where messages.lead_key is null
    ) as leads
    left join feeds as own
        on own.system = 'crm'
        and leads.rooftop = own.scope
        and leads.customer_id = own.customer_id
    left join feeds as wide
        on wide.system = 'crm'
        and wide.scope = ''
        and leads.customer_id = wide.customer_id
),

-- Numbers that a source only names are customers too; the record that names them stands for them.
named as (
    select 'crm' as system, scope, customer_id, record_key, file_id, row_number,
    from leads
    where customer_id is not null and is_only_named

    union all

    select
        'dms' as system,
        rooftop as scope,
        customer_id,
        'dms|' || rooftop || '|' || customer_id as record_key,
        file_id,
        row_number,
    from {{ ref('stg_dms__deals') }}
    where customer_id is not null
        and 'dms|' || rooftop || '|' || customer_id not in (select record_key from feeds)

    union all

    select system, scope, reached as customer_id, reached_key as record_key, file_id, row_number,
    from merges
    where reached_key not in (select record_key from feeds)
),

records as (
    select system, scope, customer_id, record_key, file_id, row_number, true as has_record,
    from feeds

    union all

    select system, scope, customer_id, record_key, file_id, row_number, false as has_record,
    from named
    qualify row_number() over (
        partition by record_key
        order by file_id, row_number
    ) = 1
),

-- Who was reached how: the customers' own records, and those of the leads they sent.
given as (
    select
        system,
        record_key,
        scope as rooftop,
        scope,
        email,
        phone,
        file_id,
        row_number,
    from feeds
    where system = 'crm' or (select join_systems <> 'no' from rules)

    union all

    select
        case when customer_id is null then 'lead' else 'crm' end as system,
        case when customer_id is null then 'lead|' || lead_key else record_key end as record_key,
        rooftop,
        scope,
        email,
        phone,
        file_id,
        row_number,
    from leads
),

read as (
    select
        given.*,
        emails.contact as plain_email,
        phones.contact as plain_phone,
    from given
    left join {{ source('settings', 'contacts') }} as emails
        on given.rooftop = emails.rooftop
        and given.email = emails.raw
        and emails.kind = 'email'
    left join {{ source('settings', 'contacts') }} as phones
        on given.rooftop = phones.rooftop
        and given.phone = phones.raw
        and phones.kind = 'phone'
),

carried as (
    select
        system, record_key, scope, 'email' as kind, plain_email as contact,
        -- A lead without a number is somebody else when the other contact it gives is another.
        case when system = 'lead' then plain_phone else record_key end as person,
        file_id, row_number,
    from read
    where plain_email is not null and (select match_email from rules)

    union all

    select
        system, record_key, scope, 'phone' as kind, plain_phone as contact,
        case when system = 'lead' then plain_email else record_key end as person,
        file_id, row_number,
    from read
    where plain_phone is not null and (select match_phone from rules)
),

known_to_crm as (
    select distinct scope, kind, contact
    from carried
    where system = 'crm'
),

-- A lead without a number, and a record of the DMS, belong to the rooftop's own customer, else to
-- the one that the CRM keeps group-wide.
placed as (
    select
        carried.* exclude (scope),
        case
            when carried.system = 'crm' or own.contact is not null or wide.contact is null
                then carried.scope
            else wide.scope
        end as scope,
    from carried
    left join known_to_crm as own
        on carried.scope = own.scope
        and carried.kind = own.kind
        and carried.contact = own.contact
    left join known_to_crm as wide
        on wide.scope = ''
        and carried.kind = wide.kind
        and carried.contact = wide.contact
),

-- What too many people share (the desk of the dealer, a fleet's office) names none of them.
shared as (
    select
        scope,
        kind,
        contact,
    from placed
    group by scope, kind, contact
    having count(distinct record_key) > 1
        and count(distinct person) <= (select shared_by from rules)
),

contacts as (
    select
        placed.record_key,
        placed.kind,
        placed.contact,
        placed.kind || ' ' || placed.scope || '|' || placed.contact as contact_node,
        placed.file_id,
        placed.row_number,
    from placed
    inner join shared
        on placed.scope = shared.scope
        and placed.kind = shared.kind
        and placed.contact = shared.contact
    qualify row_number() over (
        partition by placed.record_key, placed.kind, placed.contact, placed.scope
        order by placed.file_id, placed.row_number
    ) = 1
),

apart as (
    select a, b from {{ source('settings', 'apart') }}
    union
    select b as a, a as b from {{ source('settings', 'apart') }}
),

-- Of two that are kept apart the second no longer counts with what it shares with the first.
undone as (
    select distinct
        seconds.record_key,
        seconds.contact_node,
    from {{ source('settings', 'apart') }} as apart
    inner join contacts as firsts
        on apart.a = firsts.record_key
    inner join contacts as seconds
        on apart.b = seconds.record_key
        and firsts.contact_node = seconds.contact_node
),

matches as (
    select contacts.*
    from contacts
    left join undone
        on contacts.record_key = undone.record_key
        and contacts.contact_node = undone.contact_node
    where undone.record_key is null
),

announced as (
    select merges.*
    from merges
    left join apart
        on merges.record_key = apart.a
        and merges.reached_key = apart.b
    where apart.a is null
),

same_id as (
    select
        dms.record_key,
        crm.record_key as other_key,
        dms.file_id as own_file_id,
        dms.row_number as own_row_number,
        crm.file_id,
        crm.row_number,
    from records as dms
    inner join records as crm
        on dms.customer_id = crm.customer_id
        and crm.system = 'crm'
        and crm.scope in (dms.scope, '')
    left join apart
        on dms.record_key = apart.a
        and crm.record_key = apart.b
    where dms.system = 'dms'
        and apart.a is null
        and (select join_systems = 'by_id' from rules)
    qualify row_number() over (partition by dms.record_key order by crm.scope desc) = 1
),

same_ids as (
    select record_key, other_key, file_id, row_number from same_id
    union all
    select
        other_key as record_key,
        record_key as other_key,
        own_file_id as file_id,
        own_row_number as row_number,
    from same_id
),

links as (
    select record_key as node, contact_node as other from matches
    union
    select record_key as node, reached_key as other from announced
    union
    select record_key as node, other_key as other from same_ids
),

groups as (
    {{ connected_nodes('links') | indent(4) }}
),

-- A customer goes by the number that was not merged into another, of the CRM where it has one.
survivors as (
    select
        groups.label,
        records.system,
        records.scope,
        records.customer_id,
        records.record_key,
    from groups
    inner join records
        on groups.node = records.record_key
    left join announced
        on records.record_key = announced.record_key
    qualify row_number() over (
        partition by groups.label
        order by
            records.system,
            announced.record_key is not null,
            not records.has_record,
            records.customer_id,
            records.record_key
    ) = 1
),

lead_groups as (
    select
        groups.label,
        min(groups.node) as first_lead,
    from groups
    where groups.node like 'lead|%'
    group by groups.label
),

nodes as (
    select system, scope, customer_id, record_key, file_id, row_number from records

    union all

    select
        'lead' as system,
        rooftop as scope,
        cast(null as varchar) as customer_id,
        'lead|' || lead_key as record_key,
        file_id,
        row_number,
    from leads
    where customer_id is null
),

-- Each link as a reason for either side.
reasons as (
    select
        record_key,
        'merged by the ' || upper(system) as matched_by,
        1 as strength,
        reached_key as matched_with,
        cast(null as varchar) as matched_value,
        file_id as matched_file_id,
        row_number as matched_row_number,
    from announced

    union all

    select
        reached_key as record_key,
        'merged by the ' || upper(system) as matched_by,
        5 as strength,
        record_key as matched_with,
        cast(null as varchar) as matched_value,
        file_id as matched_file_id,
        row_number as matched_row_number,
    from announced

    union all

    select
        record_key,
        'same id, joined by settings' as matched_by,
        2 as strength,
        other_key as matched_with,
        cast(null as varchar) as matched_value,
        file_id as matched_file_id,
        row_number as matched_row_number,
    from same_ids

    union all

    select
        own.record_key,
        case own.kind when 'email' then 'same e-mail' else 'same phone' end as matched_by,
        case own.kind when 'email' then 3 else 4 end as strength,
        others.record_key as matched_with,
        own.contact as matched_value,
        others.file_id as matched_file_id,
        others.row_number as matched_row_number,
    from matches as own
    inner join matches as others
        on own.contact_node = others.contact_node
        and own.record_key <> others.record_key
)

select
    nodes.system,
    nodes.scope as rooftop,
    nodes.customer_id,
    nodes.record_key,
    coalesce(survivors.record_key, lead_groups.first_lead, nodes.record_key) as customer_key,
    coalesce(survivors.system, nodes.system) as survivor_system,
    coalesce(survivors.scope, nodes.scope) as survivor_rooftop,
    coalesce(survivors.customer_id, nodes.customer_id) as survivor,
    nodes.file_id,
    nodes.row_number,
    case
        when coalesce(survivors.record_key, lead_groups.first_lead, nodes.record_key)
            = nodes.record_key then 'own id'
        else reasons.matched_by
    end as matched_by,
    reasons.matched_with,
    reasons.matched_value,
    reasons.matched_file_id,
    reasons.matched_row_number,
    exists (select 1 from merges where merges.record_key = nodes.record_key) as is_merge_followed,
from nodes
left join groups
    on nodes.record_key = groups.node
left join survivors
    on groups.label = survivors.label
left join lead_groups
    on groups.label = lead_groups.label
left join reasons
    on nodes.record_key = reasons.record_key
    and nodes.record_key <> coalesce(survivors.record_key, lead_groups.first_lead, nodes.record_key)
-- The strongest reason, one that names the survivor first.
qualify row_number() over (
    partition by nodes.record_key
    order by
        reasons.strength nulls last,
        (reasons.matched_with = survivors.record_key) desc nulls last,
        reasons.matched_with,
        reasons.matched_value,
        reasons.matched_row_number
) = 1
