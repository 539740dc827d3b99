"""What a book sells besides the prices of a plan, as tables of words.

The *catalogue* is the whole book: plans with what they are laid over, options, who gives what for
which service, discounts by plan, and what is done to a bill. An option, a template that is laid over
plans, a discount and a rule of the bill each have a sheet of their own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tariffs.cases_write import amount_written
from tariffs.compiled import ROUNDING_MODES, SERVICES
from tariffs.plan_page import environment
from tariffs.words import (
    SERVICE_WORDS,
    allowance_words,
    bill_discount_words,
    cap_words,
    commitment_words,
    conditions_words,
    day_words,
    discount_words,
    fee_words,
    given_words,
    over_time,
    payment_words,
    percent_words,
    some,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tariffs.model import Allowance, Book, Discount, Option, Plan, Tax

    Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A table of words; ``sourced``: its last column is ``file:line``."""

    title: str
    columns: Row
    rows: tuple[Row, ...]
    sourced: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of tables about a book, or one thing of it, at an instant."""

    name: str
    about: str
    book: str
    digest: str
    currency: str
    day: str
    sections: tuple[Section, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return asdict(self)


def sheet_names(book: Book) -> list[str]:
    """Returns the names that have a sheet: options, templates, discounts, rules of the bill."""
    names = [one.name for one in book.options] + [one.id for one in book.templates]
    names += [one.id for one in book.bill_discounts] + [one.id for one in book.commitments]
    names += [one.id for one in book.payments]
    return [*names, *book.discounts]


def catalogue(book: Book, at: int) -> Sheet:
    """Returns what a book sells at an instant (UTC µs)."""
    sections = (
        Section("Plans", ("plan", "name", "laid over", "fees", ""), tuple(_plans(book, at))),
        Section("Options", ("option", "name", "fees", ""), tuple(_options(book, at))),
        _gives(book, at),
        _discounts(book, at),
        _bill(book, at),
        _posting(book, at),
    )
    return _sheet(book, at, "Catalogue", "All that the book sells", sections)


def sheet(book: Book, name: str, at: int) -> Sheet:
    """Returns what one option, template, discount or rule of the bill says.

    Raises:
        KeyError: There is no such thing; :func:`sheet_names` has all.
    """
    option = next((one for one in book.options if one.name == name), None)
    if option is not None:
        return _sheet(book, at, option.title, f"Option {name}", _parts(option, book, at))
    template = next((one for one in book.templates if one.id == name), None)
    if template is not None:
        about = f"Template {name}, under {some(_under(book, name)) or 'nothing'}"
        return _sheet(book, at, template.name, about, _template(template, book, at))
    if name in book.discounts:
        one = book.discounts[name]
        plans = [plan.id for plan in book.plans if name in plan.discounts]
        rows: tuple[Row, ...] = (("Takes off", discount_words(one, book, at), str(one.source)),)
        taken = Section("Plans", ("", ""), (("Taken by", some(plans)),), sourced=False)
        return _sheet(
            book,
            at,
            one.title,
            f"Discount {name}",
            (Section("Discount", ("", "", ""), rows), taken),
        )
    rules = [row for row in _bill_rows(book, at) if row[0] == name]
    if not rules:
        raise KeyError(name)
    rows = tuple((row[0], *row[2:]) for row in rules)
    head = ("", "says", "posted to", "")
    return _sheet(book, at, rules[0][1], f"On the bill: {name}", (Section("Bill", head, rows),))


def render_sheet(page: Sheet) -> str:
    """Returns the page as HTML: self-contained, good to print."""
    text: str = environment().get_template("sheet.html.j2").render(sheet=page)
    return text


def _sheet(book: Book, at: int, name: str, about: str, sections: Iterable[Section]) -> Sheet:
    day = day_words(at, book.time_zone)
    kept = tuple(section for section in sections if section.rows)
    return Sheet(name, about, book.name, book.digest, book.currency, day, kept)


def _plans(book: Book, at: int) -> Iterable[Row]:
    for plan in (*book.plans, *book.templates):
        fees = "\n".join(f"{fee.name}: {fee_words(fee, at)}" for fee in plan.fees)
        base = ", ".join(filter(None, (*plan.overlays, plan.inherits)))
        name = f"{plan.name} (template)" if plan.template else plan.name
        yield plan.id, name, base, fees, str(plan.source)


def _options(book: Book, at: int) -> Iterable[Row]:
    for one in book.options:
        fees = [f"{fee.name}: {fee_words(fee, at)}" for fee in one.fees]
        fees += [
            f"{given.name}, if used: {fee_words(given.fee, at)}"
            for given in one.allowances
            if given.fee is not None
        ]
        yield one.name, one.title, "\n".join(fees), str(one.source)


def _gives(book: Book, at: int) -> Section:
    """Returns the matrix of allowances: who gives, by service."""
    givers: list[Plan | Option] = [*book.plans, *book.options]
    used = sorted({service for one in givers for a in one.allowances for service in _services(a)})
    rows = []
    for giver in givers:
        if giver.allowances:
            cells = (_given(giver.allowances, service, book, at) for service in used)
            rows.append((giver.key, *cells))
    columns = ("allowances", *(SERVICE_WORDS[SERVICES[service]] for service in used))
    return Section("What is included", columns, tuple(rows), sourced=False)


def _services(one: Allowance) -> frozenset[int]:
    return one.when.services


def _given(allowances: Sequence[Allowance], service: int, book: Book, at: int) -> str:
    told = []
    for one in sorted(allowances, key=lambda one: one.priority):
        if service in _services(one):
            _, _, where = conditions_words(one.when, book).partition("; ")
            told.append(": ".join(filter(None, (given_words(one, at), where))))
    return "\n".join(told) or "\N{EN DASH}"


def _discounts(book: Book, at: int) -> Section:
    """Returns the matrix of discounts: in which place a plan takes each."""

    def places(name: str) -> Iterable[str]:
        for plan in book.plans:
            taken = name in plan.discounts
            yield str(plan.discounts.index(name) + 1) if taken else "\N{EN DASH}"

    rows = tuple(
        (one.title, discount_words(one, book, at), *places(name))
        for name, one in book.discounts.items()
    )
    columns = ("discount", "takes off", *(plan.id for plan in book.plans))
    return Section("Discounts, and in which place plans take them", columns, rows, sourced=False)


def _bill(book: Book, at: int) -> Section:
    rows = tuple(_bill_rows(book, at))
    return Section("On the bill", ("id", "name", "says", "posted to", ""), rows)


def _bill_rows(book: Book, at: int) -> Iterable[Row]:
    for one in book.bill_discounts:
        posted = _account(book, one.gl) or "the accounts of what it is taken off"
        yield one.id, one.name, bill_discount_words(one, at), posted, str(one.source)
    for least in book.commitments:
        posted = _account(book, least.gl)
        yield least.id, least.name, commitment_words(least, at), posted, str(least.source)
    for paid in book.payments:
        posted = "the account of payers.csv"
        yield paid.id, paid.name, payment_words(paid, book, at), posted, str(paid.source)


def _posting(book: Book, at: int) -> Section:
    """Returns taxes and rounding, with the accounts of the general ledger."""

    def rate(when: int, tax: Tax) -> str:
        return percent_words(tax.rate.at(when) or 0)

    rows = []
    for tax in book.taxes:
        later = [start for start in tax.rate.starts if start > at]
        told = over_time(lambda when, tax=tax: rate(when, tax), [at, *later], book.time_zone)  # type: ignore[misc]
        how = "in the price" if tax.included else "on top of the price"
        rows.append((f"Tax {tax.name}", f"{told}, {how}", _account(book, tax.gl)))
    stages = (
        ("event", book.event_rounding),
        ("line", book.line_rounding),
        ("bill", book.bill_rounding),
    )
    for name, one in stages:
        mode = ROUNDING_MODES[one.mode].replace("_", " ")
        rows.append(
            (
                f"Rounding of the {name}",
                f"{mode} to {amount_written(one.unit)}",
                _account(book, one.gl),
            )
        )
    return Section("Taxes and rounding", ("", "", "posted to"), tuple(rows), sourced=False)


def _account(book: Book, code: str) -> str:
    """Returns a G/L code with its name."""
    return f"{code} {book.gl_codes.get(code, '')}".strip()


def _parts(one: Plan | Option, book: Book, at: int) -> tuple[Section, ...]:
    """Returns fees and allowances."""
    head = ("", "", "")
    fees = tuple((fee.name, fee_words(fee, at), str(fee.source)) for fee in one.fees)
    given = tuple((a.name, allowance_words(a, book, at), str(a.source)) for a in one.allowances)
    return Section("Fees", head, fees), Section("Allowances", head, given)


def _template(plan: Plan, book: Book, at: int) -> tuple[Section, ...]:
    """Returns all that a template says; its prices as rules, because no event is of it alone."""
    chosen: list[Discount] = [book.discounts[name] for name in plan.discounts]
    prices = tuple(
        (
            rule.name.partition("/")[2],
            conditions_words(rule.when, book),
            "\n".join(
                name if len(pairs) == 1 else f"{book.bands[band]} {name}" for band, name in pairs
            ),
            str(rule.source),
        )
        for rule in plan.rules
        for pairs in [rule.price.at(at) or ()]
    )
    head = ("", "", "")
    return (
        *_parts(plan, book, at),
        Section(
            "Discounts",
            head,
            tuple((one.title, discount_words(one, book, at), str(one.source)) for one in chosen),
        ),
        Section(
            "Caps", head, tuple((c.name, cap_words(c, book, at), str(c.source)) for c in plan.caps)
        ),
        Section("Rules, the first that matches", ("rule", "for", "price", ""), prices),
    )


def _under(book: Book, name: str) -> list[str]:
    """Returns the plans that a template is under, itself or through others."""
    direct = {plan.id: {*plan.overlays, plan.inherits} for plan in (*book.plans, *book.templates)}
    found = {name}
    while True:
        more = {plan for plan, bases in direct.items() if bases & found} - found
        if not more:
            return [plan.id for plan in book.plans if plan.id in found]
        found |= more
