from __future__ import annotations

import json
from pathlib import Path

from tests.support.command import forecourt


def test_a_held_file_lands_on_somebodys_word(tmp_path: Path) -> None:
    """An export cut to a tenth is held; with a reason it lands, and the reason is in the log."""
    rows = [f"R1,S{number},Ford" for number in range(20)]
    exports = tmp_path / "exports"
    exports.mkdir()
    for day, count in (("2026-01-01", 20), ("2026-01-02", 2)):
        text = "\n".join(["rooftop,stock_number,make", *rows[:count], ""])
        (exports / f"dms_vehicles_{day}.full.csv").write_text(text, encoding="utf-8")
    home = str(tmp_path / "home")
    landed = json.loads(forecourt("land", str(exports), "--home", home, "--json").stdout)
    held = next(file for file in landed if file["status"] == "held")
    without_reason = forecourt("land", "--confirm", held["file_id"], "--home", home)
    assert without_reason.returncode == 1
    assert "--reason" in without_reason.stderr
    confirmed = forecourt("land", "--confirm", held["file_id"], "--reason", "sold the lot", "--home", home, "--json")
    assert [file["status"] for file in json.loads(confirmed.stdout)] == ["landed"]
    assert '"why": "sold the lot"' in (tmp_path / "home/archive/log.ndjson").read_text(encoding="utf-8")
