{#-
    What is open of one part of a document once `settled` of the document is settled (METRICS
    section 5). The parts of a document always add up to its amount minus what is settled of it.
    `parts` has the columns of int_receivables_split.
-#}
{% macro receivable_balance(parts, settled) -%}
    case
        when {{ parts }}.instalment_source = 'overpayment'
            then least(0, {{ parts }}.filled_before - {{ settled }})
        when not {{ parts }}.is_debit
            then {{ parts }}.amount - {{ settled }}
        else
            least(
                {{ parts }}.amount,
                greatest(0, {{ parts }}.filled_before + {{ parts }}.amount - {{ settled }})
            )
            + case when {{ parts }}.is_last then greatest(0, -{{ settled }}) else 0 end
    end
{%- endmacro %}

{#-
    The receivable ageing at the end of a day: one row per part of a document with at least 0.01
    open. `as_of` is SQL for a day, `basis` for 'due' or 'invoice'; the other five are relations.
    The one body of the table function receivable_ageing and of the model that its tests run on.
-#}
{% macro receivable_ageing_at(
    receivables, movements, buckets, rates, documents, as_of, basis
) -%}
    with moved as (
        select
            receivable_key,
            cast(
                coalesce(sum(amount) filter (where effective_on <= {{ as_of }}), 0)
                as decimal(18, 2)
            ) as outstanding,
            cast(sum(amount_base) filter (where effective_on <= {{ as_of }}) as decimal(18, 2))
                as outstanding_base,
            max(effective_on) filter (where effective_on <= {{ as_of }}) as moved_on,
            cast(-coalesce(sum(amount) filter (
                where effective_on > {{ as_of }} and is_cash and is_within_data
            ), 0) as decimal(18, 2)) as received_after,
        from {{ movements }}
        where (opened_on is null or opened_on <= {{ as_of }})
            and (settled_on is null or settled_on > {{ as_of }})
        group by receivable_key
        having abs(outstanding) >= 0.01
    ),

    closing_rates as (
        select currency, to_currency, rate,
        from {{ rates }}
        where kind = 'closing'
            and quoted_on <= {{ as_of }}
        qualify row_number() over (partition by currency, to_currency order by quoted_on desc) = 1
    ),

    -- The papers that a contract waits for at the end of the day.
    missing as (
        select rooftop, entity, entity_id,
            string_agg(document, ', ' order by document) as documents,
        from {{ documents }}
        where coalesce(required_on <= {{ as_of }}, true)
            and (complete_on is null or complete_on > {{ as_of }})
            and (
                received_on is null or received_on > {{ as_of }}
                or rejected_on <= {{ as_of }}
            )
        group by rooftop, entity, entity_id
    ),

    dated as (
        select
            receivables.receivable_key,
            receivables.document_key,
            receivables.rooftop,
            receivables.legal_entity,
            receivables.schedule,
            receivables.ageing_schedule,
            receivables.customer_id,
            receivables.customer_name,
            receivables.document,
            receivables.document_kind,
            receivables.instalment,
            receivables.deal_number,
            receivables.ro_number,
            -- An overpayment ages by the allocation that came last.
            case
                when receivables.document_kind = 'overpayment' then moved.moved_on
                else receivables.posted_on
            end as posted_on,
            case
                when receivables.document_kind = 'overpayment' then moved.moved_on
                else receivables.due_on
            end as due_on,
            receivables.contract_on,
            receivables.currency,
            receivables.amount,
            moved.outstanding,
            receivables.rate,
            moved.outstanding_base,
            receivables.base_currency,
            receivables.disputed_from <= {{ as_of }}
                and (
                    receivables.disputed_until is null
                    or receivables.disputed_until > {{ as_of }}
                ) as is_disputed,
            moved.received_after,
            receivables.is_debit,
            receivables.file_name,
            receivables.file_id,
            receivables.row_number,
        from {{ receivables }} as receivables
        inner join moved
            on receivables.receivable_key = moved.receivable_key
    ),

    aged as (
        select
            *,
            {{ days_between(
                "coalesce(contract_on, case "
                    ~ basis ~ " when 'due' then due_on else posted_on end)",
                as_of,
            ) }} as days_past_due,
            due_on < {{ as_of }} as is_past_due,
        from dated
    )

    select
        aged.rooftop,
        aged.legal_entity,
        aged.schedule,
        aged.customer_id,
        aged.customer_name,
        aged.document,
        aged.document_kind,
        aged.instalment,
        aged.posted_on,
        aged.due_on,
        aged.currency,
        aged.amount,
        aged.outstanding,
        aged.rate,
        aged.outstanding_base,
        aged.base_currency,
        aged.days_past_due,
        buckets.label as bucket,
        coalesce(aged.is_disputed, false) as disputed,
        aged.received_after,
        aged.file_name as file,
        aged.row_number as "row",
        aged.receivable_key as key,
        aged.document_key,
        aged.deal_number,
        aged.ro_number,
        aged.contract_on,
        aged.file_id,
        case
            when aged.currency = aged.base_currency then aged.outstanding
            else {{ money_times('aged.outstanding', 'closing_rates.rate') }}
        end as outstanding_at_closing_rate,
        buckets.position as bucket_position,
        aged.is_debit,
        coalesce(buckets.is_headline, false) as is_headline,
        aged.is_past_due,
        case when aged.is_debit then aged.outstanding_base end as outstanding_debit_base,
        case
            when not aged.is_debit then null
            when aged.is_past_due then aged.outstanding_base
            else 0
        end as past_due_base,
        case
            when aged.is_debit
                then {{ money_times(
                    'aged.outstanding_base',
                    'cast(buckets.provision_percent * 0.01 as decimal(18, 6))',
                ) }}
        end as provision,
        case
            when aged.schedule = 'contract_in_transit' and aged.is_debit
                then coalesce(missing_of_invoice.documents, missing_of_deal.documents)
        end as cause,
        case
            when aged.outstanding_base is null then 'no rate for ' || aged.currency
        end as excluded,
    from aged
    left join closing_rates
        on aged.currency = closing_rates.currency
        and aged.base_currency = closing_rates.to_currency
    left join {{ buckets }} as buckets
        on aged.ageing_schedule = buckets.schedule
        and buckets.aged_by = {{ basis }}
        and buckets.valid_from <= {{ as_of }}
        and (buckets.valid_to is null or buckets.valid_to > {{ as_of }})
        and (buckets.first_day is null or aged.days_past_due >= buckets.first_day)
        and (buckets.last_day is null or aged.days_past_due <= buckets.last_day)
    left join missing as missing_of_deal
        on missing_of_deal.entity = 'deal'
        and aged.rooftop = missing_of_deal.rooftop
        and aged.deal_number = missing_of_deal.entity_id
    left join missing as missing_of_invoice
        on missing_of_invoice.entity = 'invoice'
        and aged.rooftop = missing_of_invoice.rooftop
        and aged.document = missing_of_invoice.entity_id
        and aged.document_kind = 'invoice'
{%- endmacro %}
