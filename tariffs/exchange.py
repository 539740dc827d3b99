"""Exchange rates: dated, integers of 10^-9 of the book's currency for one of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tariffs.compiled import BEGINNING
from tariffs.dated import Dated
from tariffs.decks import Notes, rows
from tariffs.scalars import exchange_rate, instant

if TYPE_CHECKING:
    from tariffs.context import Context

FILE = "exchange_rates.csv"


def read_exchange_rates(data: bytes, context: Context) -> None:
    """Reads ``exchange_rates.csv`` into ``context.exchange``: currency, date and rate."""
    notes = Notes(FILE, context.problems)
    found: dict[str, dict[int, int]] = {}
    columns = ("currency", "valid_from", "rate")
    for line, (currency, date, rate) in rows(FILE, data, columns, context.problems):
        if not re.fullmatch(r"[A-Z]{3}", currency):
            notes.add(line, f"{currency!r} is not an ISO 4217 code, such as EUR.")
            continue
        if currency == context.head.currency:
            notes.add(line, f"{currency} is the book's own currency.", "It needs no rate.")
            continue
        try:
            start = instant(date, context.head.zone) if date else BEGINNING
            value = exchange_rate(rate)
        except ValueError as error:
            notes.add(line, f"{error}")
            continue
        if start in found.setdefault(currency, {}):
            notes.add(line, f"{currency} is written twice for that date.", "Keep one of them.")
        found[currency][start] = value
    for currency, values in found.items():
        starts = tuple(sorted(values))
        context.exchange[currency] = Dated(starts, tuple(values[start] for start in starts))
