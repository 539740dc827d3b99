"""What other currencies are worth and what partners charge us, in words by name, for a comparison."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from tariffs.cases_write import amount_written
from tariffs.compiled import BEGINNING, DIRECTIONS, SERVICES
from tariffs.scalars import NANO
from tariffs.wholesale import HOME_NETWORK
from tariffs.words import SERVICE_WORDS, counted, day_words, over_time, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tariffs.model import Book, Plan, Price
    from tariffs.wholesale import WholesaleRate


def plans_with_currency(book: Book, currency: str) -> set[str]:
    """Returns the plans of which a rule has a price in the currency."""
    return {p.id for p in book.plans if any(one.currency == currency for one in _prices(book, p))}


def _prices(book: Book, plan: Plan) -> Iterator[Price]:
    """Yields the price models that the rules of a plan name."""
    known = {**book.prices, **plan.prices}
    named = {name for rule in plan.rules for pairs in rule.price.values for _, name in pairs or ()}
    return (known[name] for name in sorted(named) if name in known)


def exchange_rates(book: Book) -> dict[str, str]:
    """Returns what one of each other currency is worth, over time, by currency."""
    return {
        currency: _over_time(partial(_worth, book, currency), dated.starts, book)
        for currency, dated in book.exchange.items()
    }


def _worth(book: Book, currency: str, at: int) -> str:
    rate = book.exchange[currency].at(at)
    return "none" if rate is None else f"{_rate_written(rate)} {book.currency}"


def _rate_written(rate: int) -> str:
    """Returns an exchange rate (10^-9) without the zeros at its end."""
    return f"{rate // NANO}.{rate % NANO:09}".rstrip("0").rstrip(".")


def _over_time(tell: Callable[[int], str], starts: tuple[int, ...], book: Book) -> str:
    """Returns what is told over time, with the date on which it begins where there is one."""
    text = over_time(tell, starts, book.time_zone)
    return text if starts[0] == BEGINNING else f"from {day_words(starts[0], book.time_zone)} {text}"


def wholesale(book: Book) -> dict[str, dict[str, str]]:
    """Returns what partners charge us over time: by where and which service, then by what for.

    Within one entry the first rate that fits an event counts.
    """
    told: dict[str, dict[str, str]] = defaultdict(dict)
    for one in book.wholesale:
        words = _over_time(partial(_wholesale_words, one), one.price.starts, book)
        told[_events(one)][_charged_for(one, book)] = words
    return told


def _events(one: WholesaleRate) -> str:
    where = "from home" if one.network == HOME_NETWORK else f"in network {one.network}"
    return f"{SERVICE_WORDS[SERVICES[one.service]]} {where}"


def _charged_for(one: WholesaleRate, book: Book) -> str:
    """Returns who charges for what: ``our cost at Transit, Calls from home, originating, to intl_1``."""
    way = [] if one.direction is None else [DIRECTIONS[one.direction]]
    to = [] if one.zone is None else [f"to {book.zones[one.zone].name}"]
    return ", ".join([f"our cost at {one.partner}", _events(one), *way, *to])


def _wholesale_words(one: WholesaleRate, at: int) -> str:
    price = one.price.at(at)
    if price is None:
        return "none"
    text = f"{amount_written(price.price)} per {units(price.per, price.rum)}"
    if price.beat == price.per:
        return text
    return f"{text} in beats of {counted(price.beat, price.rum)}"
