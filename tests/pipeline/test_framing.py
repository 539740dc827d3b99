"""A source that declares its framing step by step: the same charges as from bare records."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from pipeline.batch.run import run
from tests.pipeline.parted import DAY, record
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

BLOCK = 512
RECORDS = [record(DAY + 300 * number, 60 + number, reference=number) for number in range(40)]


def blocks(records: list[bytes]) -> bytes:
    """Returns records that cross no block, with filler FF behind them."""
    out, block = b"", b""
    for one in records:
        if len(block) + len(one) > BLOCK:
            out, block = out + block.ljust(BLOCK, b"\xff"), b""
        block += one
    return out + block.ljust(BLOCK, b"\xff")


def workspace(root: Path, octets: bytes, framing: str) -> Workspace:
    made = make_workspace(root, None)
    config = root / "huadan.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('name = "msc1"', f'name = "msc1"\nframing = {framing}'), "utf-8")
    (root / "incoming/msc1/msc1_000001_202610010000.ber").write_bytes(octets)
    return made


def charged(root: Path) -> list[tuple[Any, ...]]:
    rows = [
        row
        for path in (root / "rated").rglob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    return sorted((row["start_time"], row["quantity"], row["net"]) for row in rows)


def test_declared_steps_are_taken_one_after_the_other(tmp_path: Path) -> None:
    plain = workspace(tmp_path / "bare", b"".join(RECORDS), '"bare"')
    run(plain)
    octets = blocks(RECORDS)
    assert len(octets) > 3 * BLOCK
    steps = f'["gzip", "blocks {BLOCK}", "bare"]'
    packed = workspace(tmp_path / "steps", gzip.compress(octets), steps)
    result = run(packed)
    assert result.destinations["rated"] == len(RECORDS)
    assert charged(packed.root) == charged(plain.root)
    # A step that the file does not have is no detail: nothing of it is believed.
    wrong = workspace(tmp_path / "wrong", octets, steps)
    found = run(wrong)
    assert (found.destinations["rated"], found.destinations["suspended"]) == (0, 1)
