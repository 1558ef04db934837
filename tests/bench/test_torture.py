"""The page of files that are written wrongly: each file stands on it once, in one order, without what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import torture

LEAD = """<?xml version="1.0"?><adf><prospect>{date}
<vehicle interest="buy"><year>2024</year><make>Exemplar</make><model>One</model></vehicle>
<customer><contact><name part="full">Ada Example</name><email>ada@example.com</email></contact></customer>
<vendor><vendorname>North</vendorname></vendor></prospect></adf>
"""
DATE = "<requestdate>2026-03-01T10:00:00+00:00</requestdate>"


@pytest.fixture
def sets(tmp_path: Path) -> list[str]:
    files = {
        "leads/dated.xml": LEAD.format(date=DATE),
        "leads/undated.xml": LEAD.format(date=""),
        "tables/csv/told.csv": 'name,age\n"Ada, Example",36\n',
        "tables/json/told.json": '[{"name": "Ada, Example", "age": "36"}]',
        "tables/csv/untold.csv": 'name,age\nAda Example,36\n"Bert\n',
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return [str(tmp_path / "leads"), str(tmp_path / "tables")]


def test_the_page_tells_each_file_whatever_the_order_of_the_folders(
    sets: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = []
    for given in (sets, sets[::-1]):
        page = tmp_path / f"{len(pages)}.md"
        monkeypatch.setattr(torture, "PAGE", page)
        torture.main(given)
        pages.append(page.read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert [line for line in pages[0].splitlines() if line.startswith(("| leads |", "| tables |"))] == [
        "| tables | told.csv | 2 / 0 / 0 | 2 / 0 / 0 | 2 / 0 / 0 | 2 / 0 / 0 |",
        "| leads | dated.xml | 1 | 0 |  |  |",
        "| leads | undated.xml | 0 | 1 | no request date |  |",
        "| tables | csv/untold.csv | 0 | 0 | no source for its header | 1 | 1 |",
    ]
    assert "Ada" not in pages[0]
    assert str(tmp_path) not in pages[0]
