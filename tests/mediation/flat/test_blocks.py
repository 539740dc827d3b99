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
LENGTHS = """
title: Calls with their length
kind: fixed_width
records:
  type: kind
  length: octets
  filler: FF
  fields: {octets: 0 1 unsigned, kind: 1 1, begin: 2 4 unsigned, imsi: 6 8 tbcd}
types:
  call:
    value: C
    service: voice
    direction: originating
    columns: {served_imsi: digits imsi, start_time: epoch(s) begin}
"""
ZEROS = LENGTHS.replace("FF", '"00"').replace("0 1 unsigned, kind: 1", "0 4 unsigned, kind: 4")
ZEROS = ZEROS.replace("begin: 2", "begin: 5").replace("imsi: 6", "imsi: 9")
IMSI = bytes.fromhex("64001032547698f0")
BEGIN = 1_790_000_000


@pytest.fixture(scope="module", autouse=True)
def _formats() -> Iterator[None]:
    kinds = {"bare": SIZED, "blocks": BLOCKS}
    with own_formats(
        {"lengths": LENGTHS, "zeros": ZEROS}
        | {
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


@pytest.mark.parametrize("fill", [3, 255, 300, 1000])
def test_filler_that_reads_as_a_length_is_none(fill: int) -> None:
    call = b"\x0eC" + record()
    data = call + b"\xff" * fill + call * 4 + b"\xff" * fill
    found = decode(data, "lengths")
    assert [offset for offset, _ in found.records] == [0, *range(14 + fill, 14 + fill + 56, 14)]
    assert not found.suspense
    assert found.cdr.filler_bytes == 2 * fill


@pytest.mark.parametrize("fill", [1, 3, 4, 300])
def test_filler_before_a_length_that_begins_like_it(fill: int) -> None:
    call = (17).to_bytes(4, "big") + b"C" + record()
    data = call + bytes(fill) + call * 4 + bytes(fill)
    found = decode(data, "zeros")
    assert [offset for offset, _ in found.records] == [0, *range(17 + fill, 85 + fill, 17)]
    assert not found.suspense
    assert not found.unframed
    assert found.cdr.filler_bytes == 2 * fill


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
