"""Records of known shapes come out as the walk by tags would read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation import formats
from mediation.decoder import scratch_of
from mediation.kernels import shapes
from tests.mediation.ber_twin import rows_of, same_as_twin
from tests.mediation.cdr_records import mo_call, random_records

if TYPE_CHECKING:
    import numpy as np

FORMATS = ["3gpp_cs", "3gpp_ps", "3gpp_ims", "3gpp_chf"]
SHORT = {
    name: [one for one in random_records(name, 60, 7) if len(one) <= shapes.OCTETS][:6]
    for name in FORMATS
}


def known(format_name: str) -> tuple[np.ndarray, ...]:
    """Returns what this thread knows of a format's shapes."""
    plan = formats.load(format_name).ber
    return scratch_of(formats.load(format_name).plan.width).shapes_of(plan)


def shape_count(format_name: str) -> int:
    order = known(format_name)[0][: shapes.SHAPES]
    return int((order >> shapes.SHAPE_BITS > 0).sum())


@st.composite
def alike(draw: st.DrawFn, name: str) -> list[bytes]:
    """Each record as it is, so that its shape is known, then others as long with some octets changed."""
    records = draw(st.lists(st.sampled_from(SHORT[name]), min_size=1, max_size=3, unique=True))
    changed = []
    for record in draw(st.lists(st.sampled_from(records), min_size=1, max_size=12)):
        octets = bytearray(record)
        for _ in range(draw(st.integers(0, 2))):
            place = draw(st.integers(0, len(octets) - 1))
            octets[place] = draw(st.sampled_from([0, 1, 0x80, 0x30, 0xFF]) | st.integers(0, 255))
        changed.append(bytes(octets))
    return [*records, *changed]


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_records_alike_equal_the_twin(name: str, data: st.DataObject) -> None:
    same_as_twin(name, data.draw(alike(name)))
    assert shape_count(name) > 0


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_octet_differs_the_twin_agrees(name: str) -> None:
    for record in SHORT[name][:2]:
        changed = []
        for place in range(len(record)):
            for octet in (record[place] ^ 1, record[place] ^ 0x20, 0x80):
                changed += [record, record[:place] + bytes([octet]) + record[place + 1 :]]
        same_as_twin(name, changed)


@pytest.mark.parametrize("behind", [0, 1, shapes.OCTETS - 1, shapes.OCTETS])
def test_nothing_is_read_behind_the_file(behind: int) -> None:
    record = SHORT["3gpp_cs"][0]
    same_as_twin("3gpp_cs", [record] * 3, behind)


@pytest.fixture
def trusted() -> None:
    """Has the shapes of `3gpp_cs` be learnt, whatever the tests before have seen."""
    known("3gpp_cs")[4][:] = 0


@pytest.mark.usefixtures("trusted")
def test_a_shape_is_learnt_once_and_found_again() -> None:
    rows_of("3gpp_cs", [mo_call(callDuration=5)] * shapes.LEARNT)
    before = shape_count("3gpp_cs")
    rows, _ = rows_of("3gpp_cs", [mo_call(callDuration=seconds) for seconds in range(2, 100)])
    assert shape_count("3gpp_cs") == before
    assert [row["duration"] for place in sorted(rows) for row in rows[place]] == list(range(2, 100))


@pytest.mark.usefixtures("trusted")
def test_more_shapes_of_a_length_than_have_room() -> None:
    """Two names share their octets in many ways: the records are equally long, their shapes are not."""
    records = [
        mo_call(
            mscOutgoingTKGP=("tkgpName", b"A" * one),
            mscIncomingTKGP=("tkgpName", b"B" * (2 * shapes.WAYS - one)),
        )
        for one in range(1, 2 * shapes.WAYS)
    ]
    assert len({len(record) for record in records}) == 1
    same_as_twin("3gpp_cs", [record for record in records for _ in range(shapes.LEARNT)] * 2)
    kept = known("3gpp_cs")[0][: shapes.SHAPES] >> shapes.SHAPE_BITS
    assert shapes.WAYS // 2 <= (kept == len(records[0])).sum() <= shapes.WAYS


@pytest.mark.usefixtures("trusted")
def test_each_of_many_shapes_of_a_length_is_found_again() -> None:
    records = [
        mo_call(
            mscOutgoingTKGP=("tkgpName", b"C" * one),
            mscIncomingTKGP=("tkgpName", b"D" * (20 - one)),
        )
        for one in range(1, 9)
    ]
    assert len({len(record) for record in records}) == 1
    rows_of("3gpp_cs", [record for record in records for _ in range(2 * shapes.LEARNT)] * 2)
    trust = known("3gpp_cs")[4]
    misses = int(trust[2])
    rows_of("3gpp_cs", [*records, *reversed(records)] * 4)
    assert int(trust[2]) == misses


def test_shapes_that_do_not_help_are_left_alone_for_a_while() -> None:
    trust = known("3gpp_cs")[4]
    before = trust.copy()
    try:
        trust[0] = shapes.DOUBT
        trust[1] = shapes.PAUSE - 5
        count = shape_count("3gpp_cs")
        unseen = mo_call(callReference=b"\x01" * 7, recordExtensions=None)
        same_as_twin("3gpp_cs", [unseen])
        assert shape_count("3gpp_cs") == count
        same_as_twin("3gpp_cs", [unseen] * (5 + shapes.LEARNT))
        assert shape_count("3gpp_cs") == count + 1
    finally:
        trust[:] = before


NAMED_BY_ZEROS = bytes.fromhex(
    "b770810864006036924426f28306d004103254768403870486850911a1002211283352f58702cf0f8809b7aedd87"
    "4170318e7b8a018f8b092305020332282b08008e01009102008d9207819169189403f0950100b6078205636d6e65"
    "749803696d739c0399f9079d092208082306252b0545"
)
"""A message whose node is named by a zero octet, and by its second name."""


def test_a_name_of_zeros_is_none_and_the_next_one_counts() -> None:
    same_as_twin("3gpp_ps", [NAMED_BY_ZEROS] * 3)
    rows, _ = rows_of("3gpp_ps", [NAMED_BY_ZEROS] * 3)
    assert [row["recording_entity"] for place in rows for row in rows[place]] == ["ims"] * 3
