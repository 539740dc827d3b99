"""What the octets of a primitive value mean, by its ASN.1 type: for people, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.normalize import digits_of, render_address, render_plmn, render_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.formats.schema import Element

Value = str | int | bool | None


def render_timestamp(octets: bytes) -> str:
    """Returns a TimeStamp of TS 32.298 as ``2026-10-01 09:30:00 +08:00``.

    Raises:
        ValueError: If it has not nine octets, or a digit or the sign is none.
    """
    if len(octets) != 9:
        message = f"a TimeStamp has 9 octets, not {len(octets)}"
        raise ValueError(message)
    digits = (octets[:6] + octets[7:]).hex()
    if not digits.isdecimal() or octets[6] not in b"+-":
        message = f"{octets.hex(' ')} is no TimeStamp: digits or the sign are wrong"
        raise ValueError(message)
    year, month, day, hour, minute, second, zone_hour, zone_minute = (
        digits[place : place + 2] for place in range(0, 16, 2)
    )
    sign = chr(octets[6])
    return f"20{year}-{month}-{day} {hour}:{minute}:{second} {sign}{zone_hour}:{zone_minute}"


def _plmn(octets: bytes) -> str:
    if len(octets) != 3:
        message = f"a PLMN identifier has 3 octets, not {len(octets)}"
        raise ValueError(message)
    return render_plmn(octets)


def _code(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _bcd(octets: bytes) -> str:
    """Returns digits of a BCD string, high nibble first; F is filler (TAP, TD.57)."""
    return octets.hex().replace("f", "")


def _hex(octets: bytes) -> str:
    return octets.hex()


def _date(octets: bytes) -> str:
    """Returns a binary date: YY MM DD, or CC YY MM DD."""
    if len(octets) not in {3, 4}:
        message = f"a Date has 3 or 4 octets, not {len(octets)}"
        raise ValueError(message)
    *years, month, day = octets
    if not (1 <= month <= 12 and 1 <= day <= 31):
        message = f"{octets.hex(' ')} is no date: month {month}, day {day}"
        raise ValueError(message)
    century = years[0] if len(years) == 2 else 20
    return f"{century:02d}{years[-1]:02d}-{month:02d}-{day:02d}"


def _time(octets: bytes) -> str:
    """Returns a binary time of day: hours, minutes, seconds, and tenths where they stand."""
    if len(octets) not in {3, 4}:
        message = f"a Time has 3 or 4 octets, not {len(octets)}"
        raise ValueError(message)
    hour, minute, second, *tenths = octets
    if hour > 23 or minute > 59 or second > 59 or any(tenth > 9 for tenth in tenths):
        message = f"{octets.hex(' ')} is no time of day"
        raise ValueError(message)
    return f"{hour:02d}:{minute:02d}:{second:02d}" + "".join(f".{tenth}" for tenth in tenths)


def _integer(octets: bytes) -> int:
    if not octets:
        message = "an INTEGER has at least one octet"
        raise ValueError(message)
    return int.from_bytes(octets, "big", signed=True)


def _boolean(octets: bytes) -> bool:
    if len(octets) != 1:
        message = f"a BOOLEAN has one octet, not {len(octets)}"
        raise ValueError(message)
    return octets != b"\0"


BY_TYPE: Final[dict[str, Callable[[bytes], Value]]] = {
    "IMSI": digits_of,
    "IMEI": digits_of,
    "AddressString": render_address,
    "ISDN-AddressString": render_address,
    "BCDDirectoryNumber": render_address,
    "TimeStamp": render_timestamp,
    "PLMN-Id": _plmn,
    "TextOctets": render_text,
    "LocationAreaCode": _code,
    "CellId": _code,
    "CallReferenceNumber": _code,
    "TrackingAreaCode": _code,
    "Counter": _code,
    "Code": _code,
    "SliceDifferentiator": _hex,
    "BCDString": _bcd,
    "Date": _date,
    "Time": _time,
    **dict.fromkeys(("AsciiString", "NumberString", "HexString", "EquipmentText"), render_text),
}
"""Renderers of the octet strings that the formats name."""

BY_KIND: Final[dict[str, Callable[[bytes], Value]]] = {
    "INTEGER": _integer,
    "ENUMERATED": _integer,
    "BOOLEAN": _boolean,
    "NULL": lambda _: True,
    **dict.fromkeys(
        ("IA5String", "UTF8String", "GraphicString", "VisibleString", "PrintableString"),
        render_text,
    ),
    **dict.fromkeys(("NumericString", "GeneralString"), render_text),
}
"""Renderers of the ASN.1 base types; what is not listed shows as octets only."""


def value_of(octets: bytes, element: Element | None) -> tuple[Value, str]:
    """Returns what the content of a primitive value means, and what is wrong with it.

    Args:
        octets: The content.
        element: What the format knows of the field, None for nothing.

    Returns:
        (value, error): value None where only the octets are known; error empty if nothing is wrong.
    """
    if element is None:
        return None, ""
    if element.constructed:
        return None, f"the format expects a constructed {element.type_name} here"
    render = BY_TYPE.get(element.type_name) or BY_KIND.get(element.kind)
    if render is None:
        return None, ""
    try:
        value = render(octets)
    except ValueError as error:
        return None, str(error)
    names = dict(element.names)
    if isinstance(value, int) and not isinstance(value, bool) and value in names:
        return f"{names[value]} ({value})", ""
    return value, ""
