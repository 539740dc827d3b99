"""What a switch records in a span of time: calls, legs at gateways, messages, service actions."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from traffic import network
from traffic.clock import CALLS, Span, clock_changes, hour_weights
from traffic.digits import INTERNATIONAL
from traffic.kernels import scene
from traffic.table import COLUMN, KINDS, TEXT, Events, new_values, no_containers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from traffic.network import Source
    from traffic.population import Population

    Ints = NDArray[np.int64]

MIX: Final = {
    "moCallRecord": 0.33,
    "mtCallRecord": 0.27,
    "roamingRecord": 0.02,
    "incGatewayRecord": 0.05,
    "outGatewayRecord": 0.05,
    "transitRecord": 0.02,
    "moSMSRecord": 0.13,
    "mtSMSRecord": 0.12,
    "ssActionRecord": 0.01,
}
"""Share of each kind of record in a switch's files."""

SHARES: Final = np.asarray(
    (
        (450, 700, 840, 910, 1_000),
        (350, 750, 940, 1_000, 1_000),
        (550, 930, 930, 1_000, 1_000),
        (500, 800, 1_000, 1_000, 1_000),
    ),
    np.int64,
)
"""Cumulative thousandths of on-net, other mobile, fixed, foreign and short numbers: called, calling,
written to, forwarded to."""

SHORT: Final = (
    *network.EMERGENCY,
    network.SERVICE_LINE,
    network.PREMIUM,
    4_008_000_000,
    8_008_000_000,
)
"""Emergency, service, premium, and the first 400 and 800 numbers, dialled as they stand."""

_FOREIGN_SHARES: Final = (8, 4, 3, 3, 8, 7, 6, 30, 12, 12, 4, 3)
_SERVICE_CODES: Final = np.asarray((0x21, 0x29, 0x2A, 0x2B, 0x92), np.int64)
"""Call forwarding unconditional, busy, no reply, not reachable; barring (TS 29.002)."""
_TRUNKS: Final = np.asarray(
    [TEXT[name] for name in ("ICMSC1", "OMOB01", "PSTN01", "INTL01", "SERV01")], np.int64
)
_QUANTILES: Final = 4_096
_LONGEST_CALL: Final = 7_200


def switch_events(
    people: Population,
    source: Source,
    rng: np.random.Generator,
    records: int,
    span: Span,
    reference: int,
) -> Events:
    """Returns what one switch records in a span.

    A call between two subscribers gives two records, a call to or from another network may give
    a second one at the gateway; both legs have the same times.

    Args:
        people: Subscribers, with `steady` for the month.
        source: The switch.
        rng: Source of randomness.
        records: How many records there are.
        span: When the events begin.
        reference: First call reference; each record takes the next one.
    """
    seed = rng.integers(0, 2**64, dtype=np.uint64)
    edges, summed = hour_weights(span, CALLS)
    durations = call_durations()
    kind, event, second_leg = _legs(seed, records)
    ends = np.empty(records, np.int64)
    scene.draw_ends(seed, kind, event, edges, summed, durations, ends)
    order = np.argsort(ends, kind="stable")
    kind = kind[order]
    values = new_values(records)
    scene.fill_rows(
        seed, kind, event[order], second_leg[order], source.area, span.month_start,
        edges, summed, durations, SHARES, people.table, people.by_area, people.area_start,
        people.grouped, people.steady, _countries(), _shorts(),
        _networks(span.month_start, span.month_end), _TRUNKS, _SERVICE_CODES, values,
    )  # fmt: skip
    values[COLUMN["reference"]] = (reference + np.arange(records)) & 0x7FFF_FFFF
    values[COLUMN["entity"]] = source.address << 12 | 13 << 8 | INTERNATIONAL
    return Events(kind, values, *no_containers(records))


def share_out(total: int, shares: tuple[float, ...]) -> list[int]:
    """Returns whole counts in proportion to the shares, whose sum is `total`."""
    summed = np.cumsum(shares)
    edges = np.rint(summed / summed[-1] * total).astype(np.int64)
    return [int(count) for count in np.diff(edges, prepend=0)]


def _legs(seed: np.uint64, records: int) -> tuple[NDArray[np.int8], Ints, NDArray[np.uint8]]:
    """Returns each row's kind, the event it is a leg of, and whether it is the answering side.

    Half of the answered calls are those that subscribers make at the same switch. The gateways'
    legs belong to made and to answered calls with other networks.
    """
    counts = share_out(records, tuple(MIX.values()))
    numbers = np.asarray([KINDS.index(name) for name in MIX], np.int8)
    kind = np.repeat(numbers, counts)
    event = np.arange(records, dtype=np.int64)
    second_leg = np.zeros(records, np.uint8)
    linked = np.empty(counts[1] // 2, np.int64)
    found = scene.link_calls(seed, counts[0], SHARES[scene.CALLED_SHARES], linked)
    event[counts[0] : counts[0] + found] = linked[:found]
    second_leg[counts[0] : counts[0] + found] = 1
    return kind, event, second_leg


@cache
def call_durations() -> Ints:
    """Returns quantiles of call durations in seconds: half around a minute, a few very long."""
    normal = NormalDist(4.1, 1.15)
    seconds = [
        int(np.exp(normal.inv_cdf((quantile + 0.5) / _QUANTILES))) + 1
        for quantile in range(_QUANTILES)
    ]
    return np.minimum(np.asarray(seconds, np.int64), _LONGEST_CALL)


@cache
def _countries() -> Ints:
    """Returns country code, 10 to the digits behind it, cumulative thousandths, all digits."""
    codes = np.asarray([code for code, _ in network.FOREIGN], np.int64)
    lengths = np.asarray([length for _, length in network.FOREIGN], np.int64)
    cuts = np.cumsum(_FOREIGN_SHARES) * 1_000 // sum(_FOREIGN_SHARES)
    digits = np.asarray([len(str(code)) for code, _ in network.FOREIGN], np.int64)
    return np.stack([codes, 10**lengths, cuts.astype(np.int64), digits + lengths])


@cache
def _shorts() -> Ints:
    """Returns short numbers and how many digits they have."""
    return np.asarray([SHORT, [len(str(number)) for number in SHORT]], np.int64)


@cache
def _networks(month_start: int, month_end: int) -> Ints:
    """Returns for each network its PLMN octets, offsets before and after a change, and when."""
    plmn = np.asarray([one.plmn for one in network.NETWORKS], np.int64)
    return np.stack([plmn, *clock_changes(month_start, month_end)])
