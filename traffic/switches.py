"""What a switch records in a span of time: calls, legs at gateways, messages, service actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from traffic import people as draw
from traffic.clock import CALLS, Span, draw_times, offsets_of
from traffic.digits import INTERNATIONAL, MISSING
from traffic.network import HOME_OFFSET, NETWORKS
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

ON_NET, MOBILE, FIXED, FOREIGN, SHORT = range(5)
"""Who is called, or calls."""

_CALLED_CUTS = np.asarray((0.45, 0.70, 0.84, 0.91))
_CALLING_CUTS = np.asarray((0.35, 0.75, 0.94, 1.0))
_MESSAGE_CUTS = np.asarray((0.55, 0.93, 0.93, 1.0))
_TRUNKS = np.asarray([TEXT[name] for name in ("ICMSC1", "OMOB01", "PSTN01", "INTL01", "SERV01")])
_PLMN = np.asarray([one.plmn for one in NETWORKS], np.int64)
_FORMS = np.asarray((0, 0, 0, 4, 4, 3, 2, 2))
"""How a number is written at home: see `traffic.people.written`."""
_OFF_NET = (
    (MOBILE, draw.other_mobiles),
    (FIXED, draw.fixed_lines),
    (FOREIGN, draw.foreign_numbers),
    (SHORT, draw.short_numbers),
)
_SERVICE_CODES = np.asarray((0x21, 0x29, 0x2A, 0x2B, 0x92), np.int64)
"""Call forwarding unconditional, busy, no reply, not reachable; barring (TS 29.002)."""
_NORMAL_RELEASE, _ABNORMAL_RELEASE = 0, 4
_LONGEST_CALL = 7_200


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls as drawn, before they are written as legs; arrays of equal length."""

    rows: Ints
    other: Ints
    party: Ints
    number: Ints
    seizure: Ints
    ring: Ints
    duration: Ints
    visited: Ints


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
    counts = share_out(records, tuple(MIX.values()))
    bounds = np.concatenate([[0], np.cumsum(counts)])
    values = new_values(records)
    part = {kind: values[:, bounds[i] : bounds[i + 1]] for i, kind in enumerate(MIX)}
    scene = _Scene(people, source.area, rng, span)
    made = scene.calls(counts[0])
    received = scene.received(counts[1], made)
    scene.leg(made, part["moCallRecord"], "called", "trunk_out")
    scene.leg(received, part["mtCallRecord"], "calling", "trunk_in")
    scene.forwarded(part["roamingRecord"])
    scene.gateway(received, part["incGatewayRecord"], "called", "calling")
    scene.gateway(made, part["outGatewayRecord"], "calling", "called")
    scene.transit(part["transitRecord"])
    scene.messages(part["moSMSRecord"], sent=True)
    scene.messages(part["mtSMSRecord"], sent=False)
    scene.actions(part["ssActionRecord"])
    values[COLUMN["entity"]] = source.address << 12 | 13 << 8 | INTERNATIONAL
    return _finish(values, np.asarray(counts), tuple(MIX), reference)


def share_out(total: int, shares: tuple[float, ...]) -> list[int]:
    """Returns whole counts in proportion to the shares, whose sum is `total`."""
    summed = np.cumsum(shares)
    edges = np.rint(summed / summed[-1] * total).astype(np.int64)
    return [int(count) for count in np.diff(edges, prepend=0)]


def _finish(values: Ints, counts: Ints, kinds: tuple[str, ...], reference: int) -> Events:
    """Returns the table with references, ordered by the end of each event."""
    n = values.shape[1]
    release = values[COLUMN["release"]]
    ended = np.where(release == MISSING, values[COLUMN["seizure"]], release)
    order = np.argsort(ended, kind="stable")
    ordered = np.take(values, order, axis=1)
    ordered[COLUMN["reference"]] = (reference + np.arange(n)) & 0x7FFF_FFFF
    numbers = np.asarray([KINDS.index(kind) for kind in kinds], np.int8)
    return Events(np.repeat(numbers, counts)[order], ordered, *no_containers(n))


def _parties(rng: np.random.Generator, cuts: NDArray[np.float64], n: int) -> Ints:
    """Returns who the other parties are, by cumulative shares."""
    return np.searchsorted(cuts, rng.random(n)).astype(np.int64)


def _fill_times(into: Ints, seizure: Ints, ring: Ints, duration: Ints) -> None:
    answer = seizure + ring
    into[COLUMN["seizure"]] = seizure
    into[COLUMN["answer"]] = answer
    into[COLUMN["release"]] = answer + duration
    into[COLUMN["duration"]] = duration
    into[COLUMN["cause"]] = np.where(ring == 13, _ABNORMAL_RELEASE, _NORMAL_RELEASE)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Who is there, where and when; each method fills its part of the event table."""

    people: Population
    area: int
    rng: np.random.Generator
    span: Span

    def calls(self, n: int) -> Calls:
        """Returns `n` calls made by subscribers."""
        seizure = draw_times(self.rng, n, self.span, CALLS)
        rows = draw.draw_served(self.rng, self.people, self.area, seizure)
        party = _parties(self.rng, _CALLED_CUTS, n)
        visited = self.people.network(rows, seizure, self.span.month_start)
        # A traveller's switch writes international numbers; at home all forms occur.
        form = np.where(visited > 0, 0, _FORMS[self.rng.integers(0, len(_FORMS), n)])
        other, number = self.numbers(rows, seizure, party, form)
        ring = self.rings(n)
        return Calls(rows, other, party, number, seizure, ring, self.durations(n), visited)

    def received(self, n: int, made: Calls) -> Calls:
        """Returns `n` calls that subscribers answer: half are those made here, if there are any."""
        linked = np.flatnonzero(made.other >= 0)[: n // 2]
        fresh = n - len(linked)
        caller = made.rows[linked]
        began = draw_times(self.rng, fresh, self.span, CALLS)
        called = draw.draw_served(self.rng, self.people, self.area, began)
        party = _parties(self.rng, _CALLING_CUTS, fresh)
        plain = np.zeros(fresh, np.int64)
        other, number = self.numbers(called, began, party, plain)
        known = draw.own_numbers(self.people, caller, np.zeros(len(linked), np.int64))
        rows = np.concatenate([made.other[linked], called])
        seizure = np.concatenate([made.seizure[linked], began])
        return Calls(
            rows=rows,
            other=np.concatenate([caller, other]),
            party=np.concatenate([made.party[linked], party]),
            number=np.concatenate([known, number]),
            seizure=seizure,
            ring=np.concatenate([made.ring[linked], self.rings(fresh)]),
            duration=np.concatenate([made.duration[linked], self.durations(fresh)]),
            visited=self.people.network(rows, seizure, self.span.month_start),
        )

    def rings(self, n: int) -> Ints:
        """Returns seconds from seizure to answer."""
        return self.rng.integers(2, 30, n, dtype=np.int64)

    def durations(self, n: int) -> Ints:
        """Returns call durations in seconds: half around a minute, a few very long."""
        drawn = np.exp(self.rng.standard_normal(n, np.float32) * np.float32(1.15) + np.float32(4.1))
        seconds: Ints = np.minimum(drawn, _LONGEST_CALL - 1).astype(np.int64) + 1
        return seconds

    def numbers(self, rows: Ints, seconds: Ints, party: Ints, form: Ints) -> tuple[Ints, Ints]:
        """Returns the row of each other party (-1 off net) and its packed number."""
        other = np.full(len(rows), -1, np.int64)
        number = np.empty(len(rows), np.int64)
        mine = np.flatnonzero(party == ON_NET)
        other[mine] = draw.draw_contacts(self.rng, self.people, rows[mine], seconds[mine])
        number[mine] = draw.own_numbers(self.people, other[mine], form[mine])
        for which, make in _OFF_NET:
            mine = np.flatnonzero(party == which)
            number[mine] = make(self.rng, len(mine), form[mine])
        return other, number

    def served(self, rows: Ints, visited: Ints, seconds: Ints, into: Ints) -> None:
        """Fills what names the served subscriber, and the clock of the network."""
        into[COLUMN["imsi"]] = self.people.imsi[rows]
        into[COLUMN["msisdn"]] = self.people.msisdn[rows] << 12 | 13 << 8 | INTERNATIONAL
        into[COLUMN["offset"]] = offsets_of(visited, seconds, self.span)

    def place(self, rows: Ints, visited: Ints, into: Ints) -> None:
        """Fills handset and cell."""
        luck = self.rng.integers(0, 1 << 24, len(rows))
        # The handset belongs to the card, so it follows from the IMSI.
        into[COLUMN["imei"]] = 350_000_000_000_000 + self.people.imsi[rows] % 100_000_000 * 10 + 7
        into[COLUMN["plmn"]] = _PLMN[visited]
        into[COLUMN["lac"]] = 0x1000 * (1 + self.people.area[rows]) + (luck & 15)
        into[COLUMN["cell"]] = 1 + (luck >> 4 & 0x3FFF)

    def leg(self, calls: Calls, into: Ints, other: str, trunk: str) -> None:
        """Fills the records of the subscribers who make or answer the calls."""
        self.served(calls.rows, calls.visited, calls.seizure, into)
        self.place(calls.rows, calls.visited, into)
        _fill_times(into, calls.seizure, calls.ring, calls.duration)
        into[COLUMN[other]] = calls.number
        into[COLUMN[trunk]] = _TRUNKS[calls.party]

    def forwarded(self, into: Ints) -> None:
        """Fills calls to subscribers that are passed on to another number."""
        n = into.shape[1]
        seizure = draw_times(self.rng, n, self.span, CALLS)
        rows = draw.draw_served(self.rng, self.people, self.area, seizure)
        plain = np.zeros(n, np.int64)
        self.served(rows, plain, seizure, into)
        _fill_times(into, seizure, self.rings(n), self.durations(n))
        into[COLUMN["calling"]] = draw.other_mobiles(self.rng, n, plain)
        target = _parties(self.rng, np.asarray((0.5, 0.8)), n)
        _, into[COLUMN["called"]] = self.numbers(rows, seizure, target, plain)
        into[COLUMN["trunk_in"]] = TEXT["OMOB01"]
        into[COLUMN["trunk_out"]] = _TRUNKS[target]

    def gateway(self, calls: Calls, into: Ints, own: str, far: str) -> None:
        """Fills the second leg of calls that leave or enter the network."""
        n = into.shape[1]
        crossing = np.flatnonzero((calls.party > ON_NET) & (calls.party < SHORT))
        # Few records may hold no such call; then any call is taken.
        crossing = crossing if len(crossing) else np.arange(len(calls.rows))
        if not n or not len(crossing):
            crossing = np.zeros(n, np.int64)
        pick = crossing[np.arange(n) % max(len(crossing), 1)]
        _fill_times(into, calls.seizure[pick], calls.ring[pick], calls.duration[pick])
        into[COLUMN["offset"]] = HOME_OFFSET
        into[COLUMN[own]] = self.people.msisdn[calls.rows[pick]] << 12 | 13 << 8 | INTERNATIONAL
        into[COLUMN[far]] = calls.number[pick]
        inward = own == "called"
        into[COLUMN["trunk_in"]] = _TRUNKS[calls.party[pick]] if inward else TEXT["ICMSC1"]
        into[COLUMN["trunk_out"]] = TEXT["ICMSC2"] if inward else _TRUNKS[calls.party[pick]]

    def transit(self, into: Ints) -> None:
        """Fills calls between other networks that pass through."""
        n = into.shape[1]
        plain = np.zeros(n, np.int64)
        seizure = draw_times(self.rng, n, self.span, CALLS)
        _fill_times(into, seizure, self.rings(n), self.durations(n))
        into[COLUMN["offset"]] = HOME_OFFSET
        into[COLUMN["calling"]] = draw.other_mobiles(self.rng, n, plain)
        into[COLUMN["called"]] = draw.fixed_lines(self.rng, n, plain)
        into[COLUMN["trunk_in"]] = TEXT["OMOB01"]
        into[COLUMN["trunk_out"]] = TEXT["PSTN01"]

    def messages(self, into: Ints, *, sent: bool) -> None:
        """Fills short messages; a received one does not say who sent it."""
        n = into.shape[1]
        seizure = draw_times(self.rng, n, self.span, CALLS)
        rows = draw.draw_served(self.rng, self.people, self.area, seizure)
        visited = self.people.network(rows, seizure, self.span.month_start)
        self.served(rows, visited, seizure, into)
        self.place(rows, visited, into)
        into[COLUMN["seizure"]] = seizure
        if sent:
            party = _parties(self.rng, _MESSAGE_CUTS, n)
            form = np.where(visited > 0, 0, _FORMS[self.rng.integers(0, len(_FORMS), n)])
            _, into[COLUMN["called"]] = self.numbers(rows, seizure, party, form)

    def actions(self, into: Ints) -> None:
        """Fills changes of call forwarding and barring."""
        n = into.shape[1]
        seizure = draw_times(self.rng, n, self.span, CALLS)
        rows = draw.draw_served(self.rng, self.people, self.area, seizure)
        plain = np.zeros(n, np.int64)
        self.served(rows, plain, seizure, into)
        self.place(rows, plain, into)
        into[COLUMN["seizure"]] = seizure
        into[COLUMN["service_code"]] = _SERVICE_CODES[self.rng.integers(0, len(_SERVICE_CODES), n)]
        into[COLUMN["action"]] = self.rng.integers(0, 5, n)
