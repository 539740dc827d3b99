"""The sample files: through asn1tools' encoder, with the planted troubles and their outcomes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import polars as pl
import yaml

from traffic.clock import month_of
from traffic.draft import Draft
from traffic.encode import encode_events
from traffic.generate import MONTH, Generated
from traffic.plan import PlannedFile, plan_files
from traffic.population import Population
from traffic.subscribers import write_subscribers
from traffic.table import KINDS
from traffic.troubles import Planter
from traffic.vas import write_platform_file

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = 120_000
FILES = 50
SUBSCRIBERS = 2_400
FEWEST = 4_000
"""Fewer records leave too few of each kind in a file to plant troubles among."""

FEWEST_FILES = 45

_INLINE = 8_000
"""Up to so many records are encoded in this process: starting others takes longer."""


def write_samples(
    folder: Path,
    seed: int = 2026,
    *,
    records: int = RECORDS,
    files: int = FILES,
    subscribers_folder: Path,
    troubles_file: Path | None = None,
    workers: int | None = None,
) -> Generated:
    """Writes the demo traffic of October 2026 as `<folder>/<element>/<file>`.

    Args:
        folder: Where the elements' folders go; created when needed. Files are only added or
            replaced, so clear it first when the number of files changes.
        seed: The same arguments and subscribers give the same bytes, with any number of workers.
        records: Records before troubles, at least 4,000; about 160 octets each.
        files: How many files there are before one is sent twice, and the platform's.
        subscribers_folder: Folder of `subscribers.csv`; written first when there is none.
        troubles_file: Where the expected outcomes go (`troubles.yaml`); None writes none.
        workers: Processes that encode; None takes one for each core.

    Raises:
        ValueError: If there are fewer than 4,000 records or 45 files.
    """
    if records < FEWEST or files < FEWEST_FILES:
        message = (
            f"{records:,} records in {files} files leave no room for the troubles; ask for at least"
            f" {FEWEST:,} records and {FEWEST_FILES} files"
        )
        raise ValueError(message)
    if not (subscribers_folder / "subscribers.csv").exists():
        write_subscribers(subscribers_folder, SUBSCRIBERS, seed)
    span = month_of(MONTH)
    people = Population.from_folder(subscribers_folder).during(span.start, span.end)
    planned = plan_files(records, seed, files, span)
    encoded = _encode(planned, subscribers_folder, workers or os.cpu_count() or 1)
    drafts = [
        Draft(plan, plan.sequence, octets)
        for plan, (octets, _) in zip(planned, encoded, strict=True)
    ]
    planted = Planter(drafts, people, _caller(subscribers_folder, people)).plant()
    kinds: Counter[str] = Counter()
    for _, counts in encoded:
        kinds.update(counts)
    table = [_write(folder, draft) for draft in drafts]
    entries = [one.entry() for one in planted]
    resent, entry = _send_again(folder, drafts)
    table.append(resent)
    platform, known = write_platform_file(folder, seed, subscribers_folder)
    table.append(platform)
    entries += known
    if troubles_file is not None:
        _write_outcomes(troubles_file, seed, [entry, *entries], table)
    return Generated(
        files=tuple(row["file"] for row in table),
        records=sum(row["records"] for row in table),
        bytes=sum(row["bytes"] for row in table),
        by_kind={kind: kinds[kind] for kind in KINDS if kinds[kind]},
    )


def _encode(
    planned: list[PlannedFile], subscribers_folder: Path, workers: int
) -> list[tuple[list[bytes], dict[str, int]]]:
    """Returns the records of each file and how many there are of each kind."""
    jobs = [(plan, subscribers_folder) for plan in planned]
    if workers == 1 or sum(plan.records for plan in planned) <= _INLINE:
        return [encode_file(job) for job in jobs]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(encode_file, jobs, chunksize=2))


def encode_file(job: tuple[PlannedFile, Path]) -> tuple[list[bytes], dict[str, int]]:
    """Returns the records of one planned file; runs in a process of its own."""
    plan, subscribers_folder = job
    span = month_of(MONTH)
    people = Population.from_folder(subscribers_folder).during(span.start, span.end)
    records: list[bytes] = []
    counts: Counter[str] = Counter()
    for events in plan.events(people):
        records += encode_events(events)
        counts.update(KINDS[kind] for kind in events.kind.tolist())
    return records, dict(counts)


def _caller(subscribers_folder: Path, people: Population) -> int:
    """Returns the row of a night owl who is there all month, else of anybody who is."""
    plans = pl.read_csv(subscribers_folder / "subscribers.csv", columns=["plan"])["plan"]
    for row in people.steady.tolist():
        if plans[row] == "night_owl" and not people.visited[row]:
            return int(row)
    return int(people.steady[0])


def _write(folder: Path, draft: Draft) -> dict[str, Any]:
    """Writes one file and returns its row of the table of files."""
    octets = draft.octets()
    path = folder / draft.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return {
        "file": draft.name,
        "source": draft.source,
        "sequence": draft.sequence,
        "records": len(draft.records),
        "bytes": len(octets),
        "filler_bytes": draft.filler_octets,
        "sha256": hashlib.sha256(octets).hexdigest(),
    }


def _send_again(folder: Path, drafts: list[Draft]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Writes a copy of one file under another name; returns its row and its trouble."""
    original = next(
        draft for draft in reversed(drafts) if draft.source == "msc1" and draft.sequence <= 3
    )
    name = f"{original.name.removesuffix('.ber')}_again.ber"
    octets = (folder / original.name).read_bytes()
    (folder / name).write_bytes(octets)
    row = {
        "file": name,
        "source": original.source,
        "sequence": original.sequence,
        "records": len(original.records),
        "bytes": len(octets),
        "filler_bytes": original.filler_octets,
        "sha256": hashlib.sha256(octets).hexdigest(),
    }
    entry = {
        "kind": "file_sent_twice",
        "file": name,
        "note": "The same bytes as another file under a new name",
        "same_as": original.name,
        "expected": {"file_state": "duplicate", "records_rated": 0},
    }
    return row, entry


def _write_outcomes(
    path: Path, seed: int, troubles: list[dict[str, Any]], table: list[dict[str, Any]]
) -> None:
    """Writes `troubles.yaml`."""

    def total(destination: str) -> int:
        return sum(
            one["expected"]["records"]
            for one in troubles
            if one["expected"].get("destination") == destination
        )

    again = next(one["file"] for one in troubles if one["kind"] == "file_sent_twice")
    content = {
        "seed": seed,
        "totals": {
            "files": len(table),
            "duplicate_files": 1,
            "records": sum(row["records"] for row in table if row["file"] != again),
            "records_suspended": total("suspended"),
            "records_duplicate": total("duplicate"),
        },
        "troubles": troubles,
        "files": table,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "# What must become of the troubles in the sample files. Written with them: see README.md.\n"
    path.write_text(head + yaml.safe_dump(content, sort_keys=False, width=100), "utf-8")
