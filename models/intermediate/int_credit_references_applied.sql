-- One row per credit note that names the invoice it credits and that no allocation names yet: it
-- counts as one allocation of min(credit note, open amount) on its own day. Once an allocation
-- names the credit note the reference is lifted, on the day that allocation counts from, so that
-- nothing dated after a day changes that day.
with recursive documents as (
    select * from {{ ref('int_receivables_unioned') }}
),

allocations as (
    select * from {{ ref('int_allocations_resolved') }}
),

naming as (
    select from_key as document_key, effective_on from allocations where from_key is not null
    union all
    select to_key as document_key, effective_on from allocations where to_key is not null
),

first_named as (
    select document_key, min(effective_on) as named_on from naming group by document_key
),

candidates as (
    select
        credits.document_key as credit_key,
        invoices.document_key as invoice_key,
        greatest(credits.posted_on, invoices.posted_on) as effective_on,
        first_named.named_on as lifted_on,
        -credits.amount as credit_amount,
        invoices.amount as invoice_amount,
        credits.file_id,
        credits.row_number,
    from documents as credits
    inner join documents as invoices
        on credits.rooftop = invoices.rooftop
        and credits.refers_to = invoices.document
        and credits.currency = invoices.currency
    left join first_named
        on credits.document_key = first_named.document_key
    where credits.document_kind = 'credit_note'
        and credits.amount < 0
        and invoices.document_kind = 'invoice'
        and (
            first_named.named_on is null
            or first_named.named_on > greatest(credits.posted_on, invoices.posted_on)
        )
),

settled as (
    select to_key as document_key, effective_on, amount from allocations where to_key is not null
    union all
    select from_key as document_key, effective_on, -from_amount as amount
    from allocations
    where from_amount is not null
),

already_settled as (
    select candidates.credit_key, candidates.invoice_key, sum(settled.amount) as amount
    from candidates
    inner join settled
        on candidates.invoice_key = settled.document_key
        and candidates.effective_on >= settled.effective_on
    group by candidates.credit_key, candidates.invoice_key
),

queued as (
    select
        candidates.* exclude (invoice_amount),
        cast(candidates.invoice_amount - coalesce(already_settled.amount, 0) as decimal(18, 2))
            as open_amount,
        row_number() over (
            partition by candidates.invoice_key
            order by candidates.effective_on, candidates.credit_key
        ) as place,
    from candidates
    left join already_settled
        on candidates.credit_key = already_settled.credit_key
        and candidates.invoice_key = already_settled.invoice_key
),

-- The credit notes of one invoice in turn; each step carries the earlier ones along, since what
-- they took and whether they were lifted meanwhile decides what is left.
applied as (
    select
        place as step,
        credit_key,
        invoice_key,
        effective_on,
        lifted_on,
        file_id,
        row_number,
        cast(least(credit_amount, greatest(0, open_amount)) as decimal(18, 2)) as amount,
    from queued
    where place = 1

    union all

    (
        with earlier as (
            select * from applied
        ),

        following as (
            select
                queued.*,
                coalesce(sum(earlier.amount) filter (
                    where earlier.lifted_on is null or earlier.lifted_on > queued.effective_on
                ), 0) as taken,
            from queued
            inner join earlier
                on queued.invoice_key = earlier.invoice_key
                and queued.place = earlier.step + 1
            group by all
        )

        select
            place as step,
            credit_key,
            invoice_key,
            effective_on,
            lifted_on,
            file_id,
            row_number,
            cast(least(credit_amount, greatest(0, open_amount - taken)) as decimal(18, 2))
                as amount,
        from following

        union all

        select
            following.place as step,
            earlier.credit_key,
            earlier.invoice_key,
            earlier.effective_on,
            earlier.lifted_on,
            earlier.file_id,
            earlier.row_number,
            earlier.amount,
        from earlier
        inner join following
            on earlier.invoice_key = following.invoice_key
    )
),

final as (
    select
        credit_key,
        invoice_key,
        effective_on,
        lifted_on,
        file_id,
        row_number,
        amount,
    from applied
    where amount > 0
    qualify row_number() over (partition by credit_key order by step desc) = 1
)

select * from final
