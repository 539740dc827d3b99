"""The BER kernel against its twin: the same rows, or the same fault at the same place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from mediation import formats
from mediation.columns import EDR_COLUMNS
from mediation.decoder import decode_chunk
from mediation.kernels import ops
from mediation.kernels.shapes import OCTETS
from mediation.normalize import CHINA
from mediation.reference.ber import MalformedError, decode_record
from mediation.time_zones import NO_ZONES
from mediation.validation import RuleSet
from tests.mediation.cdr_records import memory

NO_RULES = RuleSet(())
IN_UTC = replace(CHINA, time_zones=NO_ZONES.with_default("+00:00"))
"""Clocks that carry no zone show UTC, as the plain-Python decoder takes them."""


def rows_of(
    format_name: str, records: list[bytes], behind: int = OCTETS
) -> tuple[dict[int, list[Any]], dict[int, Any]]:
    """Returns EDR rows and suspense rows by record; so many octets stand `behind` the last one."""
    file = memory(format_name, records, behind)
    chunk = decode_chunk(file, range(len(records)), IN_UTC, NO_RULES)
    places = {offset: place for place, offset in enumerate(file.offsets.tolist())}
    start = chunk.edr.schema.get_field_index("start_time")
    table = chunk.edr.set_column(start, "start_time", chunk.edr.column(start).cast(pa.int64()))
    rows: dict[int, list[Any]] = {}
    for row in table.to_pylist():
        rows.setdefault(places[row["offset"]], []).append(row)
    suspended = {}
    for row in chunk.suspense.to_pylist():
        row["fault_offset"] -= row["offset"]
        suspended[places[row["offset"]]] = row
    return rows, suspended


def same_as_twin(format_name: str, records: list[bytes], behind: int = OCTETS) -> None:
    """Asserts that kernel and twin say the same of every record."""
    rows, suspended = rows_of(format_name, records, behind)
    cdr_format = formats.load(format_name)
    zoneless = cdr_format.ber.zoneless
    for place, record in enumerate(records):
        try:
            expected = decode_record(cdr_format, record)
        except MalformedError as error:
            found = suspended[place]
            wanted = (ops.STATUS_NAMES[error.status], error.at, "/".join(error.path))
            assert (found["reason"], found["fault_offset"], found["tag_path"]) == wanted, record
            continue
        if any(row.get("start_time") is None for row in expected):
            assert suspended[place]["reason"] == "missing_start_time"
            continue
        assert len(rows[place]) == len(expected)
        for row, wanted_row in zip(rows[place], expected, strict=True):
            for column in (name for name in EDR_COLUMNS if not (zoneless and name == "utc_offset")):
                assert row[column] == wanted_row.get(column), (column, record.hex())
