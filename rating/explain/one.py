"""Explains the charge of one EDR, given the balances before it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rating.billing.wording import (
    amount_text,
    duration_text,
    masked_number,
    plain_number,
    quantity_text,
)
from rating.cycles import from_us
from rating.explain.explanation import Explanation
from rating.explain.rows import rows_of
from rating.reasons import REASONS
from rating.reference.balances import Balances
from rating.reference.classify import classify
from rating.reference.steps import NotRatedError, Step, money
from rating.reference.twin import rate
from rating.schema import RUM_UNITS, RUMS
from rating.wholesale import cost_of
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rating.reference.classify import Event
    from rating.reference.steps import Charge
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

_LARGE = re.compile(r"(?<![\w.])\d{5,}(?= (?:s|byte|event|beats?)\b)")
"""Large quantities in a sentence; they are shown with thousands set apart."""


def explain(
    edr: Mapping[str, Any],
    compiled: CompiledBook,
    subscribers: Subscribers,
    before: CycleState | Balances,
    *,
    stored: Decimal | None = None,
    masked: bool = True,
    book: Book | None = None,
) -> Explanation:
    """Rates one EDR step by step.

    Args:
        edr: The EDR, column to value.
        compiled: The tariff book.
        subscribers: The subscriber data.
        before: Balances before the event. A CycleState is not changed; a Balances takes what the
            event takes.
        stored: The net charge on its rated record; the explanation must come to it.
        masked: Whether the middle of phone numbers is hidden.
        book: The same book as written, to tell the rows (file and line) that decided.

    Raises:
        ExplanationError: If the steps do not add up to the charge, or not to the stored one.
    """
    show = masked_number if masked else plain_number
    try:
        event = classify(edr, compiled, subscribers)
    except NotRatedError as error:
        return _not_rated(edr, compiled, error)
    if not isinstance(before, Balances):
        before = Balances.of_state(before, int(subscribers.group[event.period]))
    heading = _heading(edr, event, compiled, subscribers, show)
    try:
        charge = rate(event, compiled, subscribers, before)
    except NotRatedError as error:
        return _not_rated(edr, compiled, error, heading, event.steps)
    steps = [_told(step, event, compiled, show) for step in charge.steps]
    if book is not None:
        plan = compiled.plans[subscribers.plan[event.period]]
        rows = rows_of(event, edr, plan, compiled.rules[event.rule], book, show)
        at = next(i for i, step in enumerate(steps) if step.kind == "rule")
        steps[at + 1 : at + 1] = rows
    steps += _wholesale(edr, event, compiled, charge)
    steps.append(_tax(event, compiled))
    return Explanation(
        heading,
        tuple(steps),
        charge.net,
        compiled.currency,
        stored=stored,
        facts=_facts(event, compiled, subscribers, charge),
    )


def _heading(
    edr: Mapping[str, Any],
    event: Event,
    book: CompiledBook,
    data: Subscribers,
    show: Callable[[int | None], str],
) -> str:
    """Returns what was used, when and by whom."""
    at = from_us(event.start, book.time_zone)
    quantity = quantity_text(event.quantity, RUMS[book.rule_rum[event.rule]])
    other = f" with {show(event.other)}" if event.other is not None else ""
    own = int(data.msisdn[event.period])
    who = show(own) if own > 0 else data.names[data.subscriber[event.period]].as_py()
    what = f"{edr['service']} {edr['direction']}"
    return f"{what} of {who}{other}, {at:%a %Y-%m-%d %H:%M:%S}, {quantity}"


def _told(step: Step, event: Event, book: CompiledBook, show: Callable[[int | None], str]) -> Step:
    """Returns a step with what only the book's tables say: the prefix, the place of the rule."""
    if step.kind == "classify" and event.other is not None:
        number = show(event.other)
        # Where the number is masked, its prefix is masked at the same places.
        prefix = number[1 : 1 + len(matched_prefix(book, event.other))]
        extra = f"{number} begins with {prefix}." if prefix else f"{number} fits no prefix."
        more = " It is one of the subscriber's friends." if event.friend else ""
        return Step(
            step.kind, f"{step.text} {extra}{more}", step.amount, {**step.facts, "prefix": prefix}
        )
    if step.kind == "allowance" and step.facts["left"] < FOREVER // 2:
        unit = RUM_UNITS[book.rule_rum[event.rule]]
        after, units = step.facts["left"], step.facts["units"]
        text = (
            f"Allowance {step.facts['allowance']} covers {units:,} {unit}: {after + units:,} {unit}"
            f" before, {after:,} {unit} after."
        )
        return Step(step.kind, text, step.amount, {**step.facts, "before": after + units})
    if step.kind in {"line", "allowance", "throttle", "count"}:
        text = _LARGE.sub(lambda found: f"{int(found[0]):,}", step.text)
        return Step(step.kind, text, step.amount, step.facts)
    if step.kind == "rule":
        source = book.rule_sources[event.rule]
        unit = step.facts["unit"]
        long = f" ({duration_text(event.quantity)})" if unit == "s" and event.quantity > 59 else ""
        text = f"Rule {book.rules[event.rule]} ({source}) measures {event.quantity:,} {unit}{long}."
        return Step(step.kind, text, step.amount, {**step.facts, "source": source})
    return step


def _wholesale(
    edr: Mapping[str, Any], event: Event, book: CompiledBook, charge: Charge
) -> list[Step]:
    """Returns the step that compares the charge with what the event costs us."""
    found = cost_of(edr, event.zone, event.start, book)
    if found is None:
        return []
    cost, partner, row = found
    more = charge.net - money(cost)
    words = "less" if more >= 0 else "more"
    place = f" ({row})" if row else ""
    text = f"{partner} charges us {amount_text(money(cost))}{place}, {amount_text(abs(more))} {words} than the charge."
    facts = {"wholesale_cost": money(cost), "margin": more, "partner": partner, "source": row}
    return [Step("wholesale", text, None, facts)]


def _tax(event: Event, book: CompiledBook) -> Step:
    """Returns the step that tells the tax class; the tax itself is made on the bill."""
    name = book.taxes[book.rule_tax[event.rule]]
    ppm = int(book.tax_ppm[book.rule_tax[event.rule]])
    included = bool(book.tax_included[book.rule_tax[event.rule]])
    gl_code = book.gl_codes[book.rule_gl[event.rule]]
    rate_text = f"{Decimal(ppm).scaleb(-4).normalize():f} %"
    how = "contained in the charge" if included else "added on the bill"
    words = f"Tax {name}, {rate_text}, {how}; G/L code {gl_code}."
    facts = {"tax": name, "ppm": ppm, "included": included, "gl_code": gl_code}
    return Step("tax", words, None, facts)


def matched_prefix(book: CompiledBook, number: int) -> str:
    """Returns the digits of a number that decide its zone, empty if none fits.

    The walk of the longest-prefix match; where a longer prefix has the same zone as the shorter
    one, the shorter one already decides.
    """
    digits = str(number)
    entry, zone, decided = 0, int(book.lpm_value[0]), 0
    for position, digit in enumerate(digits, start=1):
        entry = int(book.lpm_child[entry * 10 + int(digit)])
        found = -2 - entry if entry < 0 else int(book.lpm_value[entry])
        if found != zone:
            zone, decided = found, position
        if entry < 0:
            break
    return digits[:decided] if zone >= 0 else ""


def _facts(event: Event, book: CompiledBook, data: Subscribers, charge: Charge) -> dict[str, Any]:
    """Returns the values of the event and its charge, named as in the rated record."""
    return {
        "subscriber_id": data.names[data.subscriber[event.period]].as_py(),
        "account_id": data.accounts[data.account[event.period]].as_py(),
        "charge_group": data.groups[data.group[event.period]].as_py(),
        "plan": book.plans[data.plan[event.period]],
        "call_class": book.call_classes[event.call_class],
        "zone": book.zones[event.zone],
        "roaming": book.roaming_classes[event.roaming],
        "band": book.bands[charge.band],
        "rule": book.rules[event.rule],
        "quantity": event.quantity,
        "charged_units": charge.charged,
        "allowance_units": charge.covered,
        "throttled": charge.throttled,
        "connect_fee": charge.connect,
        "usage_charge": charge.usage,
        "gross": charge.gross,
        "discount_amount": charge.discount,
        "cap_reduction": charge.cap,
        "rounding": charge.rounding,
        "net": charge.net,
        "book_digest": book.digest,
    }


def _not_rated(
    edr: Mapping[str, Any],
    book: CompiledBook,
    error: NotRatedError,
    heading: str | None = None,
    steps: tuple[Step, ...] = (),
) -> Explanation:
    """Returns the explanation of an event that has no charge."""
    reason = REASONS[error.status]
    words = reason.sentence.format(what="its class")
    return Explanation(
        heading or f"{edr['service']} {edr['direction']}",
        steps,
        None,
        book.currency,
        reason=f"{reason.name}. {words}",
        facts={"reason": reason.name, "stage": reason.stage},
    )
