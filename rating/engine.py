"""The rater: EDR batches in, rated records and balances out.

Two steps, because only the second one has a state::

    rater = Rater(compiled, subscribers)
    prepared = rater.prepare(edr)            # pure; any number of threads, any order of batches
    for cycle in rater.cycles(prepared):     # nearly always one
        rated = rater.rate(prepared, states[cycle])   # in event order within the call
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rating.cycles import cycle_bounds, cycles_between
from rating.kernels import guide, order, price
from rating.kernels.arrays import ChargeArrays, PriceArrays
from rating.prepare import Prepared, aligned, class_arrays, prepare, scratch
from rating.rated import MOST_DISCOUNTS, Names, Rated, Unrated, charge_arrays, rated_table
from rating.state import CycleState

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    from rating.prepare import Keys
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

MOST_PRICE = 2**62
"""Bound of price x per of a step, so that no product of the kernel can wrap."""
SPARE_TAKES = 1024
"""Room for takes beyond one per event, before the lists have to grow."""
OTHER_CYCLE = 127
"""Marks rows of another cycle while one is rated, and rows on hold."""


class Rater:
    """Rates events with one tariff book and one set of subscribers.

    Args:
        compiled: The tariff book.
        subscribers: The subscriber data, loaded with this book.

    Raises:
        ValueError: If the book is larger than the kernels' words allow.
    """

    def __init__(self, compiled: CompiledBook, subscribers: Subscribers) -> None:
        longest = int(np.diff(compiled.plan_disc_first).max(initial=0))
        if longest > MOST_DISCOUNTS:
            message = f"a plan has {longest} discounts; at most {MOST_DISCOUNTS} can be told apart"
            raise ValueError(message)
        if np.any(compiled.step_price > (MOST_PRICE - 1) // compiled.step_per):
            message = "a price times its `per` is 2**62 or more: it cannot be multiplied exactly"
            raise ValueError(message)
        self.compiled = compiled
        self.subscribers = subscribers
        self._classes = class_arrays(compiled)
        self._prices = price_arrays(compiled)
        self._names = Names(compiled, subscribers)
        self._opened: CycleState | None = None

    def prepare(self, edr: pa.RecordBatch, keys: Keys | None = None) -> Prepared:
        """Guides and classifies a batch; pure and without the GIL in its kernels.

        Args:
            edr: Rows of ``mediation.edr.EDR_SCHEMA``.
            keys: Record keys (high, low), uint64 each, if the caller has them: they break ties of
                events that start at the same microsecond. Computed if None.
        """
        return prepare(edr, self.compiled, self._classes, self.subscribers.arrays, keys)

    def open_cycle(self, cycle: str) -> CycleState:
        """Returns the state at the beginning of a cycle such as ``2026-10``."""
        if self._opened is None or self._opened.cycle != cycle:
            self._opened = CycleState(cycle, self.compiled, self.subscribers)
        return self._opened.copy()

    @staticmethod
    def hold(prepared: Prepared, rows: Int64) -> None:
        """Makes :meth:`rate` leave rows alone: they are neither rated nor unrated.

        Args:
            prepared: A batch.
            rows: Rows that somebody else treats, such as parts of a call that is not complete.
        """
        prepared.status[rows] = OTHER_CYCLE

    def cycles(self, prepared: Prepared) -> tuple[str, ...]:
        """Returns the cycles that the batch's events start in, in order of time."""
        if not prepared.n_rows:
            return ()
        zone = self.compiled.time_zone
        first, last = int(prepared.start.min()), int(prepared.start.max())
        out = cycles_between(first, last, zone)
        if len(out) <= 2:
            return tuple(out)
        return tuple(cycle for cycle in out if _inside(prepared.start, cycle, zone).any())

    def rate(self, prepared: Prepared, state: CycleState) -> Rated:
        """Rates the events of the state's cycle, in event order, and changes the state.

        Rows of other cycles are left alone: calling this once for each of :meth:`cycles` treats
        every row exactly once. Threads may share a state if no charge group is in both their
        batches.

        Args:
            prepared: A batch.
            state: Balances of one cycle; ``used`` and ``cap_spent`` are changed.
        """
        chosen = self._chosen(prepared, state)
        rows = event_order(prepared, chosen, len(self.subscribers.groups))
        charge = charge_arrays(len(rows))
        takes = self._price(rows, prepared, state, charge)
        table, rated_rows = rated_table(prepared, state, self._names, charge, takes)
        return Rated(table, _unrated(prepared, chosen, charge), rated_rows)

    def charges(
        self, prepared: Prepared, state: CycleState, most: int = 4_096
    ) -> Iterator[ChargeArrays]:
        """Rates like :meth:`rate` but stops at the charges, a slice of at most ``most`` at a time.

        Yields:
            Flat arrays in event order, of which the first ``cursor[1]`` entries are filled; ``row``
            says which row each belongs to. The next slice overwrites them: a slice that fits the
            cache is worth more than a table of all.
        """
        rows = event_order(prepared, self._chosen(prepared, state), len(self.subscribers.groups))
        charge = charge_arrays(min(most, len(rows)))
        for first in range(0, len(rows), most):
            charge.cursor[:] = 0
            self._price(rows[first : first + most], prepared, state, charge)
            yield charge

    def _chosen(self, prepared: Prepared, state: CycleState) -> Int8:
        """Returns the status of each row, OTHER_CYCLE where the row is not of the state's cycle."""
        start = prepared.start
        if not len(start) or (start.min() >= state.begin_us and start.max() < state.end_us):
            return prepared.status
        inside = (start >= state.begin_us) & (start < state.end_us)
        return np.where(inside, prepared.status, np.int8(OTHER_CYCLE))

    def _price(
        self, rows: Int64, prepared: Prepared, state: CycleState, charge: ChargeArrays
    ) -> tuple[Int32, Int64]:
        """Runs the kernel; returns the takes (instance, units)."""
        arrays = state.arrays()
        room = max(len(rows) + SPARE_TAKES, 1)
        instance, units = scratch(room, np.int32), scratch(room, np.int64)
        period = self.subscribers.arrays.period
        while True:
            done = price.price_events(
                rows, prepared.event, period, self._prices, arrays, charge, instance, units
            )
            if done == len(rows):
                return instance, units
            # one event may have as many entries as its owner and group have instances
            room = 2 * room + len(state.used)
            instance, units = _longer(instance, room), _longer(units, room)


def event_order(prepared: Prepared, chosen: Int8, groups: int) -> Int64:
    """Returns the rows whose ``chosen`` is 0 in event order (law 3).

    Order: charge group (by name), start, high and low half of the record's key; rows that agree
    in all of these keep their order (they are duplicates, which mediation removes).
    """
    m = len(chosen) - int(np.count_nonzero(chosen))
    rows, start = scratch(m, np.int64), scratch(m, np.int64)
    counts = np.zeros(groups + 1, np.int64)
    order.event_order(
        prepared.group, prepared.start, chosen, prepared.high, prepared.low, counts, rows, start
    )
    return rows


def price_arrays(book: CompiledBook) -> PriceArrays:
    """Returns the part of a book that pricing reads."""
    sizes = (
        len(book.bands),
        len(book.day_types),
        book.day0,
        book.n_classes,
        len(book.plans),
        book.round_unit,
        book.round_mode,
    )
    price_line, first_word = _price_lines(book)
    made: dict[str, NDArray[Any]] = {
        "epoch_start": book.epoch_start_us,
        "sizes": np.array(sizes, np.int64),
        "rule_line": _rule_lines(book),
        "price_line": price_line,
        # one more than the last price, so that -1 stays -1
        "rule_band_price": np.append(first_word, np.int32(-1))[book.rule_band_price],
    }
    others = {name: getattr(book, name) for name in PriceArrays._fields if name not in made}
    return PriceArrays(**made, **others)


def _rule_lines(book: CompiledBook) -> Int64:
    """Returns the rules as rows of eight words (:class:`rating.kernels.arrays.PriceArrays`)."""
    lines = aligned(8 * book.n_rules)
    columns: tuple[NDArray[Any], ...] = (
        book.rule_time_model,
        book.rule_split,
        book.rule_rum,
        book.rule_clock,
        book.rule_free,
        book.rule_zero_duration,
        book.rule_minimum,
    )
    for word, column in enumerate(columns):
        lines[word::8] = column
    return lines


def _price_lines(book: CompiledBook) -> tuple[Int64, Int32]:
    """Returns the prices as rows of words that begin on cache lines, and where each begins."""
    steps = np.diff(book.pm_step_first).astype(np.int64)
    words = (4 + 4 * steps + 7) // 8 * 8
    first = np.concatenate([[0], np.cumsum(words)])
    lines = aligned(int(first[-1]))
    for word, column in enumerate((book.pm_connect, book.pm_min, book.pm_max, steps)):
        lines[first[:-1] + word] = column
    owner = np.repeat(np.arange(len(steps)), steps)
    at = first[owner] + 4 + 4 * (np.arange(len(owner)) - book.pm_step_first[owner])
    columns = (book.step_from, book.step_price, book.step_per, book.step_beat)
    for word, column in enumerate(columns):
        lines[at + word] = column
    return lines, first[:-1].astype(np.int32)


def _longer(array: NDArray[Any], room: int) -> NDArray[Any]:
    """Returns a longer array that begins with ``array``."""
    out = scratch(room, array.dtype)
    out[: len(array)] = array
    return out


def _inside(start: Int64, cycle: str, zone: str) -> NDArray[np.bool_]:
    """Returns which instants are in a cycle."""
    begin, end = cycle_bounds(cycle, zone)
    return (start >= begin) & (start < end)


def _unrated(prepared: Prepared, chosen: Int8, charge: ChargeArrays) -> Unrated:
    """Returns the rows that were not rated, in order of rows."""
    failed = int(charge.cursor[3])
    early = np.flatnonzero((chosen != guide.RATED) & (chosen != OTHER_CYCLE))
    row = np.concatenate([early, charge.failed_row[:failed]])
    status = np.concatenate([prepared.status[early], charge.failed_status[:failed]])
    order_ = np.argsort(row, kind="stable")
    row = row[order_]
    return Unrated(row, status[order_], prepared.place[row])
