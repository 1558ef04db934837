{#-
    A readable key as the landing writes them: parts joined by a bar, a bar or backslash inside one
    escaped.
-#}
{% macro readable_key(parts) -%}
    {%- for part in parts -%}
    replace(replace(cast({{ part }} as varchar), '\', '\\'), '|', '\|')
    {{- " || '|' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#-
    A text that is in upper case, or null where it names nothing: a word of those who have nothing
    to type, one character all through, digits in a row as long as a VIN. Whatever else is short or
    odd stands.
-#}
{% macro unless_placeholder(text) -%}
    {%- set bare = letters_and_digits(text) -%}
    case
        when replace({{ bare }}, left({{ bare }}, 1), '') = ''
            or {{ bare }} in (
                'NA', 'NIL', 'NO', 'NONE', 'NULL', 'BLANK', 'EMPTY', 'MISSING', 'PENDING',
                'TBA', 'TBC', 'TBD', 'TOBEADVISED', 'TOBECONFIRMED', 'TOFOLLOW',
                'UNK', 'UNKNOWN', 'UNKNOWNVIN', 'VINUNKNOWN', 'NOTKNOWN', 'NOVIN', 'VIN', 'CHASSIS',
                'NOTAPPLICABLE', 'NOTAVAILABLE', 'NOTGIVEN', 'NOTPROVIDED', 'DUMMY', 'TEST',
                'UNBEKANNT', 'KEINE', 'OHNE', 'INCONNU', 'AUCUN', 'DESCONOCIDO', 'DESCONHECIDO',
                'SCONOSCIUTO', 'ONBEKEND', 'GEEN', '01234567890123456', '12345678901234567'
            )
            then null
        else {{ text }}
    end
{%- endmacro %}

{#-
    A VIN as cars are compared by it, everywhere: in upper case without spaces and dashes; null
    where a placeholder stands, which names no car.
-#}
{% macro vin_key(vin) -%}
    {{ unless_placeholder('upper(' ~ without_spaces_and_dashes(vin) ~ ')') }}
{%- endmacro %}
