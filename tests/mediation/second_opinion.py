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
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import tap_events as tap
from mediation import formats
from mediation.decoder import decode_chunk
from mediation.returned import ReturnError, returned_events, returns
from tests.mediation.against_asn1tools import BATCH, Seen, compare
from tests.mediation.cdr_records import random_records
from tests.mediation.opened import NO_RULES, Opener, rows_of
from tests.mediation.other_decoders import DECODERS
from tests.mediation.tap_meaning import meaning
from tests.mediation.test_nrtrde import event, nrtrde
from tests.mediation.test_nrtrde import meaning as nrtrde_meaning
from tests.mediation.test_rap import return_batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mediation.decoder import DecodedChunk
    from mediation.reader import CdrFile

KINDS = ("moc", "mtc", "gprs")
"""Record types of NRTRDE."""
NUMBERS = {
    "stopReturn": ("lastSeqNumber",),
    "missingReturn": ("startMissingSeqNumber", "endMissingSeqNumber"),
    "fatalReturn": ("fileSequenceNumber",),
    "severeReturn": ("fileSequenceNumber",),
}
"""Sequence numbers of each kind of return."""
PARTS = ("batchControlError", "accountingInfoError", "networkInfoError", "auditControlInfoError")
"""Parts of a fatal return that hold errors."""


def same_events(
    offsets: Sequence[int],
    chunk: DecodedChunk,
    wanted: Sequence[tuple[str, Sequence[dict[str, Any]]]],
) -> Seen:
    """Asserts that a chunk's rows are the wanted ones of each event; returns what was compared.

    An event without a time is suspended, as one whose numbers no column can hold.
    """
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in rows_of(chunk):
        rows.setdefault(row["offset"], []).append(row)
    seen = Seen()
    for offset, (kind, expected) in zip(offsets, wanted, strict=True):
        seen.records[kind] += 1
        found = rows.pop(offset, [])
        if expected[0]["start_time"] is None:
            assert not found
            continue
        assert len(found) == len(expected)
        for row, values in zip(found, expected, strict=True):
            for column, value in values.items():
                assert row[column] == value, (column, row[column], value, expected)
        seen.rows[kind] += len(expected)
    assert not rows
    return seen


def in_tap(opened: Opener, reader: str, count: int, seed: int) -> Seen:
    """Compares the events of one TAP file, of one release after the other."""
    release = tap.RELEASES[seed % len(tap.RELEASES)]
    octets = tap.batch(tap.events(random.Random(seed), release, count), release)
    file = opened(octets, "tap3")
    _, content = DECODERS[reader]("tap3", "DataInterChange", octets)
    wanted = [(kind, meaning(kind, value)) for kind, value in content["callEventDetails"]]
    return same_events(file.offsets.tolist(), whole(file), wanted)


def in_nrtrde(opened: Opener, reader: str, count: int, seed: int) -> Seen:
    """Compares the events of one NRTRDE file."""
    rng = random.Random(seed)
    octets = nrtrde([event(rng, KINDS[place % len(KINDS)]) for place in range(count)])
    file = opened(octets, "nrtrde")
    content = DECODERS[reader]("nrtrde", "Nrtrde", octets)
    wanted = [(kind, [nrtrde_meaning(kind, value)]) for kind, value in content["callEvents"]]
    return same_events(file.offsets.tolist(), whole(file), wanted)


def in_rap(opened: Opener, reader: str, count: int, seed: int) -> Seen:
    """Compares the returns of one return batch: their numbers and errors, and returned events."""
    rng = random.Random(seed)
    happened = tap.events(rng, 12, count)
    sent = opened(tap.batch(happened), "tap3")
    octets = return_batch([a_return(rng, each, place) for place, each in enumerate(happened)])
    rap = opened(octets, "rap")
    _, content = DECODERS[reader]("rap", "RapDataInterChange", octets)
    details = content["returnDetails"]
    file = returned_events(rap, sent.batches[0])
    chunk = decode_chunk(file, range(len(file.offsets)), rules=NO_RULES)
    events = [one["callEventDetail"] for kind, one in details if kind == "severeReturn"]
    wanted = [(kind, meaning(kind, value)) for kind, value in events]
    rows = same_events(file.offsets.tolist(), chunk, wanted).rows
    for found, (kind, value) in zip(returns(rap), details, strict=True):
        assert found.kind == kind
        fields = NUMBERS[kind]
        assert found.numbers == {name: int(value[name]) for name in fields if name in value}
        parts = [("", value), *((part, value[part]) for part in PARTS if part in value)]
        assert found.errors == tuple(one for part in parts for one in errors_of(*part))
    return Seen(Counter(kind for kind, _ in details), rows)


def a_return(rng: random.Random, happened: Any, place: int) -> tuple[str, dict[str, Any]]:  # noqa: ANN401
    """Returns a return: of each kind one in turn, but most of them severe."""
    kind = [*NUMBERS, *["severeReturn"] * 6][place % 10]
    value: dict[str, Any] = {
        name: b"%05d" % rng.randrange(100_000) for name in NUMBERS[kind] if rng.random() < 0.9
    }
    if kind == "fatalReturn":
        value[rng.choice(PARTS)] = {"errorDetail": random_errors(rng)}
    if kind == "severeReturn":
        value["callEventDetail"] = happened
        if rng.random() < 0.9:
            value["errorDetail"] = random_errors(rng)
    return kind, value


def random_errors(rng: random.Random) -> list[dict[str, Any]]:
    """Returns up to three errors, each with up to three steps of a path."""
    fields = ("pathItemId", "itemLevel", "itemOccurrence")
    errors = []
    for _ in range(rng.randrange(4)):
        steps = [
            {name: rng.randrange(1, 500) for name in fields if rng.random() < 0.8}
            for _ in range(rng.randrange(4))
        ]
        error = {"errorCode": rng.randrange(300), "errorContext": steps}
        if rng.random() < 0.5:
            error["itemOffset"] = rng.randrange(2000)
        errors.append(error)
    return errors


def errors_of(part: str, value: dict[str, Any]) -> Iterator[ReturnError]:
    """Yields the errors in a return, or in a part of one, as another decoder reads them."""
    for error in value.get("errorDetail", ()):
        path = tuple(
            (step.get("pathItemId", 0), step.get("itemLevel", 0), step.get("itemOccurrence", 0))
            for step in error["errorContext"]
        )
        yield ReturnError(part, error["errorCode"], error.get("itemOffset"), path)


def whole(file: CdrFile) -> DecodedChunk:
    """Decodes a file in one chunk, without rules of validation."""
    return decode_chunk(file, range(file.n_records), rules=NO_RULES)


FILES = {"tap3": in_tap, "nrtrde": in_nrtrde, "rap": in_rap}


def run(format_name: str, reader: str, records: int, seed: int = 1) -> Seen:
    """Compares clean records of one format; returns what was equal.

    Raises:
        AssertionError: With the first difference, or the record types that never came.
    """
    seen = Seen()
    for first in range(0, records, BATCH):
        count = min(BATCH, records - first)
        if format_name not in FILES:
            drawn = random_records(format_name, count, seed + first)
            seen.add(compare(format_name, drawn, DECODERS[reader]))
            continue
        with tempfile.TemporaryDirectory() as folder:
            opened = Opener(Path(folder))
            seen.add(FILES[format_name](opened, reader, count, seed + first // BATCH))
            opened.close()
    never = types_of(format_name, records) - {*seen.records, *seen.rows}
    assert not never, f"{format_name}: no record of the types {sorted(never)}"
    return seen


def types_of(format_name: str, records: int) -> set[str]:
    """Returns the record types that so many records must hold; call modules are types as well."""
    described = formats.load(format_name)
    types = {element.name for element in described.schema}
    for rule in described.mapping.types:
        types |= {rows.module.element.name for rows in rule.rows if rows.module}
    # A single TAP file is of one release, and no release has all types.
    old = format_name == "tap3" and records <= BATCH * len(tap.RELEASES)
    return types - {*tap.NEW_IN_12, *tap.ONLY_UP_TO_10} if old else types


def report(reader: str, name: str, seen: Seen, seconds: float) -> str:
    """Returns lines for people: what was compared of a format, type by type."""
    total = seen.records.total()
    head = f"{reader}: {name}: {total:,} records, {seen.rows.total():,} rows equal, {seconds:.0f} s"
    kinds = [*seen.records, *(seen.rows.keys() - seen.records.keys())]
    lines = [
        f"  {kind:32} {seen.records[kind]:>9,} records {seen.rows[kind]:>9,} rows" for kind in kinds
    ]
    return "\n".join([head, *lines]) + "\n"


def main() -> int:
    """Runs the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = formats.available("ber")
    parser.add_argument("--records", type=int, default=100_000, help="records of each format")
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
            seen = run(name, reader, options.records, options.seed)
            seconds = time.process_time() - began
            sys.stdout.write(report(reader, name, seen, seconds))
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
