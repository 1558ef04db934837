"""The vectors of METRICS sections 1, 3 and 4, from csv lines to the KPI: one warehouse, a rooftop for each vector."""

from __future__ import annotations

import datetime as dt
from datetime import date, timedelta

import pytest

from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.kpi import KpiRow, compute, load_metrics
from forecourt.meta import write_meta
from forecourt.metrics import Period
from tests.support.warehouse import make_warehouse

SETTINGS = """
[company]
name = "Golden Motors"
currency = "GBP"
[[rooftops]]
code = "NINETEEN"
name = "Nineteen per cent"
currency = "EUR"
time_zone = "Europe/Berlin"
vat_rate = 0.19
"""

DEALS = """\
rooftop,deal_number,stock_number,deal_type,status,delivered_on,reversed_on,sale_price,vehicle_cost,trade_allowance,\
trade_acv,salesperson,second_salesperson,currency,rate
GOLD,D1,S1,retail,delivered,2026-03-10,,23900.00,22327.50,2000.00,2500.00,Ann,,,
TWENTY,D1,S1,retail,delivered,2026-03-10,,6200.00,,,,Ann,,,
NINETEEN,D1,S1,retail,delivered,2026-03-10,,6200.00,,,,Ann,,,
LOSS,D1,S1,retail,delivered,2026-03-10,,4000.00,,,,Ann,,,
LATE,D1,S1,retail,delivered,2026-03-10,,10000.00,8260.50,,,Ann,,,
UNWIND,D1,S1,retail,unwound,2026-03-12,2026-04-02,10000.00,,,,Ann,,,
UNWIND,D2,S1,retail,delivered,2026-04-02,,10500.00,,,,Bob,,,
SPLIT,D1,S1,retail,delivered,2026-03-10,,10000.01,9000.00,,,Ann,Bob,,
SPLIT,D2,S2,retail,delivered,2026-03-11,,10000.00,9000.00,,,Ann,,,
UNKNOWN,D1,S1,retail,delivered,2026-03-10,,10000.00,,,,Ann,,,
UNKNOWN,D2,S2,retail,delivered,2026-03-10,,10000.00,9000.00,,,Ann,,,
UNKNOWN,D3,S3,wholesale,delivered,2026-03-10,,5000.00,5150.00,,,Ann,,,
UNKNOWN,D4,S4,retail,booked,2026-03-10,,9000.00,8000.00,,,Ann,,,
UNKNOWN,D5,S5,retail,delivered,2026-03-10,,8000.00,,,,Ann,,,
ABROAD,D1,S1,lease,delivered,2026-03-10,,10000.00,9000.00,,,Ann,,EUR,0.8500
PRODUCTS,D1,S1,retail,delivered,2026-03-10,,10000.00,9000.00,,,Ann,Bob,,
PRODUCTS,D2,S2,lease,unwound,2026-03-12,2026-04-02,10000.00,9000.00,,,Ann,,,
PRODUCTS,D3,S3,retail,delivered,2026-03-20,,10000.00,,,,Bob,,,
PRODUCTS,D4,S4,fleet,delivered,2026-03-20,,10000.00,9000.00,,,Bob,,,
PRODUCTS,D5,S5,trade,delivered,2026-03-20,,5000.00,5100.00,,,Bob,,,
PRODUCTS,D6,S6,retail,booked,2026-03-20,,10000.00,9000.00,,,Bob,,,
"""

PRODUCTS = """\
rooftop,deal_number,line,product,gross_side,sale,cost,booked_on,cancelled_on,chargeback,chargeback_on
GOLD,D1,1,warranty,back,2195.00,1482.00,,,,
GOLD,D1,2,fee,none,230.00,0.00,,,,
LATE,D1,1,gap,back,300.00,100.00,,2026-06-01,80.00,2026-06-03
PRODUCTS,D1,1,warranty,back,500.00,200.00,,2026-04-20,,
PRODUCTS,D1,2,warranty,back,100.00,50.00,,2026-05-05,,
PRODUCTS,D1,3,insurance,back,300.00,100.00,2026-03-01,2026-03-09,,
PRODUCTS,D2,1,warranty,back,500.00,200.00,,,,
PRODUCTS,D2,2,finance_reserve,back,300.00,0.00,,,,
PRODUCTS,D3,1,gap,back,300.00,100.00,2026-04-02,,,
PRODUCTS,D3,2,insurance,none,300.00,100.00,2026-03-01,,,
PRODUCTS,D4,1,gap,back,300.00,100.00,,,,
PRODUCTS,D6,1,gap,back,300.00,100.00,,,,
"""

VEHICLES = """\
rooftop,stock_number,condition,use,vat_scheme,acquired_on,arrived_on,purchase_price
TWENTY,S1,used,retail,margin,2026-01-10,2026-01-11,5000.00
NINETEEN,S1,used,retail,margin,2026-01-10,2026-01-11,5000.00
LOSS,S1,used,retail,margin,2026-01-10,2026-01-11,5000.00
"""

COSTS = """\
rooftop,cost_id,stock_number,posted_on,category,amount
GOLD,C1,S1,2026-05-04,recon,120.00
TWENTY,C1,S1,2026-02-01,recon,300.00
LATE,C1,S1,2026-04-05,recon,200.00
UNWIND,C1,S1,2026-01-05,purchase,8000.00
UNWIND,C2,S1,2026-04-05,recon,50.00
UNKNOWN,C1,S5,2026-04-20,purchase,7000.00
"""


def fleet() -> tuple[str, str, str]:
    """Ten cars for the 30 days of June: 20 days out of service, 196 on hire, and one booking for July."""
    vehicles, events, hires = [], [], []
    for car in range(10):
        use = ("rental", "courtesy", "demo")[car % 3]
        vehicles.append(f"FLEET,F{car},used,{use},none,2026-06-01,2026-06-01,")
        for number, (on, status) in enumerate([("2026-06-03", "in_recon"), ("2026-06-05", "ready")]):
            events.append(f"FLEET,E{car}-{number},F{car},{on}T00:00:00,{status}")
        # 19 days from the fifth on, of six cars 20, each with a hire inside another; the hires meet at midnight.
        days = 20 if car < 6 else 19
        back = date(2026, 6, 5) + timedelta(days=days)
        hires.append(f"FLEET,H{car}-1,F{car},2026-06-05T00:00:00,2026-06-15T00:00:00")
        hires.append(f"FLEET,H{car}-2,F{car},2026-06-10T00:00:00,2026-06-12T00:00:00")
        hires.append(f"FLEET,H{car}-3,F{car},2026-06-15T00:00:00,{back}T00:00:00")
    hires.append("FLEET,BOOKING,F0,2026-07-20T09:00:00,")
    hires.append("FLEET,OTHER,S9,2026-06-10T00:00:00,2026-06-12T00:00:00")
    return "\n".join(vehicles), "\n".join(events), "\n".join(hires)


def cohort() -> tuple[str, str]:
    """100 units of 5 January with 6 claims by 5 April, 100 of 28 February with 2 so far; what does not count."""
    deals, claims = [], []
    for number in range(200):
        day = "2026-01-05" if number < 100 else "2026-02-28"
        deals.append(f"CLAIMS,D{number},S{number},retail,delivered,{day},,1000.00,900.00,,,Ann,,,")
    for number in range(6):
        claims.append(f"CLAIMS,K{number},warranty,D{number},,2026-0{1 + number % 4}-05T12:00:00,open")
    claims.append("CLAIMS,K6,goodwill,,S100,2026-03-01T12:00:00,open")
    claims.append("CLAIMS,K7,goodwill,D101,,2026-04-08T12:00:00,open")
    claims.append("CLAIMS,K8,warranty,D50,,2026-04-06T12:00:00,open")  # one day too late
    claims.append("CLAIMS,K9,damage,D51,,2026-02-06T12:00:00,open")  # not of a counted kind
    claims.append("CLAIMS,K10,warranty,D52,,2026-01-04T12:00:00,open")  # before delivery
    claims.append("CLAIMS,K11,warranty,D999,,2026-02-04T12:00:00,open")  # no such unit
    claims.append("CLAIMS,K12,return,D53,,2026-01-20T12:00:00,closed")
    claims.append("CLAIMS,K13,warranty,D0,,2026-03-20T12:00:00,open")  # a second claim of one unit
    return "\n".join(deals), "\n".join(claims)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    vehicles, events, hires = fleet()
    deals, claims = cohort()
    home = make_warehouse(
        tmp_path_factory.mktemp("golden"),
        {
            "dms_deals_2026-07-10.csv": DEALS + deals + "\n",
            "dms_deal_products_2026-07-10.csv": PRODUCTS,
            "dms_vehicles_2026-07-10.csv": VEHICLES + vehicles + "\n",
            "dms_vehicle_costs_2026-07-10.csv": COSTS,
            "dms_vehicle_events_2026-07-10.csv": "rooftop,event_id,stock_number,occurred_at,status\n" + events + "\n",
            "dms_rentals_2026-07-10.csv": "rooftop,agreement_number,stock_number,out_at,returned_at\n" + hires + "\n",
            "dms_claims_2026-07-10.csv": "rooftop,claim_number,kind,deal_number,stock_number,opened_at,status\n"
            + claims
            + "\n",
        },
        SETTINGS,
        select="+path:marts/deal +path:marts/vehicle +path:marts/service",
    )
    started = dt.datetime(2026, 7, 11)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="golden", started_at=started, known_at=None)
    return Warehouse(home.warehouse)


def kpi(
    warehouse: Warehouse, name: str, rooftop: str, first: str, last: str, as_of: str, by: str | None = None
) -> list[KpiRow]:
    period = Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of))
    return compute(warehouse, load_metrics(warehouse)[name], period, by=by, rooftops=[rooftop])


def march(warehouse: Warehouse, name: str, rooftop: str, as_of: str = "2026-03-31") -> KpiRow:
    (row,) = kpi(warehouse, name, rooftop, "2026-03-01", "2026-03-31", as_of)
    return row


@pytest.mark.metrics(
    "1.period-figures",
    "1.total-gross",
    "1.gross-margin-rate",
    "1.per-unit",
    "1.golden-deal",
    "1.golden-recon",
    "1.margin-scheme-20",
    "1.margin-scheme-loss",
    "1.late-cost-in-march",
    "1.late-cost-in-april",
)
@pytest.mark.parametrize(
    ("rooftop", "as_of", "front", "back", "total", "revenue"),
    [
        ("GOLD", "2026-03-31", "2072.50", "713.00", "2785.50", "26095.00"),
        ("GOLD", "2026-05-04", "1952.50", "713.00", "2665.50", "26095.00"),
        ("TWENTY", "2026-03-31", "700.00", "0.00", "700.00", "6000.00"),
        ("NINETEEN", "2026-03-31", "1008.40", "0.00", "1008.40", "6008.40"),
        ("LOSS", "2026-03-31", "-1000.00", "0.00", "-1000.00", "4000.00"),
        ("LATE", "2026-03-31", "1739.50", "200.00", "1939.50", "10300.00"),
        ("LATE", "2026-04-30", "1539.50", "200.00", "1739.50", "10300.00"),
        ("LATE", "2026-06-30", "1539.50", "200.00", "1739.50", "10300.00"),
        ("ABROAD", "2026-03-31", "850.00", "0.00", "850.00", "8500.00"),
    ],
)
def test_one_deal_in_march(
    warehouse: Warehouse, rooftop: str, as_of: str, front: str, back: str, total: str, revenue: str
) -> None:
    margin = march(warehouse, "gross_margin_rate", rooftop, as_of)
    assert (margin.numerator, margin.denominator, margin.n, margin.excluded) == (total, revenue, 1, 0)
    assert march(warehouse, "front_gross_per_unit", rooftop, as_of).numerator == front
    assert march(warehouse, "back_gross_per_unit", rooftop, as_of).numerator == back
    assert float(march(warehouse, "gross_per_unit", rooftop, as_of).value or 0) == float(total)


@pytest.mark.metrics("1.not-yet")
def test_before_its_day_nothing_counts(warehouse: Warehouse) -> None:
    assert march(warehouse, "gross_margin_rate", "GOLD", "2026-03-09").value is None
    assert march(warehouse, "units", "GOLD", "2026-03-09").value is None


@pytest.mark.metrics("1.period-figures")
def test_chargeback_moves_its_own_month(warehouse: Warehouse) -> None:
    (june,) = kpi(warehouse, "total_gross", "LATE", "2026-06-01", "2026-06-30", "2026-06-30")
    assert june.numerator == "-80.00"
    # in the same month, but not known before the third
    (early,) = kpi(warehouse, "total_gross", "LATE", "2026-06-01", "2026-06-30", "2026-06-02")
    assert early.value is None


def test_unwound_and_sold_again_on_one_day(warehouse: Warehouse) -> None:
    assert march(warehouse, "total_gross", "UNWIND").numerator == "2000.00"
    assert march(warehouse, "units", "UNWIND").numerator == 1
    # March stands also when seen from April: the reversal belongs to April, with the new sale
    assert march(warehouse, "total_gross", "UNWIND", "2026-04-30").numerator == "2000.00"
    (april,) = kpi(warehouse, "total_gross", "UNWIND", "2026-04-01", "2026-04-30", "2026-04-30")
    assert april.numerator == "450.00"  # -2,000 + 2,500 - 50 late
    (units,) = kpi(warehouse, "units", "UNWIND", "2026-04-01", "2026-04-30", "2026-04-30")
    assert units.numerator == 0


@pytest.mark.metrics("1.split-deal")
def test_split_deal_by_person(warehouse: Warehouse) -> None:
    units = kpi(warehouse, "units", "SPLIT", "2026-03-01", "2026-03-31", "2026-03-31", by="salesperson")
    assert {row.group: row.numerator for row in units} == {"Ann": 1.5, "Bob": 0.5}
    gross = kpi(warehouse, "total_gross", "SPLIT", "2026-03-01", "2026-03-31", "2026-03-31", by="salesperson")
    assert {row.group: row.numerator for row in gross} == {"Ann": "1500.01", "Bob": "500.00"}
    assert march(warehouse, "total_gross", "SPLIT").numerator == "2000.01"
    assert march(warehouse, "units", "SPLIT").numerator == 2


@pytest.mark.metrics("1.gross-margin-rate", "1.beside", "1.unknown-gross")
def test_unknown_cost_is_excluded_and_counted(warehouse: Warehouse) -> None:
    margin = march(warehouse, "gross_margin_rate", "UNKNOWN", "2026-04-30")
    # D2 and D5, whose cost became known on 20 April; wholesale beside, a booked deal not yet
    assert (margin.numerator, margin.denominator, margin.n) == ("2000.00", "18000.00", 2)
    assert (margin.excluded, margin.excluded_reasons) == (1, {"vehicle cost unknown": 1})
    assert march(warehouse, "units", "UNKNOWN", "2026-04-30").numerator == 3
    before = march(warehouse, "gross_margin_rate", "UNKNOWN", "2026-04-19")
    assert (before.numerator, before.denominator) == ("1000.00", "10000.00")
    # D5 is one of the unknown until that day
    for name in ("total_gross", "store_gross"):
        (early,) = kpi(warehouse, name, "UNKNOWN", "2026-03-01", "2026-03-31", "2026-04-19")
        assert early.excluded_reasons == {"vehicle cost unknown": 2}
    (by_month,) = kpi(warehouse, "total_gross", "UNKNOWN", "2026-03-01", "2026-04-19", "2026-04-19", by="month")
    assert (by_month.group, by_month.excluded) == ("2026-03", 2)
    assert march(warehouse, "units", "UNKNOWN", "2026-04-19").numerator == 3
    assert march(warehouse, "gross_beside", "UNKNOWN").numerator == "-150.00"
    assert march(warehouse, "units_beside", "UNKNOWN").value == 1


@pytest.mark.metrics("1.product-penetration")
@pytest.mark.parametrize(
    ("product", "march_31", "april_30"),
    [
        ("finance", 1, 1),
        ("warranty", 2, 2),  # of two contracts on one car the first is cancelled in April: it still has one
        ("gap", 0, 1),  # booked on 2 April for a car of March; that of a fleet car stands beside
        ("insurance", 1, 1),  # one was cancelled before its delivery
        ("accessory", 0, 0),
    ],
)
def test_product_penetration(warehouse: Warehouse, product: str, march_31: int, april_30: int) -> None:
    name = f"{product}_penetration"
    # a car whose gross is unknown is a unit all the same; one that is only booked is none
    row = march(warehouse, name, "PRODUCTS")
    assert (row.value, row.numerator, row.denominator, row.n) == (pytest.approx(march_31 / 3), march_31, 3, 3)
    later = march(warehouse, name, "PRODUCTS", "2026-04-30")
    assert (later.numerator, later.denominator) == (april_30, 3)


@pytest.mark.metrics("1.product-penetration", "1.split-deal")
def test_products_are_taken_back_on_their_day(warehouse: Warehouse) -> None:
    def warranties(first: str, last: str) -> tuple[object, object]:
        (row,) = kpi(warehouse, "warranty_penetration", "PRODUCTS", first, last, last)
        return row.numerator, row.denominator

    assert warranties("2026-03-01", "2026-04-01") == (2, 3)
    assert warranties("2026-03-01", "2026-04-02") == (1, 2)  # one unit unwound with its warranty
    assert warranties("2026-03-01", "2026-05-04") == (1, 2)
    assert warranties("2026-03-01", "2026-05-05") == (0, 2)  # the last contract of the other is cancelled
    assert warranties("2026-04-01", "2026-04-30") == (-1, -1)
    people = kpi(
        warehouse, "warranty_penetration", "PRODUCTS", "2026-03-01", "2026-03-31", "2026-03-31", by="salesperson"
    )
    assert {row.group: (row.numerator, row.denominator) for row in people} == {"Ann": (1.5, 1.5), "Bob": (0.5, 1.5)}


@pytest.mark.metrics("1.beside")
def test_what_stands_beside_is_told_by_deal_type(warehouse: Warehouse) -> None:
    def by_type(name: str) -> dict[str | None, object]:
        rows = kpi(warehouse, name, "PRODUCTS", "2026-03-01", "2026-03-31", "2026-03-31", by="deal_type")
        return {row.group: row.numerator for row in rows}

    assert by_type("gross_beside") == {"fleet": "1200.00", "trade": "-100.00"}
    assert by_type("units_beside") == {"fleet": 1, "trade": 1}
    assert by_type("units") == {"retail": 2, "lease": 1}


@pytest.mark.metrics("3.fleet-utilisation", "3.ten-cars")
def test_fleet_utilisation(warehouse: Warehouse) -> None:
    (row,) = kpi(warehouse, "fleet_utilisation_rate", "FLEET", "2026-06-01", "2026-06-30", "2026-06-30")
    assert (row.value, row.numerator, row.denominator, row.n) == (0.7, 196, 280, 10)
    assert row.excluded_reasons == {"hire of a car that was not in the fleet": 1}
    (whole,) = kpi(warehouse, "fleet_gross_utilisation_rate", "FLEET", "2026-06-01", "2026-06-30", "2026-06-30")
    assert whole.value == pytest.approx(196 / 300)
    # as of the tenth: ten days in the fleet, two of them out of service, six on hire
    (early,) = kpi(warehouse, "fleet_utilisation_rate", "FLEET", "2026-06-01", "2026-06-30", "2026-06-10")
    assert (early.numerator, early.denominator) == (60, 80)
    by_use = kpi(warehouse, "fleet_utilisation_rate", "FLEET", "2026-06-01", "2026-06-30", "2026-06-30", by="use")
    assert {row.group: row.denominator for row in by_use if row.n} == {"rental": 112, "courtesy": 84, "demo": 84}
    # the booking of 20 July takes nothing of a day of the data
    (july,) = kpi(warehouse, "fleet_utilisation_rate", "FLEET", "2026-07-01", "2026-07-31", "2026-07-31")
    assert (july.numerator, july.denominator) == (0, 100)


@pytest.mark.metrics("4.four-rates", "4.claim-rate", "4.cohort-asked")
def test_claim_cohort(warehouse: Warehouse) -> None:
    (row,) = kpi(warehouse, "claim_rate", "CLAIMS", "2026-01-01", "2026-02-28", "2026-04-09")
    assert (row.value, row.numerator, row.denominator) == (0.06, 6, 100)
    assert (row.immature, row.immature_events) == (100, 2)
    assert row.excluded_reasons == {"claim from before delivery": 1, "claim without a unit": 1}
    (young,) = kpi(warehouse, "claim_rate", "CLAIMS", "2026-02-01", "2026-02-28", "2026-04-09")
    assert (young.value, young.immature, young.immature_events) == (None, 100, 2)
    assert young.reason is not None
    assert "immature" in young.reason


@pytest.mark.metrics("4.four-rates", "4.return-rate")
def test_returns(warehouse: Warehouse) -> None:
    (returned,) = kpi(warehouse, "return_rate", "CLAIMS", "2026-01-01", "2026-01-31", "2026-02-10")
    assert (returned.numerator, returned.denominator) == (1, 100)
    (reversed_,) = kpi(warehouse, "return_rate", "UNWIND", "2026-03-01", "2026-03-31", "2026-04-30")
    assert (reversed_.numerator, reversed_.denominator) == (1, 1)
