"""`huadan bench decode`: CDR files to EDR batches on one thread, against asn1tools and asn1c."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import asn1tools

from bench.asn1c import Asn1cError, build, missing_tools
from bench.format_files import NODES, write_dense_file, write_file
from bench.harness import Contestant, Result, compete
from mediation import formats
from mediation.decoder import decode_chunk
from mediation.reader import CdrFile, FileSettings, open_cdr_file
from traffic.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.formats import Format

SEED = 5
FILES = 5
RECORDS_PER_CHUNK = 65_536
PEER_RECORDS = 4_000
"""asn1tools decodes this many records a turn; more would only make the bench slow."""
SUBSCRIBERS = 20_000
C_RECORDS = 50_000
"""Records of one turn of the decoder in C: enough that starting its process does not count."""


def bench_decode(
    records: int,
    rounds: int,
    progress: Callable[[str], None],
    format_name: str | None = None,
    file: Path | None = None,
    *,
    dense: bool = False,
) -> Result:
    """Returns our rate beside the peers', all on one thread and on the same files.

    We decode to normalized, validated Arrow batches; asn1tools only decodes, to Python objects, and
    asn1c's decoder to C structures that it frees. What the peers decode is spread evenly over all
    files, so that the mix is the same.

    Args:
        records: How many records to make.
        rounds: Interleaved rounds.
        progress: Hears what is being done.
        format_name: Measures records of this format instead of a switch's and a gateway's day.
        file: Measures this file instead of made ones; its format is detected if it is not named.
        dense: Measures random records with most of the format's fields, not what nodes write.
    """
    with tempfile.TemporaryDirectory(prefix="huadan-bench-") as scratch:
        folder = Path(scratch)
        if file is not None:
            paths = [file]
        elif format_name is not None:
            progress(f"make {records:,} records of {format_name}")
            write = write_dense_file if dense else write_file
            paths = [write(format_name, records, folder)]
        else:
            progress(f"generate {records:,} records")
            made = generate(folder, records, SEED, subscribers=SUBSCRIBERS, files=FILES)
            paths = [folder / name for name in made.files]
        opened = [_open(path, number, format_name, folder) for number, path in enumerate(paths)]
        try:
            return _measure(opened, folder, rounds, progress)
        finally:
            for cdr_file in opened:
                cdr_file.close()


def _measure(
    opened: list[CdrFile], folder: Path, rounds: int, progress: Callable[[str], None]
) -> Result:
    """Returns the result for files that are open."""
    records = sum(cdr_file.n_records for cdr_file in opened)
    described = {one.format_name: formats.load(one.format_name) for one in opened}
    peers: list[Contestant] = []
    notes: list[str] = []
    if any(one.flat is not None for one in described.values()):
        notes.append("no peer reads this format")
    else:
        peers.append(_asn1tools_peer(opened, described, records))
        if len(described) > 1:
            notes.append("asn1c is measured with --format, one module at a time")
        else:
            progress("build the decoder in C")
            peer, note = _asn1c_peer(opened, described, records, folder)
            peers += [peer] if peer else []
            notes += [note] if note else []
    ours = Contestant("huadan", 1, records, lambda: _decode_all(opened))
    return replace(compete("decode", ours, peers, rounds, progress), notes=tuple(notes))


def _open(path: Path, number: int, format_name: str | None, scratch: Path) -> CdrFile:
    return open_cdr_file(path, f"{number:032x}", format_name, FileSettings(scratch=scratch))


def _decode_all(opened: list[CdrFile]) -> int:
    return sum(
        decode_chunk(cdr_file, chunk, NODES).edr.num_rows
        for cdr_file in opened
        for chunk in cdr_file.chunks(RECORDS_PER_CHUNK)
    )


def _sample(cdr_file: CdrFile, wanted: int, all_records: int) -> list[tuple[str, bytes]]:
    step = max(all_records // wanted, 1)
    spans = zip(cdr_file.offsets[::step], cdr_file.lengths[::step], strict=True)
    return [
        (cdr_file.format_name, cdr_file.raw(int(offset), int(length))) for offset, length in spans
    ]


def _asn1tools_peer(
    opened: list[CdrFile], described: dict[str, Format], records: int
) -> Contestant:
    sample = [raw for cdr_file in opened for raw in _sample(cdr_file, PEER_RECORDS, records)]
    decoders = {name: _asn1tools(one) for name, one in described.items()}

    def work() -> None:
        for name, raw in sample:
            decoders[name](raw)

    return Contestant("asn1tools", 1, len(sample), work)


def _asn1tools(described: Format) -> Callable[[bytes], object]:
    module = asn1tools.compile_files([str(path) for path in described.module_files])
    root = described.record

    def decode(raw: bytes) -> object:
        return module.decode(root, raw)

    return decode


def _asn1c_peer(
    opened: list[CdrFile], described: dict[str, Format], records: int, folder: Path
) -> tuple[Contestant | None, str]:
    """Returns the decoder in C, or why it is not measured."""
    if missing := missing_tools():
        return None, f"asn1c is not measured: {missing} not installed"
    sample = [raw for cdr_file in opened for _, raw in _sample(cdr_file, C_RECORDS, records)]
    [one] = described.values()
    try:
        decoder = build(one, sample, folder / "asn1c")
        decoder.run()
    except Asn1cError as error:
        return None, f"asn1c is not measured: {error}"
    return Contestant("asn1c -O2", 1, len(sample), decoder.run), ""
