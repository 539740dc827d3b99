"""Counts where the records of a slice went, for the balance sheet of its file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from mediation import formats
from mediation.batch_audit import joined_totals, totals_of
from mediation.edr import SUSPENSE_STAGES
from pipeline.batch.sheet import Flow, Octets, Sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mediation.decoder import DecodedChunk
    from pipeline.batch.units import Slice

DUPLICATE: Final = 0
MERGED: Final = 1
WAITING: Final = 2
NOT_CHARGED: Final = 3
RATED: Final = 4
SUSPENDED: Final = 5
"""Destinations of an event; ``SUSPENDED + n`` is the n-th of SUSPENSE_STAGES. A record whose events
part ways is counted where the highest of them went: what a person must look at comes first."""


def tally(
    part: Slice,
    decoded: DecodedChunk,
    destination: NDArray[np.int8],
    net: NDArray[np.int64],
    rule: str,
) -> Sheet:
    """Returns the sheet of one slice.

    Args:
        part: The slice.
        decoded: What the decoder made of it.
        destination: int8[events] where each event went.
        net: int64[events] net in millionths, 0 for events that are not rated.
        rule: Name of the rule that does not charge an event.
    """
    sheet = file_sheet(part) if part.first else Sheet()
    sheet.octets.records += _record_octets(part)
    suspended = _stages(decoded.suspense)
    sheet.events = flow_of(destination, rule)
    sheet.events.read = decoded.edr.num_rows
    weigh(sheet, decoded.edr, destination, rule)
    sheet.integers_repaired = decoded.integers_repaired
    records = _records(decoded.edr, destination, rule)
    records.read = decoded.records
    records.suspended.update(suspended)
    records.discarded.update(decoded.discarded)
    sheet.records.add(records)
    if decoded.sums:
        cdr = part.file.cdr
        found = totals_of(formats.load(cdr.format_name), cdr.batches, decoded.sums)
        sheet.totals = joined_totals(sheet.totals, found)
    rated = destination == RATED
    sheet.net = exact_sum(net[rated])
    sheet.zero_rated = int(np.count_nonzero(net[rated] == 0))
    return sheet


def file_sheet(part: Slice) -> Sheet:
    """Returns what is said once per file: its bytes outside of records, its header's totals.

    A piece that belongs to no record counts as one suspended record, as it is one suspense row.
    """
    if part.file.fault is not None:
        size = part.file.entry.size
        return Sheet(
            records=_unframed(1),
            octets=Octets(size=size, unframed=size),
            unframed_pieces=1,
            fault=part.file.fault.reason,
        )
    cdr = part.file.cdr
    return Sheet(
        records=_unframed(len(cdr.unframed)),
        octets=Octets(
            size=cdr.size,
            header=cdr.header_bytes,
            filler=cdr.filler_bytes,
            unframed=sum(length for _, length, _ in cdr.unframed),
        ),
        unframed_pieces=len(cdr.unframed),
        declared_records=cdr.declared_records,
        sequence_in_file=cdr.sequence_number,
        format=cdr.format_name,
        framing=cdr.framing,
        remarks=list(cdr.notes),
        totals=totals_of(formats.load(cdr.format_name), cdr.batches, {}) if cdr.batches else {},
    )


def _unframed(pieces: int) -> Flow:
    return Flow(read=pieces, suspended=Counter(frame=pieces) if pieces else Counter())


def _record_octets(part: Slice) -> int:
    records = part.records
    return int(part.file.cdr.lengths[records.start : records.stop].sum()) if records else 0


def _stages(suspense: pa.RecordBatch) -> Counter[str]:
    return Counter(suspense.column("stage").to_pylist())


def flow_of(destination: NDArray[np.int8], rule: str) -> Flow:
    """Returns how many went where; `read` is left to the caller."""
    counts = np.bincount(destination, minlength=SUSPENDED + len(SUSPENSE_STAGES))
    flow = Flow(
        rated=int(counts[RATED]),
        duplicate=int(counts[DUPLICATE]),
        merged=int(counts[MERGED]),
        waiting=int(counts[WAITING]),
    )
    if counts[NOT_CHARGED]:
        flow.not_charged[rule] = int(counts[NOT_CHARGED])
    flow.suspended.update(_named(SUSPENSE_STAGES, counts[SUSPENDED:]))
    return flow


def weigh(
    sheet: Sheet,
    events: pa.RecordBatch | pa.Table,
    destination: NDArray[np.int8],
    rule: str,
) -> None:
    """Writes seconds, volume, partners' charges and times of events into their sheet.

    Args:
        sheet: The sheet.
        events: EDR_SCHEMA; a table in one chunk.
        destination: int8[events] where each went.
        rule: Name of the rule that does not charge an event.
    """
    if not events.num_rows:
        return
    seconds, uplink, downlink, start = (
        events.column(name).cast(pa.int64()).to_numpy()
        for name in ("duration", "uplink", "downlink", "start_time")
    )
    sheet.first, sheet.last = int(start.min()), int(start.max())
    present = np.flatnonzero(np.bincount(destination))
    masks = [(int(place), destination == place) for place in present]
    amounts = [(sheet.seconds, (seconds,)), (sheet.volume, (uplink, downlink))]
    charge = events.column("partner_charge")
    if charge.null_count < len(charge):  # only roaming partners' files tell one
        amounts.append((sheet.partner_charge, (charge.fill_null(0).to_numpy(),)))
    for flow, columns in amounts:
        for place, mask in masks:
            amount = sum(exact_sum(column[mask]) for column in columns)
            flow.read += amount
            _put(flow, place, amount, rule)


def _put(flow: Flow, place: int, amount: int, rule: str) -> None:
    """Adds an amount to one destination."""
    if place >= SUSPENDED:
        flow.suspended[SUSPENSE_STAGES[place - SUSPENDED]] += amount
    elif place == NOT_CHARGED:
        flow.not_charged[rule] += amount
    elif place == RATED:
        flow.rated += amount
    elif place == DUPLICATE:
        flow.duplicate += amount
    elif place == MERGED:
        flow.merged += amount
    else:
        flow.waiting += amount


def _named(names: tuple[str, ...], counts: NDArray[np.int64]) -> dict[str, int]:
    return {name: int(n) for name, n in zip(names, counts, strict=True) if n}


def _records(edr: pa.RecordBatch, destination: NDArray[np.int8], rule: str) -> Flow:
    """Returns the flow of records; events of one record stand together and share its offset."""
    if not edr.num_rows:
        return Flow()
    offsets = edr.column("offset").to_numpy()
    starts = np.flatnonzero(np.diff(offsets, prepend=offsets[0] - 1))
    return flow_of(np.maximum.reduceat(destination, starts), rule)


def exact_sum(amounts: NDArray[np.int64]) -> int:
    """Returns the exact sum: the halves of each amount are summed apart, so nothing wraps."""
    high = int((amounts >> np.int64(32)).sum())
    low = int((amounts & np.int64(0xFFFFFFFF)).sum())
    return (high << 32) + low
