"""A broken event of a roaming file loses itself only: TAP, RAP and NRTRDE, every kind of fault.

The lengths around the events are those that the writer meant: with one event damaged they agree with
nothing any more, and records were once lost where fields looked like a trailer.
"""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench import tap_events as tap
from mediation import formats
from mediation.framing import Frames, FramingRules, frame, tags_of
from mediation.tlv import read_head
from tests.mediation.framing_cases import tlv
from tests.mediation.outer_cases import AUDIT, HEADER, OUTER_TAGS
from tests.mediation.second_opinion import KINDS, a_return
from tests.mediation.test_framing import CLEAN, assert_conserved, pairs
from tests.mediation.test_nrtrde import event, nrtrde
from tests.mediation.test_rap import return_batch
from tests.mediation.test_resync import FAULTS

if TYPE_CHECKING:
    from tests.mediation.test_resync import Fault

COUNT = 40
EMPTY = 4
"""Octets of an event without any field: nothing tells it from chance."""


def tap_file(rng: random.Random, release: int = 12) -> bytes:
    return tap.batch(tap.events(rng, release, COUNT, rng.choice((0.3, 0.7))), release)


def rap_file(rng: random.Random) -> bytes:
    happened = tap.events(rng, 12, COUNT)
    return return_batch([a_return(rng, each, place) for place, each in enumerate(happened)])


def nrtrde_file(rng: random.Random) -> bytes:
    return nrtrde([event(rng, KINDS[place % len(KINDS)]) for place in range(COUNT)])


MAKERS = {"tap3": tap_file, "rap": rap_file, "nrtrde": nrtrde_file}


def framed(name: str, data: bytes) -> Frames:
    outline = formats.outline(name)
    tags = tags_of(outline.schema, outline.outer, outline.least_values)
    frames = frame(np.frombuffer(data, np.uint8), tags, FramingRules("outer"))
    assert_conserved(data, frames)
    return frames


@functools.cache
def clean(name: str, seed: int) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    data = MAKERS[name](random.Random(seed))
    frames = framed(name, data)
    assert not frames.unframed
    return data, tuple(pairs(frames))


def doubled(_: random.Random, record: bytes) -> bytes:
    """It was written twice."""
    return record + record


def inserted(rng: random.Random, record: bytes) -> bytes:
    """Other octets stand in its middle."""
    at = rng.randrange(len(record))
    return record[:at] + rng.randbytes(rng.randint(1, 20)) + record[at:]


def one_octet(rng: random.Random, record: bytes) -> bytes:
    """One of its octets is another one."""
    at = rng.randrange(len(record))
    return record[:at] + rng.randbytes(1) + record[at + 1 :]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("fault", [*FAULTS, doubled, inserted, one_octet])
def test_the_other_events_are_framed_exactly(name: str, fault: Fault) -> None:
    rng = random.Random(f"{name} {fault.__name__}")
    for case in range(6):
        data, places = clean(name, case % 3)
        victim = rng.choice([n for n, (_, length) in enumerate(places) if length > 12])
        at, length = places[victim]
        broken = fault(rng, data[at : at + length])
        frames = framed(name, data[:at] + broken + data[at + length :])
        moved = len(broken) - length
        wanted = {
            (place + moved * (n > victim), octets)
            for n, (place, octets) in enumerate(places)
            if n != victim and octets > EMPTY
        }
        assert wanted <= set(pairs(frames)), (case, victim)


@pytest.mark.parametrize("name", ["tap3", "rap"])
def test_an_event_that_ends_where_a_later_one_ends_covers_none(name: str) -> None:
    """Nothing in it is broken, but events stand in the place of its fields."""
    data, places = clean(name, 2)
    for victim in range(0, COUNT - 5, 3):
        at, length = places[victim]
        behind = sum(octets for _, octets in places[victim + 1 : victim + 1 + victim % 4 + 1])
        head = read_head(np.frombuffer(data, np.uint8), at, len(data))
        assert head is not None
        tag = 1 if data[at] & 31 != 31 else 3
        inside = at + length - head.content
        longer = data[at : at + tag] + b"\x83" + (inside + behind).to_bytes(3, "big")
        frames = framed(name, data[:at] + longer + data[head.content :])
        moved = len(longer) - (head.content - at)
        wanted = {
            (place + moved * (place > at), octets)
            for place, octets in places
            if place != at and octets > EMPTY
        }
        assert wanted <= set(pairs(frames)), victim


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_that_was_cut_keeps_what_stands_before(name: str) -> None:
    data, places = clean(name, 1)
    for cut in random.Random(name).sample(range(len(data)), 12):
        found = set(pairs(framed(name, data[:cut])))
        assert {(at, n) for at, n in places if at + n <= cut and n > EMPTY} <= found, cut


def test_a_cut_event_that_ends_where_a_later_one_ends() -> None:
    """Its length is right for what follows by chance; in a damaged outer value all are looked into."""
    later = tlv(b"\xa0", b"\x80\x01\x01" * 5)
    cut = bytes([0xA0, 4 + len(later), 0x85, 0x40, 0x11, 0x11])  # its only field ends nowhere
    listed = b"\x63\x82\x01\x00" + CLEAN + cut + later + CLEAN
    data = tlv(b"\x61", HEADER + listed + AUDIT)
    frames = frame(np.frombuffer(data, np.uint8), OUTER_TAGS, FramingRules("outer"))
    assert_conserved(data, frames)
    assert [length for _, length in pairs(frames)] == [len(CLEAN), len(later), len(CLEAN)]
    assert [(gap.length, gap.reason) for gap in frames.unframed] == [(6, "inside_inconsistent")]


def test_an_empty_outer_value_in_a_record_is_none() -> None:
    """Octets were added to a record, and one behind where the list claims to end holds 30 00."""
    last = tlv(b"\xa0", b"\x80\x01\x01" * 5 + b"\x80\x03\x05\x30\x00")
    head = tlv(b"\xa0", b"\x80\x01\x01")
    inside = head + tlv(b"\xa1", CLEAN + last) + tlv(b"\xa2", b"\x80\x01\x01")
    data = tlv(b"\x30", inside).replace(CLEAN, CLEAN + CLEAN)
    frames = frame(np.frombuffer(data, np.uint8), OUTER_TAGS, FramingRules("outer"))
    assert_conserved(data, frames)
    assert [length for _, length in pairs(frames)] == [len(CLEAN), len(CLEAN), len(last)]
    assert not frames.unframed


def test_fields_behind_a_wrong_end_are_no_trailer() -> None:
    """The list is longer than it claims and ends in a record, at the beginning of one of its fields."""
    fields = [tlv(b"\x5f\x21", b"abc")] * 6
    last = tlv(b"\xa0", b"".join(fields))
    listed = CLEAN * 2 + last
    end = len(listed) - 3 * len(fields[0])
    inside = HEADER + b"\x63" + bytes([end]) + listed + AUDIT
    data = b"\x61" + bytes([len(inside) - len(AUDIT)]) + inside
    frames = frame(np.frombuffer(data, np.uint8), OUTER_TAGS, FramingRules("outer"))
    assert_conserved(data, frames)
    assert pairs(frames)[-1][1] == len(last)
    assert [piece.name for piece in frames.outer[0].pieces] == ["control", "audit"]
