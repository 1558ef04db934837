"""An export with one row an operation states the total of its order on each of them: it is held once an order."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.ingest.landing_scene import Scene

HEADER = (
    "Site ID|RO ID|RO Open Date|RO Close Date|RO Advisor Name|RO Total|OP Code|OP Description|Customer ID|Vehicle VIN"
)
OPERATIONS = (
    "North|501|3/1/2026|3/2/2026|Olga Example|300.00|OIL|Oil change|C1|1G4AH59H45G118341",
    "North|501|3/1/2026|3/2/2026|Olga Example|300.00|BRK|Brakes|C1|1G4AH59H45G118341",
    "North|502|3/1/2026|3/3/2026|Olga Example|120.00|INSP|Inspection|C2|",
    "North|501|3/1/2026|3/2/2026|Olga Example|300.00|TYR|Tyres|C1|1G4AH59H45G118341",
)
#: Order and total, from the version of the order that is in force.
TOTALS = """select key, cast(rest->>'RO Total' as decimal(18, 2)) from dms.dms_repair_orders
    qualify row_number() over (partition by key order by exported_at desc, row_number desc) = 1 order by key"""
ONCE = [("R1|501", Decimal("300.00")), ("R1|502", Decimal("120.00"))]


def export(*operations: str) -> str:
    return "\n".join((HEADER, *operations, ""))


@pytest.mark.parametrize("operations", [OPERATIONS, OPERATIONS[::-1]], ids=["as written", "backwards"])
def test_the_total_of_an_order_on_several_lines_is_held_once(scene: Scene, operations: tuple[str, ...]) -> None:
    result = scene.land_text("sidekick_2026-03-04.txt", export(*operations))
    # Summed over the rows of the file it would be 1,020.00.
    assert (result.source, result.status, result.rows_read) == ("sidekick_ro", "landed", 4)
    assert (result.rows_new, result.rows_quarantined) == (2, 0)
    assert scene.rows(TOTALS) == ONCE
    # The file says neither who pays for an operation nor what it costs: a line of the order, and money on it, would
    # be made up.
    assert scene.rows("select count(*) from dms.dms_ro_lines") == [(0,)]


def test_an_operation_that_comes_later_does_not_add_the_total_again(scene: Scene) -> None:
    scene.land_text("sidekick_2026-03-04.txt", export(*OPERATIONS[:3]))
    later = scene.land_text("sidekick_2026-03-05.txt", export(OPERATIONS[3]))
    assert (later.status, later.rows_read, later.rows_new) == ("landed", 1, 0)
    assert scene.rows(TOTALS) == ONCE
