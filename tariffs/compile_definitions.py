"""Compiles what plans give and limit: allowances, discounts, caps, each with its validity."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tariffs.model import ROLES, Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tariffs.compile_rules import ClassSpace
    from tariffs.compiled import Int32
    from tariffs.errors import Source
    from tariffs.model import Allowance, Book, Cap, Count, Discount, Option, Plan

P = TypeVar("P")


@dataclass(slots=True)
class _Spans:
    """Definitions with their validity: one entry for each stretch of a dated value."""

    items: list[Any] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    of: dict[int, list[int]] = field(default_factory=dict)

    def add(self, item: Any, spans: Iterable[tuple[int, int, int]]) -> list[int]:  # noqa: ANN401
        """Returns the indexes of an item's entries, which are made when it is first seen."""
        if id(item) not in self.of:
            self.of[id(item)] = []
            for start, end, value in spans:
                self.of[id(item)].append(len(self.items))
                self.items.append(item)
                self.values.append(value)
                self.starts.append(start)
                self.ends.append(end)
        return self.of[id(item)]


def spread(plans: Sequence[P], indexes: Callable[[P], list[int]]) -> tuple[list[int], np.ndarray]:
    """Returns every plan's list end to end, and where each begins."""
    lists = [indexes(plan) for plan in plans]
    return [index for one in lists for index in one], firsts(len(one) for one in lists)


def firsts(lengths: Iterable[int]) -> Int32:
    """Returns where each of consecutive lists begins, and the end of the last."""
    return np.concatenate(([0], np.cumsum(list(lengths), dtype=np.int64))).astype(np.int32)


def stack(rows: list[np.ndarray]) -> np.ndarray:
    """Returns tables over classes end to end."""
    return np.concatenate(rows) if rows else np.empty(0, np.uint8)


def _band_mask(bands: frozenset[int] | None) -> int:
    return -1 if bands is None else sum(1 << band for band in bands)


def owned(source: Source, name: str) -> str:
    """Returns ``<plan>/<id>``: the name of what a plan's file defines."""
    return f"{PurePosixPath(source.file).stem}/{name}"


def option_allowances(book: Book) -> dict[int, str]:
    """Returns ``<option>/<id>``, the name of an allowance that an option gives, by ``id()``."""
    return {
        id(one): f"{option.name}/{one.id}" for option in book.options for one in option.allowances
    }


def allowance_arrays(book: Book, space: ClassSpace) -> dict[str, Any]:
    """Returns the arrays of allowances and their limits."""
    spans = _Spans()

    def of(giver: Plan | Option) -> list[int]:
        ordered = sorted(giver.allowances, key=lambda one: one.priority)
        return [index for one in ordered for index in spans.add(one, one.quantity.spans())]

    givers: list[Plan | Option] = [*book.plans, *book.options]
    plan_list, first = spread(givers, of)
    items: list[Allowance] = spans.items
    bought = option_allowances(book)
    return {
        "allowances": tuple(bought.get(id(one)) or owned(one.source, one.id) for one in items),
        "alw_quantity": np.array(spans.values, np.int64),
        "alw_rum": np.array([one.rum for one in items], np.int8),
        "alw_priority": np.array([one.priority for one in items], np.int32),
        "alw_match": stack([space.match(one.when) for one in items]),
        "alw_bands": np.array([_band_mask(one.bands) for one in items], np.int64),
        "alw_shared": np.array([one.shared for one in items], np.int8),
        "alw_prorate": np.array([one.prorate for one in items], np.int8),
        "alw_beat": np.array([one.beat for one in items], np.int64),
        "alw_roles": np.array([_role_mask(one.roles) for one in items], np.int8),
        "alw_daily": np.array([one.daily for one in items], np.int8),
        "alw_days": np.array([one.days for one in items], np.int32),
        "alw_rollover": np.array([one.rollover for one in items], np.int8),
        "alw_rolled_last": np.array([one.rolled_last for one in items], np.int8),
        "alw_throttle": np.array([one.throttle for one in items], np.int64),
        **_limit_arrays(items, space),
        "alw_from_us": np.array(spans.starts, np.int64),
        "alw_to_us": np.array(spans.ends, np.int64),
        "plan_alw_first": first,
        "plan_alw": np.array(plan_list, np.int32),
    }


def _limit_arrays(items: list[Allowance], space: ClassSpace) -> dict[str, Any]:
    every = [_limits(one) for one in items]
    limits = [(one, limit) for one, mine in zip(items, every, strict=True) for limit in mine]
    return {
        "alw_limit_first": firsts(len(mine) for mine in every),
        "lim_quantity": np.array([limit.quantity for _, limit in limits], np.int64),
        "lim_match": stack([space.match(limit.when or one.when) for one, limit in limits]),
        "lim_member": np.array([limit.per_member for _, limit in limits], np.int8),
        "lim_roles": np.array([_role_mask(limit.roles) for _, limit in limits], np.int8),
    }


def _limits(one: Allowance) -> tuple[Limit, ...]:
    """Returns the limits of an allowance; whoever may not use a shared one may take nothing."""
    others = tuple(role for role in ROLES if role not in one.roles)
    if not one.shared or not others:
        return one.limits
    return (*one.limits, Limit(one.source, 0, None, per_member=False, roles=others))


def _role_mask(roles: Iterable[str]) -> int:
    return sum(1 << ROLES.index(role) for role in roles)


def discount_arrays(book: Book, space: ClassSpace, counts: dict[str, Count]) -> dict[str, Any]:
    """Returns the arrays of discounts; ``counts`` are those of the book by name, in order."""
    spans = _Spans()
    index = {name: at for at, name in enumerate(counts)}

    def of(plan: Plan) -> list[int]:
        defined = [book.discounts[name] for name in plan.discounts]
        return [index for one in defined for index in spans.add(one, one.value.spans())]

    plan_list, first = spread(book.plans, of)
    items: list[Discount] = spans.items
    return {
        "discounts": tuple(one.name for one in items),
        "disc_kind": np.array([one.kind for one in items], np.int8),
        "disc_tiers": np.array([_band_mask(one.tiers) for one in items], np.int64),
        "disc_one_of": np.array([one.one_of for one in items], np.int8),
        "disc_value": np.array(spans.values, np.int64),
        "disc_match": stack([space.match(one.when) for one in items]),
        "disc_bands": np.array([_band_mask(one.bands) for one in items], np.int64),
        "disc_friends": np.array([one.audience == "friends" for one in items], np.int8),
        "disc_group": np.array([one.audience == "group" for one in items], np.int8),
        "disc_on_connect": np.array([one.on_connect for one in items], np.int8),
        "disc_exclusive": np.array([one.exclusive for one in items], np.int8),
        "disc_count": np.array([index[o.count.name] if o.count else -1 for o in items], np.int32),
        "disc_after": np.array([one.after for one in items], np.int64),
        "disc_from_us": np.array(spans.starts, np.int64),
        "disc_to_us": np.array(spans.ends, np.int64),
        "plan_disc_first": first,
        "plan_disc": np.array(plan_list, np.int32),
    }


def cap_arrays(book: Book, space: ClassSpace) -> dict[str, Any]:
    """Returns the arrays of caps."""
    spans = _Spans()

    def of(plan: Plan) -> list[int]:
        return [index for one in plan.caps for index in spans.add(one, one.amount.spans())]

    plan_list, first = spread(book.plans, of)
    items: list[Cap] = spans.items
    return {
        "caps": tuple(owned(one.source, one.id) for one in items),
        "cap_amount": np.array(spans.values, np.int64),
        "cap_match": stack([space.match(one.when) for one in items]),
        "cap_daily": np.array([one.daily for one in items], np.int8),
        "cap_scope": np.array([one.scope for one in items], np.int8),
        "cap_from_us": np.array(spans.starts, np.int64),
        "cap_to_us": np.array(spans.ends, np.int64),
        "plan_cap_first": first,
        "plan_cap": np.array(plan_list, np.int32),
    }
