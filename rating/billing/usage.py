"""Rated records summarised to usage lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.billing.charges import Charges, Names, make_charges
from rating.billing.columns import combine, guard_sum, micros
from rating.billing.kernels.group import group_rows, sum_groups
from rating.billing.schema import AMOUNTS, USAGE
from rating.billing.taxes import rates_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from rating.billing.cycle import Cycle
    from rating.billing.taxes import TaxClass

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]

_KEYS = (
    ("account_id",),
    ("charge_group", "subscriber_id"),
    ("service", "call_class", "zone", "roaming", "rule", "plan", "rum", "tax", "gl_code"),
)
"""What makes a line, in the three parts that the kernel compares."""

_UNITS = ("quantity", "charged_units", "allowance_units")


def usage_charges(rated: pa.Table, cycle: Cycle, taxes: Mapping[str, TaxClass]) -> Charges:
    """Summarises rated records to one line per subscriber, plan, rule, class, tax class and rate.

    Args:
        rated: Rated records of one cycle, RATED_SCHEMA, any order.
        cycle: The cycle.
        taxes: Tax classes by name; an event has the rate that holds when it starts.

    Returns:
        Usage lines, ordered by the first record of each. Their counts and amounts are the exact
        sums of the records'.

    Raises:
        OverflowError: If amounts are too large to be summed in int64.
    """
    if not rated.num_rows:
        return make_charges(0, {}, {})
    columns = {name: _indexes(rated.column(name)) for part in _KEYS for name in part}
    keys = [combine([(columns[name][0], len(columns[name][1])) for name in part]) for part in _KEYS]
    tax = columns["tax"]
    names = Names.of(tax[0], tax[1])
    if any(taxes[name].changes for name in names.texts):
        start = rated.column("start_time").cast("int64").to_numpy()
        rates = rates_of(names, start, taxes)
        known, code = np.unique(rates, return_inverse=True)
        keys[-1] = combine([(keys[-1], int(keys[-1].max()) + 1), (code, len(known))])
        group, first = _group(keys)
        rate = rates[first]
    else:
        group, first = _group(keys)
        rate = rates_of(names.take(first), cycle.start_us, taxes)
    texts: dict[str, Names | str | None] = {
        "item" if name == "rule" else name: Names.of(codes[first], names)
        for name, (codes, names) in columns.items()
    }
    numbers: dict[str, Int64 | int] = {
        "service_from": cycle.first_number,
        "service_to": cycle.next_number,
        "tax_rate": rate,
        "events": np.bincount(group, minlength=len(first)).astype(np.int64),
    }
    for name in _UNITS:
        numbers[name] = _sums(name, group, len(first), _integers(rated.column(name)))
    for name in AMOUNTS:
        numbers[name] = _sums(name, group, len(first), micros(rated.column(name)))
    return make_charges(len(first), {**texts, "kind": USAGE}, numbers)


def _indexes(column: pa.ChunkedArray) -> tuple[Int32, pa.Array]:
    """Returns a dictionary column's indexes, not ranked, and its dictionary."""
    column = column.unify_dictionaries()
    if column.null_count:
        message = "a rated record lacks a name that every rated record must have"
        raise ValueError(message)
    parts = [chunk.indices.to_numpy() for chunk in column.chunks]
    flat = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return flat.astype(np.int32, copy=False), column.chunk(0).dictionary


def _integers(column: pa.ChunkedArray) -> Int64:
    """Returns an int64 column without nulls as one array."""
    return np.ascontiguousarray(column.to_numpy(), np.int64)


def _group(keys: list[Int64]) -> tuple[Int32, Int64]:
    """Returns the group of each row and the first row of each group."""
    n = len(keys[0])
    slots = np.full(1 << max(4, (2 * n - 1).bit_length()), -1, np.int32)
    group = np.empty(n, np.int32)
    first = np.empty(n, np.int64)
    groups = group_rows(keys[0], keys[1], keys[2], slots, group, first)
    return group, first[:groups].copy()


def _sums(name: str, group: Int32, groups: int, amounts: Int64) -> Int64:
    """Returns the sum of the amounts of each group, checked against overflow."""
    guard_sum(name, amounts)
    sums = np.zeros(groups, np.int64)
    sum_groups(group, amounts, sums)
    return sums
