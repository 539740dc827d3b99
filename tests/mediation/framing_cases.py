"""Files for the framing tests: clean records, cuts, garbage and filler, made by hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from mediation.framing import RecordTags

FIRST = (0xA0, 0xA1, 0xA5, 0xBF)


TAGS = RecordTags(
    np.isin(np.arange(256), FIRST).astype(np.uint8),
    frozenset({78, 300}),
)
"""A format that is nothing but its tags: 0xA0, 0xA1, 0xA5 and the long tags 78 and 300."""

RECORD_TAGS = (b"\xa0", b"\xa1", b"\xa5", b"\xbf\x4e", b"\xbf\x82\x2c")


def length_octets(length: int, form: int) -> bytes:
    """Returns a length in its shortest form, or with at least ``form`` octets behind 0x8n."""
    if form == 0 and length < 128:
        return bytes([length])
    count = max(form, (length.bit_length() + 7) // 8, 1)
    return bytes([0x80 | count]) + length.to_bytes(count, "big")


def tlv(tag: bytes, content: bytes, form: int = 0) -> bytes:
    """Returns a TLV; ``form`` -1 is an indefinite length."""
    if form < 0:
        return tag + b"\x80" + content + b"\0\0"
    return tag + length_octets(len(content), form) + content


forms = st.sampled_from((0, 0, 0, 1, 2, 4))
# Contents that cannot be mistaken for the head of a record, so that a cut has one right answer.
harmless = st.binary(max_size=12).map(lambda octets: bytes(octet & 0x7F | 1 for octet in octets))
primitives = st.builds(
    tlv, st.sampled_from((b"\x80", b"\x83", b"\x9f\x21", b"\x9f\x81\x10", b"\x02")), harmless, forms
)
constructed_forms = st.sampled_from((0, 0, 1, 2, -1))
nested = st.recursive(
    primitives,
    lambda inner: st.builds(
        tlv,
        st.sampled_from((b"\xac", b"\x30", b"\xbf\x23")),
        st.lists(inner, max_size=3).map(b"".join),
        constructed_forms,
    ),
    max_leaves=6,
)
records = st.builds(
    tlv,
    st.sampled_from(RECORD_TAGS),
    st.lists(nested, min_size=4, max_size=9).map(b"".join),
    constructed_forms,
)
strangers = st.builds(
    tlv, st.just(b"\xb7"), st.lists(nested, min_size=4, max_size=6).map(b"".join), forms
)
small = st.builds(
    tlv, st.sampled_from(RECORD_TAGS), st.lists(primitives, max_size=3).map(b"".join), forms
)
filler = st.builds(
    lambda octet, count: octet * count, st.sampled_from((b"\0", b"\xff")), st.integers(1, 40)
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A record that was cut, or of which one octet is wrong."""
    record = draw(records)
    at = draw(st.integers(1, len(record) - 1))
    if draw(st.booleans()):
        return record[:at]
    return record[:at] + bytes([draw(st.integers(0, 255))]) + record[at + 1 :]


pieces = st.one_of(records, records, small, strangers, filler, damaged(), st.binary(max_size=20))
files = st.lists(pieces, max_size=14).map(b"".join)


def cdr(record: bytes, header: bytes = b"\xe1\x27\x05") -> bytes:
    """Returns a record behind its TS 32.297 CDR header."""
    return len(record).to_bytes(2, "big") + header + record


def file_header(
    length: int = 54, *, size: int = 0xFFFFFFFF, count: int = 0xFFFFFFFF, sequence: int = 7
) -> bytes:
    fixed = (
        size.to_bytes(4, "big")
        + length.to_bytes(4, "big")
        + b"\xe1\xe1"
        + b"\x00" * 8
        + count.to_bytes(4, "big")
        + sequence.to_bytes(4, "big")
        + b"\x00"
        + b"\xff" * 4
        + b"\x00" * 16
        + b"\x00"
    )
    return fixed + b"\x00" * (length - len(fixed))
