"""Compiles rules: dated values become epochs, conditions become a table from class to rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tariffs.compiled import BEGINNING, CALL_CLASSES, DIRECTIONS, NO_RULE, SERVICES
from tariffs.errors import BookError, Problem
from tariffs.model import FREE
from tariffs.read_prices import free_price

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tariffs.compiled import Int16, Int32, Int64
    from tariffs.dated import Dated
    from tariffs.model import Book, Conditions, Plan, Price, Rule

NO_MAXIMUM = -1
MOST_BYTES = 4 * 2**30
"""Size of all rule tables of a book at most."""
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
    counted: str = ""


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
"""(index of the conditions, service, rule index)"""


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
    used = {id(rule.when): rule.when for plan in book.plans for rule in plan.rules}
    priced = {
        service * len(DIRECTIONS) + direction
        for when in used.values()
        for service in when.services
        for direction in when.directions
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
    shapes = _Shapes(space)
    offsets: dict[tuple[Row, ...], int] = {}
    for e, start in enumerate(epochs):
        fixer.begin(start)
        for p, plan in enumerate(book.plans):
            rows = tuple(fixer.rows(plan))
            offset = offsets.setdefault(rows, len(offsets) * space.size)
            tables.rule_table[e * len(book.plans) + p] = offset
    _require_room(book, len(offsets), space)
    tables.rule_of = np.empty(len(offsets) * space.size, np.int32)
    for rows, offset in offsets.items():
        first = shapes.first_match(tuple((when, service) for when, service, _ in rows), fixer.order)
        rule = np.array([*(index for _, _, index in rows), NO_RULE], np.int32)
        np.take(rule, first, out=tables.rule_of[offset : offset + space.size])
    return tables


def _require_room(book: Book, tables: int, space: ClassSpace) -> None:
    """Refuses a book whose tables would not fit into memory, before they are made."""
    size = 4 * tables * space.size
    if size <= MOST_BYTES:
        return
    usages, call_classes, zones, roaming = space.shape
    problem = Problem(
        "book.yaml",
        1,
        f"The plans come to {tables:,} different rule tables of {space.size:,} classes "
        f"({usages} usages x {call_classes} call classes x {zones} zones x {roaming} roaming "
        f"classes): {size / 2**30:.1f} GiB, at most {MOST_BYTES / 2**30:.0f}.",
        "Give zones that no plan tells apart one name, let plans share prices, or split the book.",
    )
    raise BookError(book.folder, [problem])


class _Shapes:
    """Which row of a plan is the first to match each class; plans that differ in prices share it."""

    def __init__(self, space: ClassSpace) -> None:
        self._space = space
        self._found: dict[tuple[tuple[int, int], ...], Int32] = {}
        self._boxes: dict[tuple[int, int], tuple[np.ndarray, ...] | None] = {}

    def first_match(self, rows: tuple[tuple[int, int], ...], order: Sequence[Conditions]) -> Int32:
        """Returns int32[n_classes]: the first row that matches, -1 none.

        Args:
            rows: (index in ``order``, service) of each row.
            order: Conditions by index.
        """
        if rows not in self._found:
            table = np.full(self._space.shape, -1, np.int32)
            # The first match wins: written last, it overwrites the later rows.
            for position, (when, service) in reversed(list(enumerate(rows))):
                key = when, service
                if key not in self._boxes:
                    self._boxes[key] = self._space.box(order[when], frozenset({service}))
                box = self._boxes[key]
                if box is not None:
                    table[box] = position
            self._found[rows] = table.reshape(-1)
        return self._found[rows]


class _Fixer:
    """Turns the rules of a plan at one instant into rows; remembers what it has seen.

    A rule comes to the same rows in every plan that has the same prices under its names.
    """

    def __init__(self, book: Book, tables: RuleTables) -> None:
        self._book = book
        self._tables = tables
        self._taxes = tax_index(book)
        self._gl = {code: i for i, code in enumerate(book.gl_codes)}
        self._start = BEGINNING
        self._rows: dict[tuple[int, ...], tuple[Row, ...]] = {}
        self._priced: dict[int, tuple[str, ...]] = {}
        self._fixed: dict[int, int | None] = {}
        self._places: dict[Conditions, int] = {}
        self._place_of: dict[int, int] = {}

    @property
    def order(self) -> list[Conditions]:
        """Returns the conditions met so far; rows name them by index."""
        return list(self._places)

    def begin(self, start: int) -> None:
        """Goes to the instant that :meth:`rows` is about."""
        self._start = start
        self._rows, self._priced, self._fixed = {}, {}, {}

    def rows(self, plan: Plan) -> Iterator[Row]:
        """Yields the rows of a plan that are in force at the instant."""
        prices = plan.prices
        priced, known = self._priced, self._rows
        for rule in plan.rules:
            names = priced.get(id(rule))
            if names is None:
                value = rule.price.at(self._start) or ()
                names = priced[id(rule)] = tuple({name for _, name in value} - {FREE})
            key = (id(rule), *[id(prices.get(name)) for name in names])
            if key not in known:
                known[key] = tuple(self._made(plan, rule, rule.price.at(self._start)))
            yield from known[key]

    def _made(
        self, plan: Plan, rule: Rule, value: tuple[tuple[int, str], ...] | None
    ) -> Iterator[Row]:
        if value is None:
            return
        named = [(band, name, self._price(plan, name)) for band, name in value]
        if any(index is None for _, _, index in named):
            return
        prices = tuple((band, index or 0) for band, _, index in named)
        rums = {plan.prices[name].rum for _, name, _ in named if name != FREE}
        free = all(name == FREE for _, name, _ in named)
        for service in sorted(rule.when.services):
            rum = min(rums) if rums else DEFAULT_RUM.get(SERVICES[service], EVENTS)
            index = self._rule(rule, service, self._start, rum, free=free, prices=prices)
            yield self._place(rule.when), service, index

    def _place(self, when: Conditions) -> int:
        """Returns the index of conditions; equal ones have the same."""
        if id(when) not in self._place_of:
            self._place_of[id(when)] = self._places.setdefault(when, len(self._places))
        return self._place_of[id(when)]

    def _price(self, plan: Plan, name: str) -> int | None:
        if name == FREE:
            return 0
        price = plan.prices[name]
        if id(price) not in self._fixed:
            fixed = fixed_price(price, self._start)
            prices = self._tables.prices
            self._fixed[id(price)] = (
                None if fixed is None else prices.setdefault(fixed, len(prices))
            )
        return self._fixed[id(price)]

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
        price.count.name if price.count else "",
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
