"""Reads single values of a book: amounts, quantities, percentages, times, dates.

Everything arrives as text, so nothing is guessed by YAML. Each function returns the value or
raises ValueError with a sentence that says what is allowed. No floats: amounts are integers of
10^-6 currency units, quantities are integers of seconds, bytes or events.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MICRO = 1_000_000
NANO = 10**9
MAX_AMOUNT = 10**12 * MICRO
MAX_QUANTITY = 2**60

UNITS = {
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
    "B": ("bytes", 1),
    "kB": ("bytes", 10**3),
    "MB": ("bytes", 10**6),
    "GB": ("bytes", 10**9),
    "KiB": ("bytes", 2**10),
    "MiB": ("bytes", 2**20),
    "GiB": ("bytes", 2**30),
    "event": ("events", 1),
    "events": ("events", 1),
    "message": ("events", 1),
    "messages": ("events", 1),
}
"""Unit → what it measures and how many seconds, bytes or events it is."""

_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_DATE_KEY = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _scaled(text: str, decimals: int, what: str) -> int:
    """Returns the decimal number in ``text`` times 10**decimals, exactly."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        msg = f"{text!r} is not {what}: write digits with a point, such as 0.30, and no sign."
        raise ValueError(msg)
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > decimals:
        msg = f"{text!r} has {len(fraction)} decimals; {what} has at most {decimals}."
        raise ValueError(msg)
    if len(whole) > 18:
        msg = f"{text!r} is too large."
        raise ValueError(msg)
    return int(whole + fraction.ljust(decimals, "0"))


def amount(text: str) -> int:
    """Returns an amount of money in 10^-6 units; it is not negative."""
    value = _scaled(text, 6, "an amount")
    if value > MAX_AMOUNT:
        msg = f"{text!r} is too large: at most {MAX_AMOUNT // MICRO}."
        raise ValueError(msg)
    return value


def exchanged(amount: int, rate: int) -> int:
    """Returns an amount in the book's currency, 10^-6, rounded half up.

    Args:
        amount: 10^-6 of another currency, not negative.
        rate: 10^-9 of the book's currency for one of the other.
    """
    return (amount * rate + NANO // 2) // NANO


def exchange_rate(text: str) -> int:
    """Returns 10^-9 of the book's currency for one of another; more than 0, at most 10^6."""
    value = _scaled(text, 9, "an exchange rate")
    if not 0 < value <= 10**15:
        msg = f"{text!r} is no exchange rate: more than 0 and at most 1000000."
        raise ValueError(msg)
    return value


def percent(text: str) -> int:
    """Returns a share in ppm: ``9 %`` is 90_000; between 0 and 100 %."""
    if not text.endswith("%"):
        msg = f"{text!r} is not a percentage: write it with a sign, such as 9 %."
        raise ValueError(msg)
    value = _scaled(text[:-1].strip(), 4, "a percentage")
    if value > MICRO:
        msg = f"{text!r} is more than 100 %."
        raise ValueError(msg)
    return value


def quantity(text: str) -> tuple[str, int]:
    """Returns (``seconds`` | ``bytes`` | ``events``, how many): ``6 s``, ``1 MiB``, ``1 event``."""
    parts = text.split()
    if len(parts) != 2 or parts[1] not in UNITS:
        msg = f"{text!r} is not a quantity: a number, a blank and one of {', '.join(UNITS)}."
        raise ValueError(msg)
    kind, scale = UNITS[parts[1]]
    value, rest = divmod(_scaled(parts[0], 6, "a quantity") * scale, MICRO)
    if rest:
        msg = f"{text!r} is not a whole number of {kind}."
        raise ValueError(msg)
    if value > MAX_QUANTITY:
        msg = f"{text!r} is too large."
        raise ValueError(msg)
    return kind, value


def quantity_or_unlimited(text: str) -> tuple[str, int]:
    """Returns as :func:`quantity`; ``unlimited seconds`` and so on give FOREVER."""
    from tariffs.compiled import FOREVER  # noqa: PLC0415 - numpy, which configuration can do without

    parts = text.split()
    if parts and parts[0] == "unlimited":
        if len(parts) == 2 and parts[1] in {"seconds", "bytes", "events"}:
            return parts[1], FOREVER
        msg = f"{text!r}: write unlimited seconds, unlimited bytes or unlimited events."
        raise ValueError(msg)
    return quantity(text)


def whole(text: str) -> int:
    """Returns a whole number, 0 or more."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        msg = f"{text!r} is not a whole number, such as 10."
        raise ValueError(msg)
    return int(text)


def days_from(text: str) -> int:
    """Returns the days of ``1 day`` or ``30 days``, from 1 to 3,660."""
    number, _, unit = text.partition(" ")
    if unit not in {"day", "days"} or not number.isdecimal() or not 1 <= int(number) <= 3660:
        msg = f"{text!r} is not a number of days, such as 30 days: 1 to 3660."
        raise ValueError(msg)
    return int(number)


def yes_no(text: str) -> bool:
    """Returns True for ``yes`` or ``true``, False for ``no`` or ``false``."""
    known = {"yes": True, "true": True, "no": False, "false": False}
    if text not in known:
        msg = f"{text!r} is not yes or no."
        raise ValueError(msg)
    return known[text]


def minute_of_day(text: str) -> int:
    """Returns the minute of a time of day, ``00:00`` to ``24:00``."""
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
    if match is None or int(match[2]) > 59 or int(match[1]) * 60 + int(match[2]) > 1440:
        msg = f"{text!r} is not a time of day: write HH:MM, from 00:00 to 24:00."
        raise ValueError(msg)
    return int(match[1]) * 60 + int(match[2])


def day(text: str) -> dt.date:
    """Returns a date written YYYY-MM-DD."""
    try:
        if len(text) == 10:
            return dt.date.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is not a date: {error}."
        raise ValueError(msg) from None
    msg = f"{text!r} is not a date: write YYYY-MM-DD."
    raise ValueError(msg)


def days(text: str) -> list[dt.date]:
    """Returns the days of ``2026-10-01`` or of ``2026-10-01 to 2026-10-07``, both included."""
    first_text, _, last_text = text.partition(" to ")
    first = day(first_text.strip())
    last = day(last_text.strip()) if last_text else first
    if last < first:
        msg = f"{text!r} ends before it begins."
        raise ValueError(msg)
    if (last - first).days > 366:
        msg = f"{text!r} is longer than a year."
        raise ValueError(msg)
    return [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]


def looks_dated(key: str) -> bool:
    """Tells whether a mapping key is meant as a date from which a value holds."""
    return _DATE_KEY.fullmatch(key) is not None


def instant(text: str, zone: ZoneInfo) -> int:
    """Returns UTC microseconds of a date (00:00 in ``zone``) or of an ISO date and time."""
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is not a date: write YYYY-MM-DD, or YYYY-MM-DDTHH:MM."
        raise ValueError(msg) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone)
    return (when - _EPOCH) // dt.timedelta(microseconds=1)
