"""What records leave open is filled in from their batch: codes, clocks, decimal places, constants.

Runs after the kernel on whole columns of a block, before validation. What cannot be filled in
suspends its record with a named reason; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.batch_facts import BatchFacts, Sums
from mediation.columns import INDEX, KIND
from mediation.edr import MISSING
from mediation.formats.file_rule import MICRO_PLACES
from mediation.kernels.resolve import (
    ABOVE,
    AMOUNT_CELLS,
    BELOW,
    add_amounts,
    explain_codes,
    fill_missing,
    local_to_utc,
    scale_amounts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mediation.assemble import Texts
    from mediation.formats import Format

    Int64s = np.ndarray[Any, np.dtype[np.int64]]

START: Final = INDEX["start_time"]
OFFSET: Final = INDEX["utc_offset"]
HALF: Final = 2**32
OUTSIDE: Final = BatchFacts()
"""What is known of a record that stands in no batch: nothing."""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a record cannot go on.

    Attributes:
        reason: A name from a short fixed list.
        column: The column at fault.
        detail: One sentence for the person who looks at it.
    """

    reason: str
    column: str
    detail: str


@dataclass(slots=True)
class _Table:
    """The codes of one column in one batch."""

    keys: Int64s
    values: Int64s


NO_TABLE: Final = _Table(np.empty(0, np.int64), np.empty(0, np.int64))


class Resolver:
    """Fills in what the batches of a file say; for one chunk of its records.

    Args:
        cdr_format: The file's format.
        batches: What its batches say, in file order.
        texts: The chunk's dictionaries, before any record is walked.
    """

    def __init__(self, cdr_format: Format, batches: Sequence[BatchFacts], texts: Texts) -> None:
        self.rule = cdr_format.mapping.file
        self.local_times = cdr_format.ber.local_times
        self.batches = batches
        self.starts = np.array([batch.records.start for batch in batches], np.int64)
        self.texts = texts
        self.tables: dict[tuple[int, str], _Table] = {}
        self.constants: dict[tuple[int, str], int] = {}
        self.sums: dict[int, Sums] = {}
        self.faults: dict[int, Unresolved] = {}
        if self.rule is None:
            return
        for number, batch in enumerate(batches):
            for column in self.rule.codes:
                self.tables[number, column] = self.table(column, batch.codes.get(column, {}))
            for column, name in self.rule.columns.items():
                word = batch.values.get(name)
                if word is not None:
                    self.constants[number, column] = texts.add(INDEX[column], str(word))

    def table(self, column: str, codes: dict[int, int | str]) -> _Table:
        """Returns a table of codes as sorted arrays; texts by their numbers."""
        place = INDEX[column]
        known = sorted(codes)
        values = [
            self.texts.add(place, str(codes[code])) if KIND[place] == "text" else int(codes[code])
            for code in known
        ]
        return _Table(np.array(known, np.int64), np.array(values, np.int64))

    def apply(self, columns: Int64s, records: Int64s) -> dict[int, Unresolved]:
        """Fills in the rows of a block.

        Args:
            columns: int64[columns, rows], changed in place.
            records: int64[rows], index in the file of each row's record, ascending.

        Returns:
            The records that cannot go on, by index in the file.
        """
        self.faults = {}
        for number, part in self.parts(records):
            self.rows(number, columns[:, part], records[part])
        return self.faults

    def add_up(self, columns: Int64s, records: Int64s) -> None:
        """Only adds up the amounts of a block; arrays as in `apply`."""
        for number, part in self.parts(records):
            for column in () if self.rule is None else self.rule.amounts:
                self.add(number, column, columns[INDEX[column], part])

    def parts(self, records: Int64s) -> Iterator[tuple[int, slice]]:
        """Yields the rows of each batch, by its number; -1 is none."""
        at = 0
        while at < len(records):
            number = int(np.searchsorted(self.starts, records[at], side="right")) - 1
            stop = len(records)
            if number + 1 < len(self.starts):
                stop = int(np.searchsorted(records, self.starts[number + 1]))
            if number >= 0 and records[at] < self.batches[number].records.stop:
                stop = min(stop, int(np.searchsorted(records, self.batches[number].records.stop)))
            else:
                number = -1
            yield number, slice(at, stop)
            at = stop

    def rows(self, number: int, columns: Int64s, records: Int64s) -> None:
        """Fills in rows of one batch; -1 is none."""
        batch = self.batches[number] if number >= 0 else OUTSIDE
        if self.rule is not None:
            for column in self.rule.codes:
                self.codes(number, column, columns[INDEX[column]], records)
            for column in self.rule.amounts:
                self.amounts(number, batch, column, columns[INDEX[column]], records)
        if self.local_times:
            self.times(columns[START], columns[OFFSET], records)
        for (owner, column), word in self.constants.items():
            if owner == number:
                fill_missing(columns[INDEX[column]], word)

    def codes(self, number: int, column: str, values: Int64s, records: Int64s) -> None:
        """Replaces codes by what they mean."""
        assert self.rule is not None  # noqa: S101 - asked by `rows`
        table = self.tables.get((number, column), NO_TABLE)
        lost = np.empty(len(values), np.int32)
        count, code = explain_codes(values, table.keys, table.values, lost)
        if not count:
            return
        if self.rule.codes[column].suspend:
            detail = (
                f"Code {code} of {column} is not in the tables of its batch: "
                "ask the partner for a corrected file."
            )
            self.fail(records[lost[:count]], Unresolved("unknown_code", column, detail))
        else:
            unknown = self.sums_of(number).unknown
            unknown[column] = unknown.get(column, 0) + count

    def times(self, start: Int64s, offset: Int64s, records: Int64s) -> None:
        """Turns local times into UTC."""
        lost = np.empty(len(start), np.int32)
        count = local_to_utc(start, offset, lost)
        if count:
            detail = "The local time of the event has no offset from UTC."
            fault = Unresolved("missing_utc_offset", "utc_offset", detail)
            self.fail(records[lost[:count]], fault)

    def amounts(
        self, number: int, batch: BatchFacts, column: str, values: Int64s, records: Int64s
    ) -> None:
        """Adds up amounts and turns them into 10^-6."""
        assert self.rule is not None  # noqa: S101 - asked by `rows`
        if not self.add(number, column, values):
            return
        places = batch.values.get(self.rule.decimal_places)
        if not isinstance(places, int) or not 0 <= places <= 3 * MICRO_PLACES:
            word = "missing" if places is None else f"{places}"
            detail = f"The number of decimal places of the file is {word}: amounts mean nothing."
            fault = Unresolved("unknown_decimal_places", column, detail)
            self.fail(records[values != MISSING], fault)
            return
        lost = np.empty(len(values), np.int32)
        divide = places > MICRO_PLACES
        count = scale_amounts(values, 10 ** abs(places - MICRO_PLACES), divide, lost)
        if not count:
            return
        detail = "The amount is too large for 64 bits."
        if divide:
            detail = f"The amount has {places} decimal places; 6 are kept, and it needs more."
        reason = "inexact_amount" if divide else "value_out_of_range"
        self.fail(records[lost[:count]], Unresolved(reason, column, detail))

    def add(self, number: int, column: str, values: Int64s) -> int:
        """Adds amounts in units of the file to the sums of a batch; returns how many there are."""
        cells = np.zeros(AMOUNT_CELLS, np.int64)
        count = int(add_amounts(values, cells))
        if count:
            sums = self.sums_of(number).amounts
            above, below = sums.get(column, (0, 0))
            sums[column] = (above + whole(cells[ABOVE:]), below - whole(cells[BELOW:]))
        return count

    def fail(self, records: Int64s, fault: Unresolved) -> None:
        """Notes records that cannot go on; the first reason counts."""
        for record in records.tolist():
            self.faults.setdefault(record, fault)

    def sums_of(self, number: int) -> Sums:
        """Returns the sums of a batch."""
        return self.sums.setdefault(number, Sums({}, {}))


def whole(cells: Int64s) -> int:
    """Returns the number that the first two cells mean: 2^32 and ones."""
    return int(cells[0]) * HALF + int(cells[1])
