"""The balance sheet of one file: every record ends in exactly one place (law 1)."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from mediation.batch_audit import Total, Totals, joined_totals, total_notes

CARRIED: Final = ""
"""Stands for a file id where the sheet is of parts of calls that waited since earlier batches."""
FLOWS: Final = ("records", "events", "seconds", "volume", "partner_charge")
"""Units in which a sheet must close, beside octets and net."""
CARRIED_NAME: Final = "carried over"
DESTINATIONS: Final = (
    "rated",
    "not_charged",
    "suspended",
    "duplicate",
    "discarded",
    "merged",
    "waiting",
)
"""Where things go: the names of tables, metrics and summaries, in their order."""
ENDS: Final = ("read", *DESTINATIONS)
"""What was read, and where it went."""


@dataclass(slots=True)
class Flow:
    """Where things of one kind went: records, or the events (containers) made of them."""

    read: int = 0
    rated: int = 0
    not_charged: Counter[str] = field(default_factory=Counter)
    """By rule of the tariff book."""
    suspended: Counter[str] = field(default_factory=Counter)
    """By stage."""
    duplicate: int = 0
    discarded: Counter[str] = field(default_factory=Counter)
    """By rule of the format's validation."""
    merged: int = 0
    """Parts of calls that are in the charge of another part, which names the call."""
    waiting: int = 0
    """Parts of calls that wait for more; each batch's carried-over sheet goes on from here."""

    def add(self, other: Flow) -> None:
        """Adds the numbers of another part."""
        self.read += other.read
        self.rated += other.rated
        self.duplicate += other.duplicate
        self.merged += other.merged
        self.waiting += other.waiting
        self.not_charged.update(other.not_charged)
        self.suspended.update(other.suspended)
        self.discarded.update(other.discarded)

    def counts(self) -> dict[str, int]:
        """Returns how many went to each destination."""
        return {
            name: value.total() if isinstance(value := getattr(self, name), Counter) else value
            for name in DESTINATIONS
        }

    @property
    def accounted(self) -> int:
        """Returns how many have a destination."""
        return sum(self.counts().values())


@dataclass(slots=True)
class Octets:
    """Where the bytes of a file went."""

    size: int = 0
    header: int = 0
    records: int = 0
    filler: int = 0
    unframed: int = 0

    def add(self, other: Octets) -> None:
        """Adds the numbers of another part."""
        self.size += other.size
        self.header += other.header
        self.records += other.records
        self.filler += other.filler
        self.unframed += other.unframed

    @property
    def accounted(self) -> int:
        """Returns how many bytes have a place."""
        return self.header + self.records + self.filler + self.unframed


@dataclass(slots=True)
class Sheet:
    """What a file (or a part of it) contained and where it went."""

    records: Flow = field(default_factory=Flow)
    events: Flow = field(default_factory=Flow)
    seconds: Flow = field(default_factory=Flow)
    """Chargeable seconds of the events."""
    volume: Flow = field(default_factory=Flow)
    """Octets that the events tell of, both directions."""
    partner_charge: Flow = field(default_factory=Flow)
    """What roaming partners charge for the events, in millionths of their own currency."""
    octets: Octets = field(default_factory=Octets)
    zero_rated: int = 0
    """Events among the rated whose net is zero."""
    net: int = 0
    """Sum of net over rated events, in millionths of the currency unit."""
    integers_repaired: int = 0
    """Integers without their leading zero octet that were read as counters."""
    known: list[int] = field(default_factory=lambda: [0] * 5)
    """Of what was read: events, amounts and records that an earlier batch had read already."""
    first: int | None = None
    """Start of the earliest event, UTC microseconds."""
    last: int | None = None
    """Start of the latest event."""
    unframed_pieces: int = 0
    """Pieces of the file that could not be framed; each is one suspense row."""
    declared_records: int | None = None
    """What the file's header says it contains."""
    sequence_in_file: int | None = None
    format: str = ""
    framing: str = ""
    fault: str = ""
    """Why the whole file is suspended."""
    remarks: list[str] = field(default_factory=list)
    """What headers and trailers say and the file does not hold."""
    totals: Totals = field(default_factory=dict)
    """Sums that trailers declare beside those of the records."""

    def add(self, other: Sheet) -> None:
        """Adds the numbers of another part of the same file."""
        self.records.add(other.records)
        self.events.add(other.events)
        for mine, more in zip(self.amounts, other.amounts, strict=True):
            mine.add(more)
        self.integers_repaired += other.integers_repaired
        self.known = [one + more for one, more in zip(self.known, other.known, strict=True)]
        starts = [at for at in (self.first, other.first) if at is not None]
        ends = [at for at in (self.last, other.last) if at is not None]
        self.first, self.last = min(starts, default=None), max(ends, default=None)
        self.octets.add(other.octets)
        self.zero_rated += other.zero_rated
        self.net += other.net
        self.unframed_pieces += other.unframed_pieces
        if other.declared_records is not None:
            self.declared_records = other.declared_records
        if other.sequence_in_file is not None:
            self.sequence_in_file = other.sequence_in_file
        self.format = self.format or other.format
        self.framing = self.framing or other.framing
        self.fault = self.fault or other.fault
        self.remarks += other.remarks
        self.totals = joined_totals(self.totals, other.totals)

    @property
    def amounts(self) -> tuple[Flow, Flow, Flow]:
        """Seconds, volume and partners' charges: what is weighed, not counted."""
        return self.seconds, self.volume, self.partner_charge

    @property
    def missing(self) -> int:
        """Returns how many records the file declares beyond those, and pieces, that it holds."""
        return max(0, (self.declared_records or 0) - self.records.read)

    @property
    def notes(self) -> list[str]:
        """What is wrong with the file as a whole, one sentence each."""
        return [*self.remarks, *total_notes(self.totals)]

    def open_ends(self) -> list[str]:
        """Returns what does not close; empty if the sheet balances."""
        pairs = (
            ("records", self.records.read, self.records.accounted),
            ("events", self.events.read, self.events.accounted),
            ("seconds", self.seconds.read, self.seconds.accounted),
            ("volume", self.volume.read, self.volume.accounted),
            ("partner charge", self.partner_charge.read, self.partner_charge.accounted),
            ("bytes", self.octets.size, self.octets.accounted),
        )
        return [
            f"{what}: read {read:,}, accounted for {accounted:,}"
            for what, read, accounted in pairs
            if read != accounted
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns the sheet for the ledger."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            **plain,
            **{name: _plain(getattr(self, name)) for name in FLOWS},
            "octets": asdict(self.octets),
            "totals": {key: asdict(total) for key, total in self.totals.items()},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sheet:
        """Returns the sheet that :meth:`to_dict` wrote."""
        parts = {*FLOWS, "octets", "totals", "known"}
        rest = {name: value for name, value in data.items() if name not in parts}
        flows: dict[str, Any] = {name: _flow(data.get(name, {})) for name in FLOWS}
        return cls(
            **flows,
            known=[*data.get("known", []), *[0] * 5][:5],
            octets=Octets(**data["octets"]),
            totals={key: Total(**total) for key, total in data.get("totals", {}).items()},
            **rest,
        )


def _plain(flow: Flow) -> dict[str, Any]:
    """Returns a flow as plain values; ``asdict`` would count a counter's items instead."""
    return {
        name: dict(value) if isinstance(value := getattr(flow, name), Counter) else value
        for name in flow.__slots__
    }


def _flow(data: dict[str, Any]) -> Flow:
    flow = Flow(**data)
    flow.not_charged = Counter(flow.not_charged)
    flow.suspended = Counter(flow.suspended)
    flow.discarded = Counter(flow.discarded)
    return flow
