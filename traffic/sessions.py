"""What a packet gateway records in a span of time: data sessions with their containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from traffic import people as draw
from traffic.clock import SESSIONS, Span, draw_times, offsets_of
from traffic.digits import INTERNATIONAL, MISSING
from traffic.network import NETWORKS
from traffic.table import (
    COLUMN,
    CONTAINER_COLUMN,
    CONTAINER_COLUMNS,
    KINDS,
    TEXT,
    Events,
    new_values,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from traffic.network import Source
    from traffic.population import Population

    Ints = NDArray[np.int64]

SERVING_SHARE: Final = 8
"""One record in so many is written by the serving gateway."""
CHAIN: Final = 16
"""Of so many records the first three are one long session, cut by time into partial records."""

_CONTAINER_CUTS = np.asarray((0.66, 0.90, 0.97))
_GROUP_CUTS = np.asarray((0.70, 0.92))
_GROUPS = np.asarray((1, 100, 200))
_SERVICES = np.asarray((10, 1001, 2001))
_RATS = np.asarray((6, 6, 6, 6, 51, 51, 51, 1))
_PLMN = np.asarray([one.plmn for one in NETWORKS], np.int64)
_CLOSURE = 1 << (31 - 24)
"""serviceConditionChange with bit 24, recordClosure."""
_TIME_LIMIT, _NORMAL_RELEASE = 17, 0


def session_events(
    people: Population,
    source: Source,
    rng: np.random.Generator,
    records: int,
    span: Span,
    reference: int,
) -> Events:
    """Returns what one packet gateway records in a span; see `traffic.switches.switch_events`.

    `reference` is the first charging id; a session cut into partial records keeps its own.
    """
    values = new_values(records)
    start = draw_times(rng, records, span, SESSIONS)
    rows = draw.draw_served(rng, people, source.area, start)
    lasted = np.exp(rng.standard_normal(records, np.float32) * 1.1 + 6.2).astype(np.int64) + 1
    duration = np.minimum(lasted, 3_600)
    position = np.arange(records, dtype=np.int64)
    session = position.copy()
    # A chain that would leave its span or its subscriber's validity is not made.
    place = position % CHAIN
    head = position - np.minimum(place, 2)
    fits = (place <= 2) & (head - head % CHAIN + 2 < records)
    ends = start[head] + 3 * duration[head]
    fits &= (ends < span.end) & (people.active_to[rows[head]] > ends)
    rows = np.where(fits, rows[head], rows)
    duration = np.where(fits, duration[head], duration)
    start = np.where(fits, start[head] + place * duration, start)
    session = np.where(fits, head, session)
    # Usage stays in its month, so that a month of traffic makes one cycle of bills.
    duration = np.maximum(np.minimum(duration, span.month_end - 1 - start), 1)

    order = np.argsort(start + duration, kind="stable")
    rows, start, duration = rows[order], start[order], duration[order]
    place, fits, session = place[order], fits[order], session[order]

    visited = people.network(rows, start, span.month_start)
    offset = offsets_of(visited, start, span)
    serving = (order % SERVING_SHARE == SERVING_SHARE - 1) & ~fits
    luck = rng.integers(0, 1 << 40, records)
    values[COLUMN["imsi"]] = people.imsi[rows]
    values[COLUMN["imei"]] = 350_000_000_000_000 + people.imsi[rows] % 100_000_000 * 10 + 7
    values[COLUMN["msisdn"]] = people.msisdn[rows] << 12 | 13 << 8 | INTERNATIONAL
    values[COLUMN["seizure"]] = start
    values[COLUMN["offset"]] = offset
    values[COLUMN["duration"]] = duration
    values[COLUMN["cause"]] = np.where(fits & (place < 2), _TIME_LIMIT, _NORMAL_RELEASE)
    values[COLUMN["sequence"]] = np.where(fits, place + 1, MISSING)
    values[COLUMN["charging_id"]] = (reference + session) & 0xFFFF_FFFF
    values[COLUMN["local_sequence"]] = reference + position
    values[COLUMN["address"]] = source.address
    values[COLUMN["node"]] = 0x0A14_0000 + (luck & 15)
    values[COLUMN["apn"]] = np.where(luck >> 4 & 31 == 0, TEXT["ims"], TEXT["cmnet"])
    values[COLUMN["plmn"]] = _PLMN[visited]
    values[COLUMN["rat"]] = _RATS[luck >> 9 & 7]
    values[COLUMN["lac"]] = 0x2000 + 0x100 * people.area[rows] + (luck >> 12 & 63)
    values[COLUMN["cell"]] = 0x0010_0000 + (luck >> 18 & 0xFFFF)
    values[COLUMN["clock"]] = _clock_octets(offset)

    count = 1 + np.searchsorted(_CONTAINER_CUTS, rng.random(records)).astype(np.int64)
    first = np.cumsum(count) - count
    containers = _containers(rng, start, duration, offset, place * 4 * fits, first, count)
    kind = np.where(serving, KINDS.index("sGWRecord"), KINDS.index("pGWRecord")).astype(np.int8)
    return Events(kind, values, containers, first, count)


def _containers(
    rng: np.random.Generator,
    start: Ints,
    duration: Ints,
    offset: Ints,
    local: Ints,
    first: Ints,
    count: Ints,
) -> Ints:
    """Returns one row for each piece of a session's time, with its service and volumes."""
    parent = np.repeat(np.arange(len(start)), count)
    m = len(parent)
    inner = np.arange(m) - first[parent]
    begin = start[parent] + duration[parent] * inner // count[parent]
    end = start[parent] + duration[parent] * (inner + 1) // count[parent]
    service = np.searchsorted(_GROUP_CUTS, rng.random(m))
    down = np.exp(rng.standard_normal(m, np.float32) * np.float32(1.6) + np.float32(15.0))
    downlink = np.minimum(down, 4e9).astype(np.int64) + 1
    rows = np.empty((len(CONTAINER_COLUMNS), m), np.int64)
    rows[CONTAINER_COLUMN["rating_group"]] = _GROUPS[service]
    rows[CONTAINER_COLUMN["local_sequence"]] = local[parent] + inner + 1
    rows[CONTAINER_COLUMN["first"]] = begin
    rows[CONTAINER_COLUMN["last"]] = end
    rows[CONTAINER_COLUMN["usage"]] = end - begin
    rows[CONTAINER_COLUMN["condition"]] = _CLOSURE
    rows[CONTAINER_COLUMN["uplink"]] = downlink // rng.integers(4, 24, m)
    rows[CONTAINER_COLUMN["downlink"]] = downlink
    rows[CONTAINER_COLUMN["report"]] = end
    rows[CONTAINER_COLUMN["service_id"]] = _SERVICES[service]
    rows[CONTAINER_COLUMN["offset"]] = offset[parent]
    return rows


def _clock_octets(offset: Ints) -> Ints:
    """Returns MSTimeZone: quarters of an hour in swapped BCD with a sign bit, then summer time."""
    quarters = np.abs(offset) // 15
    octet = quarters % 10 << 4 | quarters // 10 | np.where(offset < 0, 8, 0)
    swapped: Ints = octet << 8
    return swapped
