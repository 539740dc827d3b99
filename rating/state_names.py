"""How a cycle's counters are stored: by names that survive a new load of book and subscribers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.edr import DICTIONARY
from rating.further import NONE
from rating.names import distinct

if TYPE_CHECKING:
    from rating.further import Further
    from rating.grants import Counters, Instances
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64

STATE_SCHEMA = pa.schema(
    [
        pa.field("cycle", DICTIONARY, nullable=False),
        pa.field("kind", DICTIONARY, nullable=False),
        pa.field("charge_group", DICTIONARY),
        pa.field("subscriber_id", DICTIONARY),
        pa.field("plan", DICTIONARY),
        pa.field("name", DICTIONARY, nullable=False),
        pa.field("granted_at", pa.int64()),
        pa.field("day", pa.int32()),
        pa.field("limit", pa.int32()),
        pa.field("member", DICTIONARY),
        pa.field("amount", pa.int64(), nullable=False),
    ]
)
"""A stored state: what is not zero, by names.

``kind`` is ``allowance`` (amount: units used), ``cap`` (amount: 10^-6 of the currency spent) or
``count`` (amount: units, or 10^-6 of the currency);
``day`` (of the cycle, 0 first), ``limit`` (of the allowance, 0 first) and ``member`` (subscriber)
tell the counters of one allowance apart."""

KINDS = ("allowance", "cap", "count")
NAMED = tuple(name for name in STATE_SCHEMA.names if name not in ("cycle", "amount"))
"""What tells the counters of a cycle apart."""
_PLAIN = pa.schema(
    [
        (one.name, pa.string() if one.type == DICTIONARY else one.type)
        for one in STATE_SCHEMA
        if one.name in NAMED
    ]
)


def counter_names(
    book: CompiledBook,
    data: Subscribers,
    parts: tuple[Instances, Further, Counters],
    counter_instance: Int32,
    rows: Int64,
) -> dict[str, pa.Array]:
    """Returns the columns :data:`NAMED` of some counters.

    Args:
        book: The tariff book.
        data: The subscriber data.
        parts: The grants, the counters beside their own, and the caps of a cycle.
        counter_instance: int32[C], the instance of each counter that is no cap's.
        rows: int64[n], counters: first every instance's own, then the further ones, then the caps'.
    """
    own, more, caps = parts
    n_own, count = len(own.allowance), len(counter_instance)
    nobody = np.full(len(caps.slot_cap), NONE, np.int32)
    own_rows, cap_rows = rows[rows < count], rows[rows >= count] - count
    instance = counter_instance[own_rows]

    def picked(own_value: Int32, cap_value: Int32) -> Int32:
        return np.concatenate([own_value[instance], cap_value[cap_rows]]).astype(np.int32)

    def of_further(value: Int32, cap_value: Int32) -> Int32:
        whole = np.concatenate([np.full(n_own, NONE, np.int32), value])
        return np.concatenate([whole[own_rows], cap_value[cap_rows]]).astype(np.int32)

    owner = np.where(caps.slot_shared != 0, np.int32(NONE), caps.slot_owner)
    names, code = distinct((*book.allowances, *book.caps, *book.counts))
    givers, giver = distinct(tuple(book.givers))
    kind = np.where(caps.slot_cap >= len(book.caps), 2, 1).astype(np.int32)
    granted = np.concatenate([own.granted[instance], np.zeros(len(cap_rows), np.int64)])
    by_caps = np.arange(len(rows)) >= len(own_rows)
    name = picked(own.allowance, caps.slot_cap + np.int32(len(book.allowances)))
    return {
        "kind": _named(picked(np.zeros(n_own, np.int32), kind), pa.array(KINDS)),
        "charge_group": _named(picked(own.group, caps.slot_group), data.groups),
        "subscriber_id": _named(picked(own.subscriber, owner), data.names),
        "plan": _named(picked(giver[own.giver], nobody), givers),
        "name": _named(code[name], names),
        "granted_at": pa.array(granted, mask=by_caps),
        "day": _coded(of_further(more.day, caps.slot_day)),
        "limit": _coded(of_further(more.limit_of, nobody)),
        "member": _named(of_further(more.member_of, nobody), data.names),
    }


def _coded(code: Int32) -> pa.Array:
    return pa.array(code, mask=code == NONE)


def _named(code: Int32, names: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(_coded(code), names)


def places_of(stored: pa.Table, named: dict[str, pa.Array]) -> Int64:
    """Returns for each stored row its place among the named counters, -1 where it has none."""
    import polars as pl  # noqa: PLC0415  only a restart needs it

    def plain(columns: pa.Table) -> pl.DataFrame:
        # each side has a dictionary of its own
        return pl.DataFrame(columns.cast(_PLAIN)).with_row_index("at")

    left = plain(stored.select(NAMED))
    right = plain(pa.table(named).select(NAMED)).rename({"at": "place"})
    joined = left.join(right, on=list(NAMED), how="left", nulls_equal=True).sort("at")
    places: Int64 = joined["place"].cast(pl.Int64).fill_null(-1).to_numpy()
    return places
