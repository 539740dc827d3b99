"""Outer values for the framing tests: two shapes of batch, definite and indefinite lengths."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hypothesis import strategies as st

from mediation.formats.outer import Root
from mediation.formats.schema import APPLICATION, CONTEXT, UNIVERSAL, Element
from tests.mediation.framing_cases import TAGS, records, tlv

RECORD = Element("record", CONTEXT, 0, "SEQUENCE", "Record")


def _part(name: str, tag_class: int, number: int) -> Element:
    return Element(name, tag_class, number, "SEQUENCE", name.title())


APP_LIST = Element("events", APPLICATION, 3, "SEQUENCE OF", "Events", (RECORD,))
APP_BATCH = Element(
    "batch",
    APPLICATION,
    1,
    "SEQUENCE",
    "Batch",
    (
        _part("control", APPLICATION, 4),
        _part("network", APPLICATION, 6),
        APP_LIST,
        _part("audit", APPLICATION, 15),
    ),
)
NOTICE = Element("notice", APPLICATION, 2, "SEQUENCE", "Notice", (_part("sender", APPLICATION, 4),))
FILE_LIST = Element("records", CONTEXT, 1, "SEQUENCE OF", "Records", (RECORD,))
WHOLE_FILE = Element(
    "",
    UNIVERSAL,
    16,
    "SEQUENCE",
    "WholeFile",
    (_part("header", CONTEXT, 0), FILE_LIST, _part("trailer", CONTEXT, 2)),
)
ROOTS = (
    Root("batch", APP_BATCH, (APP_LIST,)),
    Root("notice", NOTICE),
    Root("WholeFile", WHOLE_FILE, (FILE_LIST,)),
)
OUTER_TAGS = dataclasses.replace(TAGS, roots=ROOTS)

HEADER = tlv(b"\x64", tlv(b"\x5f\x6d", b"00001") + tlv(b"\x80", b"\x01"))
NETWORK = tlv(b"\x66", tlv(b"\x5f\x81\x6b", b"abc"))
STRANGE = tlv(b"\x7f\x83\x10", tlv(b"\x80", b"\x02"))
AUDIT = tlv(b"\x6f", tlv(b"\x5f\x2b", b"\x05"))


@dataclass(frozen=True)
class Batch:
    """An outer value and what is in it.

    Attributes:
        octets: The whole value.
        records: (offset, octets) of its records.
        pieces: (name, octets, behind) of the elements beside the list.
    """

    octets: bytes
    records: tuple[tuple[int, bytes], ...]
    pieces: tuple[tuple[str, bytes, bool], ...]


def batch(
    whole: list[bytes],
    *,
    forms: tuple[int, int] = (0, 0),
    strange: bool = False,
    shape: str = "app",
) -> Batch:
    """Returns a batch of records; ``forms`` are the lengths of the outer value and of its list."""
    if shape == "app":
        before = [("control", HEADER, False), ("network", NETWORK, False)]
        behind = [("audit", AUDIT, True)]
        tags = b"\x61", b"\x63"
    else:
        before = [("header", tlv(b"\xa0", b"\x80\x01\x01"), False)]
        behind = [("trailer", tlv(b"\xa2", b"\x80\x01\x01\x84\x01\x09"), True)]
        tags = b"\x30", b"\xa1"
    if strange:
        before.insert(1, ("", STRANGE, False))
        behind.append(("", STRANGE, True))
    inner = b"".join(whole)
    listed = tlv(tags[1], inner, forms[1])
    front = b"".join(octets for _, octets, _ in before)
    octets = tlv(tags[0], front + listed + b"".join(octets for _, octets, _ in behind), forms[0])
    at = octets.index(front + listed) + len(front)
    at += listed.index(inner) if inner else 0
    places = []
    for record in whole:
        places.append((at, record))
        at += len(record)
    return Batch(octets, tuple(places), (*before, *behind))


batches = st.builds(
    batch,
    st.lists(records, max_size=6),
    forms=st.tuples(*[st.sampled_from((0, 1, 2, 4, -1))] * 2),
    strange=st.booleans(),
    shape=st.sampled_from(("app", "file")),
)
