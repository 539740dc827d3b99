"""What an event costs us: what the partner's record says, else the book's table of rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mediation.edr import DIRECTIONS, MISSING, SERVICES
from rating.partner import in_book_currency, partner_charges
from rating.schema import MONEY
from tariffs.compiled import RUMS
from tariffs.wholesale import HOME_NETWORK, WholesalePrice, rate_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tariffs.compiled import CompiledBook, Int32, Int64

LARGEST = 10**18 - 1
QUANTITIES = ("duration", "uplink", "downlink", "events")
"""Columns of an EDR that say how much was used."""


def wholesale_costs(edr: pa.RecordBatch, chosen: Int64, zone: Int32, book: CompiledBook) -> Int64:
    """Returns the cost of some rows in 10^-6 of the book's currency, MISSING where there is none.

    Args:
        edr: Rows of ``mediation.edr.EDR_SCHEMA``.
        chosen: int64[n], the rows asked for.
        zone: int32[n], zone of each of them.
        book: The tariff book.
    """
    out = np.full(len(chosen), MISSING, np.int64)
    if edr.column("partner_charge").null_count < edr.num_rows:
        told = ["partner_charge", "partner_currency", "start_time"]
        out = partner_charges(edr.select(told).take(pa.array(chosen)), book)
    if not book.wholesale:
        return out
    network, names = _networks(edr, book)
    service = _codes(edr, "service", SERVICES)[chosen]
    place = (service * len(names) + network[chosen]) * len(book.zones) + zone
    rows = np.flatnonzero(_priced(book, names)[place] & (out == MISSING))
    if len(rows):
        # Nearly no event costs us anything, so only here are its columns looked at.
        events = edr.select(["direction", "start_time", *QUANTITIES])
        out[rows] = _by_rates(events.take(pa.array(chosen[rows])), place[rows], names, book)
    return out


def _by_rates(events: pa.RecordBatch, place: Int64, names: list[str], book: CompiledBook) -> Int64:
    """Returns the costs of events by the book's rates; ``place``: service, network and zone."""
    out = np.full(len(place), MISSING, np.int64)
    start = events.column("start_time").view("int64").to_numpy()
    dates = sorted({at for one in book.wholesale for at in one.price.starts})
    date = np.searchsorted(np.array(dates, np.int64), start, "right")
    key = (place * len(DIRECTIONS) + _codes(events, "direction", DIRECTIONS)) * (
        len(dates) + 1
    ) + date
    distinct, which = np.unique(key, return_inverse=True)
    units = _quantities(events)
    shape = (len(SERVICES), len(names), len(book.zones), len(DIRECTIONS), len(dates) + 1)
    parts = np.stack(np.unravel_index(distinct, shape), axis=1)
    for at, (what, net, where, direction, when) in enumerate(parts.tolist()):
        moment = dates[when - 1] if when else dates[0] - 1
        found = rate_of(book.wholesale, names[net], what, direction, where, moment)
        if found is not None:
            some = np.flatnonzero(which == at)
            out[some] = _costs(found[1], units[found[1].rum][some])
    return out


def _priced(book: CompiledBook, names: list[str]) -> NDArray[np.bool_]:
    """Returns bool[services * names * zones]: whether some rate is meant for such events."""
    found = np.zeros((len(SERVICES), len(names), len(book.zones)), np.bool_)
    for one in book.wholesale:
        zones = slice(None) if one.zone is None else one.zone
        found[one.service, [at for at, name in enumerate(names) if name == one.network], zones] = (
            True
        )
    return found.reshape(-1)


def cost_column(costs: Int64) -> pa.Array:
    """Returns costs as money, null where there is none."""
    words = np.stack([costs, costs >> 63], axis=1)
    known = np.packbits(costs != MISSING, bitorder="little")
    return pa.Array.from_buffers(MONEY, len(costs), [pa.py_buffer(known), pa.py_buffer(words)])


def _costs(price: WholesalePrice, units: Int64) -> Int64:
    """Returns the cost of quantities, MISSING where it cannot be held or nothing was measured."""
    beats = -(-np.maximum(units, 0) // price.beat)
    fits = (units >= 0) & (beats <= LARGEST // max(price.beat, price.price, 1))
    counted = np.where(fits, beats, 0) * price.beat
    whole = counted // price.per
    fits &= whole <= LARGEST // max(price.price, 1) - 1
    rest = (counted - whole * price.per) * price.price
    part = rest // price.per
    part += rest - part * price.per >= price.per - (rest - part * price.per)
    return np.where(fits, np.where(fits, whole, 0) * price.price + part, MISSING)


def _quantities(edr: pa.RecordBatch) -> dict[int, Int64]:
    """Returns what was measured by metric, MISSING where nothing was."""
    columns = {}
    for name in QUANTITIES:
        column = edr.column(name)
        columns[name] = column.cast("int64").fill_null(MISSING).to_numpy(zero_copy_only=False)
    up, down = columns["uplink"], columns["downlink"]
    total = np.maximum(up, 0) + np.maximum(down, 0)
    return {
        RUMS.index("seconds"): columns["duration"],
        RUMS.index("total_bytes"): np.where((up < 0) & (down < 0), MISSING, total),
        RUMS.index("events"): np.where(columns["events"] < 0, 1, columns["events"]),
    }


def _codes(edr: pa.RecordBatch, name: str, names: tuple[str, ...]) -> Int64:
    """Returns the codes of a fixed vocabulary."""
    column = edr.column(name)
    own = np.array([names.index(text) for text in column.dictionary.to_pylist()], np.int64)
    codes: Int64 = own[column.indices.to_numpy(zero_copy_only=False)]
    return codes


def _networks(edr: pa.RecordBatch, book: CompiledBook) -> tuple[Int64, list[str]]:
    """Returns (index of each row's network, names); all home networks are one."""
    column = edr.column("visited_network")
    texts = [network_of(text, book) for text in column.dictionary.to_pylist()]
    names = [*texts, HOME_NETWORK]
    indices = column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return indices.astype(np.int64), names


def network_of(text: str | None, book: CompiledBook) -> str:
    """Returns a visited network as the rates name it: all home networks are one."""
    return HOME_NETWORK if text is None or book.networks.get(text) == 0 else text


def cost_of(
    row: Mapping[str, Any], zone: int, when_us: int, book: CompiledBook
) -> tuple[int, str, str] | None:
    """Returns (cost in 10^-6, who charges it, which row of the table) of one EDR, None if none.

    Args:
        row: The EDR, column to value.
        zone: Its zone.
        when_us: Its start, UTC µs.
        book: The tariff book.
    """
    charge, currency = row.get("partner_charge"), row.get("partner_currency")
    if charge is not None and currency is not None:
        value = in_book_currency(charge, currency, when_us, book)
        if value is not None:
            return value, "The roaming partner", ""
    service, direction = SERVICES.index(row["service"]), DIRECTIONS.index(row["direction"])
    network = network_of(row.get("visited_network"), book)
    found = rate_of(book.wholesale, network, service, direction, zone, when_us)
    if found is None:
        return None
    rate, price = found
    kind = RUMS[price.rum]
    units = _measured(row, kind)
    cost = None if units is None else price.cost(units)
    if cost is None or cost > LARGEST:
        return None
    return cost, rate.partner, str(price.source)


def _measured(row: Mapping[str, Any], kind: str) -> int | None:
    """Returns what an EDR measured in a metric, None if nothing."""
    if kind == "seconds":
        measured = row.get("duration")
    elif kind == "events":
        events = row.get("events")
        return 1 if events is None or events < 0 else int(events)
    else:
        volumes = [row.get("uplink"), row.get("downlink")]
        known = [one for one in volumes if one is not None and one >= 0]
        return sum(known) if known else None
    return None if measured is None or measured < 0 else int(measured)
