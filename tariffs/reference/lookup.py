"""Finds the price of a class by walking the book as it is written: the twin of the rule table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tariffs.compiled import SERVICES
from tariffs.context import EPOCH_DAY
from tariffs.model import FREE

if TYPE_CHECKING:
    from tariffs.model import Book, Plan, Price, Rule

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Steps = tuple[tuple[int, int, int, int], ...]
"""(from, price, per, beat) of each step."""


@dataclass(frozen=True, slots=True)
class FoundPrice:
    """A price model as it holds at the instant; ``maximum`` None where there is none."""

    name: str
    connect: int
    minimum: int
    maximum: int | None
    steps: Steps


@dataclass(frozen=True, slots=True)
class Found:
    """What a class costs: the rule, its price in each band, what it counts, tax and G/L code."""

    rule: Rule
    bands: dict[str, FoundPrice]
    rum: int
    tax: str
    tax_rate: int
    gl_code: str


def find_price(
    book: Book,
    plan_id: str,
    event_class: tuple[int, int, int, int, int],
    when_us: int,
) -> Found | None:
    """Returns the first rule of a plan that matches, None where there is no price.

    Args:
        book: The book as loaded.
        plan_id: The subscriber's plan.
        event_class: Indexes of service, direction, call class, zone and roaming class.
        when_us: UTC µs.
    """
    plan = book.plan(plan_id)
    service = event_class[0]
    for rule in plan.rules:
        if not rule.when.holds(*event_class):
            continue
        named = rule.price.at(when_us)
        if named is None:
            continue
        prices = {book.bands[band]: _price_at(plan, name, when_us) for band, name in named}
        bands = {band: price for band, price in prices.items() if price is not None}
        if len(bands) < len(prices):
            continue
        return _found(book, plan, rule, service, bands, when_us)
    return None


def _found(
    book: Book, plan: Plan, rule: Rule, service: int, bands: dict[str, FoundPrice], when_us: int
) -> Found:
    counted = {plan.prices[one.name].rum for one in bands.values() if one.name != FREE}
    by_service = {"voice": 0, "video": 0, "data": 1}.get(SERVICES[service], 4)
    tax = rule.tax or book.services[service].tax
    rates = {one.name: one.rate for one in book.taxes}[tax]
    return Found(
        rule,
        bands,
        counted.pop() if counted else by_service,
        tax,
        (rates.values[0] if when_us < rates.starts[0] else rates.at(when_us)) or 0,
        rule.gl_code or book.services[service].gl_code,
    )


def _price_at(plan: Plan, name: str, when_us: int) -> FoundPrice | None:
    if name == FREE:
        return FoundPrice(FREE, 0, 0, None, ((0, 0, 1, 1),))
    price: Price = plan.prices[name]
    maximum = price.maximum.at(when_us)
    steps = price.steps.at(when_us)
    if steps is None:
        return None
    rate = 10**9 if price.exchange is None else price.exchange.at(when_us)
    if rate is None:
        return None

    def own(amount: int) -> int:
        return int((Decimal(amount) * rate / 10**9).quantize(Decimal(1), ROUND_HALF_UP))

    priced = [(step.start, step.price.at(when_us), step.per, step.beat) for step in steps]
    found = [(a, None if value is None else own(value), b, c) for a, value, b, c in priced]
    if any(value is None for _, value, _, _ in found):
        return None
    return FoundPrice(
        name,
        own(price.connect.at(when_us) or 0),
        own(price.minimum.at(when_us) or 0),
        None if maximum is None else own(maximum),
        tuple((start, value or 0, per, beat) for start, value, per, beat in found),
    )


def band_at(book: Book, time_model: int, when_us: int, offset_min: int | None = None) -> str:
    """Returns the band of a time model at an instant.

    Args:
        book: The book as loaded.
        time_model: Its index.
        when_us: UTC µs.
        offset_min: The switch's minutes from UTC; None: the book's own zone.
    """
    zone = (
        ZoneInfo(book.time_zone)
        if offset_min is None
        else dt.timezone(dt.timedelta(minutes=offset_min))
    )
    local = (EPOCH + dt.timedelta(microseconds=when_us)).astimezone(zone)
    kind = book.special_days.get((local.date() - EPOCH_DAY).days, local.weekday())
    minute = local.hour * 60 + local.minute
    model = book.time_models[time_model]
    for window in model.windows:
        if kind in window.days and window.start <= minute < window.end:
            return book.bands[window.band]
    return book.bands[model.otherwise]
