"""Codecs in plain Python: slow, obvious, the oracle for `mediation.kernels.codecs`.

A codec returns (first, second) for its column and the column's pair, None where it says nothing,
and raises `BadValueError` with a status of `mediation.kernels.ops`.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from mediation.edr import MISSING
from mediation.kernels import ops
from mediation.normalize import RENDERERS, number_parts
from mediation.number_plan import NUMBERING_PLANS, TYPES_OF_NUMBER, ShortCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.formats.arguments import Argument
    from mediation.formats.layouts import Layout
    from mediation.number_plan import NetworkPrefix, NumberPlan

    Value = int | str | None
    Pair = tuple[Value, Value]

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CELL: Final = re.compile(rb'-3gpp="?([0-9a-f]*)', re.IGNORECASE)
CELL_PARTS: Final = {13: (5, 4), 14: (6, 4), 16: (5, 4), 17: (6, 4), 20: (5, 6), 21: (6, 6)}
"""Digits of the network and of the area by digits of the whole (TS 24.229 7.2A.4)."""


class BadValueError(ValueError):
    """Octets that make no sense for their codec; carries the status."""

    def __init__(self, status: int) -> None:
        super().__init__(ops.STATUS_NAMES[status])
        self.status = status


def wrapped(value: int) -> int | None:
    """Returns up to 64 bits as int64; the sentinel for missing is missing."""
    signed = value - (1 << 64) if value >= 1 << 63 else value
    return None if signed == MISSING else signed


def integer(octets: bytes, *, repair: bool = False) -> Pair:
    """Two's complement, 1 to 8 octets; with `repair` a negative one of up to 7 is a counter."""
    if not 1 <= len(octets) <= 8:
        raise BadValueError(ops.INVALID_INTEGER)
    return int.from_bytes(octets, "big", signed=not repair or len(octets) == 8), None


def unsigned(octets: bytes) -> Pair:
    """A counter whose leading 00 may have been dropped."""
    if not octets or len(octets.lstrip(b"\0")) > 8:
        raise BadValueError(ops.INVALID_INTEGER)
    value = int.from_bytes(octets, "big")
    if value >= 1 << 63:
        raise BadValueError(ops.VALUE_OUT_OF_RANGE)
    return value, None


def octets_value(octets: bytes) -> Pair:
    """Up to 8 octets, big endian, as a 64-bit pattern."""
    if not octets:
        raise BadValueError(ops.INVALID_INTEGER)
    if len(octets.lstrip(b"\0")) > 8:
        raise BadValueError(ops.INVALID_LENGTH)
    value = int.from_bytes(octets, "big")
    return (value - (1 << 64) if value >= 1 << 63 else value), None


def plain_digits(octets: bytes) -> str | None:
    """Returns the digits of a TBCD string, None if it is not 0 to 18 of them and then filler."""
    nibbles = "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in octets)
    digits = nibbles.rstrip("f")
    # A filler may not be followed by a digit, and only the last octet may be half filler.
    if not all(character in "0123456789" for character in digits) or len(digits) > 18:
        return None
    return digits


def tbcd(octets: bytes) -> Pair:
    """Digits, low nibble first."""
    digits = plain_digits(octets)
    if digits is None:
        raise BadValueError(ops.INVALID_DIGITS)
    return (int(digits) if digits else None), None


def imei(octets: bytes) -> Pair:
    """As tbcd; of 16 digits the last two are a software version."""
    digits = plain_digits(octets)
    if digits is None:
        raise BadValueError(ops.INVALID_DIGITS)
    digits = digits[:14] if len(digits) == 16 else digits
    return (int(digits) if digits else None), None


def e164(digits: str, kind: int, npi: int, plan: NumberPlan) -> int | None:
    """Returns the E.164 number that digits mean, None if they mean none."""
    reading = dict(plan.types).get(TYPES_OF_NUMBER[kind])
    if reading is None or npi not in {NUMBERING_PLANS[name] for name in plan.plans}:
        return None
    found: list[tuple[int, int, NetworkPrefix | ShortCode]] = [
        (-len(prefix.digits), 1, prefix)
        for prefix in plan.network_prefixes
        if reading in prefix.readings and len(digits) > prefix.length
    ]
    found += [
        (-len(code.digits), 0, code)
        for code in plan.short_codes
        if reading != "international" and code.shortest <= len(digits) <= code.longest
    ]
    for _, _, candidate in sorted(found, key=lambda each: each[:2]):
        if not digits.startswith(candidate.digits):
            continue
        if isinstance(candidate, ShortCode):
            return None
        number = dialled_number(digits[candidate.length :], "unknown", plan)
        if number is not None:
            return number
    return dialled_number(digits, reading, plan)


def dialled_number(digits: str, reading: str, plan: NumberPlan) -> int | None:
    """Returns the E.164 number of digits without a network prefix."""

    def international(number: str) -> int | None:
        shortest, longest = plan.international_lengths
        fits = shortest <= len(number) <= longest and not number.startswith("0")
        return int(number) if fits else None

    def national(number: str) -> int | None:
        shortest, longest = plan.national_lengths
        if number.startswith("0") and not plan.leading_zero:
            return None
        return int(plan.country_code + number) if shortest <= len(number) <= longest else None

    prefixes: list[tuple[str, Callable[[str], int | None]]] = []
    if reading != "national":
        prefixes += [(prefix, international) for prefix in plan.international_prefixes]
    if reading != "international":
        prefixes += [(prefix, national) for prefix in plan.trunk_prefixes]
    for prefix, meaning in sorted(prefixes, key=lambda pair: -len(pair[0])):
        if digits.startswith(prefix) and len(digits) > len(prefix):
            return meaning(digits[len(prefix) :])
    if reading == "unknown" and len(digits) > plan.national_lengths[1]:
        rest = digits.removeprefix(plan.country_code)
        return national(rest) if rest != digits else None
    return international(digits) if reading == "international" else national(digits)


def number(octets: bytes, plan: NumberPlan, *, bare: bool = False) -> Pair:
    """AddressString or BCDDirectoryNumber: (E.164, None), or (None, text)."""
    kind, npi, body = number_parts(octets, bare=bare)
    digits = plain_digits(body)
    if digits == "":
        return None, None
    found = e164(digits, kind, npi, plan) if digits else None
    if found is not None:
        return found, None
    return None, RENDERERS["bare_number" if bare else "number"](octets) or None


def dialled(octets: bytes, *, bare: bool = False) -> Pair:
    """Digits of a number without leading zeros, and how many of those there were."""
    kind, _, body = number_parts(octets, bare=bare)
    digits = plain_digits(body)
    if not digits or kind == 5:
        return None, None
    value = int(digits)
    return value, len(digits) - len(str(value))


def timestamp(octets: bytes) -> Pair:
    """TimeStamp of 9 octets: (UTC microseconds, offset in minutes)."""
    if len(octets) != 9:
        raise BadValueError(ops.INVALID_TIMESTAMP)
    text = octets.hex()
    digits = text[:12] + text[14:]
    sign = {"2b": 1, "2d": -1}.get(text[12:14])
    if sign is None or not all(character in "0123456789" for character in digits):
        raise BadValueError(ops.INVALID_TIMESTAMP)
    year, month, day, hour, minute, second, off_hour, off_minute = (
        int(digits[place : place + 2]) for place in range(0, 16, 2)
    )
    if off_hour > 15 or off_minute > 59:
        raise BadValueError(ops.INVALID_TIMESTAMP)
    try:
        local = dt.datetime(2000 + year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        raise BadValueError(ops.INVALID_TIMESTAMP) from None
    offset = sign * (off_hour * 60 + off_minute)
    passed = local - EPOCH - dt.timedelta(minutes=offset)
    return passed // dt.timedelta(microseconds=1), offset


PARTS: Final = ("century", "year", "month", "day", "hour", "minute", "second")


def laid_out(octets: bytes, layout: Layout) -> dict[str, int] | None:
    """Returns the numbers in a date or time, None if they are no decimal digits or too many."""
    packed = dict(layout).get(len(octets))
    if packed is None:
        return None
    found: dict[str, int] = {}
    for number, part in enumerate(PARTS):
        place = packed >> 4 * number & 15
        if place == ops.LAYOUT_ABSENT:
            continue
        text = str(octets[place]) if packed & ops.LAYOUT_BINARY else octets[place : place + 1].hex()
        if not text.isdecimal():
            return None
        found[part] = int(text)
    return found


def clock(octets: bytes, layout: Layout) -> Pair:
    """A date, a time of day or both: microseconds by the clock on the wall, no offset."""
    parts = laid_out(octets, layout)
    if parts is None or parts.pop("century", 20) != 20 or parts.get("year", 0) > 99:
        raise BadValueError(ops.INVALID_TIMESTAMP)
    day = {"year": 1970, "month": 1, "day": 1}
    if "year" in parts:
        day = {"year": 2000 + parts["year"], "month": parts["month"], "day": parts["day"]}
    clocks = {part: parts.get(part, 0) for part in ("hour", "minute", "second")}
    try:
        wall = dt.datetime(**day, **clocks, tzinfo=dt.UTC)
    except ValueError:
        raise BadValueError(ops.INVALID_TIMESTAMP) from None
    return (wall - EPOCH) // dt.timedelta(microseconds=1), None


def elapsed(octets: bytes, layout: Layout) -> Pair:
    """Hours, minutes and seconds as seconds."""
    parts = laid_out(octets, layout)
    if parts is None or parts["minute"] > 59 or parts["second"] > 59:
        raise BadValueError(ops.INVALID_DURATION)
    return parts["hour"] * 3600 + parts["minute"] * 60 + parts["second"], None


def seconds(octets: bytes, argument: Argument, *, repair: bool = False) -> Pair:
    """A duration in other units than seconds."""
    first, _ = integer(octets, repair=repair)
    value = int(first or 0)
    if not 0 <= value <= 2**40:
        raise BadValueError(ops.VALUE_OUT_OF_RANGE)
    if argument.unit < 0:
        return value * -argument.unit, None
    whole, rest = divmod(value, argument.unit)
    return whole + (rest >= argument.rounds_from), None


def cgi(octets: bytes) -> Pair:
    """PLMN, area and cell: (area, cell), as far as there are octets."""
    area = int.from_bytes(octets[3:5], "big") if len(octets) >= 5 else None
    return area, int.from_bytes(octets[5:7], "big") if len(octets) >= 7 else None


def access_location(octets: bytes) -> Pair:
    """Access network information as text: (area, cell) of the first parameter with a cell."""
    found = CELL.search(octets)
    network, area = CELL_PARTS.get(len(found[1]), (0, 0)) if found else (0, 0)
    if found is None or not network or not found[1][:network].isdigit():
        return None, None
    return int(found[1][network : network + area], 16), int(found[1][network + area :], 16)


def location(octets: bytes) -> Pair:
    """GTP user location information: (area, cell)."""
    area: int | None = None
    cell: int | None = None
    if not octets:
        return None, None
    flags = octets[0] or 1
    rest = octets[1:]
    for part, size in (("CGI", 7), ("SAI", 7), ("RAI", 7), ("TAI", 5), ("ECGI", 7), ("LAI", 5)):
        wanted = flags & 1
        flags >>= 1
        if not wanted:
            continue
        if len(rest) < size:
            break
        body, rest = rest[3:size], rest[size:]
        code = int.from_bytes(body[:2], "big")
        if part in {"CGI", "SAI"}:
            area, cell = code, int.from_bytes(body[2:4], "big")
        elif part == "ECGI":
            cell = int.from_bytes(body, "big") & 0xFFFFFFF
        elif part == "TAI" or area is None:
            area = code
    return area, cell


def network(octets: bytes) -> Pair:
    """PLMN identifier as ``MCC-MNC``; all filler is nothing."""
    if octets == b"\xff\xff\xff":
        return None, None
    nibbles = [nibble for octet in octets for nibble in (octet & 15, octet >> 4)]
    if len(octets) != 3 or any(
        nibble > 9 and not (place == 3 and nibble == 15) for place, nibble in enumerate(nibbles)
    ):
        raise BadValueError(ops.INVALID_NETWORK)
    return RENDERERS["plmn"](octets), None


def boolean(octets: bytes) -> Pair:
    """One octet, 0 is false."""
    if len(octets) != 1:
        raise BadValueError(ops.INVALID_LENGTH)
    return int(octets != b"\0"), None


def bcd_text(octets: bytes) -> str | None:
    """Returns BCD digits, high nibble first, None if they are not 0 to 18 and then filler."""
    digits = octets.hex().rstrip("f")
    return digits if not digits or (digits.isdecimal() and len(digits) <= 18) else None


def ascii_text(octets: bytes) -> str | None:
    """Returns ASCII digits without a leading +, None if they are not 0 to 18."""
    text = octets.removeprefix(b"+").decode("latin-1")
    fits = len(text) <= 18 and all(character in "0123456789" for character in text)
    return text if fits else None


def hex_octet(octets: bytes) -> int:
    """Returns the octet that two ASCII hexadecimal digits mean, -1 if they are none."""
    text = octets.decode("latin-1")
    fits = len(text) == 2 and all(character in "0123456789abcdefABCDEF" for character in text)
    return int(text, 16) if fits else -1


def _whole(digits: str | None) -> Pair:
    if digits is None:
        raise BadValueError(ops.INVALID_DIGITS)
    return (int(digits) if digits else None), None


def bcd(octets: bytes) -> Pair:
    """Digits, high nibble first."""
    return _whole(bcd_text(octets))


def bcd_imei(octets: bytes) -> Pair:
    """As bcd; of 16 digits the last two are a software version."""
    digits = bcd_text(octets)
    return _whole(digits[:14] if digits is not None and len(digits) == 16 else digits)


def ascii_number(octets: bytes) -> Pair:
    """ASCII digits."""
    return _whole(ascii_text(octets))


def roaming_number(op: int, octets: bytes, plan: NumberPlan) -> Pair:
    """A number without a type of number: (E.164, None), or (None, text)."""
    digits = bcd_text(octets) if op == ops.BCD_NUMBER else ascii_text(octets)
    if digits == "":
        return None, None
    fewest, most = plan.international_lengths
    if op == ops.ASCII_ENTERED and octets[:1] != b"+":
        found = e164(digits, 0, 1, plan) if digits else None
        if found is not None:
            return found, None
    elif digits and fewest <= len(digits) <= most and not digits.startswith("0"):
        return int(digits), None
    renderer = "bcd" if op == ops.BCD_NUMBER else "text"
    return None, RENDERERS[renderer](octets) or None


def ascii_dialled(octets: bytes) -> Pair:
    """ASCII digits without leading zeros, and how many of those there were; nothing if none."""
    digits = ascii_text(octets)
    if not digits:
        return None, None
    value = int(digits)
    return value, len(digits) - len(str(value))


def local_time(octets: bytes) -> Pair:
    """CCYYMMDDhhmmss as microseconds on its own clock; hour 24 is the end of the day."""
    text = octets.decode("latin-1")
    if len(text) != 14 or not all(character in "0123456789" for character in text):
        raise BadValueError(ops.INVALID_TIMESTAMP)
    midnight = text[8:] == "240000"
    parts = [int(text[:4]), *(int(text[place : place + 2]) for place in range(4, 14, 2))]
    try:
        clock = (0, 0, 0) if midnight else tuple(parts[3:])
        local = dt.datetime(*parts[:3], *clock, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise BadValueError(ops.INVALID_TIMESTAMP) from None
    if parts[0] // 100 != 20:
        raise BadValueError(ops.INVALID_TIMESTAMP)
    passed = local - EPOCH + dt.timedelta(days=midnight)
    return passed // dt.timedelta(microseconds=1), None


def utc_offset(octets: bytes) -> Pair:
    """+hhmm or -hhmm in minutes."""
    text = octets.decode("latin-1")
    digits = text[1:]
    if len(text) != 5 or text[0] not in "+-" or not (digits.isascii() and digits.isdecimal()):
        raise BadValueError(ops.INVALID_UTC_OFFSET)
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 15 or minutes > 59:
        raise BadValueError(ops.INVALID_UTC_OFFSET)
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1), None


SIMPLE: Final[dict[int, Callable[[bytes], Pair]]] = {
    ops.INTEGER: integer,
    ops.UNSIGNED: unsigned,
    ops.OCTETS: octets_value,
    ops.TBCD: tbcd,
    ops.IMEI: imei,
    ops.DIALLED: dialled,
    ops.TIMESTAMP: timestamp,
    ops.LOCATION: location,
    ops.PLMN: network,
    ops.CGI: cgi,
    ops.ACCESS: access_location,
    ops.BOOLEAN: boolean,
    ops.PRESENCE: lambda _octets: (1, None),
    ops.BCD: bcd,
    ops.BCD_IMEI: bcd_imei,
    ops.ASCII_DIGITS: ascii_number,
    ops.ASCII_DIALLED: ascii_dialled,
    ops.LOCAL_TIME: local_time,
    ops.UTC_OFFSET: utc_offset,
    ops.FIRST: integer,
    ops.SAME: integer,
    ops.SUM: integer,
}
"""Codec number to function, for those that need nothing but the octets."""
