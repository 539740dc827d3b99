"""Parts of calls: found, told apart, put together; the same from any order and any batches."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation import formats
from mediation.edr import DIRECTIONS, EDR_SCHEMA
from mediation.errors import MediationConfigError
from mediation.formats.strings import read_document
from mediation.partials.assemble import LONGEST, TOLD_AGAIN, assemble, part_rows
from mediation.partials.rules import (
    HOUR_US,
    PartialRule,
    PartialRules,
    all_rules,
    load_rules,
    read_rule,
)
from mediation.reference import partials as twin
from tests.rating.strategies_edr import edr_batch

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from mediation.partials.assemble import Calls

    Row = dict[str, Any]

SECOND = 1_000_000
START = 1_792_000_000 * SECOND
CALL = PartialRule(
    ("moCallRecord", "mtCallRecord"),
    ("recording_entity", "call_reference", "served_imsi", "direction"),
    (1, 2),
    silence=HOUR_US,
)
MARKED = PartialRule(("marked",), ("call_reference",), (), silence=HOUR_US, last=(1,))
FROM_ZERO = PartialRule(("zeroRecord",), ("call_reference",), (7,), first=0, silence=60 * SECOND)
RULES = PartialRules({**dict.fromkeys(CALL.types, CALL), "zeroRecord": FROM_ZERO, "marked": MARKED})
NAMES = ("file_id", "offset", "container")


def part(number: int | None, at: int, duration: int, cause: int | None = 1, **more: object) -> Row:
    return {
        "record_type": "moCallRecord",
        "recording_entity": "8619900900001",
        "call_reference": 77,
        "served_imsi": 460_001_000_000_001,
        "start_time": START + at * SECOND,
        "duration": duration,
        "partial_sequence": number,
        "cause": cause,
        "events": 0,
        **more,
    }


def table(rows: list[Row], cuts: list[int] | None = None) -> pa.Table:
    edges = [0, *sorted(cuts or []), len(rows)]
    batches = [edr_batch(rows[a:b]) for a, b in pairwise(edges) if a < b]
    return pa.Table.from_batches(batches, EDR_SCHEMA).unify_dictionaries()


def plain(rows: pa.Table) -> list[Row]:
    at = rows.schema.get_field_index("start_time")
    instants = rows.column("start_time").cast(pa.int64())
    found: list[Row] = rows.set_column(at, "start_time", instants).to_pylist()
    return found


def told(calls: Calls, rows: pa.Table) -> list[Row]:
    """What the fast way says, in the words of the twin."""
    events = plain(calls.events)
    names = [twin.name_of(row) for row in rows.select(NAMES).to_pylist()]
    for at, event in enumerate(events):
        mine = np.flatnonzero((calls.call == at) & (calls.place != TOLD_AGAIN))
        event["_parts"] = [names[row] for row in mine[np.argsort(calls.place[mine])]]
        event["_complete"] = bool(calls.complete[at])
    return events


DRAWN = st.builds(
    part,
    st.sampled_from((1, 1, 2, 2, 3, 4)),
    st.integers(0, 12).map(lambda n: n * 300),
    st.sampled_from((0, 1, 300, 600, 4_000, 2**62)),
    st.sampled_from((0, 1, 1, 1, 2, 4, None)),
    record_type=st.sampled_from(
        ("moCallRecord", "moCallRecord", "mtCallRecord", "zeroRecord", "marked")
    ),
    recording_entity=st.sampled_from(("b", "a", "a", None)),
    call_reference=st.sampled_from((7, 7, 8)),
    served_imsi=st.sampled_from((1, 1, None)),
    direction=st.sampled_from(DIRECTIONS[:2]),
    file_id=st.sampled_from(("0f", "a0", "b0")),
    uplink=st.sampled_from((0, 5, 2**62)),
    events=st.integers(0, 2),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(DRAWN, max_size=14), st.randoms(use_true_random=False), st.data())
@example(rows=[], luck=None, data=st.data())
def test_calls_are_those_of_the_twin(
    rows: list[Row], luck: random.Random | None, data: st.DataObject
) -> None:
    rows = [{**row, "offset": at * 10} for at, row in enumerate(rows)]
    cuts: list[int] = []
    if luck is not None:
        luck.shuffle(rows)
        cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=3))
    batch = table(rows, cuts).combine_chunks()
    flat = batch.to_batches()[0] if rows else edr_batch([])
    found = part_rows(flat, RULES)
    everything = plain(batch)
    expected = [at for at, row in enumerate(everything) if twin.is_part(row, RULES)]
    assert found.tolist() == expected
    parts = batch.take(pa.array(found))
    calls = assemble(parts, RULES)
    calls.events.validate(full=True)
    assert calls.events.schema.equals(EDR_SCHEMA)
    assert told(calls, parts) == twin.assemble([everything[at] for at in expected], RULES)
    # Every part has one place: a call and a position in it, or told again by a longer one.
    assert len(calls.call) == len(calls.place) == len(expected)
    assert set(calls.call.tolist()) == set(range(calls.events.num_rows))
    assert np.count_nonzero(calls.place == 0) == calls.events.num_rows


@st.composite
def cut_calls(draw: st.DrawFn) -> tuple[list[Row], list[tuple[int, int, int]]]:
    """Draws calls and their parts: (parts, (reference, start, duration) of each call)."""
    calls, parts = [], []
    for reference in range(draw(st.integers(1, 4))):
        start, duration = draw(st.integers(0, 5_000)), draw(st.integers(2, 30_000))
        edges = draw(st.sets(st.integers(1, duration - 1), min_size=1, max_size=6))
        bounds = [0, *sorted(edges), duration]
        for number, (begin, end) in enumerate(pairwise(bounds), 1):
            cause = draw(st.sampled_from((1, 2))) if end < duration else 0
            kind = "moCallRecord"
            if reference % 2:  # a switch that marks the last part and no other
                kind, cause = "marked", None if end < duration else 1
            more = {"call_reference": reference, "record_type": kind}
            parts.append(part(number, start + begin, end - begin, cause, **more))
        calls.append((reference, start, duration))
    return parts, calls


@settings(deadline=None)
@given(cut_calls(), st.randoms(use_true_random=False), st.data())
def test_a_cut_call_is_one_event_again(
    made: tuple[list[Row], list[tuple[int, int, int]]], luck: random.Random, data: st.DataObject
) -> None:
    parts, calls = made
    parts = [{**row, "offset": at} for at, row in enumerate(parts)]
    luck.shuffle(parts)
    cuts = data.draw(st.lists(st.integers(0, len(parts)), max_size=4))
    got = assemble(table(parts, cuts), RULES)
    assert got.complete.all()
    rows = plain(got.events)
    assert [
        (row["call_reference"], row["start_time"], row["duration"], row["cause"])
        for row in sorted(rows, key=lambda row: row["call_reference"])
    ] == [
        (reference, START + start * SECOND, length, reference % 2)
        for reference, start, length in calls
    ]
    assert {row["partial_sequence"] for row in rows} == {1}


def test_order_and_batches_cannot_be_seen() -> None:
    rows = [part(n, n * 300, 300, 0 if n == 4 else 1, offset=n) for n in (1, 2, 3, 4)]
    one = assemble(table(rows), RULES)
    other = assemble(table(rows[::-1], [1, 2]), RULES)
    assert plain(one.events) == plain(other.events)
    assert other.place.tolist() == one.place[::-1].tolist()


def test_a_hole_leaves_a_call_open() -> None:
    calls = assemble(table([part(1, 0, 300), part(3, 600, 300, 0)]), RULES)
    assert plain(calls.events)[0]["duration"] == 600
    assert not calls.complete.any()


def test_what_lacks_its_beginning_says_so() -> None:
    calls = assemble(table([part(3, 600, 300), part(4, 900, 300, 0)]), RULES)
    assert plain(calls.events)[0]["partial_sequence"] == 3
    assert not calls.complete.any()


def test_a_reference_used_again_is_another_call() -> None:
    rows = [part(1, 0, 60), part(2, 60, 60, 0), part(1, 300, 60), part(2, 360, 60, 0)]
    calls = assemble(table(rows), RULES)
    assert calls.call.tolist() == [0, 0, 1, 1]
    assert calls.complete.all()


def test_a_long_silence_ends_a_call() -> None:
    rows = [part(1, 0, 60), part(2, 60 + 3_601, 60, 0)]
    assert assemble(table(rows), RULES).events.num_rows == 2
    assert assemble(table([rows[0], part(2, 60 + 3_600, 60, 0)]), RULES).events.num_rows == 1


def test_a_part_told_twice_counts_once_at_its_longest() -> None:
    rows = [part(1, 0, 300), part(2, 300, 100), part(2, 300, 250, 0)]
    calls = assemble(table(rows), RULES)
    assert plain(calls.events)[0]["duration"] == 550
    assert calls.place.tolist() == [0, TOLD_AGAIN, 1]
    assert calls.complete.all()


def test_parts_that_all_tell_the_answer_of_the_call() -> None:
    rows = [part(n, 0, 300, 0 if n == 3 else 1) for n in (1, 2, 3)]
    calls = assemble(table(rows), RULES)
    assert plain(calls.events)[0]["duration"] == 900
    assert calls.complete.all()


def test_an_absurd_length_does_not_wrap() -> None:
    calls = assemble(table([part(1, 0, 2**62), part(2, 0, 2**62, 0)]), RULES)
    assert plain(calls.events)[0]["duration"] > LONGEST


@pytest.mark.parametrize(
    "row",
    [
        part(None, 0, 60, 1),
        part(1, 0, 60, 0),
        part(1, 0, 60, None),
        part(2, 0, 60, 1, call_reference=None),
        part(2, 0, 60, 1, record_type="moSMSRecord"),
    ],
)
def test_whole_records_are_no_parts(row: Row) -> None:
    assert not len(part_rows(edr_batch([row]), RULES))


def test_rows_that_share_their_record_are_no_parts() -> None:
    rows = [
        part(2, at, 60, offset=10 * (at // 120), container=at % 120 // 60) for at in (0, 60, 120)
    ]
    assert part_rows(edr_batch(rows), RULES).tolist() == [2]
    assert part_rows(edr_batch([{**row, "file_id": str(at)} for at, row in enumerate(rows)]), RULES).tolist() == [0, 1, 2]  # fmt: skip


def test_either_the_last_part_or_the_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    head = "partials:\n  types: [aRecord]\n  key: [call_reference]\n"
    path.write_text(head + "  last: [1]\n")
    rule = read_rule(read_document(path), ["aRecord"], [])
    assert rule is not None
    assert (rule.interim, rule.last) == ((), (1,))
    path.write_text(head + "  last: [1]\n  interim: [2]\n")
    document = read_document(path)
    read_rule(document, ["aRecord"], [])
    assert [problem.where for problem in document.problems] == ["mapping.yaml:5"]


def test_the_formats_that_come_with_it_agree() -> None:
    assert all_rules().of_type["mSOriginating"] == formats.load("ericsson_cs").mapping.partials
    assert all_rules().of_type["moCallRecord"] == formats.load("3gpp_cs").mapping.partials


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "partials:\n"
        "  types: [moCallRecord, moCall, pGWRecord]\n"
        "  key: [recording_entity, cell]\n"
        "  interim: [1, x]\n"
        "  silence: 3\n"
    )
    document = read_document(path)
    read_rule(document, ["moCallRecord", "pGWRecord"], ["pGWRecord"])
    said = [(problem.where, problem.message) for problem in document.problems]
    assert said == [
        ("mapping.yaml:5", "`silence` is not a key here"),
        ("mapping.yaml:2", "`moCall` is not a type of this mapping"),
        ("mapping.yaml:2", "`pGWRecord` has `rows`; a part of a call is one row"),
        ("mapping.yaml:3", "`cell` is not a column that parts can agree in"),
        ("mapping.yaml:3", "the key says of no call which it is"),
        ("mapping.yaml:4", "`x` is not a whole number"),
    ]


def test_formats_that_disagree_are_told_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    paths = []
    for name, types, interim in (
        ("one", "aRecord", "1"),
        ("two", "aRecord, bRecord", "1"),
        ("three", "aRecord", "2"),
        ("four", "bRecord", "x"),
    ):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "mapping.yaml")
        paths[-1].write_text(
            f"types: {{aRecord: , bRecord: }}\npartials:\n  types: [{types}]\n"
            f"  key: [call_reference]\n  interim: [{interim}]\n"
        )
    assert load_rules([paths[0], paths[1], paths[3]]).of_type["bRecord"].interim == (1,)
    with pytest.raises(MediationConfigError, match="another rule"):
        load_rules(paths[:3])
