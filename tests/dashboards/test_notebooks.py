"""The worked questions run as they stand, cell by cell, and answer themselves over a sample dealership."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    names: dict[str, Any] = {}
    code = [cell for cell in read["cells"] if cell["cell_type"] == "code"]
    try:
        for number, cell in enumerate(code):
            # A kept result would be of somebody's data, and old.
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            exec(compile("".join(cell["source"]), f"{notebook.name}[{number}]", "exec"), names)
    finally:
        names["warehouse"].close()  # connections of one process to one file must agree on their settings
    assert names["answer"].endswith(".")
    assert any(character.isdigit() for character in names["answer"])
