{#-
    Rooftop currency for one unit of a document's currency: 1 where the document names no other
    currency than the rooftop's, whatever rate stands beside it; else its rate, or null: an amount
    whose rate is missing is unknown, never guessed.
-#}
{% macro booked_rate(currency, rate, rooftop_currency) -%}
    case
        when nullif(trim({{ currency }}), '') is null then 1
        when upper(trim({{ currency }})) = {{ rooftop_currency }} then 1
        when {{ rate }} > 0 then {{ rate }}
    end
{%- endmacro %}
