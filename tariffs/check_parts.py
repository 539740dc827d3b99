"""Looks at discounts, caps, allowances, prefixes and names: what can never count, what overlaps."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from tariffs.compile_rules import ClassSpace
from tariffs.errors import Source
from tariffs.words import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tariffs.model import Allowance, Book, Conditions, Discount, Plan

Note = tuple[Source, str]
"""Where something stands, and what is to be said about it."""


def idle_parts(book: Book, priced: list[np.ndarray]) -> Iterator[Note]:
    """Yields discounts and caps that no charge of their plan is under, and dead discounts.

    Args:
        book: The book.
        priced: For each plan bool[n_classes], where events are charged at some time.
    """
    space = ClassSpace(book)
    for plan, charged in zip(book.plans, priced, strict=True):

        def useful(when: Conditions, charged: np.ndarray = charged) -> bool:
            return bool((space.match(when).astype(np.bool_) & charged).any())

        for name in plan.discounts:
            if not useful(book.discounts[name].when):
                yield (
                    book.discounts[name].source,
                    f"Nothing that plan {plan.id} charges is under the discount {name}.",
                )
        for cap in plan.caps:
            if not useful(cap.when):
                yield cap.source, f"Nothing that plan {plan.id} charges is under the cap {cap.id}."
        yield from _behind_exclusive(book, plan, space)


def _behind_exclusive(book: Book, plan: Plan, space: ClassSpace) -> Iterator[Note]:
    """Yields discounts that always stand behind an exclusive one."""
    before: list[Discount] = []
    for name in plan.discounts:
        one = book.discounts[name]
        mine = space.match(one.when).astype(np.bool_)
        for other in before:
            covers = (space.match(other.when).astype(np.bool_) | ~mine).all()
            wide = other.bands is None or (one.bands is not None and one.bands <= other.bands)
            always = all(value is not None for value in other.value.values)
            same = other.audience in {"everyone", one.audience}
            if covers and wide and same and always:
                yield (
                    one.source,
                    (
                        f"The discount {name} is dead in plan {plan.id}: {other.name}"
                        f" ({other.source}) stands before it and is exclusive."
                    ),
                )
                break
        if one.exclusive and _plain(one):
            before.append(one)


def _plain(one: Discount) -> bool:
    """Tells whether a discount holds by class, band and audience alone."""
    return one.tiers is None and not one.one_of


def idle_payments(book: Book, priced: list[np.ndarray]) -> Iterator[Note]:
    """Yields payments of others for events that no plan charges; ``priced`` as above."""
    space = ClassSpace(book)
    charged = np.any(priced, axis=0)
    for payment in book.payments:
        for one in payment.usage:
            if not (space.match(one.when).astype(np.bool_) & charged).any():
                yield one.source, f"Nothing that a plan charges is under the payment {payment.id}."


def overlapping_allowances(book: Book) -> Iterator[Note]:
    """Yields allowances that cover the same events with the same priority: as written decides."""
    space = ClassSpace(book)
    for plan in book.plans:
        for at, one in enumerate(plan.allowances):
            for other in plan.allowances[:at]:
                if _compete(one, other, space):
                    yield (
                        one.source,
                        (
                            f"The allowances {other.id} ({other.source}) and {one.id} of plan"
                            f" {plan.id} cover the same events with the same priority"
                            f" {one.priority}: {other.id} is taken first. Give them priorities."
                        ),
                    )


def _compete(one: Allowance, other: Allowance, space: ClassSpace) -> bool:
    if (one.rum, one.priority, one.shared) != (other.rum, other.priority, other.shared):
        return False
    if one.bands is not None and other.bands is not None and not one.bands & other.bands:
        return False
    if not set(one.roles) & set(other.roles):
        return False
    return bool((space.match(one.when) & space.match(other.when)).any())


def idle_limits(book: Book, priced: list[np.ndarray]) -> Iterator[Note]:
    """Yields limits inside allowances that nothing the allowance covers is under; as above."""
    space = ClassSpace(book)
    givers = [(plan.allowances, charged) for plan, charged in zip(book.plans, priced, strict=True)]
    givers += [(option.allowances, np.any(priced, axis=0)) for option in book.options]
    for allowances, charged in givers:
        for one in allowances:
            covered = space.match(one.when).astype(np.bool_) & charged
            for limit in one.limits if covered.any() else ():
                if limit.when is not None and not (space.match(limit.when) & covered).any():
                    yield (
                        limit.source,
                        f"Nothing that the allowance {one.id} covers is under its limit.",
                    )


def hidden_data_classes(book: Book) -> Iterator[Note]:
    """Yields rows of data classes that no data comes to: a row before fits whatever they fit."""
    first: dict[tuple[str | int | None, ...], int] = {}
    for row in book.places.data_classes:
        fields = (row.apn, row.rating_group, row.service_id, row.rat)
        wider = product(*((value, None) for value in fields))
        before = min((first[one] for one in wider if one in first), default=None)
        if before is not None:
            yield (
                Source("data_classes.csv", row.line),
                (
                    f"The data class {book.zones[row.zone].name} is dead in this row: line"
                    f" {before} stands before it and fits all of it."
                ),
            )
        first.setdefault(fields, row.line)


def needless_prefixes(book: Book) -> Iterator[Note]:
    """Yields prefixes whose zone is that of the next shorter prefix: they change nothing."""
    deck = book.numbers
    zones = dict(zip(deck.prefix.tolist(), deck.zone.tolist(), strict=True))
    needless: list[tuple[int, int]] = []
    for prefix, zone, line in zip(
        deck.prefix.tolist(), deck.zone.tolist(), deck.line.tolist(), strict=True
    ):
        shorter = prefix // 10
        while shorter and shorter not in zones:
            shorter //= 10
        if shorter and zones[shorter] == zone:
            needless.append((line, prefix))
    if needless:
        listed = some(f"{prefix} (line {line})" for line, prefix in needless)
        yield (
            Source("numbers.csv", min(needless)[0]),
            f"Prefixes with the zone of the next shorter prefix change nothing: {listed}.",
        )


def unused_names(book: Book) -> Iterator[Note]:
    """Yields tax classes and G/L codes that nothing names."""
    every = (*book.plans, *book.templates)
    rules = [rule for plan in every for rule in plan.rules]
    fees = [fee for plan in every for fee in plan.fees]
    fees += [fee for option in book.options for fee in option.fees]
    given = [one for plan in every for one in plan.allowances]
    given += [one for option in book.options for one in option.allowances]
    fees += [one.fee for one in given if one.fee is not None]
    defaults = list(book.services.values())
    taxes = {one.tax for one in rules} | {one.tax for one in fees} | {one.tax for one in defaults}
    codes = {one.gl_code for one in rules} | {one.gl_code for one in defaults}
    taxes |= {one.tax for one in book.commitments}
    codes |= {fee.gl for fee in fees} | {one.gl for one in book.bill_discounts}
    codes |= {one.gl for one in book.commitments} | {one.gl for one in book.taxes}
    codes |= {book.line_rounding.gl, book.bill_rounding.gl}
    head = Source("book.yaml", 1)
    for tax in book.taxes:
        if tax.name not in taxes:
            yield tax.source, f"Nothing is of the tax class {tax.name}."
    for code in book.gl_codes:
        if code not in codes:
            yield head, f"Nothing goes to the G/L code {code}."
