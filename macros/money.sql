{#-
    Rooftop currency for one unit of a document's currency. Without a rate it is 1 where the
    document names no other currency than the rooftop's; otherwise null: an amount whose rate is
    missing is unknown, never guessed.
-#}
{% macro booked_rate(currency, rate, rooftop_currency) -%}
    case
        when {{ rate }} > 0 then {{ rate }}
        when nullif(trim({{ currency }}), '') is null then 1
        when upper(trim({{ currency }})) = {{ rooftop_currency }} then 1
    end
{%- endmacro %}
