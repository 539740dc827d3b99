"""The audit of a batch: sheets that must close, totals that must tie, and their Parquet file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa

from mediation.edr import field
from pipeline.batch.sheet import CARRIED, CARRIED_NAME, ENDS, Flow, Sheet
from pipeline.errors import ReconciliationError
from rating.schema import MONEY

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from pipeline.ledger.model import LedgerFile, Resent

MICRO = Decimal("0.000001")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = 10
AMOUNT = pa.int64()


def _counts(what: str) -> pa.DataType:
    return pa.list_(
        pa.field(
            "item",
            pa.struct(
                [
                    field("name", pa.string(), "name", what, nullable=False),
                    field("count", pa.int64(), "count", "How many", nullable=False),
                ]
            ),
            nullable=False,
        )
    )


def _flow_fields(prefix: str, what: str) -> list[pa.Field]:
    def count(name: str, description: str) -> pa.Field:
        return field(f"{prefix}_{name}", pa.int64(), "count", description, nullable=False)

    return [
        count("read", f"{what} found in the file"),
        count("rated", f"{what} that were rated, zero-rated ones included"),
        count("not_charged", f"{what} that a rule of the tariff book does not charge"),
        count("suspended", f"{what} in suspense"),
        count("duplicate", f"{what} that had been read before"),
        count("discarded", f"{what} that a validation rule discards"),
        count("merged", f"{what} that are in the charge of another part of the same call"),
        count("waiting", f"{what} that wait for other parts; the next batch carries them over"),
        field(f"{prefix}_not_charged_by", _counts("Rule"), "count", "The same by rule"),
        field(f"{prefix}_suspended_by", _counts("Stage"), "count", "The same by stage"),
        field(f"{prefix}_discarded_by", _counts("Rule"), "count", "The same by rule"),
    ]


def _amount_fields(prefix: str, unit: str, what: str, kind: pa.DataType = AMOUNT) -> list[pa.Field]:
    return [
        field(f"{prefix}_{name}", kind, unit, f"{what}: {name}", nullable=False) for name in ENDS
    ]


def _octets(name: str, description: str) -> pa.Field:
    return field(f"{name}_bytes", pa.int64(), "byte", description, nullable=False)


AUDIT_SCHEMA = pa.schema(
    [
        field("batch", pa.string(), "name", "Batch that read the file", nullable=False),
        field("source", pa.string(), "name", "Where it came from", nullable=False),
        field("name", pa.string(), "name", "Its name there", nullable=False),
        field("file_id", pa.string(), "hex", "First 128 bits of its BLAKE3", nullable=False),
        field(
            "state",
            pa.string(),
            "name",
            "committed, suspended, duplicate, carried; recycled, written_off: from suspense",
            nullable=False,
        ),
        field("format", pa.string(), "name", "Format it was read as"),
        field("framing", pa.string(), "name", "How its records are framed"),
        field("fault", pa.string(), "name", "Why the whole file is suspended"),
        field("sequence", pa.int64(), "index", "Sequence number in its name or header"),
        field("missing_before", pa.int64(), "count", "Numbers missing just before it, then"),
        field("declared_records", pa.int64(), "count", "Records its header declares"),
        field(
            "notes", pa.string(), "lines", "What its totals and headers say and it does not hold"
        ),
        *_flow_fields("records", "Records"),
        *_flow_fields("events", "Events (containers)"),
        *_amount_fields("seconds", "s", "Seconds of events"),
        *_amount_fields("volume", "byte", "Volume of events"),
        *_amount_fields("partner_charge", "partner's currency", "Charge by the partner", MONEY),
        field("known_records", pa.int64(), "count", "Records that an earlier batch had read"),
        field("known_events", pa.int64(), "count", "Events that an earlier batch had read"),
        field("known_seconds", pa.int64(), "s", "Their seconds"),
        field("known_volume", pa.int64(), "byte", "Their volume"),
        field("known_partner_charge", MONEY, "partner's currency", "Charge by the partner"),
        field("day", pa.date32(), "date", "Day of its earliest event in the book's time zone"),
        field("first_event", pa.timestamp("us", tz="UTC"), "us UTC", "Start of its earliest event"),
        field("last_event", pa.timestamp("us", tz="UTC"), "us UTC", "Start of its latest event"),
        field(
            "integers_repaired",
            pa.int64(),
            "count",
            "Integers without their leading zero octet that were read as counters",
        ),
        field("zero_rated", pa.int64(), "count", "Rated events with net 0", nullable=False),
        field("unframed_pieces", pa.int64(), "count", "Pieces not framed", nullable=False),
        _octets("size", "Size of the file, unpacked"),
        _octets("header", "File and record headers"),
        _octets("record", "Records"),
        _octets("filler", "Filler"),
        _octets("unframed", "What could not be framed; kept in suspense"),
        field("net", MONEY, "currency", "Sum of net over rated events", nullable=False),
    ]
)
"""One row per file of a batch: the balance sheet of law 1. A row of state `carried` is about the
parts of calls that waited since earlier batches: what it reads is what they left waiting."""


def require_closed(
    files: Sequence[LedgerFile], sheets: dict[str, Sheet], net: int, waiting: int
) -> None:
    """Checks every sheet, and their money against the total of what was written.

    Args:
        files: The files of the batch.
        sheets: Their sheets by file id.
        net: Sum of net over the rated tables as written, in millionths.
        waiting: Parts of calls that were written to wait for others.

    Raises:
        ReconciliationError: a sheet does not close or the money does not tie.
    """
    names = {file.file_id: f"{file.source}/{file.name}" for file in files}
    open_ends = [
        f"{names.get(file_id, CARRIED_NAME)}: {problem}"
        for file_id, sheet in sheets.items()
        for problem in sheet.open_ends()
    ]
    kept = sum(sheet.records.waiting for sheet in sheets.values())
    if kept != waiting:
        open_ends.append(f"parts of calls: {kept:,} wait by the sheets, {waiting:,} were kept")
    by_file = sum(sheet.net for sheet in sheets.values())
    if by_file != net:
        open_ends.append(f"money: files sum to {by_file * MICRO}, rated records to {net * MICRO}")
    if open_ends:
        shown = "".join(f"\n  {line}" for line in open_ends[:SHOWN])
        more = f"\n  and {len(open_ends) - SHOWN} more" if len(open_ends) > SHOWN else ""
        message = f"the balance does not close; nothing was committed{shown}{more}"
        raise ReconciliationError(message, "this is a fault of the program or of memory: report it")


def audit_table(
    batch: str,
    files: Sequence[LedgerFile],
    sheets: dict[str, Sheet],
    missing: dict[str, int],
    resent: Sequence[Resent],
    state: str | None = None,
    time_zone: str = "UTC",
) -> pa.Table:
    """Returns the audit of a batch: its files, then contents that arrived again.

    `state` is that of all rows where the batch moves what earlier batches read; days are those of
    `time_zone`.
    """
    rows = [_row(batch, file, sheets[file.file_id], missing) for file in files]
    zone = ZoneInfo(time_zone)
    for row in rows:
        row["state"] = state or row["state"]
        begin = sheets[str(row["file_id"])].first
        if begin is not None:
            row["day"] = (EPOCH + timedelta(microseconds=begin)).astimezone(zone).date()
    if CARRIED in sheets:
        rows.append(_carried_row(batch, sheets[CARRIED]))
    rows += [_resent_row(batch, one) for one in resent]
    return pa.Table.from_pylist(rows, schema=AUDIT_SCHEMA)


def _row(batch: str, file: LedgerFile, sheet: Sheet, missing: dict[str, int]) -> dict[str, object]:
    octets = sheet.octets
    return {
        "batch": batch,
        "source": file.source,
        "name": file.name,
        "file_id": file.file_id,
        "state": "suspended" if sheet.fault else "committed",
        "format": sheet.format or None,
        "framing": sheet.framing or None,
        "fault": sheet.fault or None,
        "sequence": file.sequence if file.sequence is not None else sheet.sequence_in_file,
        "missing_before": missing.get(file.file_id),
        "declared_records": sheet.declared_records,
        "notes": "\n".join(sheet.notes) or None,
        **_flow_row("records", sheet.records),
        **_flow_row("events", sheet.events),
        **_amounts(sheet),
        "first_event": sheet.first,
        "last_event": sheet.last,
        "integers_repaired": sheet.integers_repaired,
        "zero_rated": sheet.zero_rated,
        "unframed_pieces": sheet.unframed_pieces,
        "size_bytes": octets.size,
        "header_bytes": octets.header,
        "record_bytes": octets.records,
        "filler_bytes": octets.filler,
        "unframed_bytes": octets.unframed,
        "net": sheet.net * MICRO,
    }


def _carried_row(batch: str, sheet: Sheet) -> dict[str, object]:
    return {
        **_empty_row(batch, CARRIED_NAME, "carried"),
        **_flow_row("records", sheet.records),
        **_flow_row("events", sheet.events),
        **_amounts(sheet),
        "zero_rated": sheet.zero_rated,
        "net": sheet.net * MICRO,
    }


def _resent_row(batch: str, one: Resent) -> dict[str, object]:
    return {
        **_empty_row(batch, one.name, "duplicate"),
        "source": one.source,
        "file_id": one.file_id,
        "size_bytes": one.size,
    }


def _empty_row(batch: str, name: str, state: str) -> dict[str, object]:
    """Returns a row about nothing that was read in this batch."""
    return {
        "batch": batch,
        "source": "",
        "name": name,
        "file_id": CARRIED,
        "state": state,
        **_flow_row("records", Flow()),
        **_flow_row("events", Flow()),
        **_amounts(Sheet()),
        "zero_rated": 0,
        "unframed_pieces": 0,
        "size_bytes": 0,
        "header_bytes": 0,
        "record_bytes": 0,
        "filler_bytes": 0,
        "unframed_bytes": 0,
        "net": Decimal(0),
    }


def _counts_row(prefix: str, flow: Flow) -> dict[str, int]:
    counts = {"read": flow.read, **flow.counts()}
    return {f"{prefix}_{name}": count for name, count in counts.items()}


def _flow_row(prefix: str, flow: Flow) -> dict[str, object]:
    return {
        **_counts_row(prefix, flow),
        f"{prefix}_not_charged_by": _pairs(flow.not_charged),
        f"{prefix}_suspended_by": _pairs(flow.suspended),
        f"{prefix}_discarded_by": _pairs(flow.discarded),
    }


def _amounts(sheet: Sheet) -> dict[str, object]:
    """Returns seconds, volume and partners' charges by destination."""
    events, seconds, volume, charge, records = sheet.known
    found: dict[str, object] = {
        "known_records": records,
        "known_events": events,
        "known_seconds": seconds,
        "known_volume": volume,
        "known_partner_charge": charge * MICRO,
    }
    for prefix, flow in (("seconds", sheet.seconds), ("volume", sheet.volume)):
        found |= _counts_row(prefix, flow)
    charges = _counts_row("partner_charge", sheet.partner_charge)
    found |= {name: micros * MICRO for name, micros in charges.items()}
    return found


def _pairs(counter: Counter[str]) -> list[dict[str, object]]:
    return [{"name": name, "count": counter[name]} for name in sorted(counter) if counter[name]]
