"""Files that are not BER: lines of a content platform, and blocks of a Nokia DX200 switch."""

from __future__ import annotations

import csv
import io
import struct
from decimal import Decimal
from typing import TYPE_CHECKING

from traffic.digits import tbcd
from traffic.nodes.scene import Scene, chosen, local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

HEADINGS = (
    b"kind,event,msisdn,imsi,partner,start,item,count,volume_kb,duration_s,amount,currency,"
    b"network,result\n"
)
ITEMS = ("music", "clip", "picture", "ringtone, new", "铃声", "")


def lines(scene: Scene) -> Iterator[tuple[str, bytes]]:
    """Yields events of a content platform, each a line with its line end."""
    for kind in chosen(scene, {"content": 60, "subscription": 15, "message": 25}):
        person, end = scene.person(), scene.step()
        _, downlink = scene.octets()
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(
            (
                kind,
                scene.number,
                person.msisdn,
                person.imsi,
                scene.rng.choice(("12590", "game-shop", "-")),
                f"{local(end):%Y-%m-%d %H:%M:%S}",
                scene.rng.choice(ITEMS),
                1,
                f"{downlink / 1000:.3f}",
                f"{scene.rng.randrange(600)}.{scene.rng.randrange(10)}",
                f"{scene.rng.randrange(50)}.{scene.rng.choice((0, 50, 99)):02d}",
                "CNY",
                "46000",
                "ok" if scene.some(0.95) else "aborted",
            )
        )
        yield kind, out.getvalue().encode()


def lines_file(records: Sequence[tuple[str, bytes]]) -> bytes:
    """Returns the lines between the line of names and a trailer that counts and sums them."""
    amounts = {line: Decimal(_cells(line)[10]) for line in {line for _, line in records}}
    total = sum(amounts[line] for _, line in records)
    last = ["total", str(len(records)), *[""] * 8, str(total), "", "", ""]
    return HEADINGS + b"".join(line for _, line in records) + (",".join(last) + "\n").encode()


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()]))


BLOCK = 8176
BLOCK_HEADER, BLOCK_TRAILER = 41, 24
EXCHANGE = tbcd("8619900900009").ljust(10, b"\xff")
KINDS = {"MOC": 1, "MTC": 2, "FORW": 3, "ROAM": 4, "SUPS": 5, "SMMO": 8, "SMMT": 9}
SHARES = {"MOC": 38, "MTC": 36, "FORW": 3, "ROAM": 3, "SUPS": 2, "SMMO": 10, "SMMT": 8}
CALLS = ("MOC", "MTC", "FORW", "ROAM")


def records(scene: Scene) -> Iterator[tuple[str, bytes]]:
    """Yields records of a switch, each with its header of 25 octets."""
    for kind in chosen(scene, SHARES):
        person, end, (_, dialled) = scene.person(), scene.step(), scene.party()
        rng, seconds = scene.rng, scene.seconds()
        body = _packed(person.imsi, 8) + _packed(person.imei, 8) + _packed(person.msisdn, 10)
        if kind != "SUPS":
            area, cell = 0x2700 + rng.randrange(60), rng.randrange(1 << 16)
            body += _packed(dialled, 10) + struct.pack("<HH", area, cell)
        if kind in CALLS:
            body += struct.pack("<HH", rng.randrange(300), rng.randrange(300))
            body += _moment(local(end - seconds)) + _little(seconds, 3)
        else:
            body += _moment(local(end))
        body += struct.pack("<I", 0)
        header = (
            struct.pack("<H", 25 + len(body))
            + bytes.fromhex(f"{KINDS[kind]:02d}")
            + _little(scene.number % 10**8, 4)
            + b"\0"
            + struct.pack("<H", sum(body) & 0xFFFF)
            + rng.randbytes(5)
            + EXCHANGE
        )
        yield kind, header + body


def blocks_file(made: Sequence[tuple[str, bytes]]) -> bytes:
    """Returns records in blocks with a header and a trailer, filled up with FF."""
    blocks: list[tuple[int, list[bytes]]] = []
    used = BLOCK
    for place, (_, record) in enumerate(made):
        if used + len(record) > BLOCK:
            blocks.append((place + 1, []))
            used = BLOCK_HEADER + BLOCK_TRAILER
        blocks[-1][1].append(record)
        used += len(record)
    return b"".join(_block(number, *block) for number, block in enumerate(blocks))


def _block(number: int, first: int, inside: list[bytes]) -> bytes:
    octets = b"".join(inside)
    begin = local(0).replace(year=2026, month=10)
    head = (
        struct.pack("<H", BLOCK_HEADER)
        + b"\0\1"
        + struct.pack("<HH", 1, BLOCK_HEADER + len(octets) + BLOCK_TRAILER)
        + EXCHANGE
        + _little(first % 10**8, 4)
        + _little(77, 4)
        + _little(number % 10**4, 2)
        + _moment(begin)
        + b"ZQ7.4-"
    )
    tail = struct.pack("<H", BLOCK_TRAILER) + b"\x10" + EXCHANGE + _moment(begin)
    tail += _little((first + len(inside) - 1) % 10**8, 4)
    return (head + octets + tail).ljust(BLOCK, b"\xff")


def _packed(digits: str, octets: int) -> bytes:
    return tbcd(digits).ljust(octets, b"\xff")


def _little(value: int, octets: int) -> bytes:
    """Returns digits, two an octet, the lowest octet first."""
    return bytes.fromhex(f"{value:0{octets * 2}d}")[::-1]


def _moment(at: datetime) -> bytes:
    """Returns ss mm hh DD MM YY CC."""
    return bytes.fromhex(f"{at:%S%M%H%d%m}{at.year % 100:02d}{at.year // 100:02d}")
