"""Counted records as columns, from the parts of a KPI or from the rows of a statement: exact amounts, named groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

#: Whole numbers of 32 or 64 bits.
Codes = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
#: Whole numbers; Python's own where they do not fit into 64 bits.
Units = npt.NDArray[Any]
_LARGEST = 2**62


def summable(units: Units) -> Units:
    """The same whole numbers, of 64 bits where no sum of some of them can be larger, else Python's own."""
    largest = float(np.abs(units.astype(np.float64)).sum())
    if largest < _LARGEST:
        return units.astype(np.int64, copy=False)
    return units.astype(object)


@dataclass(frozen=True)
class Named:
    """A column of texts: a code per row, -1 where there is none, and the text of each code."""

    codes: Codes
    names: tuple[str, ...]

    @staticmethod
    def of(texts: Sequence[str]) -> Named:
        names = tuple(dict.fromkeys(texts))
        code = {name: place for place, name in enumerate(names)}
        return Named(np.array([code[text] for text in texts], np.int64), names)

    def code(self, name: str) -> int:
        """The code of a text; -2 where no row has it."""
        return self.names.index(name) if name in self.names else -2

    def taken(self, rows: Codes | Mask) -> Named:
        return replace(self, codes=self.codes[rows])

    def joined(self, other: Named) -> Named:
        """The rows of both, one after the other. Raises ValueError for codes that name nothing beside texts."""
        if self.names is other.names or self.names == other.names:
            return Named(np.concatenate([self.codes, other.codes]), self.names)
        if any(not each.names and (each.codes >= 0).any() for each in (self, other)):
            raise ValueError("numbered records cannot be joined with named ones")
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        code = {name: place for place, name in enumerate(names)}
        moved = np.array([*(code[name] for name in other.names), -1], np.int64)  # the last is that of no text
        return Named(np.concatenate([self.codes, moved[other.codes]]), names)


@dataclass(frozen=True)
class Amounts:
    """Exact numbers as whole multiples of 10 to the power of ``-places``; 0 where ``known`` says there is none."""

    units: Units
    places: int
    known: Mask

    @staticmethod
    def of(numbers: Iterable[Decimal | int]) -> Amounts:
        exact = [Decimal(number) for number in numbers]
        places = max((-int(number.as_tuple().exponent) for number in exact), default=0)
        units = [int(number.scaleb(max(places, 0))) for number in exact]
        return Amounts(summable(np.array(units, object)), max(places, 0), np.ones(len(units), bool))

    def total(self, rows: Codes | Mask) -> Decimal | int | None:
        """The exact sum of some rows; None where none of them has a number."""
        if not self.known[rows].any():
            return None
        whole = int(self.units[rows].sum())
        return Decimal(whole).scaleb(-self.places) if self.places else whole

    def fraction(self, rows: Codes | Mask) -> Fraction:
        """The exact sum of some rows."""
        return Fraction(int(self.units[rows].sum()), 10**self.places)

    def floats(self) -> npt.NDArray[np.float64]:
        return self.units.astype(np.float64) / 10.0**self.places

    def taken(self, rows: Codes | Mask) -> Amounts:
        return Amounts(self.units[rows], self.places, self.known[rows])

    def joined(self, other: Amounts) -> Amounts:
        """The rows of both, one after the other."""
        places = max(self.places, other.places)
        units = [each.scaled(places) for each in (self, other)]
        return Amounts(summable(np.concatenate(units)), places, np.concatenate([self.known, other.known]))

    def scaled(self, places: int) -> Units:
        """The units of a finer scale."""
        if places == self.places:
            return self.units
        return self.units.astype(object) * 10 ** (places - self.places)


@dataclass(frozen=True)
class Records:
    """Counted records of one currency and period, one entry a record and combination of groups.

    ``groups`` has a column per dimension asked for, in their order. A duration's numerators are seconds.
    """

    record: Named
    numerator: Amounts
    denominator: Amounts
    groups: tuple[Named, ...]

    @staticmethod
    def none(dimensions: int) -> Records:
        nothing = Named(np.zeros(0, np.int64), ())
        return Records(nothing, Amounts.of([]), Amounts.of([]), (nothing,) * dimensions)

    def joined(self, other: Records) -> Records:
        """The entries of both, one after the other."""
        return Records(
            self.record.joined(other.record),
            self.numerator.joined(other.numerator),
            self.denominator.joined(other.denominator),
            tuple(mine.joined(its) for mine, its in zip(self.groups, other.groups, strict=True)),
        )
