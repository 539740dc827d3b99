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
from rating.kernels import guide, price
from rating.kernels.arrays import EXTRA_WORDS
from rating.opening import opening_of
from rating.order import ARRAYS, Dealt, dealt_words
from rating.prepare import PREPARED_ARRAYS, PREPARED_WORDS, Prepared, class_arrays, prepare
from rating.rated import (
    MOST_DISCOUNTS,
    RATED_ARRAYS,
    RATED_WORDS,
    Names,
    Rated,
    Unrated,
    charge_arrays,
    charge_words,
    rated_table,
)
from rating.room import Block, Reused, scratch
from rating.state import CycleState
from rating.tables import price_arrays

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    from rating.kernels.arrays import ChargeArrays
    from rating.prepare import Keys
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

MOST_PRICE = 2**62
"""Bound of price x per of a step, so that no product of the kernel can wrap."""
SPARE_TAKES = 1024
"""Room for takes beyond one per event, before the lists have to grow."""
KEPT_WORDS = 4
"""Words that an event's row, first take and take need in the memory that is kept."""
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
        self._scratch, self._prepared, self._kept = Reused(), Reused(), Reused()
        self._opened: CycleState | None = None

    def prepare(self, edr: pa.RecordBatch, keys: Keys | None = None) -> Prepared:
        """Guides and classifies a batch; pure and without the GIL in its kernels.

        Args:
            edr: Rows of ``mediation.edr.EDR_SCHEMA``.
            keys: Record keys (high, low), uint64 each, if the caller has them: they break ties of
                events that start at the same microsecond. Computed if None.
        """
        block = self._prepared.block(Block.size(PREPARED_WORDS * edr.num_rows, PREPARED_ARRAYS))
        return prepare(edr, self.compiled, self._classes, self.subscribers.arrays, keys, block)

    @property
    def carries(self) -> bool:
        """Whether a cycle depends on what the one before it left."""
        book = self.compiled
        return bool(np.any(book.alw_rollover > 0) or np.any(book.alw_days > 0))

    def open_cycle(self, cycle: str, balances: pa.Table | None = None) -> CycleState:
        """Returns the state at the beginning of a cycle such as ``2026-10``.

        Args:
            cycle: The month.
            balances: Those of the cycle before (BALANCE_SCHEMA), from which allowances roll over;
                None if they are not known.

        Raises:
            ValueError: If the balances are of another cycle.
        """
        if balances is not None:
            opening = opening_of(balances, cycle, self.compiled, self.subscribers)
            return CycleState(cycle, self.compiled, self.subscribers, opening)
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
        first, last = prepared.first_start, prepared.last_start
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
        n, held = prepared.n_rows, state.most_held
        counts = len(self.compiled.counts)
        words = dealt_words(n) + charge_words(n, held, counts)
        block = self._scratch.block(Block.size(words, ARRAYS))
        dealt = Dealt(prepared, chosen, len(self.subscribers.groups), block)
        words = (RATED_WORDS + KEPT_WORDS) * dealt.count + max(SPARE_TAKES, 0) * 2 + 2
        kept = self._kept.block(Block.size(words, RATED_ARRAYS + ARRAYS))
        charge = charge_arrays(dealt.count, held, counts, block, kept)
        dealt.arrange_all(charge.event, charge.row)
        takes = self._price(state, charge, kept)
        table, rated_rows = rated_table(prepared, state, self._names, charge, takes, kept)
        return Rated(table, _unrated(prepared, chosen, charge), rated_rows)

    def charges(
        self, prepared: Prepared, state: CycleState, most: int = 16_384
    ) -> Iterator[ChargeArrays]:
        """Rates like :meth:`rate` but stops at the charges, some ``most`` events at a time.

        Yields:
            Flat arrays in event order, of which the first ``cursor[0]`` entries are filled; ``row``
            says which row each belongs to. The next slice overwrites them: a slice that fits the
            cache is worth more than a table of all.
        """
        chosen = self._chosen(prepared, state)
        n, held = prepared.n_rows, state.most_held
        counts = len(self.compiled.counts)
        words = dealt_words(n) + charge_words(n, held, counts)
        block = self._scratch.block(Block.size(words, ARRAYS))
        dealt = Dealt(prepared, chosen, len(self.subscribers.groups), block)
        slices = tuple(dealt.slices(most))
        size = max((size for _, _, size in slices), default=0)
        charge = charge_arrays(size, held, counts, block, block)
        takes = scratch(Block.size(2 * (size + SPARE_TAKES), 2), np.uint8)
        for first, end, count in slices:
            charge.cursor[:] = 0
            part = charge._replace(event=charge.event[: guide.EVENT_WORDS * count])
            dealt.arrange(first, end, part.event, part.row)
            self._price(state, part, Block(takes))
            yield part

    def _chosen(self, prepared: Prepared, state: CycleState) -> Int8:
        """Returns the status of each row, OTHER_CYCLE where the row is not of the state's cycle."""
        if prepared.first_start >= state.begin_us and prepared.last_start < state.end_us:
            return prepared.status
        start = prepared.start
        inside = (start >= state.begin_us) & (start < state.end_us)
        return np.where(inside, prepared.status, np.int8(OTHER_CYCLE))

    def _price(self, state: CycleState, charge: ChargeArrays, block: Block) -> tuple[Int32, Int64]:
        """Runs the kernel; returns the takes (instance, units), cut from ``block`` if they fit."""
        arrays = state.arrays()
        count = len(charge.event) // guide.EVENT_WORDS
        room = max(count + SPARE_TAKES, 1)
        instance, units = block.array(room, np.int32), block.array(room, np.int64)
        counting = 1 if len(self.compiled.counts) else None
        limited = 1 if len(arrays.extra) > EXTRA_WORDS else None
        while True:
            done = price.price_events(
                self._prices, arrays, charge, instance, units, counting, limited
            )
            if done == count:
                return instance, units
            # one event may have as many entries as its owner and group have instances
            room = 2 * room + len(state.used)
            instance, units = _longer(instance, room), _longer(units, room)


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
    failed = charge.failed[: charge.cursor[2]]
    early = np.flatnonzero((chosen != guide.RATED) & (chosen != OTHER_CYCLE))
    row = np.concatenate([early, charge.row[failed]])
    status = np.concatenate([prepared.status[early], charge.failed_status[: len(failed)]])
    order_ = np.argsort(row, kind="stable")
    row = row[order_]
    return Unrated(row, status[order_], prepared.place[row])
