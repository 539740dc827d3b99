"""What a plan offers at an instant: the price of every reachable class, in words.

A class is usage x call class x zone x roaming class. Classes with the same answer are put together:
zones into rows, roaming classes into columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tariffs.check import reachable_classes
from tariffs.compiled import CALL_CLASSES, NO_RULE
from tariffs.words import price_words, rule_words

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book, Plan, Rule

NOTHING = "no price"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says of a class.

    Attributes:
        bands: (band, price in words) of each band of the rule's time model.
        rule: ``<plan that wrote it>/<rule id>``; empty: no rule.
        source: ``file:line`` of the rule.
        terms: What else the rule says: split, clock, minimum, tax class, G/L code.
    """

    bands: tuple[tuple[str, str], ...]
    rule: str = ""
    source: str = ""
    terms: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Returns the prices in one line."""
        if not self.rule:
            return NOTHING
        if len({words for _, words in self.bands}) == 1:
            return self.bands[0][1]
        return "; ".join(f"{band} {words}" for band, words in self.bands)


@dataclass(frozen=True, slots=True)
class OfferRow:
    """Classes of one usage with the same answers; ``answers`` is one for each column.

    ``whole`` says that the usage has no other classes.
    """

    call_classes: tuple[str, ...]
    zones: tuple[str, ...]
    answers: tuple[Answer | None, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """The prices of one usage: rows of call class and zones, columns of roaming classes."""

    usage: str
    columns: tuple[tuple[str, ...], ...]
    rows: tuple[OfferRow, ...]


class Offers:
    """Answers of a book's plans; each rule is put into words once."""

    def __init__(self, book: Book, compiled: CompiledBook) -> None:
        self.book = book
        self.compiled = compiled
        self.reachable = reachable_classes(book, compiled)
        self._answers: dict[int, Answer] = {NO_RULE: Answer(())}
        self._first: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}

    def epoch(self, at: int) -> int:
        """Returns the index of the epoch that holds an instant (UTC µs)."""
        return int(np.searchsorted(self.compiled.epoch_start_us, at, side="right")) - 1

    def rules(self, plan: str, epoch: int) -> np.ndarray:
        """Returns int32[usage, call class, zone, roaming] index of the rule, -1 where there is none."""
        compiled = self.compiled
        index = epoch * len(compiled.plans) + compiled.plans.index(plan)
        offset = int(compiled.rule_table[index])
        return compiled.rule_of[offset : offset + compiled.n_classes].reshape(self.reachable.shape)

    def answer(self, index: int, plan: str, at: int) -> Answer:
        """Returns what a compiled rule says; `plan` and `at` are any that it was found with."""
        if index not in self._answers:
            owner = self.book.plan(plan)
            name = self.compiled.rules[index]
            rule = next(one for one in owner.rules if one.name == name)
            self._answers[index] = self._told(rule, owner, at)
        return self._answers[index]

    def _told(self, rule: Rule, plan: Plan, at: int) -> Answer:
        pairs = rule.price.at(at) or ()
        prices = {**self.book.prices, **plan.prices}
        bands = tuple(
            (
                self.book.bands[band],
                price_words(prices[name], at) if name in prices else name,
            )
            for band, name in pairs
        )
        return Answer(bands, rule.name, str(rule.source), tuple(rule_words(rule, at)))

    def matrix(self, plan: str, at: int) -> list[Matrix]:
        """Returns the prices of a plan at an instant (UTC µs), a matrix for each usage."""
        rules = self.rules(plan, self.epoch(at))
        out = []
        for usage, name in enumerate(self.compiled.usages):
            grid = np.where(self.reachable[usage], rules[usage], -2)
            if (grid == -2).all():
                continue
            found, inverse = np.unique(grid, return_inverse=True)
            numbers = [-1 if one == -2 else self._number(int(one), plan, at) for one in found]
            told = np.array(numbers, np.int64)[inverse].reshape(grid.shape)
            out.append(self._grouped(name, told, plan, at))
        return out

    def _number(self, rule: int, plan: str, at: int) -> int:
        """Returns one number for all compiled forms of a rule that have the same prices."""
        if rule == NO_RULE:
            return len(self.compiled.rules)
        told = self.answer(rule, plan, at)
        return self._first.setdefault((told.rule, told.bands), rule)

    def _grouped(self, usage: str, grid: np.ndarray, plan: str, at: int) -> Matrix:
        kinds = self.book.roaming_classes
        columns: dict[bytes, list[int]] = {}
        for roaming in range(len(kinds)):
            columns.setdefault(grid[:, :, roaming].tobytes(), []).append(roaming)
        places = list(columns.values())
        found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for call_class, zone in np.ndindex(*grid.shape[:2]):
            key = tuple(int(grid[call_class, zone, place[0]]) for place in places)
            if any(one >= 0 for one in key):
                found.setdefault(key, []).append((call_class, zone))
        rows = []
        for key, pairs in found.items():
            classes = dict.fromkeys(CALL_CLASSES[call_class] for call_class, _ in pairs)
            zones = dict.fromkeys(self.book.zones[zone].name for _, zone in pairs)
            answers = tuple(None if one < 0 else self._shown(one, plan, at) for one in key)
            rows.append(OfferRow(tuple(classes), tuple(zones), answers, whole=len(found) == 1))
        named = tuple(tuple(kinds[one] for one in place) for place in places)
        return Matrix(usage, named, tuple(rows))

    def _shown(self, rule: int, plan: str, at: int) -> Answer:
        missing = rule == len(self.compiled.rules)
        return self._answers[NO_RULE] if missing else self.answer(rule, plan, at)
