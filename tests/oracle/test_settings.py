"""Every setting that a KPI reads, at its other side: warehouse and oracle still count the same."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

from forecourt.door import open_warehouse
from forecourt.home import Home
from tests.oracle.building import SETTINGS, apart, compared, files_of
from tests.oracle.comparison import differences
from tests.oracle.oracle import KPIS, Oracle
from tests.oracle.records import Question
from tests.oracle.scene import scene

FORECOURT = Path(sys.executable).with_name("forecourt")
QUESTIONS = (
    Question(date(2025, 12, 1), date(2026, 4, 30), date(2026, 4, 30)),
    Question(date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 31)),
)

OTHER_SIDES = """
[policy]
deal.recognition = "contract"
deal.view = "cohort"
deal.pack = "in_cost"
stock.in_stock_from = "acquired_on"
stock.edges = [10, 20]
rental.part_day = "started_day"
fleet.out_of_service = ["awaiting_parts"]
response.clock = "elapsed"
response.min_call_seconds = 66
sla.default_minutes = 20
sla.whatsapp.buy_minutes = 5000
follow_up.attempts = 1
follow_up.hours = 24
episode.gap_days = 20
claim.kinds = ["goodwill", "damage"]
claim.window_days = 30
return.window_days = 10
comeback.days = 20
declined.window_days = 10
conversion.window_days = 20
ageing.edges.customer = [10, 45]
ageing.edges.contract_in_transit = [1, 2]
ageing.default_terms.employee = 7
ageing.headline_schedules = ["parts_account", "wholesale"]
ageing.provision.31-60 = 12.5
ageing.provision."46+" = 50
quote.answer_hours = 4
"""

BY_THE_DAY = """
[[rooftops]]
code = "M00"
name = "Late shift"
time_zone = "Europe/Berlin"
vat_rate = 0.19
currency = "EUR"
holidays = [2026-01-12, 2026-02-09]
hours = { mon = "09:00-12:00, 13:00-19:00", tue = "09:00-18:00", fri = "18:00-02:00", sat = "09:00-17:00" }

[policy]
deal.recognition = [{ from = 2025-01-01, value = "finalised" }, { from = 2026-02-01, value = "delivered" }]
deal.pack = [{ from = 2025-01-01, value = "in_cost" }, { from = 2026-02-01, value = "beside" }]
rental.part_day = "day_24h"
response.clock = [{ from = 2025-01-01, value = "elapsed" }, { from = 2026-02-01, value = "business" }]
sla.default_minutes = [{ from = 2025-01-01, value = 10 }, { from = 2026-02-01, value = 90 }]
follow_up.attempts = [{ from = 2025-01-01, value = 1 }, { from = 2026-02-01, value = 2 }]
claim.kinds = [{ from = 2025-01-01, value = ["warranty"] }, { from = 2026-04-01, value = ["goodwill"] }]
claim.window_days = [{ from = 2025-01-01, value = 60 }, { from = 2026-01-20, value = 80 }]
comeback.days = [{ from = 2025-01-01, value = 10 }, { from = 2026-02-03, value = 30 }]
ageing.edges.customer = [{ from = 2025-01-01, value = [30, 60] }, { from = 2026-04-01, value = [15] }]
stock.edges = [{ from = 2025-01-01, value = [5, 30] }, { from = 2026-04-01, value = [90] }]
quote.answer_hours = [{ from = 2025-01-01, value = 2 }, { from = 2026-02-01, value = 48 }]
"""


def test_the_other_side_of_every_setting(tmp_path: Path) -> None:
    files = files_of({"M00": apart(scene(), 0), "M01": apart(scene(), 1)})
    assert compared(tmp_path, files, QUESTIONS, SETTINGS + OTHER_SIDES, by=None) == []


def test_settings_that_change_on_a_day_and_odd_hours(tmp_path: Path) -> None:
    files = files_of({"M00": apart(scene(), 0), "M01": apart(scene(), 1)})
    assert compared(tmp_path, files, QUESTIONS, SETTINGS + BY_THE_DAY, by=None) == []


def test_a_closed_month(tmp_path: Path) -> None:
    exports, home = tmp_path / "exports", tmp_path / "home"
    exports.mkdir()
    home.mkdir()
    (home / "forecourt.toml").write_text(SETTINGS, encoding="utf-8")
    for name, text in files_of({"M00": apart(scene(), 0)}).items():
        (exports / name).write_text(text, encoding="utf-8")
    for arguments in (["run", exports, "--home", home], ["close", "2026-01", "--home", home]):
        ended = subprocess.run([FORECOURT, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No control balance of this day was landed" in ended.stdout
    oracle = Oracle(exports, home / "forecourt.toml", closed=[date(2026, 1, 1)])
    kept, restated = (
        one.answer("total_gross", QUESTIONS[0], "month")["2026-01", "GBP"].value
        for one in (oracle, Oracle(exports, home / "forecourt.toml"))
    )
    assert kept != restated, "nothing came late: the test tests nothing"
    warehouse = open_warehouse(Home(home))
    found = [line for question in QUESTIONS for line in differences(warehouse, oracle, question, KPIS, ["month"])]
    assert found == []
