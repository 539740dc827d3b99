"""Says of one unit where every event went: sheets of its files, suspense rows, sums of money."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.edr import SUSPENSE_SCHEMA, SUSPENSE_STAGES
from pipeline.arrow import decimal_micros, joined, micros
from pipeline.batch.tally import (
    DUPLICATE,
    NOT_CHARGED,
    RATED,
    SUSPENDED,
    WAITING,
    file_sheet,
    tally,
)
from pipeline.suspense.rows import file_row, unframed_rows, unrated_rows
from rating.reasons import NOT_CHARGED as STATUS_NOT_CHARGED
from rating.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mediation.decoder import DecodedChunk
    from mediation.record_numbers import NodeNumbers
    from pipeline.batch.sheet import Sheet
    from pipeline.batch.units import Slice, Unit
    from rating.engine import Rater
    from rating.rated import Rated

Parts = list[tuple["Slice", "DecodedChunk"]]

NOT_CHARGED_RULES: Final = (REASONS[STATUS_NOT_CHARGED].name,)
"""Rules that do not charge an event."""

NOWHERE: Final = -1


def _destinations() -> NDArray[np.int8]:
    """Returns kernel status → destination of the event."""
    table = np.full(128, NOWHERE, np.int8)
    for status, reason in REASONS.items():
        table[status] = SUSPENDED + SUSPENSE_STAGES.index(reason.stage)
    table[0] = RATED
    table[STATUS_NOT_CHARGED] = NOT_CHARGED
    return table


DESTINATIONS: Final = _destinations()


@dataclass(frozen=True, slots=True)
class Account:
    """What is to be known of one unit.

    Attributes:
        sheets: (file id, sheet) of each slice, in order.
        suspense: SUSPENSE_SCHEMA, everything that cannot go on.
        net: Sum of net over the rated tables, in millionths; by another way than the sheets.
        numbers: Running numbers of the records of each slice that has some, in order.
    """

    sheets: list[tuple[str, Sheet]]
    suspense: pa.RecordBatch
    net: int
    numbers: list[tuple[Slice, tuple[NodeNumbers, ...]]] = field(default_factory=list)


def account(
    unit: Unit,
    parts: Parts,
    edr: pa.RecordBatch,
    fresh: NDArray[np.int64],
    waiting: NDArray[np.int64],
    rated: Sequence[Rated],
    rater: Rater,
) -> Account:
    """Accounts for one unit.

    Args:
        unit: Its slices, those of unreadable files included.
        parts: The readable slices with what was decoded of them.
        edr: Their events, joined in order.
        fresh: int64 rows of `edr` that are not duplicates; row numbers of `rated` count in these.
        waiting: int64 rows of `fresh` that are parts of calls and wait for the others.
        rated: The rating of the fresh events, one for each cycle.
        rater: Who rated, for names.

    Raises:
        AssertionError: an event has no destination; the batch must not be committed.
    """
    destination, net = destinations(edr.num_rows, fresh, waiting, rated)
    return Account(
        sheets=_sheets(unit, parts, destination, net),
        suspense=_suspense(unit, parts, edr, fresh, rated, rater),
        net=net_of(rated),
        numbers=[(part, decoded.numbers) for part, decoded in parts if decoded.numbers],
    )


def net_of(rated: Sequence[Rated]) -> int:
    """Returns the sum of net over rated tables, in millionths."""
    return sum(decimal_micros(pc.sum(one.table.column("net")).as_py()) for one in rated)


def destinations(
    events: int, fresh: NDArray[np.int64], waiting: NDArray[np.int64], rated: Sequence[Rated]
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Returns int8[events] where each event went, and int64[events] its net in millionths.

    Raises:
        AssertionError: an event has no destination; the batch must not be committed.
    """
    destination = np.full(events, DUPLICATE, np.int8)
    destination[fresh] = NOWHERE
    destination[fresh[waiting]] = WAITING
    net = np.zeros(events, np.int64)
    for one in rated:
        rows = fresh[one.row]
        destination[rows] = RATED
        net[rows] = micros(one.table.column("net"))
        destination[fresh[one.unrated.row]] = DESTINATIONS[one.unrated.status]
    if events and destination.min() == NOWHERE:
        message = f"{np.count_nonzero(destination == NOWHERE)} events went nowhere"
        raise AssertionError(message)
    return destination, net


def _sheets(
    unit: Unit, parts: Parts, destination: NDArray[np.int8], net: NDArray[np.int64]
) -> list[tuple[str, Sheet]]:
    decoded_of = {id(part): decoded for part, decoded in parts}
    sheets = []
    at = 0
    for part in unit:
        decoded = decoded_of.get(id(part))
        if decoded is None:
            sheet = file_sheet(part)
        else:
            owned = slice(at, at + decoded.edr.num_rows)
            sheet = tally(part, decoded, destination[owned], net[owned], NOT_CHARGED_RULES[0])
            at = owned.stop
        sheets.append((part.file.entry.file_id, sheet))
    return sheets


def _suspense(
    unit: Unit,
    parts: Parts,
    edr: pa.RecordBatch,
    fresh: NDArray[np.int64],
    rated: Sequence[Rated],
    rater: Rater,
) -> pa.RecordBatch:
    """Returns rows of whole files, pieces between records, records, and events, in that order."""
    rows = [file_row(part.file) for part in unit if part.file.fault is not None]
    for part, decoded in parts:
        if part.first and part.file.cdr.unframed:
            rows.append(unframed_rows(part.file.cdr))
        rows.append(decoded.suspense)
    for one in rated:
        suspended = one.unrated.suspended
        if len(suspended):
            words = suspended.to_batch(rater.compiled, rater.subscribers)
            rows.append(unrated_rows(parts, edr, fresh[suspended.row], words))
    return joined(rows, SUSPENSE_SCHEMA)
