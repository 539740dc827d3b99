"""The inspector shows records by name and survives any octets."""

from __future__ import annotations

import functools

import asn1tools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation import formats
from mediation.formats.schema import Element
from mediation.inspector import MAX_DEPTH, Node, tag_tree
from mediation.inspector_values import value_of

CS = formats.load("3gpp_cs")
START = bytes.fromhex("261001093000 2b 0800")


@functools.cache
def encoder() -> asn1tools.compiler.Specification:
    return asn1tools.compile_files([str(path) for path in CS.module_files], "ber")


def call(**changes: object) -> bytes:
    fields = {
        "recordType": 0,
        "servedIMSI": bytes.fromhex("64001000000010f0"),
        "calledNumber": bytes.fromhex("91688199010000f0"),
        "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x00\x05"},
        "answerTime": START,
        "callDuration": 61,
        "causeForTerm": 0,
    }
    encoded: bytes = encoder().encode(CS.record, ("moCallRecord", fields | changes))
    return encoded


def child(node: Node, name: str) -> Node:
    return next(each for each in node.children if each.name == name)


def test_fields_have_names_values_and_places() -> None:
    record = call()
    (node,) = tag_tree(record, CS, 1000)
    assert (node.tag, node.name, node.offset, node.length) == (
        "[0]",
        "moCallRecord",
        1000,
        len(record),
    )
    assert not node.error
    assert child(node, "callDuration").value == 61
    assert child(node, "answerTime").value == "2026-10-01 09:30:00 +08:00"
    assert str(child(node, "calledNumber").value).startswith("+86")
    assert child(child(node, "location"), "locationAreaCode").value == 0x1234
    for each in node.children:
        at = each.offset - 1000
        assert record[at : at + each.length].endswith(each.raw)


def test_indefinite_lengths_and_unknown_tags() -> None:
    record = call()
    body = record[2:] + bytes.fromhex("9f8768 02 abcd")
    (node,) = tag_tree(b"\xa0\x80" + body + b"\0\0", CS)
    assert node.length == len(body) + 4
    assert child(node, "callDuration").value == 61
    stranger = node.children[-1]
    assert (stranger.tag, stranger.name, stranger.raw) == ("[1000]", "", b"\xab\xcd")


def test_errors_have_a_place() -> None:
    record = call(answerTime=START[:-1])
    (node,) = tag_tree(record, CS)
    assert "9 octets, not 8" in child(node, "answerTime").error
    cut = tag_tree(call()[:-2], CS, 50)
    assert "at offset 50" in cut[0].error
    (open_ended,) = tag_tree(b"\xa0\x80\x80\x01\x01", CS)
    assert "00 00 is missing before offset 5" in open_ended.children[-1].error


def test_depth_is_bounded() -> None:
    node = tag_tree(b"\xa0\x80" * 1000, CS)[0]
    depth = 0
    while node.children:
        node = node.children[0]
        depth += 1
    assert depth == MAX_DEPTH
    assert "deeper" in node.error


def covered(nodes: list[Node], start: int, size: int) -> None:
    """The nodes of a level follow each other and end where the level ends."""
    at = start
    for node in nodes:
        assert node.offset == at
        assert node.length >= 0
        at += node.length
    assert at == start + size


@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=3)).map(
            lambda change: RECORD[: change[0]] + change[1] + RECORD[change[0] + len(change[1]) :]
        ),
    ),
    st.integers(0, 2**40),
)
@settings(deadline=None, max_examples=300)
def test_any_octets_survive(data: bytes, base: int) -> None:
    covered(tag_tree(data, CS, base), base, len(data))


RECORD = call()


@pytest.mark.parametrize(
    ("type_name", "octets", "value", "error"),
    [
        ("BCDString", "460001f2", "4600012", ""),
        ("NumberString", "3230", "20", ""),
        ("Date", "1a0a01", "2026-10-01", ""),
        ("Date", "1a0d01", None, "is no date"),
        ("Date", "1a0d", None, "3 or 4 octets, not 2"),
        ("Date", "141a0a01", "2026-10-01", ""),
        ("Time", "173b3b", "23:59:59", ""),
        ("Time", "173b3b09", "23:59:59.9", ""),
        ("Time", "180000", None, "is no time of day"),
        ("Counter", "0100", 256, ""),
        ("Unheard", "0100", None, ""),
    ],
)
def test_values_by_type(type_name: str, octets: str, value: object, error: str) -> None:
    element = Element("field", 2, 1, "OCTET STRING", type_name)
    found, wrong = value_of(bytes.fromhex(octets), element)
    assert found == value
    assert error in wrong
    assert bool(error) == bool(wrong)
