"""A broken record loses itself only, in every framing and for every kind of fault.

Ten thousand records of a real format, a few of them broken: all the others are framed exactly, and
the octets that are not are few.
"""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest

from mediation import formats
from mediation.framing import Frames, FramingRules, frame, tags_of
from mediation.framing_steps import read_steps
from mediation.tlv import read_head
from tests.mediation.framing_cases import cdr, file_header, length_octets, tlv
from tests.mediation.fuzz_records import clean_records
from tests.mediation.outer_cases import ROOTS
from tests.mediation.test_framing import pairs

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 10_000
BLOCK = 8192

Fault: TypeAlias = "Callable[[random.Random, bytes], bytes]"


def cut_short(rng: random.Random, record: bytes) -> bytes:
    """Its end is missing."""
    return record[: rng.randint(3, len(record) - 1)]


def octets_missing(rng: random.Random, record: bytes) -> bytes:
    """Some octets in the middle are missing."""
    at = rng.randint(4, len(record) - 2)
    return record[:at] + record[at + rng.randint(1, 9) :]


def too_long(rng: random.Random, record: bytes) -> bytes:
    """Its length claims more than it has."""
    head = 1 if record[0] & 31 != 31 else 2
    skip = 1 if record[head] < 128 else 1 + (record[head] & 127)
    claimed = len(record) - head - skip + rng.randint(1, 3000)
    return record[:head] + length_octets(claimed, 2) + record[head + skip :]


def huge(_: random.Random, record: bytes) -> bytes:
    """Its length claims four gigabytes."""
    head = 1 if record[0] & 31 != 31 else 2
    return record[:head] + b"\x84\xff\xff\xff\xff" + record[head + 1 :]


def overwritten(rng: random.Random, record: bytes) -> bytes:
    """Its first octets were overwritten."""
    return rng.randbytes(6) + record[6:]


def garbage(rng: random.Random, _: bytes) -> bytes:
    """It is not a record at all."""
    return rng.randbytes(rng.randint(1, 300))


FAULTS = (cut_short, octets_missing, too_long, huge, overwritten, garbage)


@functools.cache
def clean() -> tuple[bytes, ...]:
    """Records as an encoder writes them, all types of the format that hold enough to be known."""
    rng = random.Random(5)
    described = formats.load("3gpp_cs")
    some = [
        each
        for each in clean_records(rng, described, 12)
        if len(each) > 60 and values_inside(each) >= described.least_values
    ]
    return tuple(rng.choices(some, k=COUNT))


def values_inside(record: bytes) -> int:
    """Returns how many values stand directly inside a record."""
    data = np.frombuffer(record, np.uint8)
    head = read_head(data, 0, len(data))
    count = 0
    at = head.content if head else len(data)
    while at < len(data):
        inner = read_head(data, at, len(data))
        at = inner.end if inner and inner.end is not None else len(data)
        count += 1
    return count


def blocks(parts: list[bytes]) -> list[bytes]:
    """Returns the parts with filler wherever a block has no room for the next one."""
    out, room = [], BLOCK
    for part in parts:
        full = len(part) > room
        filler = b"\xff" * room if full else b""
        room = (BLOCK if full else room) - len(part)
        out.append(filler + part)
    return out


def lengths(record: bytes, steps: str) -> bytes:
    _, octets, order, *included = steps.split()
    count = int(octets)
    length = len(record) + (count if included else 0)
    return length.to_bytes(count, "little" if order == "little" else "big") + record


def file_of(steps: str, parts: list[bytes], broken: dict[int, bytes]) -> tuple[bytes, list[int]]:
    """Returns a file of the parts and where the clean ones are.

    The headers of broken records are those of the clean ones: the writer meant well.
    """
    headed: Callable[[bytes], bytes] = bytes
    if steps == "ts32297":
        headed = cdr
    elif steps.startswith("lengths"):
        headed = functools.partial(lengths, steps=steps)
    whole = [headed(part) for part in parts]
    pieces = [
        each[: len(each) - len(part)] + broken.get(index, part)
        for index, (each, part) in enumerate(zip(whole, parts, strict=True))
    ]
    if steps.startswith("blocks"):
        pieces = blocks(pieces)
    front = behind = b""
    if steps == "ts32297":
        front = file_header()
    if steps == "outer":
        header, trailer = tlv(b"\xa0", b"\x80\x01\x01"), tlv(b"\xa2", b"\x80\x01\x01")
        content = sum(map(len, whole))
        listed = b"\xa1" + length_octets(content, 4)
        size = len(header) + len(listed) + content + len(trailer)
        front, behind = b"\x30" + length_octets(size, 4) + header + listed, trailer
    at = np.cumsum([len(front), *map(len, pieces)]).tolist()
    ends = at[1:]
    offsets = [
        end - len(part)
        for index, (end, part) in enumerate(zip(ends, parts, strict=True))
        if index not in broken
    ]
    return front + b"".join(pieces) + behind, offsets


def framed(steps: str, data: bytes) -> Frames:
    cs = formats.load("3gpp_cs")
    tags = tags_of(cs.schema, ROOTS[2:])
    found = read_steps(steps.split(", "))
    return frame(
        np.frombuffer(data, np.uint8), tags, found.applied(FramingRules(found.framing or ""))
    )


STEPS = (
    "bare",
    f"blocks {BLOCK}, bare",
    "ts32297",
    "lengths 2 big",
    "lengths 4 little included",
    "outer",
)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("share", [1, 50])
def test_the_others_are_framed_exactly(steps: str, fault: Fault, share: int) -> None:
    rng = random.Random(f"{steps} {fault.__name__} {share}")
    parts = list(clean())
    broken = {at: fault(rng, parts[at]) for at in rng.sample(range(1, COUNT - 1), share)}
    data, offsets = file_of(steps, parts, broken)
    frames = framed(steps, data)
    total = frames.header_octets + frames.filler_octets + int(frames.lengths.sum())
    assert total + sum(gap.length for gap in frames.unframed) == len(data)
    expected = {
        (at, len(part))
        for at, part in zip(
            offsets, (p for n, p in enumerate(parts) if n not in broken), strict=True
        )
    }
    lost = expected - set(pairs(frames))
    # Where a broken length happens to end where a record behind it ends, it covers whole records:
    # with claims of up to 3,000 octets, every twentieth or so, about twelve records each time.
    assert len(lost) <= (share // 20) * 12
    assert len(frames.unframed) <= share + 2


@pytest.mark.parametrize("fault", FAULTS[:-1])
def test_the_last_record_stays_where_nothing_stands_behind_the_list(fault: Fault) -> None:
    """A broken record makes the lengths around the list wrong; fields may look like a trailer."""
    rng = random.Random(fault.__name__)
    parts = clean()[:200]
    content = b"".join(parts)
    listed = b"\xa1" + length_octets(len(content), 4)
    header = tlv(b"\xa0", b"\x80\x01\x01")
    size = len(header) + len(listed) + len(content)
    front = b"\x30" + length_octets(size, 4) + header + listed
    for _ in range(5):
        at = rng.randrange(1, 199)
        pieces = [front, *parts[:at], fault(rng, parts[at]), *parts[at + 1 :]]
        frames = framed("outer", b"".join(pieces))
        ends = np.cumsum([len(piece) for piece in pieces]).tolist()
        wanted = {(end - len(piece), len(piece)) for end, piece in zip(ends, pieces, strict=True)}
        lost = wanted - set(pairs(frames))
        assert (ends[-2], len(parts[-1])) not in lost


def test_claims_far_larger_than_the_file_and_records_of_64_mb() -> None:
    claim = b"\xa0\x84\xff\xff\xff\xff" + bytes(range(1, 15))
    (gap,) = framed("bare", claim).unframed
    assert (gap.offset, gap.length, gap.reason) == (0, 20, "length_past_end")
    first, last = clean()[:2]
    large = tlv(b"\xa0", tlv(b"\x9f\x87\x68", b"\x11" * (64 << 20)) + b"\x80\x01\x01" * 4)
    frames = framed("bare", first + large + last)
    assert frames.lengths.tolist() == [len(first), len(last)]
    (gap,) = frames.unframed
    assert (gap.offset, gap.length, gap.reason) == (len(first), len(large), "record_too_long")
