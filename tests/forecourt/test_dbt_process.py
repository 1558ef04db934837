"""dbt reads a project once; a change of it, or a folder that cannot be written, costs a reading and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from forecourt import build as building
from forecourt.build import build
from forecourt.dbt_process import fingerprint
from forecourt.home import Home
from forecourt.settings_file import load_settings

Project = Callable[..., Home]
DEFAULTS = load_settings(Path("absent.toml"))


def built(home: Home) -> dict[str, str]:
    return {node.name: node.status for node in build(home, DEFAULTS)}


def kept() -> list[Path]:
    folder = building.PROJECT / "target" / "parsed"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_second_build_takes_what_the_first_one_read(project: Project) -> None:
    home = project()
    expected = built(home)
    (reading,) = kept()
    stamp = reading.stat().st_mtime_ns
    shutil.rmtree(home.build / "target")
    assert built(home) == expected == {"dim_rooftop": "success", "fct_lead": "success"}
    assert kept() == [reading]
    assert reading.stat().st_mtime_ns == stamp
    assert (home.build / "target" / "manifest.json").exists()


def test_a_changed_project_is_read_anew(project: Project) -> None:
    home = project()
    built(home)
    before = kept()
    (building.PROJECT / "marts" / "fct_more.sql").write_text("select 1 as one\n", encoding="utf-8")
    assert built(home) == {"dim_rooftop": "success", "fct_lead": "success", "fct_more": "success"}
    assert len(kept()) == 1
    assert kept() != before


def test_where_nothing_can_be_kept_every_build_reads(project: Project) -> None:
    home = project()
    (building.PROJECT / "target").write_text("in the way", encoding="utf-8")
    assert built(home) == built(home) == {"dim_rooftop": "success", "fct_lead": "success"}


def test_any_file_that_dbt_reads_changes_the_fingerprint(tmp_path: Path) -> None:
    seen = set()
    for name in ("dbt_project.yml", "macros/money.sql", "seeds/source_map.csv", "tests/dbt/deal/one.sql"):
        seen.add(fingerprint(tmp_path))
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text", encoding="utf-8")
    seen.add(fingerprint(tmp_path))
    (tmp_path / "README.md").write_text("text", encoding="utf-8")
    seen.add(fingerprint(tmp_path))
    assert len(seen) == 5


def test_what_dbt_cannot_do_is_one_json_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "forecourt.dbt_process", "build", "--target-path", "t", "--profiles-dir", "."],
        cwd=tmp_path,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout.startswith('{"error": ')
    assert "dbt_project.yml" in ended.stdout
