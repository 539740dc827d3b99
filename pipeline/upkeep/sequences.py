"""Sequence control: what is missing, came late, came twice; alarms, and closing what never comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.sequence import Gap, Ring, ring_of
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.logs import log

if TYPE_CHECKING:
    from pipeline.config.load import Config
    from pipeline.workspace import Workspace


def rings_of(config: Config) -> dict[str, Ring]:
    """Returns where the numbers of each source begin again, where that is known."""
    rings = {
        source.name: ring_of(source.sequence, source.sequence_first, source.sequence_last)
        for source in config.source
        if source.sequence
    }
    return {name: ring for name, ring in rings.items() if ring is not None}


def tell_sequences(ledger: Ledger, batch: str, names: set[tuple[str, str]]) -> None:
    """Logs which gaps a batch filled, and which of its names came before with another content."""
    for _, source, number in ledger.late_files(batch):
        log().info("late_file", source=source, sequence=number)
    for one in ledger.retold_among(names):
        log().error("name_with_other_content", source=one.source, name=one.name, files=one.files)


def read_gaps(workspace: Workspace) -> dict[str, Any]:
    """Returns open gaps, closed ones, late files and names told twice as one JSON-ready object."""
    workspace.require()
    if not workspace.ledger_file.exists():
        return {"open": [], "closed": [], "late": [], "retold": []}
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
        }


def _plain(gap: Gap) -> dict[str, Any]:
    return {"source": gap.source, "first": gap.first, "last": gap.last}


def close_gap(workspace: Workspace, wanted: str, made: str, who: str, reason: str) -> Gap:
    """Closes numbers that will never come.

    Args:
        workspace: Where.
        wanted: ``SOURCE:NUMBER`` or ``SOURCE:FIRST-LAST``.
        made: When, for the ledger.
        who: Who says so.
        reason: Why.

    Raises:
        UsageError: it is not written so, no reason is given, or the numbers are not missing.
    """
    workspace.require()
    source, _, numbers = wanted.rpartition(":")
    first, _, last = numbers.partition("-")
    if not source or not first.isdecimal() or not (last or first).isdecimal():
        message = f"{wanted!r} names no sequence numbers"
        raise UsageError(message, "write SOURCE:NUMBER or SOURCE:FIRST-LAST, such as msc1:17-19")
    if not reason.strip():
        message = "a gap is closed with a reason"
        raise UsageError(message, 'add --reason, such as --reason "node was switched off"')
    gap = Gap(source, int(first), int(last or first))
    with locked(workspace.lock_file, "gaps"), Ledger(workspace.ledger_file) as ledger:
        gaps = ledger.gaps()
        if not any(g.source == source and g.first <= gap.first <= gap.last <= g.last for g in gaps):
            message = f"{wanted} is not missing"
            listed = ", ".join(f"{g.source}:{g.first}-{g.last}" for g in gaps[:10])
            raise UsageError(message, f"missing are: {listed or 'none'}")
        ledger.close_gap(gap, made, who, reason)
    return gap
