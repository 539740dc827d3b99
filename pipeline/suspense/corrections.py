"""Corrections: rules that set fields of suspended records when they are recycled.

A correction is data in the ledger: who, when, why, which items, which values. The octets and the
rows of suspense stay as they were; what a correction changed is published with the batch.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.columns import CODES, EDR_COLUMNS
from mediation.edr import EDR_SCHEMA
from pipeline.errors import UsageError
from pipeline.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.ledger.store import Ledger

OF_ITEMS: Final = ("stage", "reason", "sub_reason", "state", "source", "format", "file", "file_id")
"""What an item itself says; everything else that a rule may ask for is a field of the event."""
NOT_SET: Final = frozenset({"record_type"})
NOTHING: Final = "none"
Change = tuple[int, str, Any, Any]
"""Row, field, value before, value after."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions that all hold: of the item, and of the event that it decodes to."""

    of_items: dict[str, str] = field(default_factory=dict)
    of_events: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Correction:
    """One rule: fields := values where all conditions hold."""

    id: int
    made: str
    who: str
    reason: str
    wanted: Wanted
    changes: dict[str, str]
    withdrawn: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {
            "id": self.id,
            "made": self.made,
            "who": self.who,
            "reason": self.reason,
            "where": {**self.wanted.of_items, **self.wanted.of_events},
            "set": self.changes,
            "withdrawn": self.withdrawn,
        }


def parse_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Returns ``name=value`` texts as a mapping.

    Raises:
        UsageError: one is not written so, or a name comes twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or name in pairs:
            message = f"{option} {text!r} is not a condition of its own"
            raise UsageError(message, f"write {option} name=value, each name once")
        pairs[name] = value
    return pairs


def parse_wanted(texts: Iterable[str]) -> Wanted:
    """Returns conditions.

    Raises:
        UsageError: a name is neither a column of suspense nor a field of events.
    """
    pairs = parse_pairs(texts, "--where")
    for name, value in pairs.items():
        if name not in OF_ITEMS:
            _value(name, value, "--where")
    return Wanted(
        {name: value for name, value in pairs.items() if name in OF_ITEMS},
        {name: value for name, value in pairs.items() if name not in OF_ITEMS},
    )


def parse_changes(texts: Iterable[str]) -> dict[str, str]:
    """Returns the fields to set.

    Raises:
        UsageError: a field cannot be set, or a value does not fit it.
    """
    pairs = parse_pairs(texts, "--set")
    if not pairs:
        message = "a correction sets at least one field"
        raise UsageError(message, "write --set field=value")
    for name, value in pairs.items():
        _value(name, value, "--set")
    return pairs


def _value(name: str, text: str, option: str) -> Any:  # noqa: ANN401 - of the field's own type
    """Returns a field's value from text.

    Raises:
        UsageError: there is no such field, or the value does not fit.
    """
    known = [column for column in EDR_COLUMNS if column not in NOT_SET or option == "--where"]
    if name not in known:
        also = list(OF_ITEMS) if option == "--where" else []
        message = f"{option}: there is no field {name!r}"
        raise UsageError(message, nearest(name, [*known, *also]))
    kind = EDR_SCHEMA.field(name)
    if text == NOTHING and kind.nullable:
        return None
    if name in CODES and text not in CODES[name]:
        message = f"{option} {name}: {text!r} is not known"
        raise UsageError(message, nearest(text, list(CODES[name])))
    try:
        return _parsed(kind.type, text)
    except (ValueError, pa.ArrowInvalid):
        message = f"{option} {name}: {text!r} does not fit {kind.type}"
        unit = (kind.metadata or {}).get(b"unit", b"").decode()
        raise UsageError(message, f"its unit is {unit}") from None


def _parsed(kind: pa.DataType, text: str) -> Any:  # noqa: ANN401 - of the field's own type
    if pa.types.is_dictionary(kind):
        return text
    if pa.types.is_timestamp(kind):
        instant = dt.datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(text)
        return instant
    return pa.scalar(int(text), kind).as_py()


def add_correction(
    ledger: Ledger, who: str, reason: str, wanted: Wanted, changes: dict[str, str]
) -> int:
    """Writes a correction into the ledger; it is applied by the next recycling.

    Raises:
        UsageError: no reason is given.
    """
    if not reason.strip():
        message = "a correction needs a reason"
        raise UsageError(message, "write --reason TEXT")
    made = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    both = {"items": wanted.of_items, "events": wanted.of_events}
    texts = [json.dumps(one, sort_keys=True) for one in (both, changes)]
    with ledger.writing() as db:
        row = db.execute(
            "INSERT INTO corrections (made, who, reason, wanted, changes)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (made, who, reason, *texts),
        ).fetchone()
    return int(row[0])


def withdraw_correction(ledger: Ledger, number: int, now: str) -> bool:
    """Withdraws a correction; returns whether there was one that was open."""
    with ledger.writing() as db:
        changed = db.execute(
            "UPDATE corrections SET withdrawn = ? WHERE id = ? AND withdrawn IS NULL",
            (now, number),
        ).rowcount
    return bool(changed)


def corrections(ledger: Ledger) -> list[Correction]:
    """Returns all corrections in the order in which they were made."""
    found = []
    rows = ledger.rows(
        "SELECT id, made, who, reason, wanted, changes, withdrawn FROM corrections ORDER BY id"
    )
    for number, made, who, reason, wanted, changes, withdrawn in rows:
        both = json.loads(wanted)
        conditions = Wanted(both["items"], both["events"])
        found.append(
            Correction(number, made, who, reason, conditions, json.loads(changes), withdrawn)
        )
    return found


def open_corrections(ledger: Ledger) -> list[Correction]:
    """Returns the corrections that are applied."""
    return [one for one in corrections(ledger) if one.withdrawn is None]


def corrected(
    events: pa.RecordBatch, correction: Correction, rows: NDArray[np.bool_]
) -> tuple[pa.RecordBatch, list[Change]]:
    """Returns events with a correction's values in some rows, and what that changed.

    Args:
        events: EDR_SCHEMA.
        correction: The correction; its conditions on events are looked at here.
        rows: bool[n], rows whose item it is for.
    """
    mask = rows.copy()
    for name, text in correction.wanted.of_events.items():
        value = _value(name, text, "--where")
        column = events.column(name)
        hit = column.is_null() if value is None else pc.equal(_plain(column), _scalar(name, value))
        mask &= hit.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    if not mask.any():
        return events, []
    changes: list[Change] = []
    for name, text in sorted(correction.changes.items()):
        value = _value(name, text, "--set")
        column = _plain(events.column(name))
        before = column.filter(pa.array(mask)).to_pylist()
        made = pc.if_else(pa.array(mask), _scalar(name, value), column)
        place = events.schema.get_field_index(name)
        made = made.cast(EDR_SCHEMA.field(name).type)
        events = events.set_column(place, EDR_SCHEMA.field(name), made)
        for row, old in zip(np.flatnonzero(mask).tolist(), before, strict=True):
            if old != value:
                changes.append((row, name, old, value))
    return events, changes


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def _scalar(name: str, value: Any) -> pa.Scalar:  # noqa: ANN401 - of the field's own type
    kind = EDR_SCHEMA.field(name).type
    return pa.scalar(value, kind.value_type if pa.types.is_dictionary(kind) else kind)
