"""`huadan bench decode`: BER bytes to EDR batches on one thread, against asn1tools."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asn1tools

from bench.harness import Contestant, Result, compete
from mediation import formats
from mediation.decoder import decode_chunk
from mediation.reader import CdrFile, FileSettings, open_cdr_file
from traffic.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 5
FILES = 5
RECORDS_PER_CHUNK = 65_536
PEER_RECORDS = 4_000
"""asn1tools decodes this many records a turn; more would only make the bench slow."""
SUBSCRIBERS = 20_000


def bench_decode(records: int, rounds: int, progress: Callable[[str], None]) -> Result:
    """Returns our rate beside asn1tools', both on one thread and on the same generated files.

    We decode to normalized, validated Arrow batches; asn1tools only decodes, to Python objects.
    The records asn1tools decodes are spread evenly over all files, so that the mix is the same.
    """
    with tempfile.TemporaryDirectory(prefix="huadan-bench-") as scratch:
        progress(f"generate {records:,} records")
        made = generate(Path(scratch), records, SEED, subscribers=SUBSCRIBERS, files=FILES)
        opened = [_open(Path(scratch, name), number) for number, name in enumerate(made.files)]
        try:
            sample = [raw for cdr_file in opened for raw in _sample(cdr_file, made.records)]
            decoders = {cdr_file.format_name: _asn1tools(cdr_file) for cdr_file in opened}
            return compete(
                "decode",
                Contestant("huadan", 1, made.records, lambda: _decode_all(opened)),
                [
                    Contestant(
                        "asn1tools",
                        1,
                        len(sample),
                        lambda: [decoders[name](raw) for name, raw in sample],
                    )
                ],
                rounds,
                progress,
            )
        finally:
            for cdr_file in opened:
                cdr_file.close()


def _open(path: Path, number: int) -> CdrFile:
    return open_cdr_file(path, f"{number:032x}", None, FileSettings(scratch=path.parent))


def _decode_all(opened: list[CdrFile]) -> int:
    return sum(
        decode_chunk(cdr_file, chunk).edr.num_rows
        for cdr_file in opened
        for chunk in cdr_file.chunks(RECORDS_PER_CHUNK)
    )


def _sample(cdr_file: CdrFile, all_records: int) -> list[tuple[str, bytes]]:
    step = max(all_records // PEER_RECORDS, 1)
    spans = zip(cdr_file.offsets[::step], cdr_file.lengths[::step], strict=True)
    return [
        (cdr_file.format_name, cdr_file.raw(int(offset), int(length))) for offset, length in spans
    ]


def _asn1tools(cdr_file: CdrFile) -> Callable[[bytes], object]:
    described = formats.load(cdr_file.format_name)
    module = asn1tools.compile_files([str(path) for path in described.module_files])
    root = described.record

    def decode(raw: bytes) -> object:
        return module.decode(root, raw)

    return decode
