"""``make docs-site``: the models with their columns and lineage as one page that needs neither a home nor a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_site_is_one_page_with_every_mart(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = ["make", "--old-file=.venv/.setup", f"BIN={Path(sys.executable).parent}", f"SITE={site}", "docs-site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.name for file in site.iterdir()] == ["index.html"]
    page = (site / "index.html").read_text(encoding="utf-8")
    marts = [path.stem for path in (ROOT / "marts").rglob("*.sql")]
    assert len(marts) > 50
    assert [mart for mart in marts if f'"model.forecourt.{mart}"' not in page] == []
    assert "One row per deal of a rooftop, with its current figures." in page
