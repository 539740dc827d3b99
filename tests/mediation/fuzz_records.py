"""Clean records of every type of a format, with random values, through asn1tools' encoder.

The values follow the format's schema, every field may be there; the encoder shares no code with
the decoder.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import asn1tools

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from mediation.formats import Format
    from mediation.formats.schema import Element

DIGITS = "0123456789"
WANTED = ("TimeStamp", "IMSI")
"""Types without which hardly any record would pass validation."""


@functools.cache
def encoder(modules: tuple[Path, ...]) -> Any:  # noqa: ANN401 - asn1tools has no types
    return asn1tools.compile_files([str(path) for path in modules], "ber")


def tbcd(digits: str) -> bytes:
    padded = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2)))


def timestamp(rng: random.Random) -> bytes:
    date = f"26{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    time = f"{rng.randint(0, 23):02}{rng.randint(0, 59):02}{rng.randint(0, 59):02}"
    zone = rng.choice(("2b0800", "2b0000", "2d0330"))
    return bytes.fromhex(date + time + zone)


def digits(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(DIGITS, k=length))


def octets(rng: random.Random, type_name: str) -> bytes:  # noqa: PLR0911 - one per type
    if type_name == "TimeStamp":
        return timestamp(rng)
    if type_name == "IMSI":
        return tbcd("46000" + digits(rng, 10))
    if type_name == "IMEI":
        return tbcd("35" + digits(rng, 13))
    if type_name in {"AddressString", "ISDN-AddressString", "BCDDirectoryNumber"}:
        return b"\x91" + tbcd("86" + rng.choice(("188", "199", "10")) + digits(rng, 8))
    if type_name == "PLMN-Id":
        return bytes.fromhex(rng.choice(("64f000", "44f010", "130014")))
    if type_name in {"LocationAreaCode", "CellId"}:
        return rng.randbytes(2)
    if type_name == "TextOctets":
        return "".join(rng.choices("abcdefgh", k=rng.randint(1, 12))).encode()
    return rng.randbytes(rng.choice((1, 2, 3, 4)) if rng.random() < 0.97 else 130)


def primitive(rng: random.Random, element: Element) -> Any:  # noqa: ANN401, PLR0911
    if element.kind == "INTEGER":
        return rng.randint(0, 2**32) if rng.random() < 0.02 else rng.choice((0, 1, 4, 100))
    if element.kind == "ENUMERATED":
        return rng.choice(element.names)[1]
    if element.kind == "BOOLEAN":
        return rng.random() < 0.5
    if element.kind == "NULL":
        return None
    if element.kind == "BIT STRING":
        return (rng.randbytes(4), 32)
    if element.kind == "OBJECT IDENTIFIER":
        return "1.2.156.9"
    if element.kind == "OCTET STRING":
        return octets(rng, element.type_name)
    return "".join(rng.choices("abcdefgh.", k=rng.randint(1, 20)))


def value(rng: random.Random, element: Element, share: float) -> Any:  # noqa: ANN401
    if element.kind == "EXPLICIT":
        return value(rng, element.children[0], share)
    if element.kind == "CHOICE":
        return alternative(rng, element.children, share)
    if element.is_list:
        if len(element.children) > 1 or element.children[0].name:
            return [alternative(rng, element.children, share) for _ in range(rng.randint(1, 3))]
        child = element.children[0]
        return [value(rng, child, share) for _ in range(rng.randint(1, 4))]
    if not element.constructed:
        return primitive(rng, element)
    fields: dict[str, Any] = {}
    for child in element.children:
        if rng.random() > share and child.type_name not in WANTED:
            continue
        field, _, inner = child.name.partition(".")
        # An untagged CHOICE stands as several elements named field.alternative: one may be there.
        fields[field] = (inner, value(rng, child, share)) if inner else value(rng, child, share)
    return fields


def alternative(rng: random.Random, elements: tuple[Element, ...], share: float) -> tuple[str, Any]:
    chosen = rng.choice(elements)
    return chosen.name, value(rng, chosen, share)


def clean_records(rng: random.Random, cdr_format: Format, per_type: int) -> Iterator[bytes]:
    """Yields ``per_type`` records of each type, from nearly empty to nearly full ones."""
    encode = encoder(cdr_format.module_files).encode
    for element in cdr_format.schema:
        for number in range(per_type):
            share = 0.3 + 0.7 * number / per_type
            yield encode(cdr_format.record, (element.name, value(rng, element, share)))
