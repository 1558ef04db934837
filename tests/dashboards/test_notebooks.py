"""The worked questions run as they stand, cell by cell, and answer themselves over a sample dealership."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from forecourt.home import Home

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def test_there_are_five_questions() -> None:
    assert len(NOTEBOOKS) == 5


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_answers_its_question(notebook: Path, published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    read = json.loads(notebook.read_text(encoding="utf-8"))
    title = "".join(read["cells"][0]["source"]).partition("\n")[0]
    assert title.startswith("# ")
    assert title.endswith("?")
    code = [cell for cell in read["cells"] if cell["cell_type"] == "code"]
    # A kept result would be of somebody's data, and old.
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)
    # In a process of its own, as an analyst's is: connections of one process to one file must agree on their settings.
    said = subprocess.run(
        [sys.executable, "-c", "\n".join(["".join(cell["source"]) for cell in code] + ["print(); print(answer)"])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    answer = said.stdout.splitlines()[-1]
    assert answer.endswith(".")
    assert any(character.isdigit() for character in answer)
