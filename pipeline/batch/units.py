"""Cuts the files of a batch into units of work, the same for any number of threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mediation.errors import UnreadableFileError
from mediation.reader import FileSettings, open_cdr_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mediation.reader import CdrFile
    from pipeline.config.load import Config, Source
    from pipeline.ledger.model import LedgerFile

MAX_FILES_PER_UNIT = 64
"""Bounds open files and makes units of many tiny files small enough."""


class OpenFile:
    """A file of the batch while its records are in work; closed with its last slice."""

    def __init__(
        self, entry: LedgerFile, cdr: CdrFile | None, fault: UnreadableFileError | None
    ) -> None:
        self.entry = entry
        self.fault = fault
        self._cdr = cdr
        self._left = cdr.n_records if cdr is not None else 0
        self._lock = threading.Lock()

    @property
    def cdr(self) -> CdrFile:
        """Returns the open file; only for files without a fault."""
        if self._cdr is None:
            message = f"{self.entry.name} is not open"
            raise RuntimeError(message)
        return self._cdr

    @property
    def n_records(self) -> int:
        """Returns how many records were found."""
        return self._cdr.n_records if self._cdr is not None else 0

    def done(self, records: range) -> None:
        """Gives back the memory of a finished slice; the last one closes the file."""
        if self._cdr is None:
            return
        self._cdr.release(records)
        with self._lock:
            self._left -= len(records)
            last = self._left == 0
        if last:
            self._cdr.close()


@dataclass(frozen=True, slots=True)
class Slice:
    """Some records of one file, in order; the first slice also stands for the file itself."""

    file: OpenFile
    records: range

    @property
    def first(self) -> bool:
        """Returns whether this is the file's first slice."""
        return self.records.start == 0


Unit = tuple[Slice, ...]
"""Slices that go through the chain together and are written to the same files."""


def cut(
    files: Sequence[LedgerFile], archive: Path, scratch: Path, config: Config
) -> Iterator[Unit]:
    """Yields units of at most ``records_per_chunk`` records, opening files as they are reached.

    Files are cut in order; small ones share a unit, large ones span several. A file that does not fit
    into what is left of a unit begins a new one, if that leaves the unit more than half full: events
    of several files must be copied to stand in one batch.
    """
    size = config.run.records_per_chunk
    unit: list[Slice] = []
    room = size
    for entry in files:
        file = open_file(entry, archive, scratch, config)
        at, end = 0, file.n_records
        if end > room and room < size // 2:
            yield tuple(unit)
            unit, room = [], size
        while True:
            records = range(at, min(at + room, end))
            unit.append(Slice(file, records))
            room -= len(records)
            at = records.stop
            if room == 0 or len(unit) >= MAX_FILES_PER_UNIT:
                yield tuple(unit)
                unit, room = [], size
            if at >= end:
                break
    if unit:
        yield tuple(unit)


def file_settings(source: Source, config: Config, scratch: Path) -> FileSettings:
    """Returns how the files of a source are opened."""
    return FileSettings(
        scratch=scratch,
        framing=source.framing,
        block_octets=source.block_octets,
        max_record_octets=source.max_record_octets,
        file_header_octets=source.file_header_octets,
        cdr_header_octets=source.cdr_header_octets,
        max_unpacked_octets=config.run.max_unpacked_bytes,
    )


def open_file(
    entry: LedgerFile, archive: Path, scratch: Path, config: Config, was: str | None = None
) -> OpenFile:
    """Opens a file of the archive as its source says; a fault is kept with it.

    `was` is the format that it was read by, for files of a source that is configured no more.
    """
    source = config.source_named(entry.source, was)
    settings = file_settings(source, config, scratch)
    path = archive / entry.file_id[:2] / entry.file_id
    try:
        cdr = open_cdr_file(path, entry.file_id, source.format, settings)
    except UnreadableFileError as error:
        return OpenFile(entry, None, error)
    return OpenFile(entry, cdr, None)
