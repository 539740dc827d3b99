"""A file of any format to measure decoding with: some thousand distinct records, repeated."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from bench import tap_events
from bench.random_records import random_records
from mediation import formats
from mediation.decoder import decode_chunk
from mediation.normalize import CHINA
from mediation.reader import FileSettings, open_cdr_file
from mediation.time_zones import NO_ZONES
from traffic.nodes import NoWriterError, write_node_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mediation.formats import Format
    from mediation.formats.schema import Element
    from mediation.reader import CdrFile

DISTINCT = 4_000
DENSE = 2_000
SHARE = 0.6
"""How many of its optional fields a dense record has."""
SEED = 3
CONSTRUCTED = 0x20
NODES = replace(CHINA, time_zones=NO_ZONES.with_default("Asia/Shanghai"))
"""What records leave open; some formats' nodes write the time of their own clock."""


class UnmeasurableError(ValueError):
    """A format of which no file can be made here."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}; give a file with --file")


def write_file(name: str, records: int, folder: Path) -> Path:
    """Writes a file as a node of the format would, `DISTINCT` records repeated.

    Args:
        name: The format.
        records: How many.
        folder: Where; must exist.

    Raises:
        UnmeasurableError: If no files of the format are made here.
    """
    formats.load(name)
    target = folder / f"{name}.cdr"
    try:
        write_node_file(name, records, SEED, target, distinct=DISTINCT)
    except NoWriterError as error:
        raise UnmeasurableError(name, "no files of it are made here") from error
    return target


def write_dense_file(name: str, records: int, folder: Path) -> Path:
    """Writes a file with at least `records` random records of a BER format; every one decodes.

    They have most of the fields that the module knows, with values of any size: more than nodes write.

    Args:
        name: The format, made of BER.
        records: How many.
        folder: Where; must exist.

    Raises:
        UnmeasurableError: If the format is not BER, or none of its random records decodes.
    """
    described = formats.load(name)
    if described.flat is not None:
        reason = f"dense files of kind {formats.kind_of(name)} are not made here"
        raise UnmeasurableError(name, reason)
    seed = folder / "seed"
    seed.write_bytes(_seed(described))
    with open_cdr_file(seed, "0" * 32, name, FileSettings(scratch=folder)) as opened:
        kept = _decoding(opened)
        if not kept:
            raise UnmeasurableError(name, "none of its random records decodes")
        before, behind = _around(opened)
    times = -(-records // len(kept))
    target = folder / f"{name}.ber"
    target.write_bytes(_wrapped(described, before + _listed(described, kept * times) + behind))
    return target


def _seed(described: Format) -> bytes:
    """Returns a small file: random records, with what their batch must say before them."""
    if described.name == "tap3":
        return tap_events.batch(tap_events.events(random.Random(SEED), 12, DENSE, SHARE))
    records = random_records(described.name, DENSE, SEED, SHARE)
    return _wrapped(described, _listed(described, records))


def _decoding(opened: CdrFile) -> list[bytes]:
    """Returns the records that become EDRs or are discarded by name."""
    done = decode_chunk(opened, range(opened.n_records), NODES)
    suspended = set(done.suspense.column("offset").to_pylist())
    places = zip(opened.offsets.tolist(), opened.lengths.tolist(), strict=True)
    return [opened.raw(offset, length) for offset, length in places if offset not in suspended]


def _around(opened: CdrFile) -> tuple[bytes, bytes]:
    """Returns what stands before and behind the list of records in their outer value."""
    before, behind = b"", b""
    for outer in opened.frames.outer[:1]:
        for piece in outer.pieces:
            raw = opened.raw(piece.offset, piece.length)
            before, behind = (before, behind + raw) if piece.behind else (before + raw, behind)
    return before, behind


def _listed(described: Format, records: Sequence[bytes]) -> bytes:
    """Returns records in the lists that stand around them in the format's first outer value."""
    octets = b"".join(records)
    for root in described.outer[:1]:
        for element in reversed(root.path):
            octets = _tlv(element, octets)
    return octets


def _wrapped(described: Format, octets: bytes) -> bytes:
    """Returns octets in the format's first outer value, if it has one."""
    return _tlv(described.outer[0].element, octets) if described.outer else octets


def _tlv(element: Element, inside: bytes) -> bytes:
    """Returns a constructed value with a length of four octets."""
    first = element.tag_class << 6 | CONSTRUCTED
    number = element.tag_number
    if number < 31:
        tag = bytes([first | number])
    else:
        tail = [number & 127]
        while number := number >> 7:
            tail.append(number & 127 | 128)
        tag = bytes([first | 31, *reversed(tail)])
    return tag + b"\x84" + len(inside).to_bytes(4, "big") + inside
