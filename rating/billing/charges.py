"""Bill lines in the making: columns of int64, and names as codes into their sorted texts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rating.billing.schema import NUMBERS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Names:
    """A column of names.

    Attributes:
        codes: int32[n], -1 where there is no name.
        texts: The names, ascending and distinct.
    """

    codes: Int32
    texts: tuple[str, ...]

    @staticmethod
    def of(codes: Int32, texts: Sequence[str] | pa.Array) -> Names:
        """Returns codes into any texts as codes into those that occur, sorted."""
        used = np.flatnonzero(np.bincount(codes + 1, minlength=1)[1:])
        if isinstance(texts, pa.Array):
            occurring = texts.take(pa.array(used)).to_pylist()
        else:
            occurring = [texts[code] for code in used.tolist()]
        # Code -1 reads the last entry of the table, which is -1.
        table = np.full(len(texts) + 1, -1, np.int32)
        if all(one < other for one, other in pairwise(occurring)):
            table[used] = np.arange(len(used))
            return Names(table[codes], tuple(occurring))
        ordered = tuple(sorted(set(occurring)))
        rank = {text: number for number, text in enumerate(ordered)}
        table[used] = [rank[text] for text in occurring]
        return Names(table[codes], ordered)

    @staticmethod
    def same(text: str | None, n: int) -> Names:
        """Returns one name, or none, n times."""
        if text is None or not n:
            return Names(np.full(n, -1, np.int32), ())
        return Names(np.zeros(n, np.int32), (text,))

    def take(self, rows: Int64) -> Names:
        """Returns some rows, with all the texts."""
        return Names(self.codes[rows], self.texts)


@dataclass(frozen=True, slots=True)
class Charges:
    """Lines: one entry of every column of :data:`TEXTS` and :data:`NUMBERS` per line."""

    texts: dict[str, Names]
    numbers: dict[str, Int64]

    def __len__(self) -> int:
        return len(self.numbers["net"])

    def take(self, rows: Int64) -> Charges:
        """Returns some lines, in the order asked for."""
        return Charges(
            {name: column.take(rows) for name, column in self.texts.items()},
            {name: column[rows] for name, column in self.numbers.items()},
        )

    def replace(self, **numbers: Int64) -> Charges:
        """Returns the lines with other numbers in some columns."""
        return Charges(self.texts, {**self.numbers, **numbers})

    def named(self, **texts: Names) -> Charges:
        """Returns the lines with other names in some columns."""
        return Charges({**self.texts, **texts}, self.numbers)


def make_charges(
    n: int, texts: Mapping[str, Names | str | None], numbers: Mapping[str, Int64 | int]
) -> Charges:
    """Returns n lines; columns that are not given have no name, or zero."""
    named = {
        name: value if isinstance(value, Names) else Names.same(value, n)
        for name, value in ((name, texts.get(name)) for name in TEXTS)
    }
    counted = {
        name: np.broadcast_to(np.asarray(numbers.get(name, 0), np.int64), (n,)) for name in NUMBERS
    }
    return Charges(named, counted)


def join(parts: Sequence[Charges]) -> Charges:
    """Returns the lines of all parts, one after the other."""
    texts = {name: _joined([part.texts[name] for part in parts]) for name in TEXTS}
    numbers = {name: np.concatenate([part.numbers[name] for part in parts]) for name in NUMBERS}
    return Charges(texts, numbers)


def _joined(columns: Sequence[Names]) -> Names:
    """Returns columns of names as one, with the texts that occur in any of them."""
    tables = {column.texts for column in columns if column.texts}
    if len(tables) <= 1:
        union = tables.pop() if tables else ()
        return Names.of(np.concatenate([column.codes for column in columns]), union)
    union = tuple(sorted({text for table in tables for text in table}))
    rank = {text: number for number, text in enumerate(union)}
    codes = [
        np.asarray([*(rank[text] for text in column.texts), -1], np.int32)[column.codes]
        for column in columns
    ]
    return Names.of(np.concatenate(codes), union)
