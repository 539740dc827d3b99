"""What a record's rows must be by the dictionaries that another decoder reads.

Values come from asn1tools (or pycrate, which names them alike) and the plain-Python codecs; only
the mapping is shared with the decoder. `second_opinion` compares many records.
"""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from mediation import formats
from mediation.columns import CODES, EDR_COLUMNS, PAIRS, QUANTITIES
from mediation.decoder import decode_chunk
from mediation.edr import MISSING
from mediation.kernels import ops
from mediation.normalize import CHINA
from mediation.reference import ber_codecs, text_codecs
from mediation.reference.values import value_of as reference_value
from mediation.time_zones import NO_ZONES
from mediation.validation import RuleSet
from tests.mediation.cdr_records import memory
from tests.mediation.other_decoders import with_asn1tools

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.formats import Format
    from mediation.formats.rules import ColumnRule, RowsRule, TypeRule
    from mediation.formats.schema import Element
    from mediation.formats.sources import Condition, Source

    Reader: TypeAlias = Callable[[str, str, bytes], Any]

BATCH = 1000


@dataclass
class Seen:
    """What was compared, by the names of record types.

    Attributes:
        records: Records, suspended ones too: both sides agree that they have no time.
        rows: EDR rows; those of a call module count under its name.
    """

    records: Counter[str] = dataclasses.field(default_factory=Counter)
    rows: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, other: Seen) -> None:
        """Adds what was compared elsewhere."""
        self.records += other.records
        self.rows += other.rows


ZONE = "+08:00"
"""What the tests set for nodes that write no time zone."""
SETTINGS = replace(CHINA, time_zones=NO_ZONES.with_default(ZONE))


def fields_of(value: Any, path: tuple[Element, ...]) -> list[Any]:
    """Returns the fields at `path` of what asn1tools decoded; more than one where it has lists."""
    found = [value]
    for place, element in enumerate(path):
        if element.name:
            found = [inner for outer in found for inner in _inside(outer, element.name)]
        elif path[place - 1].is_list:
            found = [item for items in found for item in items]
    return found


def _inside(value: Any, name: str) -> list[Any]:
    """Returns the members of that name: one of a SET or CHOICE, several of a list of CHOICE."""
    if isinstance(value, list):
        return [inner for item in value for inner in _inside(item, name)]
    if isinstance(value, tuple):
        return [value[1]] if value[0] == name else []
    return [value[name]] if name in value else []


def number_of(element: Element, field: Any) -> Any:
    """Returns a field as a number where asn1tools names it."""
    if element.kind == "ENUMERATED":
        return next(number for number, name in element.names if name == field)
    return field


def holds(condition: Condition | None, value: Any) -> bool:
    """Returns whether a condition holds on a decoded record, container or element."""
    if condition is None:
        return True
    found = fields_of(value, condition.path)
    field = number_of(condition.path[-1], found[-1]) if found else MISSING
    if isinstance(field, bytes):
        digest = text_codecs.digest(field)
        field = MISSING if digest is None else digest
    return bool((field == condition.wanted) != condition.differs)


def value_of(cdr_format: Format, source: Source, column: str, field: Any) -> tuple[Any, Any]:
    """Returns what a decoded field means for a column and its pair."""
    field = number_of(source.path[-1], field)
    if source.path[-1].kind == "NULL":
        field = b""  # asn1tools has None for it, pycrate 0
    if source.codec.op == ops.LOOKUP:
        table = cdr_format.mapping.tables[source.argument]
        octets = bytes([field]) if isinstance(field, int) else field
        return (table.get(octets[0]) if len(octets) == 1 else None), None
    if isinstance(field, int) and not isinstance(field, bool):
        return (str(field) if source.codec.render == "integer" else field), None
    octets = field.encode() if isinstance(field, str) else bytes(field)
    return reference_value(octets, column, source, SETTINGS)


def joined(source: Source, column: str, first: Any, second: Any) -> tuple[Any, Any]:
    """Returns what a date and a time of day in two fields mean."""
    day, _ = reference_value(bytes(first), column, source, SETTINGS)
    clock, _ = reference_value(bytes(second), column, source, SETTINGS, 1)
    return (day + clock if isinstance(day, int) and isinstance(clock, int) else None), None


def said(  # noqa: PLR0911 - one way out per kind of source
    cdr_format: Format, source: Source, column: str, value: Any, before: Any
) -> tuple[Any, Any]:
    """Returns what a source reads from one decoded record or container, its condition apart."""
    if source.codec.name == "constant":
        return (source.argument if column in CODES else int(source.argument)), None
    holder = before if source.previous else value
    if holder is None:
        return None, None
    if source.second:
        ends = [fields_of(holder, path) for path in (source.path, source.second)]
        if not all(ends):
            return None, None
        first, last = (found[-1] for found in ends)
        if source.codec.name != "between":
            return joined(source, column, first, last)
        begin, end = (ber_codecs.timestamp(octets)[0] for octets in (first, last))
        assert isinstance(begin, int)
        assert isinstance(end, int)
        return (end - begin) // 1_000_000, None
    if source.pick is not None:
        items = fields_of(holder, source.path[: source.pick_at])
        holders = [item for item in items if holds(source.pick, item)]
        fields = [fields_of(item, source.path[source.pick_at :]) for item in holders]
        values = [value_of(cdr_format, source, column, found[-1]) for found in fields if found]
        return next((found for found in reversed(values) if found != (None, None)), (None, None))
    fields = fields_of(holder, source.path)
    return value_of(cdr_format, source, column, fields[-1]) if fields else (None, None)


def expected_row(
    cdr_format: Format, rules: tuple[ColumnRule, ...], value: Any, before: Any, position: int
) -> dict[str, Any]:
    """Returns the columns that `rules` fill from one decoded record or container."""
    row: dict[str, Any] = {}
    for rule in rules:
        chosen: tuple[Any, Any] = (None, None)
        for source in rule.sources:
            if source.codec.name == "position":
                chosen = (position + 1, None)
            elif source.codec.name != "until" and holds(source.condition, value):
                chosen = said(cdr_format, source, rule.column, value, before)
            if chosen != (None, None):
                break
        row[rule.column] = chosen[0]
        if rule.column in PAIRS:
            row.setdefault(PAIRS[rule.column], chosen[1])
    return row


def inherit(row: dict[str, Any], around: dict[str, Any]) -> None:
    """Fills a row from what it stands in, all but quantities."""
    for column, taken in around.items():
        second = PAIRS.get(column)
        own = row.get(column) is not None or (second and row.get(second) is not None)
        if column not in QUANTITIES and column not in PAIRS.values() and not own:
            row[column] = taken
            if second:
                row[second] = around.get(second)


def lasting(row: dict[str, Any], rules: tuple[ColumnRule, ...], container: Any) -> None:
    """Gives a container that says when it was closed its duration."""
    for rule in rules:
        for source in rule.sources:
            fields = fields_of(container, source.path) if source.codec.name == "until" else []
            if fields and row[rule.column] is None and row.get("start_time") is not None:
                end, _ = ber_codecs.timestamp(fields[-1])
                row[rule.column] = (end - row["start_time"]) // 1_000_000


def container_rows(
    cdr_format: Format, rule: RowsRule, value: Any, around: dict[str, Any], position: int
) -> list[dict[str, Any]]:
    """Returns the rows of one list, `position` of them before; `value` is what the list is in."""
    rows: list[dict[str, Any]] = []
    before = None
    for container in fields_of(value, (*rule.path, rule.element)):
        row = expected_row(cdr_format, rule.columns, container, before, position + len(rows))
        inherit(row, around)
        lasting(row, rule.columns, container)
        before = container
        if not rule.rows:
            rows.append(row)
        for inner in rule.rows:
            rows += container_rows(cdr_format, inner, container, row, position + len(rows))
    return rows


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
        rows += container_rows(cdr_format, rows_rule, value, record, len(rows))
    return [named(row, rule) for row in rows or [record]]


def compare(format_name: str, records: list[bytes], read: Reader = with_asn1tools) -> Seen:
    """Decodes records both ways; returns what was compared.

    Args:
        format_name: Their format.
        records: One value each.
        read: Another decoder.

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
    compared = Seen()
    for offset, record in zip(file.offsets.tolist(), records, strict=True):
        decoded = read(format_name, cdr_format.record, record)
        compared.records[decoded[0]] += 1
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
            for column in EDR_COLUMNS:
                message = (record.hex(), column, row[column], wanted.get(column))
                assert row[column] == wanted.get(column), message
            compared.rows[row["record_type"]] += 1
    assert not found
    assert not suspended
    return compared
