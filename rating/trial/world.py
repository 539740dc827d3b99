"""The people and the event records that a test case talks about."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mediation.edr import DIRECTIONS, EDR_SCHEMA, SERVICES
from rating.cycles import from_us, to_us
from rating.errors import RatingError
from rating.subscribers import load_subscribers
from rating.subscribers_read import LAYOUTS
from tariffs.cases import FIRST_SUBSCRIBER
from tariffs.compiled import BEGINNING, FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rating.subscribers import Subscribers
    from tariffs.cases import Case, Usage
    from tariffs.compiled import CompiledBook

IMSI_BASE = 460_000_000_000_000
LONG_AGO = "2000-01-01"
VOCABULARIES = {"service": SERVICES, "direction": DIRECTIONS}
Row = dict[str, str]


class CaseError(RatingError):
    """A case whose people or records cannot be made; says which value and where."""


def people(case: Case, book: CompiledBook) -> Subscribers:
    """Returns the subscriber data of a case.

    Raises:
        rating.errors.SubscriberDataError: The case gives rows that no subscriber table may have.
    """
    return load_rows(tables_of(case, book), book)


def tables_of(case: Case, book: CompiledBook) -> dict[str, list[Row]]:
    """Returns the rows of the subscriber tables that a case is about, by name of the table."""
    every = {"subscribers": subscriber_rows(case, book), "friends": friend_rows(case)}
    for name, more in case.tables.items():
        every.setdefault(name, []).extend(more)
    return every


def load_rows(tables: dict[str, list[Row]], book: CompiledBook) -> Subscribers:
    """Returns subscriber data of rows, as if they had been read from files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, some in tables.items():
            first = LAYOUTS[name].columns if name in LAYOUTS else ()
            columns = dict.fromkeys((*first, *(column for row in some for column in row)))
            with (Path(folder) / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(some)
        return load_subscribers(Path(folder), book)


def subscriber_rows(case: Case, book: CompiledBook) -> list[Row]:
    """Returns the rows of ``subscribers.csv``: who the case names, and who is on net."""
    own = {"subscriber_id": FIRST_SUBSCRIBER, **case.subscriber}
    if any(usage.group for usage in case.usages):
        own.setdefault("vpmn_group", "V1")
    rows: list[Row] = []
    for start, end, plan in case.plan.spans():
        span = {"plan": plan}
        if start != BEGINNING:
            span["valid_from"] = _date(start, book)
        if end != FOREVER:
            span["valid_to"] = _date(end, book)
        rows.append({**own, **span})
    rows += case.others
    named = [_filled(row, at, book) for at, row in enumerate(rows)]
    known = {row["msisdn"].removeprefix("+") for row in named}
    for usage in case.usages:
        if usage.to is None or not (usage.on_net or usage.group) or str(usage.to) in known:
            continue
        known.add(str(usage.to))
        other = {"subscriber_id": f"X{len(known)}", "msisdn": f"+{usage.to}"}
        if usage.group:
            other["vpmn_group"] = own["vpmn_group"]
        other["plan"] = book.plans[0]
        named.append(_filled(other, len(named), book))
    return named


def _filled(row: Row, at: int, book: CompiledBook) -> Row:
    """Returns a row with what it leaves out; a person keeps number and IMSI over all rows."""
    name = row.get("subscriber_id", f"S{at + 1}")
    position = int.from_bytes(name.encode(), "big") % 9_999_991 + 1
    return {
        "subscriber_id": name,
        "account_id": f"A-{name}",
        "msisdn": f"+{book.home_country_code}199{position:08}",
        "imsi": str(IMSI_BASE + position),
        "role": "single",
        "valid_from": LONG_AGO,
        **row,
    }


def _date(instant: int, book: CompiledBook) -> str:
    return from_us(instant, book.time_zone).isoformat()


def friend_rows(case: Case) -> list[Row]:
    """Returns the rows of ``friends.csv`` that the usages ask for."""
    pairs = {(one.by, one.to) for one in case.usages if one.friend and one.to is not None}
    return [
        {"subscriber_id": by, "number": f"+{to}", "valid_from": LONG_AGO}
        for by, to in sorted(pairs)
    ]


def record(usage: Usage, imsi: int, number: int, offset: int = 0) -> dict[str, Any]:
    """Returns the event record of a usage, column → value.

    Raises:
        CaseError: ``record`` has a column that event records do not have, or a wrong value.
    """
    row: dict[str, Any] = {
        "file_id": "0" * 32,
        "offset": offset,
        "container": 0,
        "record_type": "case",
        "service": usage.service,
        "direction": usage.direction,
        "served_imsi": imsi if imsi > 0 else None,
        "served_msisdn": number if number > 0 else None,
        "other_number": usage.to,
        "other_text": usage.dialled,
        "start_time": usage.at,
        "utc_offset": int((usage.at.utcoffset() or usage.at - usage.at).total_seconds()) // 60,
        "duration": usage.quantity if usage.kind == "seconds" else 0,
        "uplink": usage.uplink,
        "downlink": usage.quantity if usage.kind == "bytes" else 0,
        "events": usage.quantity if usage.kind == "events" else 1,
        "visited_network": usage.network,
    }
    for column, text in usage.record.items():
        row[column] = _typed(column, text, usage)
    return row


def _typed(column: str, text: str, usage: Usage) -> Any:  # noqa: ANN401  whatever the column holds
    position = EDR_SCHEMA.get_field_index(column)
    if position < 0:
        message = f"{usage.source}: event records have no column {column!r}"
        raise CaseError(message)
    kind = EDR_SCHEMA.field(position).type
    if text in {"", "none", "null"}:
        return None
    try:
        return int(text) if pa.types.is_integer(kind) else text
    except ValueError:
        message = f"{usage.source}: {column}: {text!r} is not a whole number"
        raise CaseError(message) from None


def batch_of(rows: Iterable[dict[str, Any]]) -> pa.RecordBatch:
    """Returns event records as one batch of EDR_SCHEMA."""
    full = list(rows)
    columns = []
    for field in EDR_SCHEMA:
        values = [row.get(field.name) for row in full]
        plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_timestamp(plain):
            stamps = pa.array([None if v is None else to_us(v) for v in values], pa.int64())
            columns.append(stamps.cast(plain))
        elif field.name in VOCABULARIES:
            names = VOCABULARIES[field.name]
            codes = pa.array([names.index(value) for value in values], pa.int8())
            columns.append(pa.DictionaryArray.from_arrays(codes, list(names)))
        elif plain is not field.type:
            made = pa.array(values, plain).dictionary_encode()
            columns.append(made.cast(field.type))
        else:
            columns.append(pa.array(values, plain))
    return pa.RecordBatch.from_arrays(columns, schema=EDR_SCHEMA)
