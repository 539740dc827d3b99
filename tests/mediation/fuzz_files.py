"""Files for the fuzzer: the same records in every framing, and damage to the file around them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeAlias

from mediation.framing import FramingRules
from mediation.tlv import tag_octets
from tests.mediation.framing_cases import cdr, file_header, tlv
from tests.mediation.outer_cases import ROOTS, batch

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from mediation.formats.outer import Root
    from mediation.framing import RecordTags

Made: TypeAlias = "tuple[bytes, FramingRules]"
BLOCK = 2048


def bare(_: random.Random, pieces: list[bytes], __: RecordTags) -> Made:
    return b"".join(pieces), FramingRules()


def blocks(rng: random.Random, pieces: list[bytes], _: RecordTags) -> Made:
    """Records that cross no block, with filler to its end."""
    filler = rng.choice((b"\0", b"\xff"))
    out, room = [], BLOCK
    for piece in pieces:
        if len(piece) > room:
            out.append(filler * room)
            room = BLOCK
        out.append(piece)
        room -= len(piece)
        room %= BLOCK
    return b"".join(out), FramingRules(block_octets=BLOCK)


def headed(_: random.Random, pieces: list[bytes], __: RecordTags) -> Made:
    short = [piece for piece in pieces if len(piece) < 1 << 16]
    return file_header() + b"".join(map(cdr, short)), FramingRules("ts32297")


def lengths(rng: random.Random, pieces: list[bytes], _: RecordTags) -> Made:
    """Records behind lengths of any form."""
    count, little, included = rng.choice((2, 4)), rng.random() < 0.5, rng.random() < 0.5
    out = []
    for piece in pieces:
        length = len(piece) + (count if included else 0)
        if length < 1 << 8 * count:
            out.append(length.to_bytes(count, "little" if little else "big") + piece)
    rules = FramingRules(
        "lengths", length_octets=count, little_endian=little, length_included=included
    )
    return b"".join(out), rules


def outer(rng: random.Random, pieces: list[bytes], tags: RecordTags) -> Made:
    """Records in the format's own outer value, in one of ours where it has none."""
    half = rng.randint(0, len(pieces))
    made = []
    for part in (pieces[:half], pieces[half:]):
        forms = rng.choice((0, 4, -1)), rng.choice((0, 4, -1))
        roots = [root for root in tags.roots if root not in ROOTS and root.path]
        if roots:
            made.append(rooted(rng, rng.choice(roots), b"".join(part), forms[0]))
        else:
            shape = rng.choice(("app", "file"))
            made.append(batch(part, forms=forms, strange=rng.random() < 0.3, shape=shape).octets)
    return rng.choice((b"", b"\0\0")).join(made), FramingRules("outer")


def rooted(rng: random.Random, root: Root, records: bytes, form: int) -> bytes:
    """Returns the records in an outer value of a format, with some elements beside their list."""
    inner = records
    for element, parent in zip(
        reversed(root.path), (*reversed(root.path[:-1]), root.element), strict=True
    ):
        listed = tlv(tag_octets(element), inner, form)
        parts = [
            listed if child == element else tlv(tag_octets(child), b"", 0)
            for child in parent.children
            if child == element or (child.constructed and rng.random() < 0.5)
        ]
        inner = b"".join(parts)
    return tlv(tag_octets(root.element), inner, form)


def with_roots(tags: RecordTags) -> RecordTags:
    """Returns tags that know an outer value, the format's own or ours."""
    return tags if tags.roots else dataclasses.replace(tags, roots=ROOTS)


def damage(rng: random.Random, octets: bytes) -> bytes:
    """Returns a file with some octets changed, put in, taken out or cut off at the end."""
    kind = rng.randrange(5)
    if not octets or kind == 0:
        return octets
    changed = bytearray(octets)
    for _ in range(rng.choice((1, 3, 20))):
        at = rng.randrange(len(changed))
        if kind == 1:
            changed[at] = rng.randrange(256)
        elif kind == 2:
            changed[at:at] = rng.randbytes(rng.randint(1, 9))
        elif kind == 3 and len(changed) > 20:
            del changed[at : at + rng.randint(1, 9)]
    if kind == 4:
        # Heads are what framing looks at first, and a cut is the most usual fault.
        changed[: rng.randint(0, 40)] = rng.randbytes(rng.randint(0, 40))
        del changed[rng.randint(len(changed) // 2, len(changed)) :]
    return bytes(changed)


FILES: tuple[Callable[[random.Random, list[bytes], RecordTags], Made], ...] = (
    bare,
    headed,
    lengths,
    blocks,
    outer,
)
