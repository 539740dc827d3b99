"""Framing of whole files equals its plain-Python twin, for every framing and kind of damage."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation import formats
from mediation.framing import FramingRules, frame, tags_of
from mediation.framing_scan import Scanner
from mediation.reference.scanner import PlainScanner, frame_plainly
from tests.mediation.framing_cases import TAGS, cdr, damaged, file_header, filler, records, tlv
from tests.mediation.fuzz_files import FILES, damage, with_roots
from tests.mediation.fuzz_mutate import MUTATIONS, Clean, dissect
from tests.mediation.fuzz_records import clean_records
from tests.mediation.fuzz_world import same_frames
from tests.mediation.outer_cases import OUTER_TAGS, Batch, batch, batches
from tests.mediation.test_framing import assert_conserved

if TYPE_CHECKING:
    from mediation.framing import RecordTags

NAMES = ("3gpp_cs", "3gpp_ps", "huawei_cs", "nrtrde", "rap", "tap3")
LONGEST = 400
"""Octets of a record, so that searching in plain Python takes milliseconds."""
HEADED = (FramingRules("ts32297"), FramingRules("ts32297", block_octets=64))
LENGTHS = tuple(
    FramingRules("lengths", block, length_octets=count, little_endian=little, length_included=own)
    for block in (0, 64)
    for count in (2, 4)
    for little in (False, True)
    for own in (False, True)
)


def same(data: bytes, tags: RecordTags, rules: FramingRules) -> None:
    """Asserts that kernels and twin put every octet at the same place."""
    frames = frame(np.frombuffer(data, np.uint8), tags, rules)
    same_frames(frames, frame_plainly(data, tags, rules), data)
    assert_conserved(data, frames)


@functools.cache
def clean(name: str) -> tuple[tuple[Clean, ...], RecordTags]:
    described = formats.load(name)
    some = clean_records(random.Random(name), described, 3)
    tags = with_roots(tags_of(described.schema, described.outer, described.least_values))
    return tuple(dissect(each) for each in some if len(each) <= LONGEST), tags


@pytest.mark.parametrize("make", FILES)
@given(st.sampled_from(NAMES), st.integers(0, 12), st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=20)
def test_mutated_files_of_real_formats(make, name: str, count: int, seed: int) -> None:  # noqa: ANN001
    rng = random.Random(seed)
    pieces, tags = clean(name)
    chosen = rng.choices(pieces, k=count)
    octets, rules = make(rng, [rng.choice(MUTATIONS)(rng, each) for each in chosen], tags)
    same(damage(rng, octets), tags, rules)


parts = st.lists(st.one_of(records, records, filler, damaged(), st.binary(max_size=20)), max_size=8)


@given(st.lists(parts, min_size=1, max_size=3), st.sampled_from((b"\0", b"\xff")))
@settings(deadline=None, max_examples=25)
@example([[b"\x12\x34"]], b"\0")
def test_blocks(blocks: list[list[bytes]], octet: bytes) -> None:
    cells = [b"".join(cell)[:64].ljust(64, octet) for cell in blocks]
    same(b"".join(cells), TAGS, FramingRules(block_octets=64))


LONG = tlv(b"\xa0", tlv(b"\x80", bytes(249), 1), 1)
"""Its length is 00 FF."""
SHORT = tlv(b"\xa0", b"\x80\x01\x01\x81\x02\x11\x22\x82\x01\x05\x83\x01\x06")

COVERING = tlv(b"\xa0", tlv(b"\x80", b"\x11" * 32) + b"\x81\x01\x01\x82\x01\x01\x83\x01\x01")
FALSE_START = tlv(
    b"\xa0", tlv(b"\x80", b"\0\0\0\0\x04\xe1\x27\x05\xa0\x7f\x11\x11\x11\x11") + SHORT[2:]
)
"""Filler and a header in a field, where the record before it ends if that one was cut."""


def cut(piece: bytes, kept: int) -> bytes:
    """Returns a piece without its end, whatever its header says."""
    return piece[: max(1, len(piece) - kept)]


@given(
    st.lists(
        st.one_of(
            records.map(cdr),
            records.map(cdr),
            damaged().map(cdr),
            st.builds(cut, records.map(cdr), st.integers(1, 9)),
            filler,
            st.binary(max_size=20),
        ),
        max_size=8,
    ),
    st.sampled_from(HEADED),
)
@settings(deadline=None, max_examples=25)
@example([cdr(LONG), bytes(7), cdr(LONG)], HEADED[0])
@example([cdr(SHORT), cut(cdr(SHORT), 3), cdr(SHORT), cdr(SHORT)], HEADED[0])
@example([cut(cdr(COVERING), 11), cdr(FALSE_START), cdr(SHORT)], HEADED[0])
def test_ts32297(pieces: list[bytes], rules: FramingRules) -> None:
    same(file_header() + b"".join(pieces), TAGS, rules)


@given(
    st.lists(st.tuples(records, st.sampled_from((0, 0, 0, 0, 1, -1, 9)), filler), max_size=8),
    st.sampled_from(LENGTHS),
    st.integers(0, 1 << 32),
)
@settings(deadline=None, max_examples=25)
@example([(SHORT, 0, b""), (SHORT[:-3], 3, b""), (SHORT, 0, b""), (SHORT, 0, b"")], LENGTHS[0], 0)
def test_lengths(pieces: list[tuple[bytes, int, bytes]], rules: FramingRules, seed: int) -> None:
    rng = random.Random(seed)
    out = []
    for piece, more, fill in pieces:
        own = rules.length_octets if rules.length_included else 0
        length = max(0, len(piece) + more + own)
        order = "little" if rules.little_endian else "big"
        out.append(length.to_bytes(rules.length_octets, order) + piece)
        out.append(fill if rng.random() < 0.3 else b"")
    same(b"".join(out), TAGS, rules)


@given(st.lists(batches, max_size=2), st.sampled_from((b"", b"\0\0")), st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=25)
@example([batch([SHORT, SHORT[:-3], SHORT, SHORT], forms=(-1, -1))], b"", 0)
def test_outer(whole: list[Batch], between: bytes, seed: int) -> None:
    data = between.join(each.octets for each in whole)
    same(data, OUTER_TAGS, FramingRules("outer"))
    same(damage(random.Random(seed), data), OUTER_TAGS, FramingRules("outer"))


@given(parts, st.binary(max_size=8))
@settings(deadline=None, max_examples=50)
@example([SHORT, SHORT[:-3], SHORT], b"")
@example([b"\xb7\x80" + SHORT + b"\0\0", SHORT], b"\x64\0")
def test_lists_and_single_values(pieces: list[bytes], behind: bytes) -> None:
    data = b"".join(pieces) + b"\0\0" + behind
    octets = np.frombuffer(data, np.uint8)
    fast, plain = (make(octets, TAGS, FramingRules()) for make in (Scanner, PlainScanner))
    for limit in {len(data), len(data) - 1, len(data) // 2}:
        assert fast.end_of_list(0, limit) == plain.end_of_list(0, limit)
        for at in range(limit):
            assert fast.end_of_value(at, limit) == plain.end_of_value(at, limit)


@given(st.lists(parts, max_size=4), st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=50)
@example([[b"\xb7\x80" + SHORT + b"\0\0", SHORT]], 0)
def test_records_inside_values(values: list[list[bytes]], seed: int) -> None:
    rng = random.Random(seed)
    whole = [tlv(b"\x30", b"".join(each), rng.choice((-1, 0))) for each in values]
    for data in (b"".join(whole), damage(rng, b"".join(whole))):
        ends = np.minimum(np.cumsum([len(each) for each in whole], dtype=np.int64), len(data))
        offsets = np.append(np.int64(0), ends)[: len(whole)]
        octets = np.frombuffer(data, np.uint8)
        found, expected = (
            make(octets, TAGS, FramingRules()).inside(offsets, ends - offsets)
            for make in (Scanner, PlainScanner)
        )
        assert [each.tolist() for each in found] == [each.tolist() for each in expected]
