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
    yield from _party(event, edr, book, show)
    if event.zone and zone.source.file == "zones.csv":
        area = book.areas[zone.area]
        where = f", area {area}" if area else ""
        yield _row(zone.source, f"zone {zone.name}, {CALL_CLASSES[zone.call_class]}{where}")
    yield from _place(edr, book)
    network = edr.get("visited_network")
    if network in book.networks:
        place = _line(book, "networks.csv", str(network))
        yield _row(place, f"network {network}, roaming {book.roaming_classes[event.roaming]}")
    yield from _rule(event, plan, rule, book)


def _party(
    event: Event, edr: Mapping[str, Any], book: Book, show: Callable[[int | None], str]
) -> Iterator[Step]:
    """Yields the rows that led from the other party to the zone."""
    zone, text = book.zones[event.zone].name, edr.get("other_text")
    if event.other is None:
        if text is not None:
            yield _row(_line(book, "short_codes.csv", str(text)), f"{text} leads to zone {zone}")
        elif event.zone:
            yield _row(_line(book, "data_classes.csv", zone), f"data of the class {zone}")
        return
    ported = _line(book, "ported_numbers.csv", str(event.other))
    if ":" in ported:
        yield _row(ported, f"{show(event.other)} is a ported number")
    found = matched_prefix(book, event.other)
    if found is None:
        return
    # Where the number is masked, its prefix is masked at the same places.
    shown = show(event.other)[: len(found[0]) + 1]
    leads = _zone_in_line(book, found[1])
    yield _row(f"numbers.csv:{found[1]}", f"prefix {shown} leads to zone {leads}")
    if leads != zone:
        why = "ported_numbers.csv" if ":" in ported else "routes.csv"
        yield _row(why, f"instead it is zone {zone}")


def _zone_in_line(book: Book, line: int) -> str:
    """Returns the zone that a line of ``numbers.csv`` names."""
    at = int((book.numbers.line == line).nonzero()[0][0])
    zone = int(book.numbers.zone[at])
    return book.zones[zone].name if zone >= 0 else "-"


def _place(edr: Mapping[str, Any], book: Book) -> Iterator[Step]:
    """Yields the row of the cell, or of its location area."""
    area, cell = edr.get("area"), edr.get("cell")
    if area is None:
        return
    for key in (f"{area},{cell}", f"{area},"):
        place = _line(book, "cells.csv", key)
        if ":" in place:
            yield _row(place, f"location area {area}, cell {cell}")
            return


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
    """Returns ``file:line`` of the row of a CSV file that begins with a key, else the file."""
    path = Path(book.folder) / file
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        fields = [field.strip().strip('"') for field in line.split(",")]
        if ",".join(fields[: key.count(",") + 1]) == key:
            return f"{file}:{number}"
    return file
