{#-
    Schemas are named as the project names them (`marts`), not prefixed with the target's schema.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
