"""Looks for retail prices below what a partner charges us for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tariffs.cases_write import amount_written
from tariffs.compiled import CALL_CLASSES, DIRECTIONS, DOMESTIC, HOME_ZONE, NO_RULE
from tariffs.read_parts import SERVED
from tariffs.wholesale import HOME_NETWORK
from tariffs.words import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tariffs.compiled import CompiledBook
    from tariffs.errors import Source
    from tariffs.model import Book
    from tariffs.wholesale import WholesalePrice, WholesaleRate

_CHARGED = [at for at, name in enumerate(CALL_CLASSES) if name not in {"emergency", "free"}]
"""Call classes whose price is the operator's to choose."""


def below_cost(
    book: Book, compiled: CompiledBook, reachable: np.ndarray
) -> Iterator[tuple[Source, str]]:
    """Yields (where, what) of rules whose lowest price of a unit is below its wholesale cost.

    Only what is counted in the same unit is compared; a flat step and the partner's own charge
    with a markup have no price of a unit. Calls to emergency and free numbers are not looked at.
    """
    if not book.wholesale:
        return
    epochs = compiled.epoch_start_us
    starts = {start for one in book.wholesale for start in one.price.starts}
    moments = {max(book.valid_from_us, at) for at in (*starts, *epochs.tolist())}
    seen: set[tuple[int, Source]] = set()
    for moment in sorted(moments):
        epoch = int(np.searchsorted(epochs, moment, "right")) - 1
        row = compiled.rule_table[epoch * len(book.plans) : (epoch + 1) * len(book.plans)]
        rates = list(_fitting(book, compiled, moment))
        for offset, plan in zip(*np.unique(row, return_index=True), strict=True):
            table = compiled.rule_of[offset : offset + compiled.n_classes]
            for one, price, box in rates:
                mine = np.where(reachable[box], table.reshape(reachable.shape)[box], NO_RULE)
                for rule in np.unique(mine[mine != NO_RULE]).tolist():
                    retail = _lowest(compiled, rule, price)
                    if retail is None or (rule, price.source) in seen:
                        continue
                    seen.add((rule, price.source))
                    zones = np.flatnonzero((mine == rule).any(axis=(0, 1, 3)))
                    at = box[2].reshape(-1)[zones].tolist()
                    yield _told(book, compiled, int(plan), rule, (one, price), retail, at)


def _fitting(
    book: Book, compiled: CompiledBook, moment: int
) -> Iterator[tuple[WholesaleRate, WholesalePrice, tuple[np.ndarray, ...]]]:
    """Yields the rates of a moment with the classes for which they are the first that fit."""
    taken: dict[tuple[str, int], np.ndarray] = {}
    sizes = (len(compiled.usages), len(book.zones))
    home = [
        0,
        *(
            book.roaming_classes.index(n)
            for n in (DOMESTIC, HOME_ZONE)
            if n in book.roaming_classes
        ),
    ]
    for one in book.wholesale:
        price = one.price.at(moment)
        if price is None:
            continue
        legs = sorted(SERVED) if one.direction is None else [one.direction]
        used = [int(compiled.usage_index[one.service * len(DIRECTIONS) + leg]) for leg in legs]
        zones = range(sizes[1]) if one.zone is None else [one.zone]
        before = taken.setdefault((one.network, one.service), np.zeros(sizes, np.bool_))
        roaming = home if one.network == HOME_NETWORK else [book.networks[one.network]]
        for usage in (at for at in used if at >= 0):
            free = [zone for zone in zones if not before[usage, zone]]
            before[usage, free] = True
            if free:
                yield one, price, np.ix_([usage], _CHARGED, free, roaming)


def _lowest(compiled: CompiledBook, rule: int, cost: WholesalePrice) -> tuple[int, int, int] | None:
    """Returns (price model, price, per) of a rule's lowest price if that is below a cost."""
    if compiled.rule_rum[rule] != cost.rum:
        return None
    if compiled.rule_free[rule]:
        return (0, 0, cost.per) if cost.price else None
    bands = len(compiled.bands)
    models = compiled.rule_band_price[rule * bands : (rule + 1) * bands]
    found = [
        (int(model), int(compiled.step_price[step]), int(compiled.step_per[step]))
        for model in models[models >= 0]
        for step in range(compiled.pm_step_first[model], compiled.pm_step_first[model + 1])
        if not compiled.step_flat[step]
    ]
    below = [one for one in found if one[1] * cost.per < cost.price * one[2]]
    return min(below, key=lambda one: one[1] / one[2]) if below else None


def _told(
    book: Book,
    compiled: CompiledBook,
    plan: int,
    rule: int,
    rate: tuple[WholesaleRate, WholesalePrice],
    retail: tuple[int, int, int],
    zones: list[int],
) -> tuple[Source, str]:
    """Returns a finding with both places, at the rule's."""
    one, cost = rate
    model, price, per = retail
    name = compiled.price_models[model]
    source = next(
        rule_.source for rule_ in book.plans[plan].rules if rule_.name == compiled.rules[rule]
    )
    written = book.plans[plan].prices.get(name)
    place = f" ({written.source})" if written is not None else ""
    names = [book.zones[zone].name for zone in zones]
    where = f" to {', '.join(names[:6])}" if names != ["none"] else ""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    network = f" in {one.network}" if one.network else ""
    return source, (
        f"Rule {compiled.rules[rule].split('/')[1]} charges {amount_written(price)} per "
        f"{units(per, cost.rum)}{place}{where}{more}{network}, below the wholesale cost: "
        f"{one.partner} takes {amount_written(cost.price)} per {units(cost.per, cost.rum)} ({cost.source})."
    )
