"""JSON records: names made from nesting, digits kept, and what is no record said with its line."""

from __future__ import annotations

import json

import pytest

from forecourt.errors import Problem
from ingest.readers.decoding import Decoded
from ingest.readers.json_rows import check_size, read_json
from ingest.readers.rows import Objects


def read(text: str, path: str = "", **how: object) -> Objects:
    return read_json(Decoded(text.encode(), "utf-8"), path, **how)  # type: ignore[arg-type]


def test_nesting_becomes_names_and_numbers_keep_their_digits() -> None:
    found = read(
        '[{"id": 7, "price": 1234.50, "big": 12345678901234567890, "e": 1.5e3, "no": null, "yes": true,\n'
        '  "car": {"make": "Ford"}, "trade": [{"vin": "A"}, {"vin": "B"}], "tags": ["x", " y "], "none": []},\n'
        ' {"id": "8"}]'
    )
    assert found.values == [
        {
            "id": "7",
            "price": "1234.50",
            "big": "12345678901234567890",
            "e": "1500",
            "no": "",
            "yes": "true",
            "car.make": "Ford",
            "trade.1.vin": "A",
            "trade.2.vin": "B",
            "tags.1": "x",
            "tags.2": "y",
        },
        {"id": "8"},
    ]
    assert found.row_numbers == [1, 3]
    assert found.raw(1) == '{"id": "8"}'
    assert found.names[-1] == "tags.2"


def test_a_list_inside_objects_and_what_they_say_around_it() -> None:
    text = '{"dealer": "R1", "data": {"page": {"no": 2}, "skipped": [1], "cars": [{"id": 1}]}, "total": 1.5}'
    assert read(text, "data.cars", decimal=",").values == [
        {"/dealer": "R1", "/page.no": "2", "/total": "1,5", "id": "1"}
    ]


def test_lists_inside_the_objects_of_a_list_and_what_each_says_around_its_own() -> None:
    text = """{"id": "G", "sites": [
        {"id": "R1", "cars": [{"vin": "A"}, {"vin": "B"}], "town": "Nord"},
        {"id": "R2", "cars": [{"vin": "C", "id": 7}]},
        {"id": "R3", "cars": []}, {"id": "R4"}, {"id": "R5", "cars": null}]}"""
    found = read(text, "sites.cars")
    assert found.values == [
        {"//id": "G", "/id": "R1", "/town": "Nord", "vin": "A"},
        {"//id": "G", "/id": "R1", "/town": "Nord", "vin": "B"},
        {"//id": "G", "/id": "R2", "vin": "C", "id": "7"},
    ]
    assert found.remarks == ["2 of the objects around its records have no 'cars'"]
    assert read('[{"cars": [{"vin": "A"}]},\n{"cars": [{"vin": "B"}]}]', "cars").row_numbers == [1, 2]


def test_pages_of_objects_are_one_list() -> None:
    assert read('[[{"id": 1}, {"id": 2}], [], [{"id": 3}]]').values == [{"id": "1"}, {"id": "2"}, {"id": "3"}]
    assert read('{"pages": [[{"id": 1}], [ {"id": 2}]]}', "pages").values == [{"id": "1"}, {"id": "2"}]


def test_a_star_leads_to_each_value_of_an_object() -> None:
    text = '{"at": "2026-11-01", "tags": ["new"], "R1": [{"id": 1}, {"id": 2}], "R2": [{"id": 3}]}'
    assert read(text, "*").values == [
        {"/*": "R1", "/at": "2026-11-01", "id": "1"},
        {"/*": "R1", "/at": "2026-11-01", "id": "2"},
        {"/*": "R2", "/at": "2026-11-01", "id": "3"},
    ]
    assert read('{"cars": {"V1": {"make": "Ford"}, "V2": {"make": "Fiat"}}}', "cars.*").values == [
        {"/*": "V1", "make": "Ford"},
        {"/*": "V2", "make": "Fiat"},
    ]


def test_each_list_of_lists_has_names_of_its_own() -> None:
    text = """{"tables": [{"names": ["id", "make"], "rows": [[1, "Ford"]]},
        {"names": ["make", "id"], "rows": [["Fiat", 2]]},
        {"rows": [["id", "make"], [3, "Audi"]]}, {"rows": [[4, "VW"], [5, "BMW"]]}]}"""
    found = read(text, "tables.rows")
    assert found.values == [{"id": "1", "make": "Ford"}, {"make": "Fiat", "id": "2"}, {"id": "3", "make": "Audi"}]
    assert [bad.row_number for bad in found.bad] == [5, 6]
    assert found.skipped == {"names of columns": 1}


def test_lines_of_objects_with_a_bad_one() -> None:
    found = read(
        '{"id": 1}\r\n\n{"id": 2, }\n{"id": 3} x\n[4]\n{"id": 5, "id": 6}\n{"a.b": 1, "a": {"b": 2}}\n{"id": "8"}\n'
    )
    assert (found.values, found.row_numbers) == ([{"id": "1"}, {"id": "8"}], [1, 8])
    assert [(bad.row_number, bad.reason) for bad in found.bad] == [
        (3, "it is no JSON (Expecting property name enclosed in double quotes at character 11)"),
        (4, "more follows after the end of its object"),
        (5, "it is no object with names, but a list, and no list of names stands above or beside it"),
        (6, "it names 'id' twice, so it is not known which value to take"),
        (7, "it names 'a.b' twice, so it is not known which value to take"),
    ]
    assert found.bad[0].raw == '{"id": 2, }'
    assert found.skipped == {"blank line": 1}


def test_records_on_one_line_are_counted_by_their_place() -> None:
    found = read('[{"id": 1}, 2,\n{"id": 3}]')
    assert (found.row_numbers, found.unit, found.bad[0].row_number) == ([1, 3], "record", 2)
    assert read('[{"id": 1},\n{"id": 3}]').unit == "line"


def test_a_comma_after_each_object_is_no_part_of_it() -> None:
    found = read('{"id": 1},\n{"id": 2}, {"id": 3} ,\n{"id": 4},, \n{"id": 5}, x\n{"id": 6},')
    assert found.values == [{"id": "1"}, {"id": "2"}, {"id": "3"}, {"id": "6"}]
    assert [(bad.row_number, bad.reason) for bad in found.bad] == [
        (4, "more follows after the end of its object"),
        (5, "more follows after the end of its object"),
    ]


def test_one_object_over_several_lines_is_one_record() -> None:
    assert read('{\n "id": 1\n}\n').values == [{"id": "1"}]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('[{"id": 1}', "", r"line 1, character 11: this is no JSON \(',' should stand here\)"),
        ('[{"id": 1}]\n]', "", r"line 2, character 1: this is no JSON \(more follows after its end\)"),
        ('{"id": 1,\n"x"', "", r"line 2, character 4: this is no JSON"),
        ('{"a": {}}', "a.b", "it has no 'b'"),
        ('{"a": [1]}', "a.b", "it has no object with 'b'"),
        ('{"a": {}}', "a", "there is no list where its records should be"),
        ('{"x.y": 1, "x": {"y": 2}, "a": [{"b": 1}]}', "a", r"what stands around its records cannot be read"),
        ('{"c": 1, "c": 2, "a": [{"b": 1}]}', "a", r"what stands around .* cannot be read: it names 'c' twice"),
        ('{"a": [{"c": 1}, {"c": 2}]}', "a.b", "it has no 'b'"),
        ('{"a": [{"b": [{"c": 1}]}, {"b": 2}]}', "a.b", "there is no list where its records should be"),
        ('{"a": [{"b": 1}]', "a", r"line 1, character 17: this is no JSON"),
        ("[]", "", "it has no record, so nothing tells its columns"),
        ("[" * 100_000 + "]" * 100_000, "", "it is nested more deeply than any export"),
        ('\n{"a": ' + "[" * 60 + "]" * 60 + "}", "", "none of its records can be read; line 2: it is nested more"),
    ],
)
def test_a_broken_document_is_refused_with_its_line(text: str, path: str, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        read(text, path)


def test_hostile_records_are_withheld_and_the_others_read() -> None:
    deep = '{"a":' * 60 + "1" + "}" * 60
    deeper = '{"a":' * 50_000 + "1" + "}" * 50_000
    found = read(f'{deep}\n{deeper}\n{{"a": "\\ud800"}}\n{{"a": "x\\u0000y"}}\n{{"a": 1e999999999}}\n')
    assert [bad.reason for bad in found.bad] == [
        "it is nested more than 40 levels deep",
        "it is nested more deeply than any export",
        "a holds half a character",
        "a holds a NUL character",
    ]
    assert found.values == [{"a": "1e999999999"}]


def test_too_many_records_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.readers.json_rows.MAX_RECORDS", 2)
    assert len(read('{"a": 1}\n' * 2).values) == 2
    with pytest.raises(Problem, match="it has more than 2 records"):
        read('{"a": 1}\n' * 3)


def test_too_large_and_too_wide_files_are_refused() -> None:
    with pytest.raises(Problem, match=r"it has 0 MB, and JSON is read up to 0 MB"):
        check_size(b'[{"id": 1}]', max_bytes=5)
    with pytest.raises(Problem, match=r"its 1 records have 2,001 different fields"):
        _ = read('[{"a": [' + ",".join(["1"] * 2001) + "]}]").names


def test_answers_of_a_form_are_known_by_their_names_in_whatever_order_they_stand() -> None:
    text = (
        '[{"n": 1, "a": [{"id": "EMAIL", "v": "x", "label": "Mail"}, {"id": "NAME", "v": "y"}, {"v": "z"}]},\n'
        ' {"n": 2, "a": [{"id": "NAME", "v": ["p", "q"]}]},\n'
        ' {"n": 3, "a": [{"id": "NAME", "v": "p"}, {"id": "NAME", "v": "q"}]}]'
    )
    found = read(text, keyed={"a": ("id", "v")})
    assert found.values == [
        {"n": "1", "a.EMAIL": "x", "a.EMAIL.label": "Mail", "a.NAME": "y", "a.3.v": "z"},
        {"n": "2", "a.NAME.1": "p", "a.NAME.2": "q"},
    ]
    assert [(bad.row_number, bad.reason) for bad in found.bad] == [
        (3, "it names 'a.NAME' twice, so it is not known which value to take")
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[["id", "make"], [1, "Ford"], [2, null]]', ""),
        ('{"columns": ["id", "make"], "rows": [[1, "Ford"], [2, null]]}', "rows"),
        (
            '{"q": {"fields": [{"name": "id"}, {"name": "make"}], "index": [1], "data": [[1, "Ford"], [2, null]]}}',
            "q.data",
        ),
    ],
)
def test_rows_that_are_lists_have_their_names_above_or_beside_them(text: str, path: str) -> None:
    found = read(text, path)
    assert found.values == [{"id": "1", "make": "Ford"}, {"id": "2", "make": ""}]
    assert found.skipped == ({} if path else {"names of columns": 1})


def test_rows_that_are_lists_without_names_or_with_too_few_are_no_records() -> None:
    with pytest.raises(Problem, match="no list of names stands above or beside it"):
        read('[[1, "Ford"], [2, "Fiat"]]')
    found = read('[["id", "make"], [1], [2, "Fiat"]]')
    assert (found.values, [bad.reason for bad in found.bad]) == (
        [{"id": "2", "make": "Fiat"}],
        ["it has 1 values where 2 names are"],
    )


@pytest.mark.parametrize("between", ["", " ", "\n", "\r", "\r\n"])
@pytest.mark.parametrize("indent", [None, 1])
def test_objects_one_after_the_other_are_records(between: str, indent: int | None) -> None:
    text = between.join(json.dumps({"id": number, "of": {"a": 1}}, indent=indent) for number in range(3))
    found = read(text)
    assert [record["id"] for record in found.values] == ["0", "1", "2"]
    assert (found.bad, found.skipped) == ([], {})


def test_a_list_beside_the_records_is_told_and_a_list_of_words_is_not() -> None:
    found = read('{"new": [{"id": 1}], "tags": ["a"], "used": [{"id": 2}]}', "used")
    assert (found.values, found.remarks) == ([{"id": "2"}], ["lists beside that of its records were not read: new (1)"])


def test_a_number_that_is_none_is_told() -> None:
    found = read('[{"a": NaN, "b": "NaN"}, {"a": -Infinity}]')
    assert [record["a"] for record in found.values] == ["NaN", "-Infinity"]
    assert found.remarks == [
        "-Infinity, NaN in it is no JSON and was read as a word; null_words can say that it is empty"
    ]
    assert read('[{"b": "NaN"}]').remarks == []
