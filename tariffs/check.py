"""Looks for holes and dead rows in a book that loads: what a pricing person wants to know first.

A class is *reachable* when an event can have it: the call class must fit the zone (a zone of
``national`` numbers gives local, long distance, on-net and group calls; any other zone only its
own class), events without another party (data) have the zone ``none``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tariffs.check_parts import (
    hidden_data_classes,
    idle_limits,
    idle_parts,
    idle_payments,
    needless_prefixes,
    overlapping_allowances,
    unused_names,
)
from tariffs.check_wholesale import below_cost
from tariffs.compile_rules import ClassSpace
from tariffs.compiled import CALL_CLASSES, DOMESTIC, HOME_ZONE, NO_RULE, RUMS
from tariffs.errors import Source
from tariffs.words import day_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tariffs.compiled import CompiledBook
    from tariffs.model import Book, Plan, Rule

ERROR, WARNING = "error", "warning"
NATIONAL = tuple(CALL_CLASSES.index(name) for name in ("local", "long_distance"))
OWN = tuple(CALL_CLASSES.index(name) for name in ("group", "on_net"))
LOCAL = CALL_CLASSES.index("local")
SAME_PLACE = CALL_CLASSES.index("same_place")
CLASSED = ("mms", "data", "content")
WITH_PARTY = ("voice", "video", "sms", "mms")
MAX_NAMES = 6


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something to look at: ``error`` where an event would stay without a price."""

    severity: str
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.message}"


def check_book(book: Book, compiled: CompiledBook) -> list[Finding]:
    """Returns the findings, errors first, then in order of file and line."""
    reachable = reachable_classes(book, compiled)
    found = [*_holes(book, compiled, reachable), *_dead_rules(book, compiled, reachable)]
    found += _idle_allowances(book, compiled, reachable)
    found += _unused(book)
    charged = [_charged(book, compiled, reachable, plan) for plan in range(len(book.plans))]
    parts = (
        idle_parts(book, charged),
        idle_payments(book, charged),
        idle_limits(book, charged),
        overlapping_allowances(book),
        hidden_data_classes(book),
        needless_prefixes(book),
        unused_names(book),
        below_cost(book, compiled, reachable),
    )
    found += [_idle(source, message) for part in parts for source, message in part]
    return sorted(set(found))


def reachable_classes(book: Book, compiled: CompiledBook) -> np.ndarray:
    """Returns bool[usage, call class, zone, roaming]: whether an event can have the class."""
    fits = np.zeros((len(CALL_CLASSES), len(book.zones)), np.bool_)
    for index, zone in enumerate(book.zones):
        fits[zone.call_class, index] = True
        if zone.call_class in NATIONAL:
            fits[[*NATIONAL, *OWN], index] = True
            fits[LOCAL, index] = zone.area != 0
    data = [index for index, zone in enumerate(book.zones) if zone.data]
    fits[:, data] = False
    shape = (len(compiled.usages), *fits.shape, len(book.roaming_classes))
    reachable = np.zeros(shape, np.bool_)
    for index, usage in enumerate(compiled.usages):
        service, direction = usage.split(".")
        with_party = service in WITH_PARTY
        reachable[index] = fits[:, :, None] if with_party else False
        if with_party and DOMESTIC in book.roaming_classes:
            away = book.roaming_classes.index(DOMESTIC)
            reachable[index, SAME_PLACE, :, away] = fits[LOCAL]
        # A caller who withholds his number is nobody; who calls nobody makes no call.
        reachable[index, 0, 0] = not with_party or direction == "terminating"
        if service in CLASSED:
            reachable[index, 0, data] = True
    return reachable


def _epochs_checked(book: Book, compiled: CompiledBook) -> Iterator[int]:
    """Yields the epochs that do not end before the book is meant to price."""
    starts = compiled.epoch_start_us
    for epoch in range(starts.size):
        if epoch + 1 == starts.size or starts[epoch + 1] > book.valid_from_us:
            yield epoch


def _table(compiled: CompiledBook, epoch: int, plan: int, shape: tuple[int, ...]) -> np.ndarray:
    offset = int(compiled.rule_table[epoch * len(compiled.plans) + plan])
    return compiled.rule_of[offset : offset + compiled.n_classes].reshape(shape)


def _charged(book: Book, compiled: CompiledBook, reachable: np.ndarray, plan: int) -> np.ndarray:
    """Returns bool[n_classes]: whether a plan charges events of the class at some time."""
    charges = np.append(compiled.rule_free == 0, [False])  # the last one is NO_RULE
    found = np.zeros(reachable.shape, np.bool_)
    for epoch in _epochs_checked(book, compiled):
        found |= charges[_table(compiled, epoch, plan, reachable.shape)]
    out: np.ndarray = (found & reachable).reshape(-1)
    return out


def _span(
    compiled: CompiledBook, holes: dict[int, np.ndarray], first: int, cells: tuple[int, int]
) -> str:
    """Returns from when and until when a usage's call class has no price; empty for always."""
    text = f" from {_day(compiled, first)} on" if first else ""
    later = [epoch for epoch in holes if epoch > first]
    end = next((epoch for epoch in later if not holes[epoch][cells].any()), None)
    if end is None:
        return text
    if first:
        return f"{text} until {_day(compiled, end)}"
    return f" before {_day(compiled, end)}; the check begins at the valid_from of book.yaml"


def _day(compiled: CompiledBook, epoch: int) -> str:
    return day_words(int(compiled.epoch_start_us[epoch]), compiled.time_zone)


def _holes(book: Book, compiled: CompiledBook, reachable: np.ndarray) -> Iterator[Finding]:
    """Yields reachable classes that a plan does not price, zones of one class put together."""
    for p, plan in enumerate(book.plans):
        told: set[tuple[int, int, tuple[str, ...], tuple[str, ...]]] = set()
        holes = {
            epoch: (_table(compiled, epoch, p, reachable.shape) == NO_RULE) & reachable
            for epoch in _epochs_checked(book, compiled)
        }
        for epoch, hole in holes.items():
            for usage, call_class in zip(*np.nonzero(hole.any(axis=(2, 3))), strict=True):
                where = hole[usage, call_class]
                zones = tuple(book.zones[z].name for z in np.flatnonzero(where.any(axis=1)))
                roaming = tuple(book.roaming_classes[r] for r in np.flatnonzero(where.any(axis=0)))
                key = (int(usage), int(call_class), zones, roaming)
                if key in told:
                    continue
                told.add(key)
                kind = CALL_CLASSES[call_class]
                parts = [
                    f"Plan {plan.id} has no price for {compiled.usages[usage]}",
                    f", class {kind}, zone {_some(zones)}" if kind != "none" else "",
                    f", roaming {_some(roaming)}",
                    _span(compiled, holes, epoch, (usage, call_class)),
                ]
                yield Finding(ERROR, plan.source.file, plan.source.line, "".join(parts) + ".")


def _some(names: tuple[str, ...]) -> str:
    listed = ", ".join(names[:MAX_NAMES])
    return listed if len(names) <= MAX_NAMES else f"{listed} and {len(names) - MAX_NAMES} more"


def _dead_rules(book: Book, compiled: CompiledBook, reachable: np.ndarray) -> Iterator[Finding]:
    """Yields rules that no event of any plan can get, with the rules that stand before them."""
    won: set[str] = set()
    for index in np.unique(compiled.rule_table):
        table = compiled.rule_of[index : index + compiled.n_classes].reshape(reachable.shape)
        won |= {compiled.rules[rule] for rule in np.unique(table[reachable]) if rule != NO_RULE}
    space = ClassSpace(book)
    seen: set[str] = set()
    for plan in (*book.templates, *book.plans):
        for position, rule in enumerate(plan.rules):
            if rule.name in won or rule.name in seen:
                continue
            seen.add(rule.name)
            yield _dead(rule, plan, position, space, reachable)
    for template in book.templates:
        if not any(rule.name in won for rule in template.rules):
            source = template.source
            yield Finding(
                WARNING, source.file, source.line, f"No plan uses the template {template.id}."
            )


def _dead(
    rule: Rule, plan: Plan, position: int, space: ClassSpace, reachable: np.ndarray
) -> Finding:
    mine = space.match(rule.when).reshape(reachable.shape).astype(np.bool_) & reachable
    source = rule.source
    short = rule.name.split("/")[1]
    if not mine.any():
        message = f"Rule {short} can never match: no event has such a class."
        return Finding(WARNING, source.file, source.line, message)
    before: list[str] = []
    for other in plan.rules[:position]:
        theirs = space.match(other.when).reshape(reachable.shape).astype(np.bool_)
        if (mine & theirs).any():
            before.append(f"{other.name.split('/')[1]} ({other.source})")
            mine &= ~theirs
    taken = ", ".join(before[:MAX_NAMES]) or "its price never holds"
    message = f"Rule {short} is dead: what it matches is taken before it: {taken}."
    return Finding(WARNING, source.file, source.line, message)


def _idle_allowances(
    book: Book, compiled: CompiledBook, reachable: np.ndarray
) -> Iterator[Finding]:
    """Yields allowances that no priced event of their plan can take from."""
    space = ClassSpace(book)
    for p, plan in enumerate(book.plans):
        for one in plan.allowances:
            covered = space.match(one.when).reshape(reachable.shape).astype(np.bool_) & reachable
            useful = False
            for epoch in _epochs_checked(book, compiled):
                rules = np.unique(_table(compiled, epoch, p, reachable.shape)[covered])
                rules = rules[rules >= 0]
                same = (compiled.rule_rum[rules] == one.rum) & (compiled.rule_free[rules] == 0)
                useful = useful or bool(same.any())
            if not useful:
                message = (
                    f"Nothing in plan {plan.id} takes from the allowance {one.id}: no rule with a "
                    f"price in {RUMS[one.rum]} is under its conditions."
                )
                yield Finding(WARNING, one.source.file, one.source.line, message)


def _unused(book: Book) -> Iterator[Finding]:
    """Yields zones, prices, time models, discounts and roaming classes that nothing uses."""
    zones = set(book.numbers.zone.tolist()) | set(book.short_codes.values())
    zones |= set(book.places.ported_zone.tolist()) | set(book.places.route.tolist())
    for index, zone in enumerate(book.zones):
        if index and index not in zones and not zone.data:
            yield _idle(zone.source, f"No number leads to the zone {zone.name}.")
    every = (*book.plans, *book.templates)
    rules = [rule for plan in every for rule in plan.rules]
    yield from _unused_prices(every, rules)
    models = {rule.time_model for rule in rules}
    models |= {usage.time_model for one in book.payments for usage in one.usage}
    taken = {name for plan in every for name in plan.discounts}
    networks = set(book.networks.values())
    for index, model in enumerate(book.time_models):
        if index and index not in models:
            yield _idle(model.source, f"No rule uses the time model {model.name}.")
    for name, discount in book.discounts.items():
        if name not in taken:
            yield _idle(discount.source, f"No plan gives the discount {name}.")
    by_cell = {DOMESTIC, HOME_ZONE} if book.places.has_cells else set()
    for name in book.roaming_classes[2:]:
        if name not in by_cell and book.roaming_classes.index(name) not in networks:
            yield _idle(Source("networks.csv", 1), f"No network has the roaming class {name}.")


def _unused_prices(plans: tuple[Plan, ...], rules: list[Rule]) -> Iterator[Finding]:
    used = {name for rule in rules for _, _, value in rule.price.spans() for _, name in value}
    for plan in plans:
        for name, price in plan.prices.items():
            if name not in used:
                yield _idle(price.source, f"No rule uses the price {name}.")


def _idle(source: Source, message: str) -> Finding:
    return Finding(WARNING, source.file, source.line, message)
