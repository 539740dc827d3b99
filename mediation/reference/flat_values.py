"""Plain-Python twins of `mediation.kernels.field_codecs`: slow, obvious, with Decimal and datetime."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import zoneinfo
from fractions import Fraction
from typing import Final

from mediation.flat.times import tokens_of
from mediation.kernels import flat_ops as ops

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099
OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)")
MICROSECOND: Final = dt.timedelta(microseconds=1)
DIGITS: Final = re.compile(r"[0-9]{1,18}")
ZONE: Final = r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)"
EXPRESSIONS: Final[dict[int, str]] = {
    ops.YEAR: r"(?P<year>\d{4})",
    ops.YEAR_2: r"(?P<year2>\d\d)",
    ops.CENTURY: r"(?P<century>\d\d)",
    ops.MONTH: r"(?P<month>\d\d)",
    ops.MONTH_1: r"(?P<month>\d\d?+)",
    ops.MONTH_NAME: r"(?P<name>[A-Za-z]{3})",
    ops.DAY: r"(?P<day>\d\d)",
    ops.DAY_1: r"(?P<day>\d\d?+)",
    ops.HOUR: r"(?P<hour>\d\d)",
    ops.HOUR_1: r"(?P<hour>\d\d?+)",
    ops.MINUTE: r"(?P<minute>\d\d)",
    ops.SECOND: r"(?P<second>\d\d)",
    ops.FRACTION: r"(?P<fraction>\d++)",
    ops.ZONE: ZONE,
    ops.HALF_DAY: r"(?P<half>[AaPp][Mm])",
}


class InvalidError(ValueError):
    """A value that makes no sense.

    Attributes:
        status: One of `mediation.kernels.flat_ops`.
    """

    def __init__(self, status: int) -> None:
        super().__init__(ops.STATUS_NAMES[status])
        self.status = status


def decimal_number(text: str, point: str, thousands: str) -> decimal.Decimal:
    """Returns a decimal number of up to 18 digits, 9 of them behind the mark."""
    whole, mark, fraction = text.partition(point) if point else (text, "", "")
    sign = whole[:1] if whole[:1] in {"+", "-"} else ""
    whole = whole.removeprefix(sign)
    if thousands and thousands in whole:
        groups = whole.split(thousands)
        if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            raise InvalidError(ops.INVALID_NUMBER)
        whole = "".join(groups)
    if mark:
        while len(fraction) > 1 and fraction.endswith("0"):
            fraction = fraction[:-1]
    if not re.fullmatch("[0-9]{1,18}", whole + fraction) or len(fraction) > 9:
        raise InvalidError(ops.INVALID_NUMBER)
    return decimal.Decimal(f"{sign}{whole or '0'}.{fraction or '0'}")


def to_unit(number: decimal.Decimal, factor: Fraction, rounding: int) -> int:
    """Returns a number of units in the unit of the column, rounded; half goes away from zero."""
    exact = Fraction(number) * factor
    if exact.denominator == 1:
        return int(exact)
    if rounding == ops.EXACT:
        raise InvalidError(ops.INVALID_NUMBER)
    below = exact.numerator // exact.denominator
    if rounding == ops.DOWN:
        return below
    if rounding == ops.UP:
        return below + 1
    magnitude = abs(exact)
    nearest = (2 * magnitude.numerator + magnitude.denominator) // (2 * magnitude.denominator)
    return -nearest if exact < 0 else nearest


def digits(text: str) -> int:
    """Returns up to 18 digits as a number."""
    if not DIGITS.fullmatch(text):
        raise InvalidError(ops.INVALID_DIGITS)
    return int(text)


def hex_number(text: str) -> int:
    """Returns up to 15 hexadecimal digits as a number."""
    if not re.fullmatch(r"[0-9A-Fa-f]{1,15}", text):
        raise InvalidError(ops.INVALID_NUMBER)
    return int(text, 16)


def time(pieces: list[tuple[str, str]], zone: str) -> tuple[int, int]:
    """Returns UTC microseconds and offset in minutes of (pattern, text) pieces."""
    found: dict[str, str] = {}
    for pattern, text in pieces:
        expression = "".join(
            re.escape(chr(token)) if token >= 32 else EXPRESSIONS[token]
            for token in tokens_of(pattern)
        )
        match = re.fullmatch(expression, text, re.ASCII)
        if match is None:
            raise InvalidError(ops.INVALID_TIMESTAMP)
        found.update(match.groupdict())
    try:
        local = _local(found)
    except (ValueError, KeyError) as error:
        raise InvalidError(ops.INVALID_TIMESTAMP) from error
    offset = _written_offset(found["zone"]) if "zone" in found else _zone_offset(local, zone)
    moment = local.replace(tzinfo=dt.UTC) - dt.timedelta(minutes=offset)
    return (moment - EPOCH) // MICROSECOND, offset


def _local(found: dict[str, str]) -> dt.datetime:
    year = int(found.get("year", "2000"))
    if "year2" in found or "century" in found:
        year = 100 * int(found.get("century", "20")) + int(found.get("year2", "0"))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidError(ops.INVALID_TIMESTAMP)
    month = MONTHS.index(found["name"].lower()) + 1 if "name" in found else int(found["month"])
    hour = int(found["hour"])
    if "half" in found:
        if not 1 <= hour <= 12:
            raise InvalidError(ops.INVALID_TIMESTAMP)
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    return dt.datetime(  # noqa: DTZ001 - the zone is added by the caller
        year,
        month,
        int(found["day"]),
        hour,
        int(found.get("minute", "0")),
        int(found.get("second", "0")),
        int(found.get("fraction", "0").ljust(6, "0")[:6]),
    )


def _written_offset(text: str) -> int:
    if text == "Z":
        return 0
    plain = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(plain[:2]), int(plain[2:])
    if hours > 15 or minutes > 59:
        raise InvalidError(ops.INVALID_TIMESTAMP)
    return (-1 if text[0] == "-" else 1) * (hours * 60 + minutes)


def _zone_offset(local: dt.datetime, zone: str) -> int:
    fixed = OFFSET.fullmatch(zone)
    if fixed is not None:
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        return -minutes if fixed[1] == "-" else minutes
    delta = local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset()
    return 0 if delta is None else int(delta.total_seconds()) // 60


def is_network(text: str) -> bool:
    """Returns whether text is MCC and MNC, with or without a dash."""
    return re.fullmatch(r"[0-9]{3}-[0-9]{2,3}|[0-9]{5,6}", text) is not None


def is_text(octets: bytes, charset: int) -> bool:
    """Returns whether octets are text in a character set, without control characters."""
    if any(octet < 32 and octet not in b"\t\r\n" for octet in octets) or 127 in octets:
        return False
    if charset == ops.ANY:
        return True
    try:
        octets.decode("ascii" if charset == ops.ASCII else "utf-8")
    except UnicodeDecodeError:
        return False
    return True
