"""Binary records of one size: bare and in blocks, with the filler that is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .world import decode, own_formats

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZED = """
title: Calls of one size
kind: fixed_width
records: {octets: 12, filler: "FILLER", fields: {begin: 0 4 unsigned, imsi: 4 8 tbcd}}
types:
  call:
    service: voice
    direction: originating
    columns: {served_imsi: digits imsi, start_time: epoch(s) begin}
"""
BLOCKS = SIZED.replace("records:", "blocks: {octets: 40}\nrecords:")
IMSI = bytes.fromhex("64001032547698f0")
BEGIN = 1_790_000_000


@pytest.fixture(scope="module", autouse=True)
def _formats() -> Iterator[None]:
    kinds = {"bare": SIZED, "blocks": BLOCKS}
    with own_formats(
        {
            f"{name}_{filler.lower()}": mapping.replace("FILLER", filler)
            for name, mapping in kinds.items()
            for filler in ("00", "FF")
        }
    ):
        yield


def record(begin: int = BEGIN) -> bytes:
    return begin.to_bytes(4, "big") + IMSI


@pytest.mark.parametrize("filler", [0x00, 0xFF])
def test_filler_as_long_as_records_is_none(filler: int) -> None:
    fill = bytes([filler])
    full = record() * 3 + fill * 4
    one = record() + fill * 28
    data = full + one + fill * 40 + full + one[:20]
    found = decode(data, f"blocks_{fill.hex()}")
    assert [offset for offset, _ in found.records] == [0, 12, 24, 40, 120, 132, 144, 160]
    assert len(found.rows) == 8
    assert not found.unframed
    assert found.cdr.filler_bytes == len(data) - 8 * 12
    bare = decode(record() + fill * 24 + record() + fill * 30, f"bare_{fill.hex()}")
    assert [offset for offset, _ in bare.records] == [0, 36]
    assert not bare.suspense


def test_a_record_that_begins_like_filler_keeps_its_step() -> None:
    data = record() + bytes(12) + record(0x00_10_20_30) + record()
    found = decode(data, "bare_00")
    assert [offset for offset, _ in found.records] == [0, 24, 36]
    assert [row["reason"] for row in found.suspense] == ["start_too_old"]


def test_what_is_neither_record_nor_filler_is_told() -> None:
    found = decode(record() + b"\x00\x01" + bytes(26) + record()[:5], "blocks_00")
    # Octets that are no filler stand where a record would: what they are, validation says.
    assert [offset for offset, _ in found.records] == [0, 12]
    assert [row["reason"] for row in found.suspense] == ["impossible_imsi"]
    assert found.unframed == [(40, 5, "truncated")]
