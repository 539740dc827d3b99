"""Compiles rules: dated values become epochs, conditions become a table from class to rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tariffs.compiled import BEGINNING, CALL_CLASSES, DIRECTIONS, NO_RULE, SERVICES
from tariffs.model import FREE
from tariffs.read_prices import free_price

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tariffs.compiled import Int16, Int32, Int64
    from tariffs.dated import Dated
    from tariffs.model import Book, Conditions, Plan, Price, Rule

NO_MAXIMUM = -1
DEFAULT_RUM = {"voice": 0, "video": 0, "data": 1}
EVENTS = 4


class FixedStep(NamedTuple):
    """A step with the price of one epoch."""

    start: int
    price: int
    per: int
    beat: int
    flat: int


class FixedPrice(NamedTuple):
    """A price model as it is in one epoch."""

    name: str
    connect: int
    minimum: int
    maximum: int
    kind: int
    steps: tuple[FixedStep, ...]


class FixedRule(NamedTuple):
    """A rule as it is in one epoch for one service; equal ones share their index."""

    name: str
    source: str
    time_model: int
    split: int
    rum: int
    tax: int
    gl: int
    clock: int
    minimum: int
    free: int
    zero_duration: int
    prices: tuple[tuple[int, int], ...]


Row = tuple[int, int, int]
"""(id of the conditions, service, rule index)"""


@dataclass(slots=True)
class RuleTables:
    """What the rules compile to; indexes are given in order of first use."""

    usage_index: Int16
    usages: tuple[str, ...]
    n_classes: int
    epochs: Int64
    rule_table: Int64
    rule_of: Int32
    rules: dict[FixedRule, int] = field(default_factory=dict)
    prices: dict[FixedPrice, int] = field(default_factory=dict)


class ClassSpace:
    """The space of classes of a book: which index an event's class has."""

    def __init__(self, book: Book) -> None:
        self.usage_index = _usage_index(book)
        self.shape = (
            int(self.usage_index.max(initial=-1)) + 1,
            len(CALL_CLASSES),
            len(book.zones),
            len(book.roaming_classes),
        )
        self.size = int(np.prod(self.shape))

    def box(self, when: Conditions, services: frozenset[int]) -> tuple[np.ndarray, ...] | None:
        """Returns an open mesh over the classes that conditions name, None where there is none."""
        used = [
            int(self.usage_index[service * len(DIRECTIONS) + direction])
            for service in sorted(when.services & services)
            for direction in sorted(when.directions)
        ]
        axes = [np.array([u for u in used if u >= 0], np.int64)]
        for chosen, size in zip(
            (when.call_classes, when.zones, when.roaming), self.shape[1:], strict=True
        ):
            axes.append(np.arange(size) if chosen is None else np.array(sorted(chosen), np.int64))
        return np.ix_(*axes) if all(axis.size for axis in axes) else None

    def match(self, when: Conditions) -> np.ndarray:
        """Returns uint8[n_classes]: 1 where the conditions hold."""
        table = np.zeros(self.shape, np.uint8)
        box = self.box(when, when.services)
        if box is not None:
            table[box] = 1
        return table.reshape(-1)


def _usage_index(book: Book) -> Int16:
    """Returns service x direction → compact usage, for what some rule of some plan prices."""
    priced = {
        service * len(DIRECTIONS) + direction
        for plan in book.plans
        for rule in plan.rules
        for service in rule.when.services
        for direction in rule.when.directions
    }
    index = np.full(len(SERVICES) * len(DIRECTIONS), -1, np.int16)
    for compact, pair in enumerate(sorted(priced)):
        index[pair] = compact
    return index


def compile_rules(book: Book, space: ClassSpace) -> RuleTables:
    """Returns the rule tables of a book; plans and epochs with equal rows share one table."""
    epochs = sorted({BEGINNING, *_dates(book)})
    tables = RuleTables(
        usage_index=space.usage_index,
        usages=tuple(
            f"{SERVICES[pair // len(DIRECTIONS)]}.{DIRECTIONS[pair % len(DIRECTIONS)]}"
            for pair in np.flatnonzero(space.usage_index >= 0)
        ),
        n_classes=space.size,
        epochs=np.array(epochs, np.int64),
        rule_table=np.zeros(len(epochs) * len(book.plans), np.int64),
        rule_of=np.empty(0, np.int32),
    )
    tables.prices[fixed_price(free_price(0), BEGINNING) or _nothing()] = 0
    fixer = _Fixer(book, tables)
    offsets: dict[tuple[Row, ...], int] = {}
    parts: list[Int32] = []
    for e, start in enumerate(epochs):
        for p, plan in enumerate(book.plans):
            rows = tuple(fixer.rows(plan, start))
            if rows not in offsets:
                offsets[rows] = len(parts) * space.size
                parts.append(_fill(rows, fixer.conditions, space))
            tables.rule_table[e * len(book.plans) + p] = offsets[rows]
    tables.rule_of = np.concatenate(parts) if parts else tables.rule_of
    return tables


def _fill(rows: tuple[Row, ...], conditions: dict[int, Conditions], space: ClassSpace) -> Int32:
    table = np.full(space.shape, NO_RULE, np.int32)
    # The first match wins: written last, it overwrites the later rows.
    for when_id, service, rule in reversed(rows):
        box = space.box(conditions[when_id], frozenset({service}))
        if box is not None:
            table[box] = rule
    return table.reshape(-1)


class _Fixer:
    """Turns the rules of a plan at one instant into rows; remembers what it has seen."""

    def __init__(self, book: Book, tables: RuleTables) -> None:
        self._book = book
        self._tables = tables
        self._taxes = tax_index(book)
        self._gl = {code: i for i, code in enumerate(book.gl_codes)}
        self.conditions: dict[int, Conditions] = {}

    def rows(self, plan: Plan, start: int) -> Iterator[Row]:
        """Yields the rows of a plan that are in force at an instant."""
        for rule in plan.rules:
            value = rule.price.at(start)
            if value is None:
                continue
            named = [(band, name, self._price(plan, name, start)) for band, name in value]
            if any(index is None for _, _, index in named):
                continue
            prices = tuple((band, index or 0) for band, _, index in named)
            rums = {plan.prices[name].rum for _, name, _ in named if name != FREE}
            free = all(name == FREE for _, name, _ in named)
            self.conditions[id(rule.when)] = rule.when
            for service in sorted(rule.when.services):
                rum = min(rums) if rums else DEFAULT_RUM.get(SERVICES[service], EVENTS)
                index = self._rule(rule, service, start, rum, free=free, prices=prices)
                yield id(rule.when), service, index

    def _price(self, plan: Plan, name: str, start: int) -> int | None:
        if name == FREE:
            return 0
        fixed = fixed_price(plan.prices[name], start)
        if fixed is None:
            return None
        return self._tables.prices.setdefault(fixed, len(self._tables.prices))

    def _rule(
        self,
        rule: Rule,
        service: int,
        start: int,
        rum: int,
        *,
        free: bool,
        prices: tuple[tuple[int, int], ...],
    ) -> int:
        defaults = self._book.services.get(service)
        tax = rule.tax or (defaults.tax if defaults else "")
        gl_code = rule.gl_code or (defaults.gl_code if defaults else "")
        fixed = FixedRule(
            rule.name,
            str(rule.source),
            rule.time_model,
            rule.split,
            rum,
            self._taxes[tax, _span_start(self._book, tax, start)],
            self._gl[gl_code],
            rule.clock,
            rule.minimum.at(start) or 0,
            int(free),
            int(rule.zero_duration_free),
            prices,
        )
        return self._tables.rules.setdefault(fixed, len(self._tables.rules))


def fixed_price(price: Price, start: int) -> FixedPrice | None:
    """Returns a price as it is at an instant, None where it does not exist then."""
    steps = price.steps.at(start)
    if steps is None:
        return None
    fixed: list[FixedStep] = []
    for step in steps:
        amount = step.price.at(start)
        value = None if amount is None else price.micros(amount, start)
        if value is None:
            return None
        fixed.append(FixedStep(step.start, value, step.per, step.beat, int(step.flat)))
    maximum = price.maximum.at(start)
    return FixedPrice(
        price.name,
        price.micros(price.connect.at(start) or 0, start) or 0,
        price.micros(price.minimum.at(start) or 0, start) or 0,
        NO_MAXIMUM if maximum is None else price.micros(maximum, start) or 0,
        price.kind,
        tuple(fixed),
    )


def _nothing() -> FixedPrice:
    return FixedPrice(FREE, 0, 0, NO_MAXIMUM, 0, (FixedStep(0, 0, 1, 1, 0),))


def tax_index(book: Book) -> dict[tuple[str, int], int]:
    """Returns (tax, start of a rate) → index; a tax whose rate is dated has one for each."""
    pairs = [(tax.name, start) for tax in book.taxes for start in tax.rate.starts]
    return {pair: index for index, pair in enumerate(pairs)}


def _span_start(book: Book, tax: str, when_us: int) -> int:
    rate = next(one.rate for one in book.taxes if one.name == tax)
    return max((start for start in rate.starts if start <= when_us), default=rate.starts[0])


def _dates(book: Book) -> Iterator[int]:
    """Yields every instant at which something that rules use changes."""
    dated: list[Dated[int]] = [tax.rate for tax in book.taxes]
    seen: set[int] = set()
    for plan in book.plans:
        for rule in plan.rules:
            if id(rule) not in seen:
                seen.add(id(rule))
                yield from rule.price.starts
                dated.append(rule.minimum)
        for price in plan.prices.values():
            if id(price) in seen:
                continue
            seen.add(id(price))
            yield from price.steps.starts
            dated += [price.connect, price.minimum, price.maximum]
            if price.exchange is not None:
                dated.append(price.exchange)
            for _, _, steps in price.steps.spans():
                dated += [step.price for step in steps]
    for one in dated:
        yield from one.starts
