from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from mediation.flat.framing import find_pieces
from mediation.flat.mapping import read_layout
from mediation.flat.plan import FlatPlan, compile_flat
from mediation.formats.strings import Document
from mediation.kernels import flat_ops as ops
from mediation.reference import flat_lines

from .world import octets_of

LONGEST = 40


def plan_of(**root: object) -> FlatPlan:
    types = {"one": {"service": "sms", "direction": "originating", "columns": {}}}
    if "type" in root.get("records", {}):  # type: ignore[operator]
        types["one"]["value"] = "R"  # type: ignore[assignment]
    document = Document(None, {"title": "lines", "kind": "delimited", "types": types, **root})  # type: ignore[arg-type]
    layout = read_layout(document)
    assert not document.problems
    return compile_flat(layout)


PLANS = {
    "quoted": plan_of(lines={"quote": '"'}, records={"fields": ["a"]}),
    "plain": plan_of(lines={"separator": "tab"}, records={"fields": ["a"]}),
    "kinds": plan_of(
        lines={"quote": '"', "comment": "#", "names": "yes"},
        records={"fields": ["a", "b"], "type": "b"},
        header={"value": "H", "fields": ["x"]},
        trailer={"value": ["T", "TT"], "fields": ["x"]},
    ),
    "last": plan_of(
        records={"fields": ["a"]},
        header={"lines": "2", "fields": ["x"]},
        trailer={"lines": "1", "fields": ["x"]},
    ),
}


def kernel_frame(data: bytes, plan: FlatPlan, longest: int) -> list[tuple[int, int, str]]:
    pieces = find_pieces(octets_of(data), plan, longest)
    assert (
        pieces.header + pieces.filler + int(pieces.lengths.sum()) + int(pieces.gaps[1].sum())
    ) == len(data)
    found = [
        (offset, length, "record")
        for offset, length in zip(pieces.offsets.tolist(), pieces.lengths.tolist(), strict=True)
    ]
    for offset, length, kind in pieces.specials.T.tolist():
        found.append((offset, length, "header" if kind == ops.HEADER else "trailer"))
    for offset, length, reason in pieces.gaps.T.tolist():
        found.append((offset, length, ops.FRAME_REASONS[reason]))
    return sorted(found)


def twin_frame(data: bytes, plan: FlatPlan, longest: int) -> list[tuple[int, int, str]]:
    found = flat_lines.frame(data, plan.layout, longest)
    assert sum(length for _, length, _ in found) == len(data)
    skip = {(0, 3, "header")} if data.startswith(b"\xef\xbb\xbf") else set()
    return sorted(piece for piece in found if piece[2] != "filler" and piece not in skip)


@pytest.mark.parametrize("name", sorted(PLANS))
@given(
    data=st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                b'"',
                b'"',
                b",",
                b",",
                b"\n",
                b"\r\n",
                b"\r",
                b"a",
                b"T",
                b"H",
                b"#",
                b" ",
                b"\t",
                b'""',
                b"\x00",
                b"long field",
                b"R\n",
            ]
        ),
        max_size=40,
    ).map(b"".join)
)
# A byte order mark; a stray quote whose partner stands lines below; a quote closed at the limit.
@example(data=b'\xef\xbb\xbfa,b\n"x\n')
@example(data=b'a,"b\nc,d\ne,"f"\n')
@example(data=b'"' + b"a" * 38 + b'"\n')
@settings(deadline=None, max_examples=150)
def test_lines_are_those_of_the_twin(name: str, data: bytes) -> None:
    plan = PLANS[name]
    assert kernel_frame(data, plan, LONGEST) == twin_frame(data, plan, LONGEST)


def test_quoted_line_end_belongs_to_its_record() -> None:
    data = b'1,"two\r\nlines"\r\n2,b\n'
    assert kernel_frame(data, PLANS["quoted"], 1000) == [(0, 14, "record"), (16, 3, "record")]


def test_stray_quote_costs_one_line() -> None:
    data = b'1,"two\n2,b\n3,"c"\n4,d'
    assert [length for _, length, _ in kernel_frame(data, PLANS["quoted"], 1000)] == [6, 3, 5, 3]


def test_long_line_is_one_gap() -> None:
    data = b"a,b\n" + b"x" * 5000 + b"\nc,d\n"
    found = kernel_frame(data, PLANS["plain"], 1000)
    assert found == [(0, 3, "record"), (4, 5000, "record_too_long"), (5005, 3, "record")]


def test_many_lines_outgrow_the_first_room() -> None:
    data = b"H\nH\n" + b"a\n" * 100_000
    plan = plan_of(records={"fields": ["a"], "type": "a"}, header={"value": "H", "fields": ["x"]})
    found = kernel_frame(data * 40, plan, 1000)
    assert len(found) == 40 * 100_002
