from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from traffic import tlv
from traffic.digits import MISSING
from traffic.encode import ROOT_TYPES, specification
from traffic.generate import generate
from traffic.network import SOURCES
from traffic.plan import CHUNK, plan_files
from traffic.table import COLUMN

if TYPE_CHECKING:
    from pathlib import Path

    from traffic.clock import Span
    from traffic.population import Population
    from traffic.table import Events


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.ber"))
    }


def _records(data: bytes, head: int) -> list[bytes]:
    found = []
    here = int.from_bytes(data[4:8], "big") if head else 0
    while here < len(data):
        _, end = tlv.parse(data, here + head)
        found.append(data[here + head : end])
        here = end
    return found


def test_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    first = generate(tmp_path / "a", 3_000, 1, subscribers=300, files=10)
    second = generate(tmp_path / "b", 3_000, 1, subscribers=300, files=10, workers=3)
    assert first == second
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    other = generate(tmp_path / "c", 3_000, 2, subscribers=300, files=10)
    assert other.files == first.files
    assert not set(_digests(tmp_path / "a").values()) & set(_digests(tmp_path / "c").values())


def test_asn1tools_reads_every_record(tmp_path: Path) -> None:
    seen: list[int] = []
    made = generate(tmp_path, 1_500, 3, subscribers=200, files=10, progress=seen.append)
    kinds: dict[str, int] = {}
    for name in made.files:
        source = next(one for one in SOURCES if name.startswith(one.name))
        data = (tmp_path / name).read_bytes()
        head = 0
        if source.blocked:
            head = 5 if "000001" in name else 4
            assert int.from_bytes(data[:4], "big") == len(data)
        records = _records(data, head)
        if source.blocked:
            assert int.from_bytes(data[18:22], "big") == len(records)
        for record in records:
            kind, value = specification(source.format).decode(ROOT_TYPES[source.format], record)
            assert "recordType" in value
            kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds == made.by_kind
    assert sum(kinds.values()) == made.records == sum(seen) == 1_500
    assert made.bytes == sum((tmp_path / name).stat().st_size for name in made.files)


def test_subscribers_are_kept_and_used_again(tmp_path: Path) -> None:
    generate(tmp_path / "a", 500, 1, subscribers=100, subscribers_folder=tmp_path / "s", files=5)
    before = (tmp_path / "s" / "subscribers.csv").read_bytes()
    generate(tmp_path / "b", 500, 1, subscribers=999, subscribers_folder=tmp_path / "s", files=5)
    assert (tmp_path / "s" / "subscribers.csv").read_bytes() == before
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")


@pytest.mark.parametrize(("records", "files"), [(100, 4), (3, 5)])
def test_impossible_plans_are_refused(tmp_path: Path, records: int, files: int) -> None:
    with pytest.raises(ValueError, match="cannot be made"):
        generate(tmp_path, records, subscribers=10, files=files)


def test_a_plan_shares_out_every_record_and_all_time(october: Span) -> None:
    planned = plan_files(1_000_003, 1, 13, october)
    assert sum(plan.records for plan in planned) == 1_000_003
    assert len(planned) == 13
    for source in SOURCES:
        mine = [plan for plan in planned if plan.source is source]
        assert mine[0].span.start == october.start
        assert mine[-1].span.end == october.end
        assert all(a.span.end == b.span.start for a, b in pairwise(mine))


def _all_events(people: Population, october: Span, records: int) -> list[tuple[str, Events]]:
    planned = plan_files(records, 6, 10, october)
    return [(plan.source.format, events) for plan in planned for events in plan.events(people)]


def test_events_lie_in_the_month_and_in_the_validity(people: Population, october: Span) -> None:
    for _, events in _all_events(people, october, 6_000):
        start = events.column("seizure")
        assert (start >= october.start).all()
        assert (start < october.end).all()
        imsi = events.column("imsi")
        for position in np.flatnonzero(imsi != MISSING).tolist():
            rows = np.flatnonzero(people.imsi == imsi[position])
            when = start[position]
            assert ((people.active_from[rows] <= when) & (when < people.active_to[rows])).any()


def test_files_are_in_order_of_the_end_of_events(people: Population, october: Span) -> None:
    for format_name, events in _all_events(people, october, 3_000):
        end = events.column("release")
        end = np.where(end == MISSING, events.column("seizure"), end)
        if format_name == "3gpp_ps":
            end = events.column("seizure") + events.column("duration")
        assert (np.diff(end) >= 0).all()


def test_no_two_events_of_an_element_are_the_same(people: Population, october: Span) -> None:
    seen: set[tuple[int, ...]] = set()
    count = 0
    planned = plan_files(8_000, 6, 10, october)
    for plan in planned:
        for events in plan.events(people):
            names = ("imsi", "seizure", "reference", "charging_id", "sequence", "called")
            keys = np.stack([events.column(name) for name in names]).T
            for kind, key in zip(events.kind.tolist(), keys.tolist(), strict=True):
                seen.add((SOURCES.index(plan.source), kind, *key))
            count += len(events)
    assert len(seen) == count == 8_000


def test_large_files_are_drawn_in_pieces(people: Population, october: Span) -> None:
    plan = plan_files(5 * CHUNK, 1, 5, october)[0]
    sizes = [len(events) for events in plan.events(people)]
    assert max(sizes) <= CHUNK
    assert sum(sizes) == plan.records
    assert len(sizes) > 1


def test_roamers_write_the_clock_of_the_visited_network(people: Population, october: Span) -> None:
    offsets: set[int] = set()
    for _, events in _all_events(people, october, 6_000):
        served = events.column("plmn") != MISSING
        offsets |= set(events.values[COLUMN["offset"], served].tolist())
    assert 480 in offsets
    assert len(offsets) > 4
