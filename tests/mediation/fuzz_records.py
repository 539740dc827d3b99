"""Clean records of every type of a format, with random values, written from the format's elements.

Fields that the mapping reads are there more often than not, with values that their codec can read;
so most records pass. Other encoders say whether decoding is right; this one is for any format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import tap_events
from bench.random_records import random_records, specification
from mediation.batch_facts import BatchFacts, batch_facts
from mediation.framing import FramingRules, frame, tags_of
from mediation.tlv import tag_octets
from tests.mediation.framing_cases import tlv
from traffic.nodes import draw_records

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from mediation.formats import Format
    from mediation.formats.schema import Element

DIGITS = "0123456789"
DEEP = 7
"""Levels below which only what must be there is written."""

READ_SHARE = 0.85
KINDS: dict[str, Callable[[random.Random], bytes]] = {
    "INTEGER": lambda rng: rng.choice((b"\0", b"\1", b"\4", b"\x64", b"\1", rng.randbytes(4))),
    "BOOLEAN": lambda rng: rng.choice((b"\0", b"\xff")),
    "NULL": lambda _: b"",
    "BIT STRING": lambda rng: b"\0" + rng.randbytes(4),
    "OBJECT IDENTIFIER": lambda _: bytes.fromhex("2a811c09"),
}


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


def address(rng: random.Random) -> bytes:
    return b"\x91" + tbcd("86" + rng.choice(("188", "199", "10")) + digits(rng, 8))


def letters(rng: random.Random) -> bytes:
    return "".join(rng.choices("abcdefgh", k=rng.randint(1, 12))).encode()


VALUES: dict[str, Callable[[random.Random], bytes]] = {
    "timestamp": timestamp,
    "between": timestamp,
    "tbcd": lambda rng: tbcd("46000" + digits(rng, 10)),
    "imei": lambda rng: tbcd("35" + digits(rng, 13)),
    "address": address,
    "address_text": address,
    "directory": address,
    "dialled": address,
    "uri": lambda rng: (
        rng.choice((b"tel:+86188%s", b"tel:188%s;phone-context=a", b"sip:0%s@a;user=phone"))
        % digits(rng, 8).encode()
    ),
    "access_location": lambda rng: b"3GPP-NR;utran-cell-id-3gpp=460%016x" % rng.getrandbits(60),
    "decimal": lambda rng: b"imsi-46000" + digits(rng, 10).encode(),
    "decimal_imei": lambda rng: b"35" + digits(rng, 13).encode(),
    "octets": lambda rng: rng.randbytes(2),
    "plmn": lambda rng: bytes.fromhex(rng.choice(("64f000", "44f010", "130014"))),
    "text": letters,
    "ip": lambda rng: rng.randbytes(4),
}
"""Values that codecs can read; a codec that is not here gets random octets."""


@dataclass
class Writer:
    """Writes records of one format.

    Attributes:
        rng: Where chance comes from.
        codecs: Codec names by the identity of the element that they read.
        on_the_way: Identities of elements on the way to fields that are read.
    """

    rng: random.Random
    codecs: dict[int, str] = field(default_factory=dict)
    on_the_way: set[int] = field(default_factory=set)

    def learn(self, rule: Any) -> None:  # noqa: ANN401 - a type rule or a rows rule
        """Notes what a rule of the mapping reads."""
        for column in rule.columns:
            for source in column.sources:
                for path in (source.path, source.second):
                    self.on_the_way.update(map(id, path))
                    if path:
                        self.codecs.setdefault(id(path[-1]), source.codec.name)
        for rows in rule.rows:
            self.on_the_way.update(map(id, (*rows.path, rows.element)))
            self.learn(rows)

    def octets(self, element: Element) -> bytes:
        """Returns the content of a primitive value."""
        rng = self.rng
        if element.kind == "ENUMERATED":
            return bytes([rng.choice(element.names or ((0, ""),))[0] & 127])
        if element.kind in KINDS:
            return KINDS[element.kind](rng)
        make = VALUES.get(self.codecs.get(id(element), ""))
        if make is not None:
            return make(rng)
        return rng.randbytes(rng.choice((1, 2, 3, 4)) if rng.random() < 0.97 else 130)

    def element(self, element: Element, share: float, depth: int = 0) -> bytes:
        """Returns one value, tag and length included."""
        if not element.constructed:
            return tlv(tag_octets(element), self.octets(element))
        return tlv(
            tag_octets(element), self.inside(element, share, depth), self.rng.choice((0, 0, 0, 2))
        )

    def inside(self, element: Element, share: float, depth: int) -> bytes:
        """Returns the content of a constructed value."""
        rng, children = self.rng, element.children
        if element.kind in {"CHOICE", "EXPLICIT"}:
            likely = [child for child in children if id(child) in self.on_the_way] or children
            return self.element(rng.choice(likely), share, depth + 1) if likely else b""
        if element.is_list:
            count = rng.randint(1, 3) if depth < DEEP else 0
            chosen = rng.choices(children, k=count) if children else []
            return b"".join(self.element(child, share, depth + 1) for child in chosen)
        parts = []
        for child in children:
            wanted = max(share, READ_SHARE) if id(child) in self.on_the_way else share
            if rng.random() < (wanted if depth < DEEP else 0.1):
                parts.append(self.element(child, share * 0.8, depth + 1))
        return b"".join(parts)


def clean_records(rng: random.Random, cdr_format: Format, per_type: int) -> Iterator[bytes]:
    """Yields ``per_type`` records of each type, from nearly empty to nearly full ones."""
    writer = Writer(rng)
    for rule in cdr_format.mapping.types:
        writer.learn(rule)
    for element in cdr_format.schema:
        for number in range(per_type):
            yield writer.element(element, 0.3 + 0.7 * number / per_type)


WRITTEN = 300
"""Records of either writer."""


def clean_pieces(rng: random.Random, cdr_format: Format) -> list[bytes]:
    """Returns clean records: by the elements of the format, random ones, and as nodes write them."""
    name = cdr_format.name
    pieces = list(clean_records(rng, cdr_format, -(-WRITTEN // len(cdr_format.schema))))
    pieces += draw_records(name, WRITTEN, rng.randrange(1 << 30))
    if name != "tap3":
        return pieces + random_records(name, WRITTEN, rng.randrange(1 << 30))
    encoder = specification(name)
    for release in tap_events.RELEASES:
        events = tap_events.events(rng, release, WRITTEN // len(tap_events.RELEASES))
        pieces += [bytes(encoder.encode(cdr_format.record, event)) for event in events]
    return pieces


def facts_of(cdr_format: Format) -> BatchFacts | None:
    """Returns what a file says of all its records, None where records say it themselves."""
    if cdr_format.mapping.file is None:
        return None
    if cdr_format.name != "tap3":
        return BatchFacts(values={"sender": "AAAAA"})
    data = np.frombuffer(tap_events.batch([]), np.uint8)
    tags = tags_of(cdr_format.schema, cdr_format.outer, cdr_format.least_values)
    return batch_facts(cdr_format, data, frame(data, tags, FramingRules("outer")).outer)[0]
