"""Mutations of records that know what a record is: lengths, tags, order, nesting, filler, cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mediation.reference.boundaries import after_tag, read_header
from tests.mediation.framing_cases import length_octets

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

LENGTHS = (
    b"\x00",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\x81\xff",
    b"\x82\xff\xff",
    b"\x84\x00\x00\x00\x02",
    b"\x84\x7f\xff\xff\xff",
    b"\x84\xff\xff\xff\xff",
    b"\x85\x00\x00\x00\x00\x01",
    b"\x88" + b"\xff" * 8,
    b"\xff",
)
TAGS = (
    b"\x00",
    b"\x80",
    b"\xa0",
    b"\xbf\x4f",
    b"\x1f",
    b"\x9f\xff\xff\xff\xff\x7f",
    b"\x30",
    b"\xff",
)
UNKNOWN = (b"\x9f\x87\x68\x02\xab\xcd", b"\xbf\x87\x68\x04\x80\x02\xab\xcd", b"\xdf\x01\x00")


@dataclass(frozen=True)
class Clean:
    """A clean record and where its values are.

    Attributes:
        octets: The record.
        content: Where its content begins.
        children: (start, end) of the values directly inside.
        heads: (start, start of the length, content, end) of every value, the record first.
    """

    octets: bytes
    content: int
    children: tuple[tuple[int, int], ...]
    heads: tuple[tuple[int, int, int, int], ...]


def dissect(record: bytes) -> Clean:
    heads: list[tuple[int, int, int, int]] = []

    def walk(at: int, limit: int) -> list[tuple[int, int]]:
        found = []
        while at < limit:
            content, length = read_header(record, at, limit)
            assert length is not None  # the encoder writes definite lengths
            end = content + length
            heads.append((at, after_tag(record, at, limit), content, end))
            found.append((at, end))
            if record[at] & 32:
                walk(content, end)
            at = end
        return found

    walk(0, len(record))
    inside: list[tuple[int, int]] = []
    at = heads[0][2]
    while at < len(record):
        content, length = read_header(record, at, len(record))
        inside.append((at, content + (length or 0)))
        at = inside[-1][1]
    return Clean(record, heads[0][2], tuple(inside), tuple(heads))


def rebuilt(clean: Clean, content: bytes, form: int = 0) -> bytes:
    """Returns the record with other content and a length that fits it."""
    tag = clean.octets[: clean.heads[0][1]]
    if form < 0:
        return tag + b"\x80" + content + b"\0\0"
    return tag + length_octets(len(content), form) + content


def as_it_is(_: random.Random, clean: Clean) -> bytes:
    return clean.octets


def wrong_octet(rng: random.Random, clean: Clean) -> bytes:
    at = rng.randrange(len(clean.octets))
    return clean.octets[:at] + rng.randbytes(1) + clean.octets[at + 1 :]


def wrong_length(rng: random.Random, clean: Clean) -> bytes:
    _, at, content, _ = rng.choice(clean.heads)
    return clean.octets[:at] + rng.choice(LENGTHS) + clean.octets[content:]


def near_length(rng: random.Random, clean: Clean) -> bytes:
    _, at, _, _ = rng.choice(clean.heads)
    changed = (clean.octets[at] + rng.choice((-2, -1, 1, 2))) & 255
    return clean.octets[:at] + bytes([changed]) + clean.octets[at + 1 :]


def wrong_tag(rng: random.Random, clean: Clean) -> bytes:
    start, at, _, _ = rng.choice(clean.heads)
    return clean.octets[:start] + rng.choice(TAGS) + clean.octets[at:]


def cut(rng: random.Random, clean: Clean) -> bytes:
    return clean.octets[: rng.randrange(1, len(clean.octets))]


def children(clean: Clean) -> list[bytes]:
    return [clean.octets[start:end] for start, end in clean.children]


def shuffled(rng: random.Random, clean: Clean) -> bytes:
    parts = children(clean)
    rng.shuffle(parts)
    return rebuilt(clean, b"".join(parts), rng.choice((0, 1, 2, 4, -1)))


def doubled(rng: random.Random, clean: Clean) -> bytes:
    parts = children(clean)
    again = rng.choices(parts, k=rng.choice((1, 2, 40))) if parts else []
    return rebuilt(clean, b"".join([*parts, *again]))


def lacking(rng: random.Random, clean: Clean) -> bytes:
    parts = children(clean)
    return rebuilt(clean, b"".join(rng.sample(parts, rng.randrange(max(len(parts), 1)))))


def stranger(rng: random.Random, clean: Clean) -> bytes:
    parts = children(clean)
    parts.insert(rng.randint(0, len(parts)), rng.choice(UNKNOWN))
    return rebuilt(clean, b"".join(parts), rng.choice((0, -1)))


def nested(rng: random.Random, clean: Clean) -> bytes:
    depth = rng.choice((3, 12, 31, 33, 70))
    tag = rng.choice((b"\xa5", b"\x30", b"\xbf\x22"))
    chain = (tag + b"\x80") * depth + b"\0\0" * rng.choice((depth, depth - 1, 0))
    return rebuilt(clean, b"".join(children(clean)) + chain, rng.choice((0, -1)))


def other_content(rng: random.Random, clean: Clean) -> bytes:
    _, _, content, end = rng.choice(clean.heads)
    return clean.octets[:content] + rng.randbytes(end - content) + clean.octets[end:]


def garbage(rng: random.Random, _: Clean) -> bytes:
    return rng.randbytes(rng.randint(1, 60))


def filler(rng: random.Random, clean: Clean) -> bytes:
    return clean.octets + rng.choice((b"\0", b"\xff")) * rng.randint(1, 50)


def empty(_: random.Random, clean: Clean) -> bytes:
    return clean.octets[: clean.heads[0][1]] + b"\0"


def two_at_once(rng: random.Random, clean: Clean) -> bytes:
    octets = rng.choice(HARMLESS)(rng, clean)
    at = rng.randrange(len(octets))
    return octets[:at] + rng.randbytes(1) + octets[at + 1 :]


Mutation: TypeAlias = "Callable[[random.Random, Clean], bytes]"
HARMLESS: tuple[Mutation, ...] = (shuffled, doubled, stranger)
MUTATIONS: tuple[Mutation, ...] = (
    as_it_is,
    wrong_octet,
    wrong_length,
    near_length,
    wrong_tag,
    cut,
    shuffled,
    doubled,
    lacking,
    stranger,
    nested,
    other_content,
    garbage,
    filler,
    empty,
    two_at_once,
)
