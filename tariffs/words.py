"""Puts what a tariff book says into words: prices, quantities, conditions, fees, allowances.

What a model has and these words do not know is told as ``field value``, so that nothing that
changes a charge can be left out of a page or of a comparison.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tariffs.cases_write import amount_written
from tariffs.compiled import (
    BEGINNING,
    CALL_CLASSES,
    CAP_SCOPES,
    CLOCKS,
    DIRECTIONS,
    DISCOUNT_KINDS,
    FOREVER,
    RUMS,
    SERVICES,
    SPEND,
    SPLIT_MODES,
    STEP_KINDS,
)
from tariffs.dated import Dated
from tariffs.model import ROLES, Fee

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tariffs.model import (
        Allowance,
        BillDiscount,
        Book,
        Cap,
        Commitment,
        Conditions,
        Count,
        Discount,
        Price,
        Rule,
        Step,
    )
    from tariffs.payments import PaidUsage, Payment

SERVICE_WORDS = {
    "voice": "Calls",
    "video": "Video calls",
    "sms": "Text messages",
    "mms": "Multimedia messages",
    "data": "Data",
    "content": "Content",
    "supplementary": "Supplementary services",
}
CALL_CLASS_WORDS = {
    "none": "",
    "emergency": "emergency numbers",
    "free": "free numbers",
    "premium": "premium numbers",
    "group": "inside the group",
    "on_net": "to our own network",
    "local": "local",
    "same_place": "in the place visited",
    "long_distance": "long distance",
    "international": "international",
}
DIRECTION_WORDS = {"originating": "", "terminating": "incoming", "forwarded": "forwarded"}
_SECONDS = ((3600, "h"), (60, "min"))
_BYTES = (
    (2**30, "GiB"),
    (2**20, "MiB"),
    (2**10, "KiB"),
    (10**9, "GB"),
    (10**6, "MB"),
    (1000, "kB"),
)
_SHOWN = 8
"""So many names are listed before the rest is counted."""


def usage_words(usage: str) -> str:
    """Returns ``voice.terminating`` as ``Calls, incoming``."""
    service, _, direction = usage.partition(".")
    words = DIRECTION_WORDS.get(direction, direction.replace("_", " "))
    return ", ".join(filter(None, (SERVICE_WORDS[service], words)))


def units(quantity: int, rum: int) -> str:
    """Returns a quantity in the unit that it is the fewest of, whole; 1 is left out."""
    if quantity == FOREVER:
        return "unlimited"
    kind = RUMS[rum]
    if kind == "events":
        return "event" if quantity == 1 else f"{quantity} events"
    if kind == "partner_charge":
        return f"{amount_written(quantity)} of the partner's charge"
    table, base = (_SECONDS, "s") if kind == "seconds" else (_BYTES, "B")
    whole = [(quantity // size, name) for size, name in table if quantity and quantity % size == 0]
    count, name = min(whole, default=(quantity, base))
    return f"{count} {name}" if count != 1 or name == base else name


def counted(quantity: int, rum: int) -> str:
    """Returns a quantity with its number, also where that is 1."""
    text = units(quantity, rum)
    return text if text[0].isdigit() or text == "unlimited" else f"1 {text}"


def price_words(price: Price, at: int) -> str:
    """Returns what a price model charges at an instant (UTC µs)."""
    parts = []
    connect = price.connect.at(at) or 0
    if connect:
        parts.append(f"connect {amount_written(connect)}")
    steps = price.steps.at(at) or ()
    if STEP_KINDS[price.kind] == "volume":
        parts.append("all of it at the step that is reached:")
    if len(steps) == 1 and steps[0].start == 0:
        parts.append(_step(steps[0], price, at))
    else:
        parts += [
            f"from {counted(step.start, price.rum)} {_step(step, price, at)}"
            if step.start
            else f"first {_step(step, price, at)}"
            for step in steps
        ]
    for name, words in (("minimum", "at least"), ("maximum", "at most")):
        value = getattr(price, name).at(at)
        if value is not None and (value or name == "maximum"):
            parts.append(f"{words} {amount_written(value)}")
    if RUMS[price.rum] in {"uplink_bytes", "downlink_bytes"}:
        parts.append(RUMS[price.rum].replace("_bytes", " only"))
    if price.count is not None:
        name = price.count.name.removeprefix("price/")
        under = f" as {name}" if name != price.name else ""
        parts.append(f"steps run on over the {_period(price.count)}{under}")
    known = (
        *("name", "source", "rum", "connect", "steps", "minimum", "maximum", "kind", "exchange"),
        "count",
    )
    return ", ".join([*parts, *_others(price, known, at)]).replace(":,", ":") or "free"


def _period(count: Count) -> str:
    """Returns over what, and whose, something is counted."""
    whose = " of the charge group" if CAP_SCOPES[count.scope] == "charge_group" else ""
    return ("day" if count.daily else "cycle") + whose


def _threshold(one: Discount, count: Count, book: Book) -> str:
    """Returns after what a discount holds."""
    most = amount_written(one.after) if count.rum == SPEND else counted(one.after, count.rum)
    how = "spent" if count.rum == SPEND else "used"
    when = conditions_words(count.when, book) if count.when else ""
    text = f"after {most} {how} in the {_period(count)}"
    return f"{text} ({when})" if when else text


def _step(step: Step, price: Price, at: int) -> str:
    amount = amount_written(step.price.at(at) or 0)
    text = f"{amount} flat" if step.flat else f"{amount} per {units(step.per, price.rum)}"
    if step.beat != step.per and not step.flat:
        text += f" in beats of {counted(step.beat, price.rum)}"
    others = _others(step, ("source", "start", "price", "per", "beat", "flat"), at)
    return " ".join([text, *(f"({other})" for other in others)])


def _others(thing: Any, known: Iterable[str], at: int) -> list[str]:  # noqa: ANN401  any dataclass
    """Returns ``field value`` of fields that are not known and say something."""
    told = []
    for field in fields(thing):
        value = getattr(thing, field.name)
        if isinstance(value, Dated):
            value = value.at(at)
        if field.name in known or value in (None, False, 0, -1, "", (), FOREVER) or value == {}:
            continue
        told.append(f"{field.name.replace('_', ' ')} {_plain(value)}")
    return told


def _plain(value: Any) -> str:  # noqa: ANN401  whatever a field holds
    if isinstance(value, (tuple, list, frozenset)):
        return " ".join(_plain(one) for one in value)
    if hasattr(value, "__dataclass_fields__"):
        inner = (f for f in fields(value) if f.name != "source")
        return "(" + ", ".join(f"{f.name} {_plain(getattr(value, f.name))}" for f in inner) + ")"
    return str(value)


def some(names: Iterable[str]) -> str:
    """Returns names as a list of at most eight and how many more there are."""
    listed = list(names)
    text = ", ".join(listed[:_SHOWN])
    return text if len(listed) <= _SHOWN else f"{text} and {len(listed) - _SHOWN} more"


def conditions_words(when: Conditions, book: Book) -> str:
    """Returns the conditions of a rule, an allowance, a discount or a cap."""
    parts = []
    if when.services != frozenset(range(len(SERVICES))):
        parts.append(some(SERVICES[i] for i in sorted(when.services)))
    charged = {DIRECTIONS.index(name) for name in DIRECTION_WORDS}
    if when.directions != charged and len(when.directions) < len(DIRECTIONS):
        parts.append(some(DIRECTIONS[i] for i in sorted(when.directions)))
    zones = [zone.name for zone in book.zones]
    axes: tuple[tuple[str, frozenset[int] | None, tuple[str, ...] | list[str]], ...] = (
        ("class", when.call_classes, CALL_CLASSES),
        ("zone", when.zones, zones),
        ("roaming", when.roaming, book.roaming_classes),
    )
    for word, chosen, names in axes:
        if chosen is None:
            continue
        left = [names[i] for i in range(len(names)) if i not in chosen]
        if 0 < len(left) < len(chosen):
            parts.append(f"{word} not {some(left)}")
        else:
            parts.append(f"{word} {some(names[i] for i in sorted(chosen))}")
    known = ("services", "directions", "call_classes", "zones", "roaming")
    return "; ".join([*parts, *_others(when, known, 0)]) or "everything"


def rule_words(rule: Rule, at: int) -> list[str]:
    """Returns what a rule says besides conditions and price."""
    told = [f"split {SPLIT_MODES[rule.split]}", f"clock {CLOCKS[rule.clock]}"]
    least = rule.minimum.at(at)
    if least:
        told.append(f"at least {amount_written(least)}")
    if not rule.zero_duration_free:
        told.append("zero duration charged")
    told += [f"{word} {name}" for word, name in (("tax", rule.tax), ("G/L", rule.gl_code)) if name]
    known = (
        *("name", "source", "when", "price", "time_model", "split", "clock", "minimum"),
        *("zero_duration_free", "tax", "gl_code"),
    )
    return told + _others(rule, known, at)


def fee_words(fee: Fee, at: int) -> str:
    """Returns what a fee costs and how."""
    amount = fee.amount.at(at)
    how = "once" if fee.charged == "once" else f"in {fee.charged}"
    parts = [amount_written(amount) if amount is not None else "none", how]
    parts += ["prorated by days"] if fee.proration == "daily" else []
    parts += _cards(fee.roles)
    parts += [f"{fee.trial_days} days for nothing"] if fee.trial_days else []
    first = None if fee.first_cycle is None else fee.first_cycle.at(at)
    parts += [] if first is None else [f"{amount_written(first)} in the first cycle"]
    leaving = {"whole": "whole", "daily": "by days", "free": "free"}.get(fee.leaving)
    parts += [f"{leaving} in the cycle in which it ends"] if leaving else []
    known = (
        *("id", "name", "source", "amount", "proration", "charged", "tax", "gl", "roles"),
        *("trial_days", "first_cycle", "leaving"),
    )
    return ", ".join([*parts, f"tax {fee.tax}", f"G/L {fee.gl}", *_others(fee, known, at)])


def given_words(one: Allowance, at: int) -> str:
    """Returns how much an allowance gives, and for how long."""
    quantity = one.quantity.at(at)
    parts = ["none" if quantity is None else counted(quantity, one.rum)]
    parts += ["each day"] if one.daily else [f"for {one.days} days"] if one.days else []
    return " ".join(parts)


def allowance_words(one: Allowance, book: Book, at: int) -> str:
    """Returns what an allowance gives and for what."""
    quantity = one.quantity.at(at)
    parts = ["none" if quantity is None else counted(quantity, one.rum)]
    if RUMS[one.rum] in {"uplink_bytes", "downlink_bytes"}:
        parts.append(RUMS[one.rum].replace("_bytes", " only"))
    parts += ["each day"] if one.daily else [f"for {one.days} days"] if one.days else []
    parts += ["shared"] if one.shared else []
    parts += _cards(one.roles)
    parts += ["prorated"] if one.prorate else []
    parts += [f"beats of {counted(one.beat, one.rum)}"] if one.beat else []
    parts += [f"bands {some(_bands(one.bands, book))}"] if one.bands is not None else []
    parts += [_rollover(one)] if one.rollover else []
    parts += [f"slower after {counted(one.throttle, one.rum)}"] if one.throttle < FOREVER else []
    for limit in one.limits:
        whose = " for each member" if limit.per_member else ""
        where = f" for {conditions_words(limit.when, book)}" if limit.when is not None else ""
        cards = "".join(f" {words}" for words in _cards(limit.roles))
        parts.append(f"of which {counted(limit.quantity, one.rum)}{whose}{cards}{where}")
    parts += [f"if used {fee_words(one.fee, at)}"] if one.fee is not None else []
    parts.append(f"priority {one.priority}")
    known = (
        *("id", "name", "source", "when", "bands", "rum", "quantity", "priority", "shared"),
        *("prorate", "beat", "daily", "days", "rollover", "rolled_last", "throttle", "limits"),
        *("fee", "roles"),
    )
    return ", ".join([*parts, *_others(one, known, at)]) + f": {conditions_words(one.when, book)}"


def _cards(roles: tuple[str, ...]) -> list[str]:
    """Returns ``for single, main cards`` where not all are meant."""
    return [f"for {', '.join(roles)} cards"] if len(roles) < len(ROLES) else []


def _rollover(one: Allowance) -> str:
    """Returns how long what is left lives on."""
    cycles = "the next cycle" if one.rollover == 1 else f"{one.rollover} more cycles"
    return f"what is left lives on for {cycles}" + (", taken last" if one.rolled_last else "")


def discount_words(one: Discount, book: Book, at: int) -> str:
    """Returns what a discount takes off and for whom."""
    value, kind = one.value.at(at), DISCOUNT_KINDS[one.kind]
    parts = []
    if value is not None:
        written = percent_words(value) if kind == "percent" else amount_written(value)
        parts.append(f"for {written}" if kind == "price" else f"{written} off")
    if one.tiers is not None:
        parts.append(f"tiers {some([book.tiers[tier] for tier in sorted(one.tiers)])}")
    parts += [f"one of {one.one_of_name}"] if one.one_of else []
    parts += [f"for {one.audience}"] if one.audience != "everyone" else []
    parts += [f"bands {some(_bands(one.bands, book))}"] if one.bands is not None else []
    parts += [_threshold(one, one.count, book)] if one.count is not None else []
    parts += ["also on the connect fee"] if one.on_connect else []
    parts += ["ends the list"] if one.exclusive else []
    known = (
        *("name", "title", "source", "when", "bands", "kind", "value", "audience", "on_connect"),
        *("exclusive", "tiers", "one_of", "one_of_name", "after", "count"),
    )
    return ", ".join([*parts, *_others(one, known, at)]) + f": {conditions_words(one.when, book)}"


def cap_words(cap: Cap, book: Book, at: int) -> str:
    """Returns the most that matching events cost."""
    amount = cap.amount.at(at)
    parts = ["none" if amount is None else f"at most {amount_written(amount)}"]
    parts.append(f"for a {CAP_SCOPES[cap.scope].replace('_', ' ')}")
    parts += ["each day"] if cap.daily else []
    known = ("id", "name", "source", "when", "amount", "scope", "daily")
    return ", ".join([*parts, *_others(cap, known, at)]) + f": {conditions_words(cap.when, book)}"


def bill_discount_words(one: BillDiscount, at: int) -> str:
    """Returns what a discount on the bill takes off, and of whom."""
    parts = [f"{percent_words(one.percent.at(at) or 0)} off {', '.join(one.of)}"]
    least = one.least.at(at)
    parts += [f"from {amount_written(least)} on"] if least else []
    known = ("id", "name", "source", "percent", "least", "of")
    return "; ".join([*parts, *_others(one, known, at)])


def commitment_words(one: Commitment, at: int) -> str:
    """Returns the least that is paid for a cycle, and by whom."""
    known = ("id", "name", "source", "amount")
    return "; ".join(
        [f"at least {amount_written(one.amount.at(at) or 0)} a cycle", *_others(one, known, at)]
    )


def payment_words(one: Payment, book: Book, at: int) -> str:
    """Returns what another account pays, and up to how much."""
    most = []
    if one.limit is not None:
        limit = one.limit.at(at)
        each = "a cycle for each subscriber"
        most = ["none" if limit is None else f"at most {amount_written(limit)} {each}"]
    parts = [_paid(usage, book, at) for usage in one.usage]
    known = ("id", "name", "source", "usage", "limit")
    return "; ".join([*most, *parts, *_others(one, known, at)])


def _paid(one: PaidUsage, book: Book, at: int) -> str:
    """Returns the events of a payment in words."""
    words = conditions_words(one.when, book)
    model = book.time_models[one.time_model].name
    if one.bands is not None:
        clock = CLOCKS[one.clock]
        words += f"; in {', '.join(_bands(one.bands, book))} of {model}, clock of the {clock}"
    known = ("source", "when", "time_model", "bands", "clock")
    return "; ".join([words, *_others(one, known, at)])


def percent_words(ppm: int) -> str:
    """Returns a share in ppm as ``9 %``."""
    return f"{amount_written(ppm * 100).removesuffix('.00')} %"


def dates_of(thing: Any) -> list[int]:  # noqa: ANN401  any dataclass of the model
    """Returns the instants from which a dated value of a thing, or of its fee, holds."""
    values = [getattr(thing, field.name) for field in fields(thing)]
    found = {one for value in values if isinstance(value, Dated) for one in value.starts}
    return sorted(found.union(*(dates_of(value) for value in values if isinstance(value, Fee))))


def _bands(chosen: Iterable[int], book: Book) -> list[str]:
    return [book.bands[band] for band in sorted(chosen)]


def day_words(instant: int, zone: str) -> str:
    """Returns the local date of an instant (UTC µs), with the time where it is not midnight."""
    if instant == BEGINNING:
        return "the beginning"
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=instant)
    local = moment.astimezone(ZoneInfo(zone))
    return (
        f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%Y-%m-%d %H:%M}"
    )


def over_time(tell: Callable[[int], str], starts: Iterable[int], zone: str) -> str:
    """Returns what is told from each start on, joined where it stays the same."""
    parts: list[tuple[int, str]] = []
    for start in starts:
        text = tell(start)
        if not parts or parts[-1][1] != text:
            parts.append((start, text))
    first, *later = parts
    return "; ".join([first[1], *(f"from {day_words(at, zone)} {text}" for at, text in later)])
