"""Clean records of every ASN.1 format against other decoders, field by field.

    python -m tests.mediation.second_opinion --records 100000

Records that mean something by themselves are random values of every type of their format
(`against_asn1tools`); roaming files are whole files with their headers and trailers, and their
events mean what `tap_meaning` and `test_nrtrde` say. asn1tools encodes them all.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import tap_events as tap
from mediation import formats
from mediation.decoder import decode_chunk
from mediation.returned import returned_events
from tests.mediation.against_asn1tools import BATCH, compare
from tests.mediation.cdr_records import random_records
from tests.mediation.opened import NO_RULES, Opener, rows_of
from tests.mediation.other_decoders import DECODERS
from tests.mediation.tap_meaning import meaning
from tests.mediation.test_nrtrde import event, nrtrde
from tests.mediation.test_nrtrde import meaning as nrtrde_meaning
from tests.mediation.test_rap import return_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediation.decoder import DecodedChunk
    from mediation.reader import CdrFile

ROAMING = ("tap3", "nrtrde", "rap")


def same_events(
    offsets: Sequence[int], chunk: DecodedChunk, wanted: Sequence[Sequence[dict[str, Any]]]
) -> int:
    """Asserts that a chunk's rows are the wanted ones of each event; returns how many there are.

    An event without a time is suspended, as one whose numbers no column can hold.
    """
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in rows_of(chunk):
        rows.setdefault(row["offset"], []).append(row)
    compared = 0
    for offset, expected in zip(offsets, wanted, strict=True):
        found = rows.pop(offset, [])
        if expected[0]["start_time"] is None:
            assert not found
            continue
        assert len(found) == len(expected)
        for row, values in zip(found, expected, strict=True):
            for column, value in values.items():
                assert row[column] == value, (column, row[column], value, expected)
        compared += len(expected)
    assert not rows
    return compared


def in_tap(opened: Opener, reader: str, count: int, seed: int) -> int:
    """Compares the events of one TAP file, of one release after the other."""
    release = tap.RELEASES[seed % len(tap.RELEASES)]
    octets = tap.batch(tap.events(random.Random(seed), release, count), release)
    file = opened(octets, "tap3")
    _, content = DECODERS[reader]("tap3", "DataInterChange", octets)
    wanted = [meaning(kind, value) for kind, value in content["callEventDetails"]]
    return same_events(file.offsets.tolist(), whole(file), wanted)


def in_nrtrde(opened: Opener, reader: str, count: int, seed: int) -> int:
    """Compares the events of one NRTRDE file."""
    rng = random.Random(seed)
    octets = nrtrde([event(rng, ("moc", "mtc", "gprs")[place % 3]) for place in range(count)])
    file = opened(octets, "nrtrde")
    content = DECODERS[reader]("nrtrde", "Nrtrde", octets)
    wanted = [[nrtrde_meaning(kind, value)] for kind, value in content["callEvents"]]
    return same_events(file.offsets.tolist(), whole(file), wanted)


def in_rap(opened: Opener, reader: str, count: int, seed: int) -> int:
    """Compares the events that one return batch holds."""
    happened = tap.events(random.Random(seed), 12, count)
    sent = opened(tap.batch(happened), "tap3")
    octets = return_batch(
        [
            ("severeReturn", {"fileSequenceNumber": b"00042", "callEventDetail": each})
            for each in happened
        ]
    )
    file = returned_events(opened(octets, "rap"), sent.batches[0])
    _, content = DECODERS[reader]("rap", "RapDataInterChange", octets)
    wanted = [meaning(*detail["callEventDetail"]) for _, detail in content["returnDetails"]]
    chunk = decode_chunk(file, range(len(file.offsets)), rules=NO_RULES)
    return same_events(file.offsets.tolist(), chunk, wanted)


def whole(file: CdrFile) -> DecodedChunk:
    """Decodes a file in one chunk, without rules of validation."""
    return decode_chunk(file, range(file.n_records), rules=NO_RULES)


FILES = {"tap3": in_tap, "nrtrde": in_nrtrde, "rap": in_rap}


def run(format_name: str, reader: str, records: int, seed: int = 1) -> int:
    """Compares clean records of one format; returns how many rows were equal."""
    compared = 0
    for first in range(0, records, BATCH):
        count = min(BATCH, records - first)
        if format_name not in FILES:
            drawn = random_records(format_name, count, seed + first)
            compared += compare(format_name, drawn, DECODERS[reader])
            continue
        with tempfile.TemporaryDirectory() as folder:
            opened = Opener(Path(folder))
            compared += FILES[format_name](opened, reader, count, seed + first // BATCH)
            opened.close()
    return compared


def main() -> int:
    """Runs the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = formats.available("ber")
    parser.add_argument("--records", type=int, default=100_000, help="records of all formats")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same records")
    parser.add_argument("--format", nargs="+", choices=names, default=names)
    parser.add_argument("--reader", nargs="+", choices=[*DECODERS], default=[*DECODERS])
    options = parser.parse_args()
    for reader in options.reader:
        if reader == "pycrate" and importlib.util.find_spec("pycrate_asn1c") is None:
            sys.stdout.write(
                "pycrate is not installed: uv pip install --python .venv/bin/python pycrate\n"
            )
            continue
        for name in options.format:
            began = time.process_time()
            each = -(-options.records // len(options.format))
            rows = run(name, reader, each, options.seed)
            seconds = time.process_time() - began
            sys.stdout.write(
                f"{reader}: {name}: {each} records, {rows} rows equal, {seconds:.0f} s\n"
            )
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
