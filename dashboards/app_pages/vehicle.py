"""Vehicle: the whole life of one car, by its VIN, registration or stock number."""

from __future__ import annotations

import streamlit as st

from dashboards import lives, shell, words
from dashboards.lives import Event
from dashboards.shell import Page
from forecourt.identity import vin_as_key

#: The car and its stock units.
OURS = """car as (select vehicle_key from marts.dim_vehicle where vehicle_key = $1),
units as (select stock_unit_key, rooftop, stock_number from marts.fct_stock_unit where vehicle_key = $1)"""
_UNIT = "it.stock_unit_key in (select stock_unit_key from units)"
_VIN = f"{vin_as_key('it.vin')} in (select vehicle_key from car)"
_NUMBER = "(it.rooftop, it.stock_number) in (select (rooftop, stock_number) from units)"

EVENTS = (
    Event("fct_stock_unit", "ordered_on", "'Ordered'", "coalesce(it.supplier, '')", _UNIT, "stock_unit_key"),
    Event(
        "fct_stock_unit",
        "acquired_on",
        "'Bought'",
        "concat_ws(' from ', replace(it.acquisition_channel, '_', ' '), it.supplier)",
        _UNIT,
        "stock_unit_key",
        "it.purchase_price",
        "it.currency",
    ),
    Event("fct_stock_unit", "arrived_on", "'Arrived'", "'stock number ' || it.stock_number", _UNIT, "stock_unit_key"),
    Event(
        "fct_ready_span",
        "started_on",
        "'In preparation'",
        "'round ' || it.span_number",
        _UNIT,
        "ready_span_key",
    ),
    Event("fct_ready_span", "ready_on", "'Ready'", "'round ' || it.span_number", _UNIT, "ready_span_key"),
    Event(
        "fct_stock_unit", "left_on", "'Left the stock'", "'stock number ' || it.stock_number", _UNIT, "stock_unit_key"
    ),
    Event(
        "fct_vehicle_cost",
        "posted_on",
        "'Cost'",
        "replace(it.category, '_', ' ')",
        _UNIT,
        "vehicle_cost_key",
        "it.amount",
        "it.currency",
    ),
    Event(
        "fct_inspection",
        "inspected_on",
        "'Inspection'",
        "it.kind || ': ' || replace(it.result, '_', ' ')",
        "it.vehicle_key in (select vehicle_key from car)",
        "inspection_key",
    ),
    Event(
        "fct_rental",
        "out_on",
        "'Out on hire'",
        "replace(it.kind, '_', ' ') || ' ' || it.agreement_number",
        _UNIT,
        "rental_key",
        "it.revenue",
        "it.currency",
    ),
    Event("fct_rental", "returned_on", "'Back from hire'", "it.agreement_number", _UNIT, "rental_key"),
    Event(
        "fct_lead", "received_on", "'Enquiry'", "it.lead_id || ', ' || it.source", f"{_VIN} or {_NUMBER}", "lead_key"
    ),
    Event("fct_appraisal", "requested_on", "'Appraisal asked for'", "it.appraisal_id", _VIN, "appraisal_key"),
    Event(
        "fct_quote",
        "requested_on",
        "'Quotation asked for'",
        "it.quote_id",
        _NUMBER,
        "quote_key",
        "it.amount",
        "it.currency",
    ),
    Event(
        "fct_deal",
        "contract_on",
        "'Contract'",
        "it.deal_number || ', ' || it.status",
        "it.vehicle_key in (select vehicle_key from car)",
        "deal_key",
        "it.sale_price",
        "it.currency",
    ),
    Event(
        "fct_deal",
        "delivered_on",
        "'Handed over'",
        "it.deal_number",
        "it.vehicle_key in (select vehicle_key from car)",
        "deal_key",
    ),
    Event(
        "fct_deal",
        "reversed_on",
        "'Deal taken back'",
        "it.deal_number",
        "it.vehicle_key in (select vehicle_key from car)",
        "deal_key",
    ),
    Event(
        "fct_repair_order",
        "opened_on",
        "'Workshop'",
        "it.ro_number || ', ' || it.promise",
        _VIN,
        "repair_order_key",
        "it.revenue",
        "it.currency",
    ),
    Event(
        "fct_claim",
        "opened_on",
        "'Claim'",
        "it.claim_number || ', ' || concat_ws(', ', it.kind, it.cause)",
        f"{_VIN} or {_NUMBER}",
        "claim_key",
        "it.amount_claimed",
        "it.currency",
    ),
    Event(
        "fct_change",
        "changed_on",
        "'Changed: ' || replace(it.field, '_', ' ')",
        "concat_ws(' → ', coalesce(it.previous_value, 'empty'), coalesce(it.new_value, 'empty'))",
        "it.entity = 'vehicle' and it.record_key in (select stock_unit_key from units)",
        "change_key",
    ),
)
HELP = "VIN, registration or stock number, or a part of it; make and model too"
SEARCH = """
    select
        vehicle_key,
        concat_ws(' · ', nullif(trim(concat_ws(' ', make, model)), ''), stock_numbers, registration, vin) as title,
        make, model, stock_numbers, registration, vin, model_year
    from marts.dim_vehicle
    left join (
        select
            vehicle_key,
            string_agg(
                stock_number || coalesce(' at ' || place.rooftop_name, ''), ', ' order by rooftop, stock_number
            ) as stock_numbers
        from marts.fct_stock_unit
        left join marts.dim_rooftop as place using (rooftop)
        group by vehicle_key
    ) using (vehicle_key)
    where concat_ws(' ', vin, registration, stock_numbers, make, model) ilike $1 escape '\\'
    order by title
"""


def vehicle(page: Page) -> None:
    """The page *Vehicle*."""
    if not page.reader.has("dim_vehicle"):
        st.info("This run holds no vehicles.", icon=":material/info:")
        return
    car = lives.chosen(page, "Vehicle", HELP, SEARCH, "vehicle_key", "title")
    if car is None:
        return
    name = " ".join(str(car[part]) for part in ("make", "model", "model_year") if car[part])
    st.markdown(f"#### {words.plain(name or 'A car of which only papers are known')}")
    st.caption(
        " · ".join(words.plain(str(car[part])) for part in ("stock_numbers", "registration", "vin") if car[part])
    )
    lives.draw(page, OURS, EVENTS, car["vehicle_key"], "a vehicle")


vehicle(shell.current())
