{#-
    The day from which a deal counts (METRICS section 1): the date of the step that the policy
    deal.recognition names, once the deal's status is that step or later in pending < booked <
    finalised < delivered, or unwound. Null = the deal does not count.

    - With `delivered`, a finalised deal with a delivered_on counts: many a DMS never writes the
      last status.
    - A cancelled deal counts only with a reversed_on: then it was sold and taken back, like an
      unwound one.
    - The policy in force on the deal's first dated step applies, so a change of policy neither
      counts a deal twice nor loses it.

    `deals` is the alias of a relation with the columns of dms_deals.
-#}
{% macro deal_recognised_on(deals) -%}
    case {{ policy(
        'deal.recognition',
        'coalesce(' ~ deals ~ '.contract_on, ' ~ deals ~ '.finalised_on, '
            ~ deals ~ '.delivered_on)',
    ) }}
        when 'contract' then
            case
                when {{ deals }}.status in ('booked', 'finalised', 'delivered', 'unwound')
                    or ({{ deals }}.status = 'cancelled' and {{ deals }}.reversed_on is not null)
                    then {{ deals }}.contract_on
            end
        when 'finalised' then
            case
                when {{ deals }}.status in ('finalised', 'delivered', 'unwound')
                    or ({{ deals }}.status = 'cancelled' and {{ deals }}.reversed_on is not null)
                    then {{ deals }}.finalised_on
            end
        when 'delivered' then
            case
                when {{ deals }}.status in ('finalised', 'delivered', 'unwound')
                    or ({{ deals }}.status = 'cancelled' and {{ deals }}.reversed_on is not null)
                    then {{ deals }}.delivered_on
            end
    end
{%- endmacro %}
