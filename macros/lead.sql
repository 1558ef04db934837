{#-
    The lead that each record of the CRM belongs to: the lead it names, else the newest lead that
    its customer had sent to the rooftop by then, at most episode.gap_days old. Gives `key_column`,
    `lead_key` and `attached_by` (lead, customer) for the records that belong to one. `records` is a
    relation with rooftop, lead_id, customer_id, its key and the instant `moment`.
-#}
{% macro leads_of(records, key_column, moment) -%}
    select
        records.{{ key_column }},
        leads.lead_key,
        'lead' as attached_by,
    from {{ records }} as records
    inner join {{ ref('int_leads_united') }} as leads
        on records.rooftop = leads.rooftop
        and records.lead_id = leads.lead_id
    where leads.origin <> 'portal_call'
    qualify row_number() over (
        partition by records.{{ key_column }}
        order by leads.is_in_crm desc
    ) = 1

    union all

    select
        records.{{ key_column }},
        leads.lead_key,
        'customer' as attached_by,
    from {{ records }} as records
    inner join {{ ref('int_leads_united') }} as leads
        on records.rooftop = leads.rooftop
        and records.customer_id = leads.customer_id
        and records.{{ moment }} >= leads.received_at
        and {{ seconds_between('leads.received_at', 'records.' ~ moment) }}
            <= leads.gap_days * 86400
    where records.lead_id is null
    qualify row_number() over (
        partition by records.{{ key_column }}
        order by leads.received_at desc, leads.lead_key
    ) = 1
{%- endmacro %}
