"""Tax classes over a cycle: which rate a line has, and lines cut where a rate changes.

Usage has the rate of its start, a fee those of its days: a fee whose period a new rate cuts is cut
too, in proportion to days, exact to 10^-6. A day belongs to the rate that holds at its last instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rating.billing.charges import join
from rating.billing.rounding import PPM, apportion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rating.billing.charges import Charges, Names
    from rating.billing.cycle import Cycle
    from tariffs.model import Book

    Int64 = NDArray[np.int64]

_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class TaxClass:
    """A tax class in a cycle.

    Attributes:
        rate: Parts per million at the beginning of the cycle.
        included: Whether prices include the tax.
        changes: (UTC µs, rate) of each new rate inside the cycle, ascending.
        gl: G/L code of the tax itself, empty if it has none.
    """

    rate: int
    included: bool
    changes: tuple[tuple[int, int], ...] = ()
    gl: str = ""

    def whole(self, rate: int) -> int:
        """What a rate is a part of: the price without tax, or the price that includes it."""
        return PPM + rate if self.included else PPM

    def rates(self, when_us: Int64) -> Int64:
        """Returns the rates at instants, int64[n] parts per million."""
        starts = np.asarray([start for start, _ in self.changes], np.int64)
        rates = np.asarray([self.rate, *(rate for _, rate in self.changes)], np.int64)
        found: Int64 = rates[np.searchsorted(starts, when_us, side="right")]
        return found

    def spans(self, cycle: Cycle) -> list[tuple[int, int, int]]:
        """Returns (first day, day after the last, rate) over the cycle, as days since 1970.

        A rate that holds at no day's end has no days.
        """
        starts = [cycle.start_us, *(start for start, _ in self.changes)]
        ends = [*starts[1:], cycle.end_us]
        first, after = cycle.day_span(np.asarray(starts, np.int64), np.asarray(ends, np.int64))
        base = cycle.first_number
        rates = (self.rate, *(rate for _, rate in self.changes))
        return [
            (base + low, base + high, rate)
            for low, high, rate in zip(first.tolist(), after.tolist(), rates, strict=True)
        ]


def tax_classes(book: Book, cycle: Cycle) -> dict[str, TaxClass]:
    """Returns the tax classes of a book by name; before its first date a rate is the first one."""
    classes = {}
    for tax in book.taxes:
        inside = [
            (start, value or 0)
            for start, value in zip(tax.rate.starts, tax.rate.values, strict=True)
            if cycle.start_us < start < cycle.end_us
        ]
        before = [start for start in tax.rate.starts if start <= cycle.start_us]
        rate = tax.rate.at(before[-1] if before else tax.rate.starts[0]) or 0
        classes[tax.name] = TaxClass(rate, tax.included, tuple(inside), tax.gl)
    return classes


def rates_of(names: Names, when_us: Int64 | int, taxes: Mapping[str, TaxClass]) -> Int64:
    """Returns the rate of each line by its tax class, 0 without one.

    Args:
        names: Tax class of each line.
        when_us: int64[n] UTC µs at which the rate is looked up, or one instant for all.
        taxes: The classes.
    """
    when = np.broadcast_to(np.asarray(when_us, np.int64), names.codes.shape)
    rates = np.zeros(len(names.codes), np.int64)
    for code, name in enumerate(names.texts):
        mine = names.codes == code
        rates[mine] = taxes[name].rates(when[mine])
    return rates


def cut_by_rate(charges: Charges, taxes: Mapping[str, TaxClass], cycle: Cycle) -> Charges:
    """Cuts fee lines where the rate of their tax changes, and fills their ``tax_rate``.

    Args:
        charges: Lines whose ``gross`` is their ``net``.
        taxes: The tax classes.
        cycle: The cycle; days before and after it have its first and last rate.
    """
    names = charges.texts["tax"]
    charges = charges.replace(tax_rate=rates_of(names, cycle.start_us, taxes))
    changing = [name for name in names.texts if taxes[name].changes]
    if not len(charges) or not changing:
        return charges
    rows, pieces = np.arange(len(charges)), []
    for name in changing:
        mine = names.codes == names.texts.index(name)
        rows = np.setdiff1d(rows, np.flatnonzero(mine), assume_unique=True)
        pieces.append(_cut(charges.take(np.flatnonzero(mine)), taxes[name].spans(cycle)))
    return join([charges.take(rows), *pieces])


def _cut(lines: Charges, spans: list[tuple[int, int, int]]) -> Charges:
    """Cuts lines of one tax class at the spans of its rates, each amount by days."""
    begin, end = lines.numbers["service_from"], lines.numbers["service_to"]
    spans = [span for span in spans if span[1] > span[0]]
    found: list[tuple[Int64, Int64, Int64, Int64]] = []
    for at, (first, after, ppm) in enumerate(spans):
        low = np.maximum(begin, first if at else -_FOREVER)
        high = np.minimum(end, after if at < len(spans) - 1 else _FOREVER)
        some = np.flatnonzero(high > low)
        found.append((some, low[some], high[some], np.full(len(some), ppm)))
    line, low, high, rate = (np.concatenate([part[n] for part in found]) for n in range(4))
    amounts, days = lines.numbers["net"], high - low
    whole = (end - begin)[line]
    # net = q * whole + r, so that only r is multiplied: no overflow.
    each, rest = np.divmod(amounts[line], whole)
    floors, left = np.divmod(rest * days, whole)
    # Remainders on one scale: the periods of one line have one length.
    net = apportion(each * days + floors, left, line, amounts)
    return lines.take(line).replace(
        service_from=low, service_to=high, tax_rate=rate, gross=net, net=net
    )
