"""The workshop: orders open and closed, declined work, inspections."""

from __future__ import annotations

from dashboards.lists.fields import ADVISOR, CAR, CURRENCY, CUSTOMER, KIND, ORDER, ROOFTOP, STOCK_NUMBER, VIN, WHY_NOT
from dashboards.records import Records, in_turn
from dashboards.tables import Column

_ORDER = {
    "rooftop": ROOFTOP,
    "ro_number": ORDER,
    "vin": VIN,
    "advisor": ADVISOR,
    "opened_on": Column("Opened", "day"),
}

OPEN_ORDERS = Records(
    title="Open orders, oldest first",
    mart="fct_repair_order",
    where="it.opened_on <= asked.last_day and (it.closed_on is null or it.closed_on > asked.last_day) "
    "and (it.gone_on is null or it.gone_on > asked.last_day) and not it.is_voided",
    columns=_ORDER
    | {
        "days": Column("Days open", "count", sql="asked.last_day - it.opened_on"),
        "first_promised_at": Column("First promised (UTC)", "instant"),
        "promise": Column("Promise", "code"),
        "parts": Column("Parts", "code"),
        "parts_eta_on": Column("Parts expected", "day"),
        "sold_hours": Column("Hours sold", "number"),
        "currency": CURRENCY,
        "revenue": Column("Sold so far", "money"),
    },
    order="days desc, rooftop, ro_number",
    phone=("ro_number", "advisor", "days"),
)

CLOSED_ORDERS = Records(
    title="Closed orders, slowest first",
    mart="fct_repair_order",
    where="it.closed_on between asked.first_day and asked.last_day",
    columns=_ORDER
    | {
        "closed_on": Column("Closed", "day"),
        "days": Column("Days", "number", sql="it.order_seconds / 86400"),
        "promise": Column("Promise", "code"),
        "parts": Column("Parts", "code"),
        "sold_hours": Column("Hours sold", "number"),
        "currency": CURRENCY,
        "revenue": Column("Revenue", "money"),
        "gross": Column("Gross", "money"),
        "excluded": WHY_NOT,
    },
    order="excluded is not null, days desc nulls last, rooftop, ro_number",
    phone=("ro_number", "advisor", "days"),
)

DECLINED = Records(
    title="Declined work not won back, dearest first",
    mart="fct_repair_order_line",
    where="it.closed_on between asked.first_day and asked.last_day and it.is_declined "
    "and (it.sold_later_on is null or it.sold_later_on > asked.as_of)",
    columns={
        "rooftop": ROOFTOP,
        "ro_number": ORDER,
        "line": Column("Line of order"),
        "op_code": Column("Work"),
        "advisor": ADVISOR,
        "vin": VIN,
        "customer": CUSTOMER,
        "closed_on": Column("Declined", "day"),
        "currency": CURRENCY,
        "revenue": Column("Value", "money"),
    },
    is_by_amount=True,
    order=f"{in_turn('revenue')}, rooftop, ro_number, line",
    phone=("ro_number", "op_code", "revenue"),
)

INSPECTIONS = Records(
    title="Inspections that failed, newest first",
    mart="fct_inspection",
    where="it.inspected_on between asked.first_day and asked.last_day and it.is_failed",
    columns={
        "rooftop": ROOFTOP,
        "inspection_id": Column("Inspection"),
        "kind": KIND,
        "car": CAR,
        "stock_number": STOCK_NUMBER,
        "vin": VIN,
        "inspected_on": Column("Day", "day"),
        "attempt": Column("Attempt", "count"),
        "result": Column("Result", "code"),
        "inspector": Column("Inspector"),
    },
    order="inspected_on desc, rooftop, inspection_id",
    phone=("inspection_id", "car", "result"),
)
