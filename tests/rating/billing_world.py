"""Made-up rated records and fees for tests of the bill run."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mediation.edr import DIRECTIONS, SERVICES
from rating.billing.columns import money
from rating.schema import RATED_SCHEMA, RUMS

ACCOUNTS = ("A1", "A2", "A3")
CALL_CLASSES = ("local", "long_distance", "on_net")
TAXES = ("standard", "none", "added")


def rated_table(
    rng: np.random.Generator, n: int, *, subscribers: int = 5, unit: int = 1, big: int = 10**7
) -> pa.Table:
    """Returns n rated records that obey the law of net, with amounts in multiples of unit."""
    owner = rng.integers(0, subscribers, n)
    gross = rng.integers(0, big // unit + 1, n) * unit
    connect = gross // 4
    discount = gross * rng.integers(0, 3, n) // 10
    cap = (gross - discount) * rng.integers(0, 2, n) // 3
    rounding = rng.integers(-50, 51, n) if unit == 1 else np.zeros(n, np.int64)
    if unit > 1:
        net = (gross - discount - cap) // unit * unit
        rounding = net - (gross - discount - cap)
    net = gross - discount - cap + rounding
    quantity = rng.integers(0, 10_000, n)

    def names(texts: tuple[str, ...], index: np.ndarray | None = None) -> pa.Array:
        codes = rng.integers(0, len(texts), n) if index is None else index
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), list(texts))

    def small(texts: tuple[str, ...], index: np.ndarray) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(index, pa.int8()), list(texts))

    columns = {
        "file_id": names(("f1", "f2")),
        "offset": np.arange(n),
        "container": np.zeros(n, np.int32),
        "subscriber_id": names(tuple(f"S{i}" for i in range(subscribers)), owner),
        "account_id": names(ACCOUNTS, owner % len(ACCOUNTS)),
        "charge_group": names(ACCOUNTS, owner % len(ACCOUNTS)),
        "served_msisdn": 8619910000000 + owner,
        "plan": names(("easy", "talk")),
        "service": small(SERVICES, rng.integers(0, 3, n)),
        "direction": small(DIRECTIONS, np.zeros(n, np.int64)),
        "call_class": small(CALL_CLASSES, rng.integers(0, 3, n)),
        "zone": names(("none", "north")),
        "roaming": names(("home", "asia")),
        "band": names(("any",)),
        "other_number": pa.nulls(n, pa.int64()),
        "start_time": pa.array(np.arange(n) + 1_790_000_000_000_000, pa.int64()),
        "utc_offset": np.full(n, 480, np.int16),
        "cycle": names(("2026-10",)),
        "rum": small(RUMS, np.zeros(n, np.int64)),
        "quantity": quantity,
        "charged_units": quantity,
        "allowance_units": quantity // 2,
        "allowances": pa.array([[]] * n, RATED_SCHEMA.field("allowances").type),
        "throttled": np.zeros(n, np.bool_),
        "rule": names(("easy/voice", "easy/all")),
        "connect_fee": money(connect),
        "usage_charge": money(gross - connect),
        "gross": money(gross),
        "discount": pa.nulls(n, pa.dictionary(pa.int32(), pa.string())),
        "discount_amount": money(discount),
        "cap_reduction": money(cap),
        "rounding": money(rounding),
        "net": money(net),
        "wholesale_cost": pa.nulls(n, RATED_SCHEMA.field("wholesale_cost").type),
        "tax": names(TAXES),
        "gl_code": names(("4000",)),
        "book_digest": names(("00",)),
    }
    arrays = []
    for field in RATED_SCHEMA:
        column = columns[field.name]
        column = column if isinstance(column, pa.Array) else pa.array(column)
        same = column.type == field.type
        arrays.append(column if same else column.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=RATED_SCHEMA)
