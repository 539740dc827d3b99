"""Tags are counted as the inspector's trees show them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation import formats, tag_counts
from mediation.inspector import CLASS_WORDS, tag_tree
from mediation.tag_counts import KNOWN, MAPPED, UNKNOWN, TagCount, TagCounts
from tests.mediation.cdr_records import content, mo_call, random_records, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from mediation.inspector import Node

CS = formats.load("3gpp_cs")


def counted(records: list[bytes]) -> TagCounts:
    data = np.frombuffer(b"\xee" + b"".join(records) + b"\xee", np.uint8)
    lengths = np.array([len(record) for record in records], np.int64)
    counts = TagCounts()
    counts.add(data, 1 + np.cumsum(lengths) - lengths, lengths)
    return counts


def tags(row: TagCount) -> tuple[str, ...]:
    return tuple(f"[{CLASS_WORDS[tag_class]}{number}]" for tag_class, number in row.tags)


def paths(nodes: Iterable[Node], above: tuple[str, ...], into: Counter[tuple[str, ...]]) -> bool:
    """Counts depth first until something cannot be read; returns whether everything could."""
    for node in nodes:
        if not node.tag:
            return False
        into[(*above, node.tag)] += 1
        if "deeper" in node.error or not paths(node.children, (*above, node.tag), into):
            return False
    return True


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=60),
            st.tuples(st.integers(0, 250), st.binary(min_size=1, max_size=3)).map(
                lambda change: RECORD[: change[0]] + change[1] + RECORD[change[0] + 1 :]
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None, max_examples=300)
def test_counts_equal_the_trees(records: list[bytes]) -> None:
    expected: Counter[tuple[str, ...]] = Counter()
    broken = sum(not paths(tag_tree(record, CS), (), expected) for record in records)
    counts = counted(records)
    found = {tags(row): row.count for row in counts.rows(CS)}
    assert counts.broken == broken
    assert found == expected


def test_rows_say_what_the_format_makes_of_a_tag() -> None:
    stranger = b"\x9f\x87\x68\x02\xab\xcd"
    rows = counted([wrap(b"\xa0", content(mo_call()) + stranger)] * 3).rows(CS)
    by_path = {".".join(row.path): row for row in rows}
    assert by_path["moCallRecord"].status == MAPPED
    duration = by_path["moCallRecord.callDuration"]
    assert (duration.status, duration.count, duration.constructed) == (MAPPED, 3, False)
    assert duration.type_name == "CallDuration"
    unknown = by_path["moCallRecord.[1000]"]
    assert (unknown.status, unknown.shortest, unknown.longest) == (UNKNOWN, 2, 2)
    assert by_path["moCallRecord.recordType"].status == KNOWN


def test_paths_beyond_the_limit_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_counts, "MAX_PATHS", 4)
    record = b"\xa0\x09" + b"\x81\0\x82\0\xa3\x03\x84\x01\0"
    counts = counted([record] * 2)
    assert [row.count for row in counts.rows(CS)] == [2, 2]
    assert counts.other == 6


def test_every_format_counts_its_own_records() -> None:
    for name in ("3gpp_cs", "3gpp_ps"):
        counts = counted(random_records(name, 200, 1))
        rows = counts.rows(formats.load(name))
        assert counts.broken == 0
        assert sum(row.count for row in rows if len(row.path) == 1) == 200
        assert {row.status for row in rows} == {MAPPED, KNOWN}


RECORD = random_records("3gpp_cs", 1, 7)[0]
