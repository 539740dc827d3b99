"""Compiles counts: what prices and discounts look at beyond the single event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tariffs.compile_definitions import spread, stack

if TYPE_CHECKING:
    from tariffs.compile_rules import ClassSpace
    from tariffs.model import Book, Count, Plan


def counts_of(plan: Plan, book: Book) -> dict[str, Count]:
    """Returns what is counted for whoever has a plan, by name, in order of names."""
    used = {name for rule in plan.rules for value in rule.price.values for _, name in value or ()}
    prices = [plan.prices[name] for name in used if name in plan.prices]
    found = [one.count for one in prices]
    found += [book.discounts[name].count for name in plan.discounts]
    by_name = {one.name: one for one in found if one is not None}
    return dict(sorted(by_name.items()))


def book_counts(book: Book) -> dict[str, Count]:
    """Returns the counts of a book by name, in order of names: index = index in the arrays."""
    prices = {id(one): one for plan in book.plans for one in plan.prices.values()}
    counted = any(one.count for one in prices.values())
    if not counted and not any(one.count for one in book.discounts.values()):
        return {}
    found = {name: one for plan in book.plans for name, one in counts_of(plan, book).items()}
    return dict(sorted(found.items()))


def count_arrays(book: Book, space: ClassSpace, counts: dict[str, Count]) -> dict[str, Any]:
    """Returns the arrays of counts."""
    index = {name: at for at, name in enumerate(counts)}

    def of(plan: Plan) -> list[int]:
        return [index[name] for name in counts_of(plan, book)] if counts else []

    plan_list, first = spread(book.plans, of)
    items = list(counts.values())
    nothing = np.zeros(space.size, np.uint8)
    return {
        "counts": tuple(counts),
        "cnt_rum": np.array([one.rum for one in items], np.int8),
        "cnt_match": stack(
            [nothing if one.when is None else space.match(one.when) for one in items]
        ),
        "cnt_daily": np.array([one.daily for one in items], np.int8),
        "cnt_scope": np.array([one.scope for one in items], np.int8),
        "plan_cnt_first": first,
        "plan_cnt": np.array(plan_list, np.int32),
    }
