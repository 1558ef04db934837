"""Reports on paper: what is cut, what is wrapped, what is refused, how many pages."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pypdf
import pytest

from dashboards.reports.paper import Paper
from dashboards.reports.report import Col, Row
from forecourt.errors import Problem

DAY = date(2026, 3, 31)
COLUMNS = (Col("Customer", 20), Col("Outstanding", 10, True))


def pages(paper: Paper) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper.data())).pages]


def test_a_long_name_wraps_and_nothing_of_it_is_lost() -> None:
    name = "Zoë Müller-Łąkowska & Söhne " * 12 + "A" * 300
    paper = Paper("Report", "", DAY, "")
    paper.table(COLUMNS, [Row((name, Decimal("1234567.5")))])
    (text,) = pages(paper)
    assert "".join(text.split()).count("".join(name.split())) == 1
    assert "1,234,567.50" in text


def test_a_number_is_never_broken_however_many_there_are() -> None:
    columns = [Col(f"Bucket {number}", 1, True) for number in range(14)]
    amounts = [Decimal("-123456789012.34")] * 14
    paper = Paper("Report", "", DAY, "")
    paper.table(columns, [Row(amounts)])
    (text,) = pages(paper)
    assert text.count("-123,456,789,012.34") == 14


def test_the_head_and_the_page_number_stand_on_every_page() -> None:
    paper = Paper("Report", "", DAY, "Of one run")
    paper.table(COLUMNS, [Row((f"Customer {number}", Decimal(number))) for number in range(150)])
    texts = pages(paper)
    assert len(texts) > 2
    assert all("Outstanding" in text and "Of one run" in text for text in texts)
    assert [f"Page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1)] == [True] * len(texts)
    whole = "\n".join(texts)
    assert all(f"Customer {number} {number}.00" in whole for number in range(150))


@pytest.mark.parametrize(("name", "sign"), [("王芳", "U+738B"), ("שלום", "U+05E9"), ("สมชาย", "U+0E2A")])
def test_a_name_that_would_be_mangled_is_refused(name: str, sign: str) -> None:
    with pytest.raises(Problem, match=rf"A pdf cannot show '{name}'.*{sign.replace('+', '[+]')}.*Take xlsx or csv"):
        Paper("Report", "", DAY, "").table(COLUMNS, [Row((name, Decimal(1)))])


def test_letters_in_parts_are_set_as_one() -> None:
    paper = Paper("Report", "", DAY, "")
    paper.paragraph("Zoe\u0308 Łukasz Ñandú Ωμέγα Жанна €")
    assert "Zoë Łukasz Ñandú Ωμέγα Жанна €" in pages(paper)[0]
