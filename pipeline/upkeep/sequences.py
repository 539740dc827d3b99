"""Sequence control: what is missing, came late, came twice; alarms, and closing what never comes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from collectors.sequence import Gap, Ring, ring_of
from pipeline.errors import UsageError
from pipeline.ledger.record_gaps import ClosedRecords
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.logs import log

if TYPE_CHECKING:
    from pipeline.config.load import Config
    from pipeline.ledger.record_gaps import Noted, RecordGap, Records
    from pipeline.workspace import Workspace

EXAMPLE: Final = "msc1:17-19 or pgw1/gw-7:5000-5021"


def rings_of(config: Config) -> dict[str, Ring]:
    """Returns where the numbers of each source begin again, where that is known."""
    rings = {
        source.name: ring_of(source.sequence, source.sequence_first, source.sequence_last)
        for source in config.source
        if source.sequence
    }
    return {name: ring for name, ring in rings.items() if ring is not None}


def tell_sequences(ledger: Ledger, batch: str, names: set[tuple[str, str]]) -> None:
    """Logs which gaps a batch filled, and what of it had come before under the same name or number."""
    for _, source, number in ledger.late_files(batch):
        log().info("late_file", source=source, sequence=number)
    for one in ledger.retold_among(names):
        log().error("name_with_other_content", source=one.source, name=one.name, files=one.files)
    for late in ledger.records.late(batch):
        log().info("late_records", **_noted(late))
    for again in ledger.records.repeated(batch):
        log().error("repeated_record_numbers", **_noted(again))


def read_gaps(workspace: Workspace) -> dict[str, Any]:
    """Returns open gaps, closed ones, late files and names told twice as one JSON-ready object.

    Under `records` stands the same of the running numbers of records.
    """
    workspace.require()
    if not workspace.ledger_file.exists():
        nothing: dict[str, Any] = {"open": [], "closed": [], "late": []}
        return {**nothing, "retold": [], "records": {**nothing, "repeated": [], "nodes": []}}
    with Ledger(workspace.ledger_file) as ledger:
        return {
            "open": [_plain(gap) for gap in ledger.gaps()],
            "closed": [
                {**_plain(one.gap), "made": one.made, "who": one.who, "reason": one.reason}
                for one in ledger.closed_gaps()
            ],
            "late": [
                {"batch": batch, "source": source, "sequence": number}
                for batch, source, number in ledger.late_files()
            ],
            "retold": [
                {"source": one.source, "name": one.name, "files": one.files}
                for one in ledger.retold_names()
            ],
            "records": _records(ledger.records),
        }


def _records(records: Records) -> dict[str, Any]:
    return {
        "open": [plain_gap(gap) for gap in records.gaps()],
        "closed": [asdict(one) for one in records.closed()],
        "late": [asdict(one) for one in records.late()],
        "repeated": [asdict(one) for one in records.repeated()],
        "nodes": [asdict(one) for one in records.nodes()],
    }


def plain_gap(gap: RecordGap) -> dict[str, Any]:
    """Returns a gap of running numbers, JSON-ready."""
    return asdict(gap)


def _noted(one: Noted) -> dict[str, Any]:
    return {
        "source": one.source,
        "node": one.node,
        "name": one.name,
        "first": one.first,
        "last": one.last,
        "count": one.numbers,
    }


def _plain(gap: Gap) -> dict[str, Any]:
    return {"source": gap.source, "first": gap.first, "last": gap.last}


def close_gap(
    workspace: Workspace, wanted: str, made: str, who: str, reason: str
) -> Gap | ClosedRecords:
    """Closes numbers that will never come.

    Args:
        workspace: Where.
        wanted: ``SOURCE:NUMBER`` or ``SOURCE:FIRST-LAST`` of files, ``SOURCE/NODE:FIRST-LAST`` of
            records.
        made: When, for the ledger.
        who: Who says so.
        reason: Why.

    Raises:
        UsageError: it is not written so, no reason is given, or the numbers are not missing.
    """
    workspace.require()
    place, _, numbers = wanted.rpartition(":")
    source, slash, node = place.partition("/")
    first, _, last = numbers.partition("-")
    if not source or not first.isdecimal() or not (last or first).isdecimal():
        message = f"{wanted!r} names no sequence numbers"
        raise UsageError(
            message, f"write SOURCE:FIRST-LAST or SOURCE/NODE:FIRST-LAST, such as {EXAMPLE}"
        )
    if not reason.strip():
        message = "a gap is closed with a reason"
        raise UsageError(message, 'add --reason, such as --reason "node was switched off"')
    gap = Gap(source, int(first), int(last or first))
    if slash:
        closed = ClosedRecords(source, node, gap.first, gap.last, made, who, reason)
        return _close_records(workspace, closed)
    with locked(workspace.lock_file, "gaps"), Ledger(workspace.ledger_file) as ledger:
        gaps = ledger.gaps()
        if not any(g.source == source and g.first <= gap.first <= gap.last <= g.last for g in gaps):
            message = f"{wanted} is not missing"
            listed = ", ".join(f"{g.source}:{g.first}-{g.last}" for g in gaps[:10])
            raise UsageError(message, f"missing are: {listed or 'none'}")
        ledger.close_gap(gap, made, who, reason)
    return gap


def _close_records(workspace: Workspace, closed: ClosedRecords) -> ClosedRecords:
    """Closes running numbers of records that will never come."""
    with locked(workspace.lock_file, "gaps"), Ledger(workspace.ledger_file) as ledger:
        gaps = ledger.records.gaps()
        if not any(
            (gap.source, gap.node) == (closed.source, closed.node)
            and gap.first <= closed.first <= closed.last <= gap.last
            for gap in gaps
        ):
            message = f"{closed.source}/{closed.node}:{closed.first}-{closed.last} is not missing"
            listed = ", ".join(f"{g.source}/{g.node}:{g.first}-{g.last}" for g in gaps[:10])
            raise UsageError(message, f"missing are: {listed or 'none'}")
        ledger.records.close(closed)
    return closed
