"""Sums over a whole CDR file: records by type, tags, bytes by kind, time span, failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.batch_audit import joined_totals, total_notes, totals_of
from mediation.decoder import decode_chunk
from mediation.tag_counts import KNOWN, MAPPED, UNKNOWN, TagCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.batch_audit import Totals
    from mediation.decoder import DecodedChunk
    from mediation.tag_counts import TagCount
    from pipeline.inspection.inspect import Inspection

STEP: Final = 65_536
"""Records that are decoded at a time; memory is bounded by them."""

MARKS: Final = {MAPPED: " ", KNOWN: "-", UNKNOWN: "?"}


@dataclass(slots=True)
class Sums:
    """Sums while the file goes by."""

    tags: TagCounts = field(default_factory=TagCounts)
    decoded: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    discards: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    octets: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    first: int | None = None
    last: int | None = None

    def add(self, chunk: DecodedChunk) -> None:
        """Takes the next records."""
        self.records["decoded"] += chunk.records_decoded
        self.records["suspended"] += chunk.records_suspended
        self.records["discarded"] += chunk.records_discarded
        self.octets["decoded"] += chunk.bytes_decoded
        self.octets["suspended"] += chunk.bytes_suspended
        self.octets["discarded"] += chunk.bytes_discarded
        self.discards.update(chunk.discarded)
        for row in chunk.suspense.column("reason").value_counts().to_pylist():
            self.failures[row["values"]] += row["counts"]
        self.rows += chunk.edr.num_rows
        if not chunk.edr.num_rows:
            return
        for row in chunk.edr.column("service").value_counts().to_pylist():
            self.decoded[row["values"]] += row["counts"]
        for row in chunk.edr.column("record_type").value_counts().to_pylist():
            self.types[row["values"]] += row["counts"]
        span = pc.min_max(chunk.edr.column("start_time").cast(pa.int64()))
        low, high = span["min"].as_py(), span["max"].as_py()
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)


def statistics(inspection: Inspection, advance: Callable[[int], None]) -> dict[str, Any]:
    """Returns the sums over a file as one JSON-ready object.

    Args:
        inspection: The open file.
        advance: Is told how many records have gone by.
    """
    cdr, sums = inspection.cdr, Sums()
    totals: Totals = {}
    for some in cdr.chunks(STEP):
        if inspection.format.schema:  # of other formats, only what was decoded is known
            places = slice(some.start, some.stop)
            sums.tags.add(cdr.data, cdr.offsets[places], cdr.lengths[places])
        chunk = decode_chunk(cdr, some, inspection.normalization)
        sums.add(chunk)
        if chunk.sums:
            totals = joined_totals(totals, totals_of(inspection.format, cdr.batches, chunk.sums))
        cdr.release(some)
        advance(len(some))
    for _, _, reason in cdr.unframed:
        sums.failures[reason] += 1
    tags = sums.tags.rows(inspection.format) if inspection.format.schema else []
    types = {row.path[0]: row.count for row in tags if len(row.path) == 1} or dict(sums.types)
    head = inspection.head()
    return {
        **head,
        "totals": list(total_notes(totals)),
        "outcomes": dict(sums.records),
        "bytes_by_kind": {
            **sums.octets,
            "headers": cdr.header_bytes,
            "filler": cdr.filler_bytes,
            "unframed": head["unframed_bytes"],
        },
        "record_types": types,
        "edr_rows": sums.rows,
        "services": dict(sums.decoded),
        "first_start": _moment(sums.first),
        "last_start": _moment(sums.last),
        "failures": dict(sums.failures.most_common()),
        "discards": dict(sums.discards.most_common()),
        "tags": [tag_row(row) for row in tags],
        "tags_beyond_limit": sums.tags.other,
        "records_not_walked": sums.tags.broken,
    }


def tag_row(row: TagCount) -> dict[str, Any]:
    """Returns a counted tag as a JSON-ready object."""
    return {
        "path": ".".join(row.path),
        "tag": "".join(f"[{'UA P'[tag_class].strip()}{number}]" for tag_class, number in row.tags),
        "type": row.type_name,
        "status": row.status,
        "constructed": row.constructed,
        "count": row.count,
        "shortest": row.shortest,
        "longest": row.longest,
        "first_offset": row.first,
    }


def stats_lines(found: dict[str, Any]) -> list[str]:
    """Returns the sums as lines of text behind those about the file."""
    out = ["", *found["totals"]] if found["totals"] else []
    for title in ("outcomes", "bytes_by_kind", "record_types", "services", "failures", "discards"):
        sums = found[title]
        if sums:
            width = max(len(name) for name in sums)
            out += ["", title.replace("_", " ")]
            out += [f"  {name:<{width}}  {count:>12,}" for name, count in sums.items()]
    if found["first_start"]:
        out += ["", f"start times from {found['first_start']} to {found['last_start']}"]
    if not found["tags"]:
        return out
    title = "tags (- known to the module, not mapped; ? unknown)"
    return [*out, "", title, *tag_lines(found["tags"])]


def tag_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Returns counted tags as lines: mark, count, content octets, path and type."""
    out = []
    for row in rows:
        size = "" if row["constructed"] else f"{row['shortest']}-{row['longest']}"
        if row["shortest"] == row["longest"] and size:
            size = str(row["longest"])
        depth = row["path"].count(".")
        name = f"{'  ' * depth}{row['path'].rsplit('.', 1)[-1]}"
        kind = f"  {row['type']}" if row["type"] else f"  first at {row['first_offset']}"
        out.append(f"{MARKS[row['status']]} {row['count']:>11,}  {size:>7}  {name}{kind}")
    return out


def _moment(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    return f"{np.datetime64(microseconds, 'us').astype('datetime64[s]')}Z"
