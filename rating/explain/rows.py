"""The rows of a tariff book that decided an event: prefix, zone, network, rule, prices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rating.reference.steps import Step
from tariffs.compile_numbers import matched_prefix
from tariffs.compiled import CALL_CLASSES
from tariffs.model import FREE
from tariffs.words import conditions_words, price_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from rating.reference.classify import Event
    from tariffs.model import Book


def rows_of(
    event: Event,
    edr: Mapping[str, Any],
    plan: str,
    rule: str,
    book: Book,
    show: Callable[[int | None], str],
) -> Iterator[Step]:
    """Yields a step for each row that decided, with ``file:line``; none of them moves money.

    Args:
        event: The classified event.
        edr: The EDR, column to value.
        plan: The subscriber's plan.
        rule: Name of the rule that was taken.
        book: The book as written.
        show: Writes a phone number.
    """
    zone = book.zones[event.zone]
    text = edr.get("other_text")
    found = None if event.other is None else matched_prefix(book, event.other)
    if event.other is not None and found is not None:
        prefix, line = found
        # Where the number is masked, its prefix is masked at the same places.
        shown = show(event.other)[: len(prefix) + 1]
        yield _row(f"numbers.csv:{line}", f"prefix {shown} leads to zone {zone.name}")
    elif event.other is None and text is not None:
        place = _line(book, "short_codes.csv", str(text))
        yield _row(place, f"{text} leads to zone {zone.name}")
    if event.zone:
        area = book.areas[zone.area]
        where = f", area {area}" if area else ""
        yield _row(zone.source, f"zone {zone.name}, {CALL_CLASSES[zone.call_class]}{where}")
    network = edr.get("visited_network")
    if network in book.networks:
        place = _line(book, "networks.csv", str(network))
        yield _row(place, f"network {network}, roaming {book.roaming_classes[event.roaming]}")
    yield from _rule(event, plan, rule, book)


def _rule(event: Event, plan: str, name: str, book: Book) -> Iterator[Step]:
    """Yields the rule with its conditions and the prices of its bands."""
    owner = book.plan(plan)
    rule = next(one for one in owner.rules if one.name == name)
    yield _row(rule.source, f"rule {name} is for {conditions_words(rule.when, book)}")
    for band, price_name in rule.price.at(event.start) or ():
        price = owner.prices.get(price_name)
        if price_name != FREE and price is not None:
            words = price_words(price, event.start)
            yield _row(price.source, f"{book.bands[band]}: {price_name}, {words}")


def _row(source: object, text: str) -> Step:
    return Step("row", f"{source} says: {text}.", None, {"source": str(source)})


def _line(book: Book, file: str, key: str) -> str:
    """Returns ``file:line`` of the row of a CSV file that begins with a key."""
    path = Path(book.folder) / file
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if line.partition(",")[0].strip().strip('"') == key:
            return f"{file}:{number}"
    return file
