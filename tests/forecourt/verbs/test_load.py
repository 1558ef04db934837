from __future__ import annotations

import json
from pathlib import Path

from forecourt.door import current_run, last_run
from forecourt.home import Home
from tests.support.command import call, forecourt, said


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


def test_a_run_that_fails_before_it_builds_is_told_on_the_pages(home: Home) -> None:
    """A wrong setting and a drive that is not there stop a nightly run; the numbers in force stay, and say so."""
    before = current_run(home)
    home.settings.write_text("[publish]\nkeep_runs = 0\n", encoding="utf-8")
    for path, reason in ((home.inbox, r"line 2: 0 is no whole number"), (home.root / "gone", "no file or folder")):
        assert reason in said(call("run", str(path), "--home", str(home.root)))
        last = last_run(home)
        assert last is not None
        assert (last.status, last.message.startswith("The run failed: "), reason in last.message) == (
            "failed",
            True,
            True,
        )
        home.settings.unlink(missing_ok=True)
    assert current_run(home) == before
