"""Headers of several lines: what they declare is read once, in whichever line it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .world import decode, own_formats

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPPING = """
title: A line about the file and a line of titles
kind: delimited
records: {fields: [imsi, begin, seconds]}
header: {lines: 2, fields: [node, number, count], sequence: number, records: count}
trailer: {lines: 1, fields: [word, count, seconds], records: count, totals: {seconds: seconds}}
types:
  call:
    service: voice
    direction: originating
    columns: {served_imsi: digits imsi, start_time: epoch(s) begin, duration: integer seconds}
"""
ABOUT, TITLES = "n1,17,2", "imsi,begin,duration"
CALLS = ["460001234567890,1790000000,5", "460001234567890,1790000009,6"]


@pytest.fixture(scope="module", autouse=True)
def _formats() -> Iterator[None]:
    with own_formats({"headed": MAPPING}):
        yield


@pytest.mark.parametrize("head", [[ABOUT, TITLES], [TITLES, ABOUT]])
def test_a_header_of_two_lines_declares_once(head: list[str]) -> None:
    found = decode("\n".join([*head, *CALLS, "END,2,11"]).encode(), "headed")
    assert not found.notes
    assert (found.cdr.sequence_number, found.cdr.declared_records) == (17, 2)
    assert len(found.rows) == 2


def test_what_it_declares_is_compared() -> None:
    found = decode("\n".join([TITLES, "n1,17,3", *CALLS, "END,2,11"]).encode(), "headed")
    assert found.cdr.declared_records == 3
    assert found.notes == ("the header at offset 0 declares 3 records; 2 were read",)


def test_a_header_that_declares_nothing_is_told_once() -> None:
    found = decode("\n".join([TITLES, TITLES, *CALLS, "END,2,11"]).encode(), "headed")
    assert found.notes == (
        "`number` at offset 0 says `begin`, no number",
        "`count` at offset 0 says `duration`, no number",
    )
    assert found.cdr.declared_records == 2
