"""Nokia DX200 blocks as the README of the format describes them: a writer and a slow reader.

It shares nothing with the package: octets are put together and taken apart with `struct`.
"""

from __future__ import annotations

import datetime as dt
import random
import struct
from dataclasses import dataclass, replace

BLOCK = 8176
EXCHANGE = "8619900900009"
ZONE = dt.timezone(dt.timedelta(hours=8))
VOICE = (1, 2, 3, 4)
NAMES = {1: "MOC", 2: "MTC", 3: "FORW", 4: "ROAM", 5: "SUPS", 8: "SMMO", 9: "SMMT"}


@dataclass(frozen=True)
class Record:
    """One record, in plain values."""

    kind: int
    number: int
    imsi: str
    imei: str
    served: str
    other: str
    area: int
    cell: int
    trunk_in: int
    trunk_out: int
    start: dt.datetime
    duration: int
    cause: int
    reference: int


def tbcd(digits: str, octets: int) -> bytes:
    """Low nibble first, filled with F."""
    filled = digits.replace("*", "A").replace("#", "B").ljust(octets * 2, "F")
    return bytes(int(filled[at + 1] + filled[at], 16) for at in range(0, len(filled), 2))


def bcd_little(number: int, octets: int) -> bytes:
    """Two digits an octet, the lowest octet first."""
    return bytes.fromhex(f"{number:0{octets * 2}d}")[::-1]


def moment(at: dt.datetime) -> bytes:
    """ss mm hh DD MM YY CC."""
    return bytes.fromhex(f"{at:%S%M%H%d%m}{at.year % 100:02d}{at.year // 100:02d}")


def encode(record: Record) -> bytes:
    """One record with its header of 25 octets."""
    body = tbcd(record.imsi, 8) + tbcd(record.imei, 8) + tbcd(record.served, 10)
    if record.kind != 5:
        body += tbcd(record.other, 10) + struct.pack("<HH", record.area, record.cell)
    if record.kind in VOICE:
        body += struct.pack("<HH", record.trunk_in, record.trunk_out)
    body += moment(record.start)
    if record.kind in VOICE:
        body += bcd_little(record.duration, 3)
    body += struct.pack("<I", record.cause)
    return (
        struct.pack("<H", 25 + len(body))
        + bytes.fromhex(f"{record.kind:02d}")
        + bcd_little(record.number, 4)
        + b"\0"
        + struct.pack("<H", sum(body) & 0xFFFF)
        + record.reference.to_bytes(5, "big")
        + tbcd(EXCHANGE, 10)
        + body
    )


def header(used: int, first: int, block: int, times: int = 1) -> bytes:
    """A block header of 41 octets."""
    return (
        struct.pack("<H", 41)
        + b"\0"
        + bytes([times])
        + struct.pack("<HH", 1, used)
        + tbcd(EXCHANGE, 10)
        + bcd_little(first, 4)
        + bcd_little(77, 4)
        + bcd_little(block, 2)
        + moment(dt.datetime(2026, 10, 5, 1, 2, 3, tzinfo=ZONE))
        + b"ZQ7.4-"
    )


def trailer(last: int) -> bytes:
    """A block trailer of 24 octets."""
    end = moment(dt.datetime(2026, 10, 5, 2, 2, 3, tzinfo=ZONE))
    return struct.pack("<H", 24) + b"\x10" + tbcd(EXCHANGE, 10) + end + bcd_little(last, 4)


def write(records: list[Record], times: int = 1) -> bytes:
    """Records in blocks of `times` * 8176 octets, padded with FF."""
    size = BLOCK * times
    out, block, first = b"", b"", 1
    done = 0
    for record in [*records, None]:
        octets = b"" if record is None else encode(record)
        if record is None or 41 + len(block) + len(octets) + 24 > size:
            whole = header(41 + len(block) + 24, first, len(out) // size, times) + block
            whole += trailer(done)
            out += whole.ljust(size, b"\xff")
            block, first = b"", done + 1
        block += octets
        done += record is not None
    return out


def make(count: int, seed: int = 1) -> list[Record]:
    """Made-up records."""
    rng = random.Random(seed)
    start = dt.datetime(2026, 10, 5, tzinfo=ZONE)
    return [
        Record(
            rng.choice([1, 1, 1, 2, 2, 3, 4, 5, 8, 9]),
            number + 1,
            f"46000{rng.randrange(10**10):010d}",
            f"35{rng.randrange(10**12):012d}{rng.choice(['', '0', '01'])}",
            f"8619910{rng.randrange(10**6):06d}",
            rng.choice(["01088888888", "10086", "008613800138000", "*100#", ""]),
            rng.randrange(1 << 16),
            rng.randrange(1 << 16),
            rng.randrange(300),
            rng.randrange(300),
            start + dt.timedelta(seconds=rng.randrange(86_400 * 20)),
            rng.randrange(86_400),
            rng.randrange(1 << 15),
            rng.randrange(1 << 40),
        )
        for number in range(count)
    ]


def plain_number(digits: str) -> tuple[int | None, str | None]:
    """What a number as dialled in China is: E.164, or text."""
    if digits.startswith("00"):
        return int(digits[2:]), None
    if digits.startswith("0"):
        return int("86" + digits[1:]), None
    return (None, digits) if digits else (None, None)


def expected(record: Record) -> dict[str, object]:
    """The EDR columns that a record should become."""
    other, text = plain_number(record.other)
    utc = record.start - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    plain = record.other.isdigit()
    zeros = len(record.other) - len(record.other.lstrip("0"))
    voice = record.kind in VOICE
    located = record.kind != 5
    return {
        "record_type": NAMES[record.kind],
        "served_imsi": int(record.imsi),
        "served_imei": int(record.imei[:14] if len(record.imei) == 16 else record.imei),
        "served_msisdn": int(record.served),
        "other_number": other if located else None,
        "other_text": text if located else None,
        "dialled": int(record.other) if voice and plain else None,
        "dialled_zeros": zeros if voice and plain else None,
        "start_time": utc // dt.timedelta(microseconds=1),
        "utc_offset": 480,
        "duration": record.duration if voice else 0,
        "events": 0 if voice else 1,
        "area": record.area if located else None,
        "cell": record.cell if located else None,
        "trunk_in": str(record.trunk_in) if voice else None,
        "trunk_out": str(record.trunk_out) if voice else None,
        "recording_entity": EXCHANGE,
        "call_reference": record.reference,
        "cause": record.cause,
    }


__all__ = ["BLOCK", "NAMES", "Record", "encode", "expected", "header", "make", "replace", "write"]
