"""The stock book of cars under the margin scheme: bought, sold, margin and VAT due, car by car, for a period.

A car stands in the book of a period when it was in stock at any time of it or was sold in it. VAT is due car by car: a
loss pays none and offsets nothing (METRICS section 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from dashboards.reports.report import Col, Part, Row
from dashboards.reports.sheets import Book, Field
from forecourt.door import Warehouse
from forecourt.errors import Problem

TITLE = "Margin scheme stock book"

#: Column -> its SQL type and how a workbook shows it, in order.
COLUMNS: Mapping[str, tuple[str, Field]] = {
    "rooftop": ("varchar", Field(9)),
    "legal_entity": ("varchar", Field(24)),
    "stock_number": ("varchar", Field(13)),
    "vin": ("varchar", Field(20)),
    "registration": ("varchar", Field(13)),
    "make": ("varchar", Field(13)),
    "model": ("varchar", Field(15)),
    "model_year": ("integer", Field(8, "year")),
    "bought_on": ("date", Field(11, "day")),
    "purchase_invoice": ("varchar", Field(16)),
    "seller": ("varchar", Field(24)),
    "purchase_price": ("decimal(18,2)", Field(15, "money", "currency")),
    "sold_on": ("date", Field(11, "day")),
    "deal_number": ("varchar", Field(12)),
    "sale_invoice": ("varchar", Field(18)),
    "buyer_id": ("varchar", Field(12)),
    "buyer": ("varchar", Field(28)),
    "sale_price": ("decimal(18,2)", Field(15, "money", "currency")),
    "margin": ("decimal(18,2)", Field(15, "money", "currency")),
    "vat_rate": ("decimal(18,6)", Field(10, "rate")),
    "vat_due": ("decimal(18,2)", Field(15, "money", "currency")),
    "currency": ("varchar", Field(9)),
    "note": ("varchar", Field(40)),
    "file": ("varchar", Field(34)),
    "row": ("bigint", Field(9, "whole")),
}

#: How the note of a car that is in stock no longer begins to say so.
_LEFT = "left stock on "

_BOOK = """
with asked as (
    select $1::date as first_day, $2::date as last_day, $3::varchar[] as rooftops
),

sold as (
    select deals.*
    from asked, marts.fct_deal as deals
    where deals.recognised_on <= asked.last_day
        and (deals.reversed_on is null or deals.reversed_on > asked.last_day)
    qualify row_number() over (
        partition by coalesce(deals.stock_unit_key, deals.deal_key) order by deals.recognised_on desc, deals.deal_key
    ) = 1
),

taken_back as (
    select deals.stock_unit_key,
        string_agg(
            'sale ' || deals.deal_number || ' of ' || deals.recognised_on || ' taken back on ' || deals.reversed_on,
            '; ' order by deals.reversed_on, deals.deal_number
        ) as said
    from asked, marts.fct_deal as deals
    where deals.recognised_on <= asked.last_day
        and deals.reversed_on between asked.first_day and asked.last_day
        and deals.vat_scheme = 'margin'
    group by deals.stock_unit_key
),

invoices as (
    select receivables.rooftop, receivables.deal_number,
        string_agg(distinct receivables.document, ', ' order by receivables.document) as documents
    from asked, marts.fct_receivable as receivables
    where receivables.entry_kind = 'invoice'
        and receivables.deal_number is not null
        and receivables.posted_on <= asked.last_day
    group by receivables.rooftop, receivables.deal_number
),

found as (
    select
        coalesce(units.rooftop, sold.rooftop) as rooftop,
        coalesce(units.stock_number, sold.stock_number) as stock_number,
        coalesce(units.vin, sold.vin) as vin,
        vehicles.registration,
        coalesce(units.make, sold.make) as make,
        coalesce(units.model, sold.model) as model,
        units.model_year,
        units.acquired_on as bought_on,
        units.purchase_invoice,
        nullif(units.supplier, 'unknown') as seller,
        units.purchase_price,
        sold.recognised_on as sold_on,
        sold.deal_number,
        sold.customer_id as buyer_id,
        sold.sale_price,
        sold.sale_price - units.purchase_price as margin,
        sold.margin_vat as vat_due,
        coalesce(sold.currency, units.currency) as currency,
        nullif(concat_ws(
            '; ',
            taken_back.said,
            case when units.stock_unit_key is null then 'no such stock unit was landed' end,
            case when units.stock_unit_key is not null and units.acquired_on is null then 'day of purchase missing' end,
            case when units.stock_unit_key is not null and units.purchase_price is null
                then 'purchase price missing' end,
            case when sold.deal_key is not null and sold.sale_price is null then 'sale price missing' end,
            case when sold.deal_key is null and units.left_on <= asked.last_day
                then '{left}' || units.left_on || ' without a sale' end
        ), '') as note,
        coalesce(sold.file_id, units.file_id) as file_id,
        coalesce(sold.row_number, units.row_number) as row_number
    from asked, marts.fct_stock_unit as units
    full join sold on units.stock_unit_key = sold.stock_unit_key
    left join taken_back on units.stock_unit_key = taken_back.stock_unit_key
    left join marts.dim_vehicle as vehicles on coalesce(units.vehicle_key, sold.vehicle_key) = vehicles.vehicle_key
    where coalesce(sold.vat_scheme, units.vat_scheme) = 'margin'
        and (sold.deal_key is not null or units.acquired_on is null or units.acquired_on <= asked.last_day)
        and coalesce(sold.recognised_on, units.left_on, asked.last_day) >= asked.first_day
)

select {columns}
from (
    select found.*, rooftops.legal_entity, rooftops.vat_rate, invoices.documents as sale_invoice,
        customers.customer_name as buyer, files.name as file, found.row_number as "row"
    from found
    left join marts.dim_rooftop as rooftops on found.rooftop = rooftops.rooftop
    left join invoices on found.rooftop = invoices.rooftop and found.deal_number = invoices.deal_number
    left join (
        select rooftop, customer_id, any_value(customer_name order by customer_key desc) as customer_name
        from marts.dim_customer
        group by rooftop, customer_id
    ) as customers on found.rooftop = customers.rooftop and found.buyer_id = customers.customer_id
    left join meta.files as files on found.file_id = files.file_id
) as cars, asked
where len(asked.rooftops) = 0 or list_contains(asked.rooftops, cars.rooftop)
order by cars.rooftop, bought_on nulls first, stock_number, sold_on nulls first, deal_number nulls first
"""


def stock_book(warehouse: Warehouse, first: date, last: date, rooftops: Sequence[str] = ()) -> pa.Table:
    """One row per car under the margin scheme that was in stock or sold from ``first`` to ``last``, as of ``last``.

    Prices are in the rooftop's currency. What is not known is empty, and ``note`` says what is missing. Raises Problem
    for a run made before the marts had all that a stock book must hold.
    """
    if not warehouse.has("fct_stock_unit", "purchase_invoice"):
        raise Problem(f"Run {warehouse.run_id} was made by an earlier version. Run `forecourt run` for a stock book.")
    columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, (kind, _) in COLUMNS.items())
    return warehouse.table(_BOOK.format(columns=columns, left=_LEFT), [first, last, list(rooftops)])


def totals(table: pa.Table, first: date, last: date) -> Part:
    """By rooftop: what was bought, what was sold with its margin and VAT, what is in stock at the end."""
    columns = (
        *(Col("Rooftop", 26), Col("Currency", 10), Col("Bought", 10, True), Col("Bought for", 18, True)),
        *(Col("Sold", 10, True), Col("Sale prices", 18, True), Col("Margin", 18, True), Col("VAT due", 18, True)),
        *(Col("VAT not known", 14, True), Col("In stock at the end", 14, True), Col("Stock bought for", 18, True)),
    )
    rows = []
    cars = table.to_pylist()
    for place, currency in sorted({(car["rooftop"], car["currency"] or "") for car in cars}):
        mine = [car for car in cars if (car["rooftop"], car["currency"] or "") == (place, currency)]
        bought = [car for car in mine if car["bought_on"] and first <= car["bought_on"] <= last]
        sold = [car for car in mine if car["sold_on"]]
        kept = [car for car in mine if not car["sold_on"] and _LEFT not in (car["note"] or "")]
        rows.append(
            Row(
                (
                    *(place, currency, len(bought), _sum(bought, "purchase_price")),
                    *(len(sold), _sum(sold, "sale_price"), _sum(sold, "margin"), _sum(sold, "vat_due")),
                    *(sum(car["vat_due"] is None for car in sold), len(kept), _sum(kept, "purchase_price")),
                )
            )
        )
    note = "" if rows else "No car under the margin scheme was in stock or sold in this period."
    return Part("By rooftop", columns, rows, note)


def _sum(cars: Sequence[Mapping[str, Any]], column: str) -> Decimal:
    return sum((car[column] for car in cars if car[column] is not None), Decimal("0.00"))


def stock_book_xlsx(table: pa.Table, facts: Sequence[tuple[str, Any]], first: date, last: date) -> bytes:
    """The book as a workbook: cover with the period's totals, every car. ``facts`` are the lines of the cover."""
    book = Book(TITLE, f"{first} to {last}", last)
    book.cover(facts, [totals(table, first, last)])
    book.listing("Cars", table, {name: field for name, (_, field) in COLUMNS.items()}, by="currency")
    return book.data()


def stock_book_cover(warehouse: Warehouse, first: date, last: date, rooftops: Sequence[str]) -> list[tuple[str, Any]]:
    """The lines of its cover."""
    (run,) = warehouse.rows("select version from meta.runs")
    (fresh,) = warehouse.rows(
        "select max(data_through) as day from meta.freshness where feed in ('dms_deals', 'dms_vehicles')"
    )
    return [
        ("What", "Cars under the margin scheme, in stock or sold in the period: bought, sold, margin, VAT due"),
        ("From", first),
        ("To", last),
        ("Rooftops", ", ".join(rooftops) or "all"),
        ("Sold on", "the day on which the deal counts (deal.recognition in the settings)"),
        ("VAT due", "margin x rate / (1 + rate), car by car; a loss pays none; costs of the car do not lower it"),
        ("Cars and deals landed to", fresh["day"] or "not known"),
        ("Run", warehouse.run_id),
        ("Made by", f"forecourt {run['version']}"),
    ]
