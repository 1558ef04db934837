"""Random files as people publish them: a table with dirt in it, a title above, notes or another table below."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from ingest.readers.dialect import trimmed

Row = tuple[str, ...]

_WORDS = (
    *("alpha", "beta", "gamma", "delta", "Nord", "Süd", "Öst", "total", "note"),
    *("city", "income", "value", "car", "blue", "red", "green"),
)
_DELIMITERS = (",", ",", ";", "\t", "|", "^", ", ", "||")


@dataclass(frozen=True)
class Survey:
    """A file, the keys of a source that say how it is written, and the rows of its clean twin."""

    data: bytes
    declared: dict[str, Any]
    twin: list[Row]


def survey(seed: int) -> Survey:
    """The file of a number: always the same one."""
    return _Writer(random.Random(seed)).write()


def plain(value: str) -> str:
    """A value as it is compared: blanks around it and the kind of its line ends do not count."""
    return trimmed(value).replace("\r\n", "\n").replace("\r", "\n")


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kinds = [chance.choice(("words", "integer", "date", "amount")) for _ in range(chance.randint(1, 6))]
        self.width = len(self.kinds)
        self.delimiter, self.quote = chance.choice(_DELIMITERS), chance.choice('"""\'')
        self.end = chance.choice(("\n", "\n", "\r\n", "\r"))

    def write(self) -> Survey:
        chance = self.chance
        above = chance.choice((0, 0, 1, 3))
        header_lines = chance.choice((1, 1, 1, 2, 3, 0))
        header = [
            [f"{self._word()}{place}{line}" for place in range(self.width)] for line in range(max(header_lines, 1))
        ]
        lines = [self._padded(chance.choice(("", f"Report of {self._word()}", "Title, sub; x"))) for _ in range(above)]
        lines += [self.delimiter.join(names) for names in header] if header_lines else []
        twin: list[Row] = []
        for _ in range(chance.randint(1, 30)):
            row = tuple(self._value(kind) for kind in self.kinds)
            if any(row):
                written, row = self._dirty(self._line(row), row)
                lines += written
                twin.append(tuple(map(plain, row)))
        below = self._below(twin)
        keys: dict[str, Any] = {
            "delimiter": self.delimiter,
            "quote": self.quote,
            "preamble": above,
            "footer": len(below) if chance.random() < 0.5 else 0,
        }
        if header_lines:
            keys |= {"header": [" ".join(names) for names in zip(*header, strict=True)], "header_lines": header_lines}
        else:
            keys["names"] = [f"c {place}" for place in range(self.width)]
        text = self.end.join([*lines, *below]) + (self.end if chance.random() < 0.9 else "")
        return Survey(text.encode(), keys, twin)

    def _word(self) -> str:
        return self.chance.choice(_WORDS)

    def _value(self, kind: str) -> str:
        chance = self.chance
        if chance.random() < 0.08:
            return ""
        match kind:
            case "integer":
                return str(chance.randint(0, 99_999))
            case "date":
                return f"20{chance.randint(10, 26)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            case "amount":
                return f"{chance.uniform(0, 1e4):.2f}"
        words = " ".join(self._word() for _ in range(chance.randint(1, 4)))
        return words + (
            chance.choice((", ext", "; x", ' "q"', "'s", " | y", "\nmore")) if chance.random() < 0.1 else ""
        )

    def _line(self, row: Row) -> str:
        marks = (self.delimiter, self.quote, "\n")
        return self.delimiter.join(
            f"{self.quote}{value.replace(self.quote, self.quote * 2)}{self.quote}"
            if any(mark in value for mark in marks) or self.chance.random() < 0.1
            else value
            for value in row
        )

    def _dirty(self, line: str, row: Row) -> tuple[list[str], Row]:
        """Lines and the row that they mean: now and then a value less or more, a quote, a line end, an empty line."""
        dirt = int(self.chance.random() * 100)
        if dirt == 0 and self.width > 1:
            return [line.rsplit(self.delimiter, 1)[0]], row
        if dirt == 1:
            return [line + self.delimiter], row
        if dirt == 2:
            return [line.replace(" ", f" {self.quote}", 1)], row
        if dirt == 3 and self.width > 1 and self.kinds[-1] == "words":
            rest = f"and {self._word()}"
            return [line, rest], (*row[:-1], f"{row[-1]}\n{rest}")
        if dirt == 4 and self.width > 1:
            return [self.chance.choice(("", self.delimiter * (self.width - 1))), line], row
        if dirt == 5 and self.width > 1 and " " in row[0] and line.startswith(row[0]):
            start, rest = row[0].split(" ", 1)
            return [start, line[len(start) + 1 :]], (f"{start}\n{rest}", *row[1:])
        if dirt == 6 and self.width > 1 and self.kinds[-1] == "words" and row[-1]:
            rest = f"the {self.quote}new{self.quote} one"
            return [line, rest], (*row[:-1], f"{row[-1]}\n{rest}")
        return [line], row

    def _padded(self, text: str) -> str:
        return text + (self.delimiter * (self.width - 1) if self.chance.random() < 0.5 else "")

    def _below(self, twin: list[Row]) -> list[str]:
        """Notes or another table, as wide as the first, with or without an empty line between."""
        chance, pad = self.chance, self.delimiter * (self.width - 1)
        between = [""] if chance.random() < 0.5 else []
        kind = chance.choice(("", "", "notes", "ragged notes", "short notes", "total", "table", "narrower table"))
        if kind == "ragged notes" and self.width > 1:
            return [*between, "Source office", "* estimated"]
        if self.width < 3:
            return []
        match kind:
            case "notes":
                return [*between, f"Source: office{pad}", f"see note{pad}"][: chance.randint(2, 3)]
            case "short notes":
                return [f"Source{self.delimiter}office{pad[len(self.delimiter) :]}"]
            case "total":
                return [f"Total{pad}{chance.randint(1, 99_999)}"]
            case "table":
                # Right below words alone no header is told from a row.
                is_told = len(twin) > 2 and any(kind != "words" for kind in self.kinds)
                rows = [[self._value(kind) or "1" for kind in self.kinds] for _ in range(3)]
                names = chance.sample(_WORDS, self.width)
                parted = between if is_told else [""]
                return [*parted, *(self.delimiter.join(row).replace("\n", " ") for row in (names, *rows))]
            case "narrower table":
                names = [self._word() for _ in self.kinds[1:]]
                rows = [[str(chance.randint(1, 99)) for _ in self.kinds[1:]] for _ in range(3)]
                return [*between, pad, *(self.delimiter.join([*row, ""]) for row in (names, *rows))]
        return []
