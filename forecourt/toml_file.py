"""A TOML file that a person writes: its values checked one by one, and the line of a wrong one named."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from forecourt.errors import Problem


@dataclass
class TomlFile:
    """The text of a file, kept to name the line of a wrong value. A place is its dotted key (``company.name``); of the
    entries of a list of tables (``[[rooftops]]``) the number says which, counted from 0."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file; one that is not there says nothing. Raises Problem where it is no UTF-8."""
        try:
            return cls(path, path.read_text(encoding="utf-8") if path.exists() else "")
        except UnicodeDecodeError as error:
            raise Problem(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None

    def _tables(self) -> dict[str, Any]:
        """All that the file says. Raises Problem where it is no TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise Problem(f"{self.path} is not valid TOML: {error}. Mend that line.") from None

    def _entries(
        self, tables: dict[str, Any], where: str, allowed: tuple[str, ...]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """The numbered tables written ``[[where]]``, each with allowed keys only."""
        entries = tables.get(where, [])
        if not isinstance(entries, list):
            raise self._problem(where, f"write each of them under [[{where}]]")
        for number, given in enumerate(entries):
            self._only(self._table(given, where, number), allowed, where, number)
            yield number, given

    def _words(self, value: Any, where: str, number: int | None = None) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self._problem(where, "this is a list of words in quotes", number)
        return value

    def _whole(self, value: Any, where: str, *, least: int = 0) -> int:
        if type(value) is not int or value < least:
            raise self._problem(where, f"{value!r} is no whole number of at least {least}")
        return value

    def _number(self, value: Any, where: str, number: int | None = None) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._problem(where, f"{value!r} is no number", number)
        return Decimal(str(value))

    def _day(self, value: Any, where: str, number: int | None = None) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._problem(where, f"{value!r} is no day (write 2026-01-31)", number) from None

    def _text(self, value: Any, where: str, number: int | None = None) -> str:
        if not isinstance(value, str):
            raise self._problem(where, f"{value!r} is no text in quotes", number)
        return value

    def _table(self, value: Any, where: str, number: int | None = None) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._problem(where, "this is a table of settings", number)
        return value

    def _only(self, table: dict[str, Any], allowed: tuple[str, ...], where: str, number: int | None = None) -> None:
        for key in table:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                full = f"{where}.{key}" if where else key
                raise self._problem(full, f"{key!r} is no setting{hint}", number)

    def _problem(self, where: str, what: str, number: int | None = None) -> Problem:
        line = self._line(where, number)
        place = f"{self.path}, line {line}" if line else str(self.path)
        return Problem(f"{place}: {what} ({where}).")

    def _line(self, where: str, number: int | None) -> int | None:
        """The line that gives ``where``, or the nearest table above it; ``number`` counts [[...]] entries."""
        section, seen, best = "", -1, None
        for position, line in enumerate(self.text.splitlines(), start=1):
            header = re.match(r"\s*\[+\s*([\w.\-\"]+)\s*\]+\s*(#.*)?$", line)
            if header:
                section = header[1].replace('"', "")
                seen += where.startswith(section) and line.lstrip().startswith("[[")
                if where.startswith(section) and number in (None, seen):
                    best = position
                continue
            key = re.match(r"\s*(\"[^\"]*\"|[\w.\-+\"]+)\s*=", line)
            if key and number in (None, seen):
                full = ".".join(filter(None, (section, key[1].replace('"', ""))))
                if full == where or where.startswith(f"{full}."):
                    best = position
        return best
