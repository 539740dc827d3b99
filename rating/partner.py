"""The charge of a roaming partner in the book's currency, and what follows from it."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.edr import MISSING
from tariffs.scalars import exchanged

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook, Int64
    from tariffs.dated import Dated


def partner_charges(edr: pa.RecordBatch, book: CompiledBook) -> Int64:
    """Returns the partner's charge of each row in 10^-6 of the book's currency, MISSING if none.

    It is exchanged at the rate of the event's start. Where the record names no currency, where the
    book has no rate at that time, or where the result cannot be held, there is none. A refund is
    negative.
    """
    out = np.full(edr.num_rows, MISSING, np.int64)
    charge, currency = edr.column("partner_charge"), edr.column("partner_currency")
    given = pc.and_(charge.is_valid(), currency.is_valid()).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(given)
    if not len(rows):
        return out
    names = currency.dictionary.to_pylist()
    taken = pa.array(rows)
    amounts = charge.take(taken).to_pylist()
    codes = currency.indices.take(taken).to_pylist()
    starts = edr.column("start_time").take(taken).cast(pa.int64()).to_pylist()
    for row, amount, code, start in zip(rows.tolist(), amounts, codes, starts, strict=True):
        value = in_book_currency(amount, names[code], start, book)
        out[row] = MISSING if value is None else value
    return out


def in_book_currency(amount: int, currency: str, start: int, book: CompiledBook) -> int | None:
    """Returns a partner's amount in 10^-6 of the book's currency, None where there is no rate."""
    value = amount
    if currency != book.currency:
        rates: Dated[int] | None = book.exchange.get(currency)
        at = bisect_right(rates.starts, start) - 1 if rates else -1
        rate = rates.values[at] if rates and at >= 0 else None
        if rate is None:
            return None
        value = exchanged(abs(amount), rate)
        value = -value if amount < 0 else value
    return value if abs(value) < 10**18 else None
