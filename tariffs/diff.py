"""What changes for whom between two tariff books, in words.

Prices are compared class by class as events would get them, from the day on which the second book
is meant to price; fees, allowances, discounts and caps by their ids; numbers by prefix. The same
change of several plans is told once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tariffs.compiled import BEGINNING, CALL_CLASSES
from tariffs.diff_book import (
    dates_words,
    plans_with_time,
    special_days,
    time_models,
    told_of_all,
)
from tariffs.diff_partners import exchange_rates, plans_with_currency, wholesale
from tariffs.diff_prices import price_changes
from tariffs.offer import Offers
from tariffs.words import (
    allowance_words,
    bill_discount_words,
    cap_words,
    commitment_words,
    dates_of,
    discount_words,
    fee_words,
    over_time,
    payment_words,
    some,
    usage_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tariffs.compiled import CompiledBook
    from tariffs.model import Allowance, Book, Fee

TABLES = ("cells.csv", "ported_numbers.csv", "data_classes.csv", "routes.csv")
IN_ORDER = ("data_classes.csv",)
"""Tables whose first row that fits counts."""
SHOWN_ROWS = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        kind: ``book``, ``time``, ``exchange``, ``wholesale``, ``plan``, ``option``, ``bill``,
            ``price``, ``fee``, ``allowance``, ``discount``, ``cap``, ``name``, ``zone``, ``number``
            or ``table``.
        plans: Plans that it is a change of; empty: the whole book.
        what: What changes.
        before: As it was; empty: it was not there.
        after: As it is now; empty: it is gone.
        since: From when on, as a date; empty: always.
        until: Until when; empty: for ever.
    """

    kind: str
    plans: tuple[str, ...]
    what: str
    before: str
    after: str
    since: str = ""
    until: str = ""

    def __str__(self) -> str:
        where = f"{', '.join(self.plans)}: " if self.plans else ""
        if self.before and self.after:
            text = f"{where}{self.what}: {self.before} → {self.after}"
        elif self.after:
            text = f"{where}{self.what}: new, {self.after}"
        else:
            text = f"{where}{self.what}: gone, was {self.before}"
        text += f", from {self.since} on" if self.since else ""
        return text + (f" until {self.until}" if self.until else "")


def diff_books(old: tuple[Book, CompiledBook], new: tuple[Book, CompiledBook]) -> list[Change]:
    """Returns the changes from one book to another, those of the whole book first."""
    before, after = old[0], new[0]
    out = _named("book", "", told_of_all(before), told_of_all(after))
    out += _named("book", "", _usages(old[1]), _usages(new[1]))
    out += [*_times(before, after), *_partners(before, after)]
    both = [plan.id for plan in after.plans if plan.id in {one.id for one in before.plans}]
    out += _named("plan", "plan", _plans(before), _plans(after))
    out += _named("option", "option", _options(before), _options(after))
    out += _renamed(_titles_of_all(before), _titles_of_all(after))
    out += _named("bill", "", _on_bills(before), _on_bills(after))
    parts: dict[Change, list[str]] = defaultdict(list)
    for name in both:
        for change in _of_plan(before, after, name):
            parts[change].append(name)
    for name, found in price_changes(Offers(*old), Offers(*new), both):
        words = (found.what, found.before, found.after, found.since, found.until)
        parts[Change("price", (), *words)].append(name)
    out += [
        Change(one.kind, tuple(plans), one.what, one.before, one.after, one.since, one.until)
        for one, plans in parts.items()
    ]
    return [*out, *_zones(before, after), *_numbers(before, after), *_rows(before, after)]


def _plans(book: Book) -> dict[str, str]:
    return {plan.id: plan.name for plan in book.plans}


def _options(book: Book) -> dict[str, str]:
    """Returns what every option costs and gives, by name."""
    told = {}
    for one in book.options:
        parts = [
            f"{kind} {name} {words}"
            for kind, named in _given(book, one.fees, one.allowances).items()
            for name, words in named.items()
        ]
        told[one.name] = "; ".join([one.title, *parts])
    return told


def _on_bills(book: Book) -> dict[str, str]:
    """Returns discounts on the bill, minimum commitments and payments of others, by name."""
    discounts = {
        f"discount on the bill {one.id}": _dated(one, partial(bill_discount_words, one), book)
        for one in book.bill_discounts
    }
    payments = {
        f"payment {one.id}": over_time(
            partial(payment_words, one, book), dates_of(one) or [BEGINNING], book.time_zone
        )
        for one in book.payments
    }
    return (
        discounts
        | payments
        | {
            f"commitment {one.id}": _dated(one, partial(commitment_words, one), book)
            for one in book.commitments
        }
    )


def _titles_of_all(book: Book) -> dict[str, str]:
    """Returns what parts of options and what stands on bills are called there."""
    titles = {
        f"{part} of option {option.name}": title
        for option in book.options
        for part, title in _titles_given(option.fees, option.allowances).items()
    }
    titles |= {f"discount on the bill {one.id}": one.name for one in book.bill_discounts}
    titles |= {f"payment {one.id}": one.name for one in book.payments}
    return titles | {f"commitment {one.id}": one.name for one in book.commitments}


def _named(
    kind: str, word: str, before: Mapping[str, str], after: Mapping[str, str]
) -> list[Change]:
    """Returns the changes of things with names and words."""
    return [
        Change(kind, (), f"{word} {name}".strip(), before.get(name, ""), after.get(name, ""))
        for name in dict.fromkeys((*before, *after))
        if before.get(name, "") != after.get(name, "")
    ]


def _ordered(kind: str, what: str, before: Iterable[str], after: Iterable[str]) -> list[Change]:
    """Returns a change if what both have stands in another order."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    pair = ", ".join(one for one in old if one in new), ", ".join(one for one in new if one in old)
    return [] if pair[0] == pair[1] else [Change(kind, (), f"order of {what}", *pair)]


def _for_plans(plans: Callable[[str], set[str]], changes: Iterable[Change]) -> list[Change]:
    """Returns changes with the plans that they are changes of, asked for by what changes."""
    return [replace(one, plans=tuple(sorted(plans(one.what)))) for one in changes]


def _times(before: Book, after: Book) -> list[Change]:
    """Returns the changes of time models and special days, for the plans whose prices they move."""

    def having(name: str) -> set[str]:
        return plans_with_time(before, name) | plans_with_time(after, name)

    def banded(_: str) -> set[str]:
        return plans_with_time(before) | plans_with_time(after)

    models = _named("time", "", time_models(before), time_models(after))
    out = [replace(one, what=f"bands of {one.what}") for one in _for_plans(having, models)]
    old, new = special_days(before), special_days(after)
    for kind in dict.fromkeys((*old, *new)):
        gone, fresh = (
            old.get(kind, set()) - new.get(kind, set()),
            new.get(kind, set()) - old.get(kind, set()),
        )
        what = f"days that count as {kind}"
        days = [Change("time", (), what, "", dates_words(fresh))] if fresh else []
        days += [Change("time", (), what, dates_words(gone), "")] if gone else []
        out += _for_plans(banded, days)
    return out


def _partners(before: Book, after: Book) -> list[Change]:
    """Returns the changes of exchange rates, for the plans with such prices, and of our costs."""

    def priced(name: str) -> set[str]:
        return plans_with_currency(before, name) | plans_with_currency(after, name)

    rates = _named("exchange", "", exchange_rates(before), exchange_rates(after))
    out = [replace(one, what=f"one {one.what}") for one in _for_plans(priced, rates)]
    old, new = wholesale(before), wholesale(after)
    for events in dict.fromkeys((*old, *new)):
        rows = old.get(events, {}), new.get(events, {})
        out += _named("wholesale", "", *rows)
        out += _ordered("wholesale", f"rates for {events}", *rows)
    return out


def _usages(compiled: CompiledBook) -> dict[str, str]:
    return dict.fromkeys((usage_words(usage) for usage in compiled.usages), "priced")


def _of_plan(before: Book, after: Book, name: str) -> Iterator[Change]:
    """Yields what changes in a plan besides prices."""
    old, new = _parts(before, name), _parts(after, name)
    for kind in new:
        yield from _named(kind, kind, old[kind], new[kind])
    yield from _renamed(_titles(before, name), _titles(after, name))
    yield from _ordered("discount", "discounts", old["discount"], new["discount"])
    queues = _queues(before, name), _queues(after, name)
    for rum in queues[1]:
        yield from _ordered("allowance", "allowances", *(one.get(rum, []) for one in queues))


def _renamed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Returns the changes of names on bills and pages, of what both books have."""
    both = {what: name for what, name in before.items() if what in after}
    return _named("name", "name of", both, {what: after[what] for what in both})


def _titles(book: Book, name: str) -> dict[str, str]:
    """Returns what the parts of a plan are called on bills and pages."""
    plan = book.plan(name)
    chosen = [book.discounts[one] for one in plan.discounts]
    return {
        **_titles_given(plan.fees, plan.allowances),
        **{f"discount {one.name}": one.title for one in chosen},
        **{f"cap {one.id}": one.name for one in plan.caps},
    }


def _titles_given(fees: Sequence[Fee], allowances: Sequence[Allowance]) -> dict[str, str]:
    titles = {f"fee {one.id}": one.name for one in fees}
    return titles | {f"allowance {one.id}": one.name for one in allowances}


def _queues(book: Book, name: str) -> dict[int, list[str]]:
    """Returns the allowances of a plan in the order in which they are taken, by what they count."""
    queues: dict[int, list[str]] = defaultdict(list)
    for one in sorted(book.plan(name).allowances, key=lambda one: one.priority):
        queues[one.rum].append(one.id)
    return queues


def _parts(book: Book, name: str) -> dict[str, dict[str, str]]:
    """Returns fees, allowances, discounts and caps of a plan by kind and name, in words."""
    plan = book.plan(name)
    chosen = [book.discounts[one] for one in plan.discounts]
    return {
        **_given(book, plan.fees, plan.allowances),
        "discount": {
            one.name: _dated(one, partial(discount_words, one, book), book) for one in chosen
        },
        "cap": {one.id: _dated(one, partial(cap_words, one, book), book) for one in plan.caps},
    }


def _given(
    book: Book, fees: Sequence[Fee], allowances: Sequence[Allowance]
) -> dict[str, dict[str, str]]:
    """Returns fees and allowances of a plan or option by kind and id, in words."""
    return {
        "fee": {one.id: _dated(one, partial(fee_words, one), book) for one in fees},
        "allowance": {
            one.id: _dated(one, partial(allowance_words, one, book), book) for one in allowances
        },
    }


def _dated(thing: object, tell: Callable[[int], str], book: Book) -> str:
    """Returns what is told of a thing on each of its dates."""
    return over_time(tell, dates_of(thing), book.time_zone)


def _zones(before: Book, after: Book) -> list[Change]:
    def told(book: Book) -> dict[str, str]:
        return {
            zone.name: ", ".join(
                filter(None, (CALL_CLASSES[zone.call_class], book.areas[zone.area]))
            )
            for zone in book.zones[1:]
        }

    return _named("zone", "zone", told(before), told(after))


def _numbers(before: Book, after: Book) -> list[Change]:
    """Returns the prefixes and short codes that lead elsewhere, put together by zone."""
    old, new = _deck(before), _deck(after)
    moved: dict[tuple[str, str], list[str]] = defaultdict(list)
    for prefix in sorted({*old, *new}):
        zones = _leads_to(prefix, old), _leads_to(prefix, new)
        if zones[0] != zones[1]:
            moved[zones].append(prefix)
    return [
        Change("number", (), f"numbers {some(numbers)}", *zones) for zones, numbers in moved.items()
    ]


def _leads_to(number: str, deck: dict[str, str]) -> str:
    """Returns the zone of a prefix or short code: its own, else that of the next shorter prefix."""
    if number in deck or not number.startswith("+"):
        return deck.get(number, "")
    shorter = next((p for n in range(len(number) - 1, 1, -1) if (p := number[:n]) in deck), "")
    return f"{deck[shorter]} (by {shorter})" if shorter else ""


def _deck(book: Book) -> dict[str, str]:
    """Returns prefix (with +) or short code → zone."""
    names = ["no zone", *(zone.name for zone in book.zones)]
    deck = {
        f"+{prefix}": names[zone + 1]
        for prefix, zone in zip(
            book.numbers.prefix.tolist(), book.numbers.zone.tolist(), strict=True
        )
    }
    return deck | {code: names[zone + 1] for code, zone in book.short_codes.items()}


def _rows(before: Book, after: Book) -> list[Change]:
    """Returns the rows of the tables of places, ported numbers, data and routes that differ."""
    found = []
    for file in TABLES:
        old, new = _lines(before, file), _lines(after, file)
        for rows, other, word in ((new, old, "new"), (old, new, "gone")):
            differ = [row for row in rows if row not in other]
            if differ:
                told = "; ".join(differ[:SHOWN_ROWS])
                more = f" and {len(differ) - SHOWN_ROWS} more" if len(differ) > SHOWN_ROWS else ""
                pair = ("", told + more) if word == "new" else (told + more, "")
                found.append(Change("table", (), f"rows of {file}", *pair))
        if file in IN_ORDER:
            found += _ordered("table", f"the rows of {file}", old, new)
    return found


def _lines(book: Book, file: str) -> dict[str, None]:
    """Returns the rows of a CSV file, without order."""
    path = Path(book.folder) / file
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return dict.fromkeys(line.strip() for line in lines[1:] if line.strip())
