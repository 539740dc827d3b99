"""Which prices change between two books: class by class, stretch by stretch of time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tariffs.compiled import CALL_CLASSES, FOREVER, NO_RULE
from tariffs.words import day_words, some, usage_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tariffs.offer import Offers


def price_changes(old: Offers, new: Offers, plans: list[str]) -> Iterator[tuple[str, PriceChange]]:
    """Yields (plan, change) for every class whose price changes.

    Args:
        old: The book as it was.
        new: The book as it is to be; its first day is where the comparison begins.
        plans: Plans that both have.
    """
    times = _times(old, new)
    pairs = _Pairs(old, new)
    for plan in plans:
        open_since: dict[PriceChange, int] = {}
        for index, at in enumerate([*times, FOREVER]):
            here = pairs.changes(plan, at) if at != FOREVER else frozenset()
            for gone in sorted(set(open_since) - here):
                since = open_since.pop(gone)
                yield (
                    plan,
                    replace(gone, since=_day(since, new, times[0]), until=_day(at, new, FOREVER)),
                )
            for one in here:
                open_since.setdefault(one, at if index else times[0])


def _times(old: Offers, new: Offers) -> list[int]:
    """Returns the instants at which a price may change, from the new book's first day on."""
    first = new.book.valid_from_us
    starts = {*old.compiled.epoch_start_us.tolist(), *new.compiled.epoch_start_us.tolist()}
    return [first, *sorted(one for one in starts if one > first)]


@dataclass(frozen=True, slots=True, order=True)
class PriceChange:
    """Classes whose price changes in the same way."""

    usages: tuple[str, ...]
    call_class: str
    zones: tuple[str, ...]
    """Zones, of data its data classes; empty: all that events of the call class can have."""
    roaming: tuple[str, ...]
    before: str
    after: str
    since: str = ""
    until: str = ""

    @property
    def what(self) -> str:
        """Returns the classes in words."""
        where = ["; ".join(usage_words(usage) for usage in self.usages)]
        if self.call_class != "none":
            to = f" to {some(self.zones)}" if self.zones else ""
            where.append(self.call_class.replace("_", " ") + to)
        elif self.zones:  # data classes stand where calls have zones
            where.append(some("everything else" if one == "none" else one for one in self.zones))
        where.append("at home" if self.roaming == ("home",) else f"roaming {some(self.roaming)}")
        return ", ".join(where)


def _day(instant: int, offers: Offers, plain: int) -> str:
    """Returns a date, empty for the instant that needs no words."""
    return "" if instant == plain else day_words(instant, offers.book.time_zone)


class _Pairs:
    """Compares the tables of two books over the classes that both have."""

    def __init__(self, old: Offers, new: Offers) -> None:
        self._old, self._new = old, new
        self._names = (
            _both(old.compiled.usages, new.compiled.usages),
            tuple(CALL_CLASSES),
            _both([z.name for z in old.book.zones], [z.name for z in new.book.zones]),
            _both(old.book.roaming_classes, new.book.roaming_classes),
        )
        self._boxes = tuple(
            np.ix_(*(_places(mine, names) for mine, names in zip(axes, self._names, strict=True)))
            for axes in (_axes(old), _axes(new))
        )
        self._reachable = old.reachable[self._boxes[0]] | new.reachable[self._boxes[1]]
        self._seen: dict[tuple[bytes, bytes], frozenset[PriceChange]] = {}

    def changes(self, plan: str, at: int) -> frozenset[PriceChange]:
        """Returns what is different for a plan at an instant."""
        tables = []
        for offers, box in zip((self._old, self._new), self._boxes, strict=True):
            rules = offers.rules(plan, offers.epoch(at))[box]
            tables.append(np.where(self._reachable, rules, NO_RULE))
        key = (tables[0].tobytes(), tables[1].tobytes())
        if key not in self._seen:
            self._seen[key] = frozenset(self._compared(tables[0], tables[1], plan, at))
        return self._seen[key]

    def _compared(
        self, old: np.ndarray, new: np.ndarray, plan: str, at: int
    ) -> Iterator[PriceChange]:
        codes = old.astype(np.int64) * (len(self._new.compiled.rules) + 1) + new + 1
        for code in np.unique(codes):
            before, after = divmod(int(code), len(self._new.compiled.rules) + 1)
            told = (
                self._old.answer(before, plan, at),
                self._new.answer(after - 1, plan, at),
            )
            if (told[0].bands, told[0].terms) == (told[1].bands, told[1].terms):
                continue
            words = [one.text for one in told]
            if words[0] == words[1]:
                words = [", ".join((one.text, *one.terms)) for one in told]
            yield from self._grouped(codes == code, words[0], words[1])

    def _grouped(self, where: np.ndarray, before: str, after: str) -> Iterator[PriceChange]:
        """Yields the classes of a mask, zones and roaming classes put together."""
        usages, classes, zones, roaming = self._names
        found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
        for usage, call_class in zip(*np.nonzero(where.any(axis=(2, 3))), strict=True):
            rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
            part = where[usage, call_class]
            for zone in np.flatnonzero(part.any(axis=1)):
                rows[tuple(roaming[r] for r in np.flatnonzero(part[zone]))].append(zones[zone])
            every = np.count_nonzero(self._reachable[usage, call_class].any(axis=1))
            for places, names in rows.items():
                listed = () if len(names) == every else tuple(names)
                found[classes[call_class], listed, places].append(usages[usage])
        for (call_class, listed, places), several in found.items():
            yield PriceChange(tuple(several), call_class, listed, places, before, after)


def _axes(offers: Offers) -> tuple[Sequence[str], ...]:
    zones = [zone.name for zone in offers.book.zones]
    return offers.compiled.usages, CALL_CLASSES, zones, offers.book.roaming_classes


def _both(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in new if name in set(old))


def _places(mine: Sequence[str], names: Sequence[str]) -> np.ndarray:
    at = {name: index for index, name in enumerate(mine)}
    return np.array([at[name] for name in names], np.int64)
