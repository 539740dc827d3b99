"""The decoder against asn1tools, field by field, on records of every type.

Run by hand for many records: ``python -m tests.mediation.against_asn1tools --records 100000``.
Expected rows come from asn1tools' dictionaries and the plain-Python codecs; only the mapping is
shared with the decoder.
"""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mediation import formats
from mediation.columns import CODES, COLUMNS, PAIRS, QUANTITIES
from mediation.decoder import decode_chunk
from mediation.kernels import ops
from mediation.normalize import CHINA
from mediation.reference.values import value_of as reference_value
from mediation.time_zones import NO_ZONES
from mediation.validation import RuleSet
from tests.mediation.cdr_records import memory, random_records, specification

if TYPE_CHECKING:
    from mediation.formats import Format
    from mediation.formats.rules import ColumnRule, TypeRule
    from mediation.formats.schema import Element
    from mediation.formats.sources import Source

BATCH = 1000
ZONE = "+08:00"
"""What the tests set for nodes that write no time zone."""
SETTINGS = replace(CHINA, time_zones=NO_ZONES.with_default(ZONE))
ABSENT = object()


def field_of(value: Any, path: tuple[Element, ...]) -> Any:
    """Returns the field at `path` of what asn1tools decoded, ABSENT if it does not stand there."""
    for element in path:
        if not element.name:
            continue
        if isinstance(value, tuple):
            value = value[1] if value[0] == element.name else ABSENT
        else:
            value = value.get(element.name, ABSENT)
        if value is ABSENT:
            return ABSENT
    return value


def value_of(cdr_format: Format, source: Source, column: str, field: Any) -> tuple[Any, Any]:
    """Returns what a decoded field means for a column and its pair."""
    op = source.codec.op
    if isinstance(field, int) and not isinstance(field, bool):
        if source.codec.render == "integer":
            return str(field), None
        return field, None
    if op == ops.LOOKUP:
        table = cdr_format.mapping.tables[source.argument]
        return (table.get(field[0]) if len(field) == 1 else None), None
    octets = field.encode() if isinstance(field, str) else bytes(field)
    return reference_value(octets, column, source, SETTINGS)


def joined(source: Source, column: str, first: Any, second: Any) -> tuple[Any, Any]:
    """Returns what a date and a time of day in two fields mean."""
    day, _ = reference_value(bytes(first), column, source, SETTINGS)
    clock, _ = reference_value(bytes(second), column, source, SETTINGS, 1)
    return (day + clock if isinstance(day, int) and isinstance(clock, int) else None), None


def expected_row(
    cdr_format: Format, rules: tuple[ColumnRule, ...], value: Any, before: Any, position: int
) -> dict[str, Any]:
    """Returns the columns that `rules` fill from one decoded record or container."""
    row: dict[str, Any] = {}
    for rule in rules:
        chosen: tuple[Any, Any] = (None, None)
        for source in rule.sources:
            if source.codec.name == "constant":
                chosen = (int(source.argument), None)
            elif source.codec.name == "position":
                chosen = (position + 1, None)
            else:
                holder = before if source.previous else value
                field = ABSENT if holder is None else field_of(holder, source.path)
                other = field_of(holder, source.second) if source.second else None
                if field is not ABSENT and source.second:
                    chosen = (
                        (None, None)
                        if other is ABSENT
                        else joined(source, rule.column, field, other)
                    )
                elif field is not ABSENT:
                    chosen = value_of(cdr_format, source, rule.column, field)
            if chosen != (None, None):
                break
        row[rule.column] = chosen[0]
        if rule.column in PAIRS:
            row.setdefault(PAIRS[rule.column], chosen[1])
    return row


def module_rows(cdr_format: Format, rule: TypeRule, value: Any) -> list[dict[str, Any]]:
    """Returns the rows of a record that is made of call modules."""
    rules = {rows.module.element.name: rows.module for rows in rule.rows if rows.module}
    found: list[dict[str, Any]] = []
    for holder in [value] if isinstance(value, dict) else [part for _, part in value]:
        for name, fields in holder.items():
            if name in rules:
                row = expected_row(cdr_format, rules[name].columns, fields, None, len(found))
                found.append(named(row, rules[name]))
    return found


def named(row: dict[str, Any], rule: TypeRule) -> dict[str, Any]:
    """Gives a row what it has without any field, and UTC for a clock on the wall."""
    row["record_type"] = rule.element.name
    row["service"] = row.get("service") or rule.service
    row["direction"] = row.get("direction") or rule.direction
    row.update({column: row.get(column) or 0 for column in QUANTITIES})
    if row.get("start_time") is not None and row.get("utc_offset") is None:
        row["utc_offset"] = 480
        row["start_time"] -= 480 * 60_000_000
    return row


def expected_rows(cdr_format: Format, decoded: tuple[str, Any]) -> list[dict[str, Any]]:
    """Returns the EDR rows that a record decoded by asn1tools means."""
    name, value = decoded
    rule = next(rule for rule in cdr_format.mapping.types if rule.element.name == name)
    if rule.holds_modules:
        return module_rows(cdr_format, rule, value)
    record = expected_row(cdr_format, rule.columns, value, None, 0)
    rows: list[dict[str, Any]] = []
    # asn1tools writes a SET in the module's order, which is the order of the containers.
    in_order = sorted(rule.rows, key=lambda rows: rule.element.children.index(rows.path[0]))
    for rows_rule in in_order:
        containers = field_of(value, rows_rule.path)
        if containers is ABSENT:
            continue
        for place, container in enumerate(containers):
            before = containers[place - 1] if place else None
            row = expected_row(cdr_format, rows_rule.columns, container, before, len(rows))
            for column, taken in record.items():
                second = PAIRS.get(column)
                said = row.get(column) is not None or (second and row.get(second) is not None)
                if column not in QUANTITIES and column not in PAIRS.values() and not said:
                    row[column] = taken
                    if second:
                        row[second] = record.get(second)
            rows.append(row)
    return [named(row, rule) for row in rows or [record]]


def compare(format_name: str, records: list[bytes]) -> int:
    """Decodes records both ways; returns how many rows were compared.

    Raises:
        AssertionError: With record, column and both values of the first difference.
    """
    cdr_format = formats.load(format_name)
    file = memory(format_name, records)
    chunk = decode_chunk(file, range(len(records)), SETTINGS, RuleSet(()))
    start = chunk.edr.schema.get_field_index("start_time")
    table = chunk.edr.set_column(start, "start_time", chunk.edr.column(start).cast(pa.int64()))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        found.setdefault(row["offset"], []).append(row)
    suspended = {row["offset"]: row["reason"] for row in chunk.suspense.to_pylist()}
    compared = 0
    for offset, record in zip(file.offsets.tolist(), records, strict=True):
        decoded = specification(format_name).decode(cdr_format.record, record)
        expected = expected_rows(cdr_format, decoded)
        if not expected:
            assert suspended.pop(offset) == "unknown_record_type", record.hex()
            continue
        if any(row.get("start_time") is None for row in expected):
            assert suspended.pop(offset) == "missing_start_time", record.hex()
            continue
        rows = found.pop(offset, [])
        assert len(rows) == len(expected), (record.hex(), suspended.get(offset))
        for container, (row, wanted) in enumerate(zip(rows, expected, strict=True)):
            assert row["container"] == container
            for column in COLUMNS:
                message = (record.hex(), column, row[column], wanted.get(column))
                assert row[column] == wanted.get(column), message
            compared += 1
    assert not found
    assert not suspended
    return compared


def run(records: int, seed: int = 1) -> int:
    """Compares `records` random records of every format; returns how many rows were equal."""
    compared = 0
    for format_name in formats.available("ber"):
        if formats.load(format_name).outer:
            continue  # what stands around the records gives them their meaning: tests of their own
        for first in range(0, records, BATCH):
            count = min(BATCH, records - first)
            compared += compare(format_name, random_records(format_name, count, seed + first))
    return compared


def main() -> int:
    """Runs the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="records of each format")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    compared = run(options.records, options.seed)
    sys.stdout.write(f"{compared} rows equal; columns each: {len(COLUMNS)}, codes: {len(CODES)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
