"""What rated records come to: money by service and plan, events by hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.partials.rules import HOUR_US
from pipeline.arrow import micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

NET: Final = "net"
COST: Final = "wholesale_cost"
MICRO: Final = Decimal("0.000001")
CENT: Final = Decimal("0.01")


def amount(micros: int) -> str:
    """Returns millionths as an amount with two decimals and thousands separators."""
    return f"{(micros * MICRO).quantize(CENT):,}"


@dataclass(slots=True)
class Charged:
    """Sums of rated events; money in millionths of the book's currency."""

    events: int = 0
    net: int = 0
    cost_events: int = 0
    """Events for which a partner charges us."""
    cost_net: int = 0
    """Net of these events."""
    cost: int = 0
    """What partners charge for them."""

    def add(self, other: Charged) -> None:
        """Adds the sums of other events."""
        self.events += other.events
        self.net += other.net
        self.cost_events += other.cost_events
        self.cost_net += other.cost_net
        self.cost += other.cost


@dataclass(slots=True)
class Money:
    """Sums of rated records; threads may add to one."""

    charged: defaultdict[tuple[str, str], Charged] = field(
        default_factory=lambda: defaultdict(Charged)
    )
    """By (service, plan)."""
    hours: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """Service → hour since 1970 (UTC) → events that began in it."""
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, table: pa.RecordBatch) -> None:
        """Adds rated records of one cycle; codes are summed, names are looked up once.

        Args:
            table: Rows of ``rating.schema.RATED_SCHEMA``.
        """
        if not table.num_rows:
            return
        charged, hours = _by_plan(table), _by_hour(table)
        with self._lock:
            for key, sums in charged.items():
                self.charged[key].add(sums)
            for service, events in hours.items():
                self.hours[service].update(events)


def _by_plan(table: pa.RecordBatch) -> dict[tuple[str, str], Charged]:
    service, plan = table.column("service"), table.column("plan")
    plans = len(plan.dictionary)
    code = service.indices.to_numpy().astype(np.int64) * plans + plan.indices.to_numpy()
    size = plans * len(service.dictionary)
    net, cost = micros(table.column(NET)), table.column(COST)
    costly = np.flatnonzero(pc.is_valid(cost).to_numpy(zero_copy_only=False))
    some = code[costly]
    sums = (
        np.bincount(code, minlength=size),
        _summed(code, net, size),
        np.bincount(some, minlength=size),
        _summed(some, net[costly], size),
        _summed(some, micros(cost.drop_null()), size),
    )
    return {
        (service.dictionary[at // plans].as_py(), plan.dictionary[at % plans].as_py()): Charged(
            *(int(column[at]) for column in sums)
        )
        for at in np.flatnonzero(sums[0]).tolist()
    }


def _by_hour(table: pa.RecordBatch) -> dict[str, dict[int, int]]:
    """Returns service → hour → events; a cycle has few hours, so each may have a place."""
    service = table.column("service")
    hour = table.column("start_time").view(pa.int64()).to_numpy() // HOUR_US
    first, span = hour.min(), int(np.ptp(hour)) + 1
    code = service.indices.to_numpy() * np.int64(span) + (hour - first)
    events = np.bincount(code, minlength=span * len(service.dictionary)).reshape(-1, span)
    out = {}
    for row in np.flatnonzero(events.any(axis=1)).tolist():
        at = np.flatnonzero(events[row])
        out[service.dictionary[row].as_py()] = dict(
            zip((first + at).tolist(), events[row, at].tolist(), strict=True)
        )
    return out


def _summed(code: NDArray[np.int64], values: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Returns int64[size], the sum of the values of each code, exactly."""
    sums = np.zeros(size, np.int64)
    np.add.at(sums, code, values)
    return sums
