"""Reads ``wholesale.csv``: what partners charge us, by network, service, direction and zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.compiled import BEGINNING, DIRECTIONS, RUMS, SERVICES
from tariffs.dated import Dated
from tariffs.decks import Notes, rows
from tariffs.errors import Source
from tariffs.read_counts import RUM_OF
from tariffs.read_parts import SERVED, explain_unit, unit_fits
from tariffs.read_prices import MAX_PRODUCT
from tariffs.scalars import amount, exchanged, instant, quantity
from tariffs.wholesale import HOME_NETWORK, WholesalePrice, WholesaleRate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tariffs.context import Context

FILE = "wholesale.csv"
COLUMNS = (
    *("partner", "network", "service", "direction", "zone", "valid_from", "currency"),
    *("price", "per", "beat"),
)
Key = tuple[str, str, int, int | None, int | None]


def read_wholesale(
    data: bytes, networks: Mapping[str, int], context: Context
) -> tuple[WholesaleRate, ...]:
    """Returns the rates in order of their first rows; zones and networks must have been read."""
    notes = Notes(FILE, context.problems)
    found: dict[Key, dict[int, tuple[str, WholesalePrice]]] = {}
    for line, values in rows(FILE, data, COLUMNS, context.problems):
        row = dict(zip(COLUMNS, values, strict=True))
        key = _key(notes, line, row, networks, context)
        dated = _price(notes, line, row, context)
        if key is None or dated is None:
            continue
        start, currency, price = dated
        if not unit_fits(price.rum, key[2]):
            notes.add(line, explain_unit(price.rum, key[2]))
        elif start in found.setdefault(key, {}):
            first = found[key][start][1].source.line
            notes.add(line, f"The rate of line {first} is for the same and that date.", "Keep one.")
        else:
            found[key][start] = currency, price
    return tuple(WholesaleRate(*key, _in_book(found[key], context)) for key in found)


def _key(
    notes: Notes, line: int, row: dict[str, str], networks: Mapping[str, int], context: Context
) -> Key | None:
    """Returns what a row is for, None if it is wrong."""
    abroad = [name for name, roaming in networks.items() if roaming != 0]
    directions = [DIRECTIONS[at] for at in sorted(SERVED)]
    before = len(context.problems.found)
    if not row["partner"]:
        notes.add(line, "The row names no partner.", "Write who charges that.")
    if row["network"] != HOME_NETWORK and row["network"] not in abroad:
        if row["network"] in networks:
            notes.add(line, f"{row['network']} is a home network.", "Leave network empty.")
        else:
            notes.unknown(line, "network", row["network"], abroad)
    if row["service"] not in SERVICES:
        notes.unknown(line, "service", row["service"], SERVICES)
    if row["direction"] and row["direction"] not in directions:
        notes.unknown(line, "direction", row["direction"], directions)
    zones = {name: index for index, name in enumerate(context.zones)}
    if row["zone"] and row["zone"] not in zones:
        notes.unknown(line, "zone", row["zone"], zones)
    if len(context.problems.found) > before:
        return None
    return (
        row["partner"],
        row["network"],
        SERVICES.index(row["service"]),
        DIRECTIONS.index(row["direction"]) if row["direction"] else None,
        zones[row["zone"]] if row["zone"] else None,
    )


def _price(
    notes: Notes, line: int, row: dict[str, str], context: Context
) -> tuple[int, str, WholesalePrice] | None:
    """Returns (start, currency, price in it) of a row, None if it is wrong."""
    own = context.head.currency
    currency = row["currency"] or own
    if currency not in (own, *context.exchange):
        notes.unknown(line, "currency", currency, [own, *context.exchange])
        return None
    try:
        start = instant(row["valid_from"], context.head.zone) if row["valid_from"] else BEGINNING
        price = amount(row["price"])
        kind, per = quantity(row["per"])
        other, beat = quantity(row["beat"]) if row["beat"] else (kind, per)
    except ValueError as error:
        notes.add(line, f"{error}")
        return None
    if other != kind:
        notes.add(line, f"The row counts {kind} and {other}.", "Use one kind of unit.")
    elif 0 in (per, beat):
        notes.add(line, f"{'per' if per == 0 else 'beat'} is 0.", "At least 1.")
    elif price * max(per, beat) * _dearest(currency, context) >= MAX_PRODUCT:
        notes.add(line, "The price times its unit is too large.", "Use a smaller unit.")
    else:
        rum = RUMS.index(RUM_OF[kind])
        return start, currency, WholesalePrice(price, per, beat, rum, Source(FILE, line))
    return None


def _dearest(currency: str, context: Context) -> int:
    """Returns the most of the book's currency that one of a currency is ever worth, rounded up."""
    known = context.exchange.get(currency)
    rates = [rate for rate in known.values if rate] if known else []
    return -(-max(rates, default=1) // 10**9)


def _in_book(
    rows_of: dict[int, tuple[str, WholesalePrice]], context: Context
) -> Dated[WholesalePrice]:
    """Returns a rate over time in the book's currency; there is none before its currency's."""
    exchange = {
        currency: context.exchange[currency]
        for currency, _ in rows_of.values()
        if currency in context.exchange
    }
    changes = {start for one in exchange.values() for start in one.starts}
    starts = sorted({*rows_of, *(at for at in changes if at > min(rows_of))})
    values: list[WholesalePrice | None] = []
    for start in starts:
        currency, price = rows_of[max(at for at in rows_of if at <= start)]
        rates = exchange.get(currency)
        rate = None if rates is None else rates.at(start)
        if rates is None:
            values.append(price)
        else:
            values.append(
                None if rate is None else price._replace(price=exchanged(price.price, rate))
            )
    return Dated(tuple(starts), tuple(values))
