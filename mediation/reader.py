"""Opening a CDR file: mapping or unpacking it, detecting its format, finding its records."""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mediation.batch_audit import declared_records, declared_sequence, header_notes
from mediation.batch_facts import batch_facts
from mediation.errors import UnreadableFileError
from mediation.framing import frame, tags_of
from mediation.framing_steps import FramingRules, read_steps
from mediation.mapped import STRETCH, let_go
from mediation.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from mediation.batch_facts import BatchFacts
    from mediation.detect import Detection
    from mediation.framing import Frames
    from mediation.framing_steps import Steps

TRIED_RECORDS = 64
"""Records of a file of a detected format that are decoded to see whether they make sense."""

FEW_RECORDS = 16
"""Records below which a format that fits well is believed without: all may have the same fault."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """How to open the files of a source.

    Attributes:
        scratch: Folder for unpacked copies; must exist.
        framing: Framing steps as :mod:`mediation.framing_steps` reads them; None to detect them.
        block_octets: Block size that no record crosses, 0 where there are no blocks.
        max_record_octets: Longest record that is believed.
        file_header_octets: Length of the TS 32.297 file header, None as it says itself.
        cdr_header_octets: Length of each CDR header, None by the release.
        max_unpacked_octets: Where unpacking a file stops, against files made to fill a disk.
    """

    scratch: Path
    framing: str | tuple[str, ...] | None = None
    block_octets: int = 0
    max_record_octets: int = 1 << 20
    file_header_octets: int | None = None
    cdr_header_octets: int | None = None
    max_unpacked_octets: int = 64 << 30

    @property
    def steps(self) -> Steps:
        """The declared steps.

        Raises:
            ValueError: A step is not known or not written as it should.
        """
        return read_steps(self.framing)

    def rules(self, framing: str) -> FramingRules:
        """Returns the framing rules of these settings for a framing."""
        rules = FramingRules(
            framing=framing,
            block_octets=self.block_octets,
            max_record_octets=self.max_record_octets,
            file_header_octets=self.file_header_octets,
            cdr_header_octets=self.cdr_header_octets,
        )
        return self.steps.applied(rules)


@dataclass(slots=True)
class CdrFile:
    """An open CDR file with its records' places; close it, or use it as a context manager.

    Attributes:
        path: The file as it was given.
        file_id: The file's name in every output row.
        format_name: Name of the format under ``mediation/formats``.
        framing: One of ``FRAMINGS``, or of ``mediation.flat.framing`` for a flat format.
        packings: What the file was packed with, from the outside in.
        size: Octets of the file, unpacked.
        frames: Places of the records and everything between them.
        evidence: Why format and framing were chosen, where they were detected.
        alternatives: What else the file could be, one sentence each, best first.
        batches: What the outer values of the file say about their records.
    """

    path: Path
    file_id: str
    format_name: str
    framing: str
    size: int
    frames: Frames
    evidence: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    packings: tuple[str, ...] = ()
    batches: tuple[BatchFacts, ...] = ()
    _data: np.ndarray | None = None
    _map: mmap.mmap | None = None
    _scratch: Path | None = field(default=None, repr=False)

    @property
    def data(self) -> np.ndarray:
        """The file's octets, uint8[size], read-only, until :meth:`close`."""
        if self._data is None:
            message = f"{self.path} is closed"
            raise ValueError(message)
        return self._data

    @property
    def offsets(self) -> np.ndarray:
        """int64[n], first octet of each record's TLV in the unpacked file."""
        return self.frames.offsets

    @property
    def lengths(self) -> np.ndarray:
        """int64[n], octets of each record's TLV, tag and length included."""
        return self.frames.lengths

    @property
    def n_records(self) -> int:
        """Records that were framed."""
        return len(self.frames.offsets)

    @property
    def header_bytes(self) -> int:
        """Octets of the file header and of all CDR headers."""
        return self.frames.header_octets

    @property
    def filler_bytes(self) -> int:
        """Octets of filler between the records."""
        return self.frames.filler_octets

    @property
    def unframed(self) -> list[tuple[int, int, str]]:
        """(offset, length, reason) of the octets that belong to no record, in file order."""
        return [(gap.offset, gap.length, gap.reason) for gap in self.frames.unframed]

    @property
    def sequence_number(self) -> int | None:
        """Running number in the file header or in the first batch, None without one."""
        if self.frames.header is None:
            return declared_sequence(self.batches)
        return self.frames.header.sequence_number

    @property
    def declared_records(self) -> int | None:
        """Number of records that the file header or the batches declare, None without one."""
        if self.frames.header is None:
            return declared_records(self.batches)
        return self.frames.header.records

    @property
    def notes(self) -> tuple[str, ...]:
        """What headers and trailers declare and the file does not hold; amounts are not looked at."""
        return (*self.frames.notes, *header_notes(self.batches))

    def raw(self, offset: int, length: int) -> bytes:
        """Returns a copy of ``length`` octets from ``offset``."""
        return self.data[offset : offset + length].tobytes()

    def chunks(self, records_per_chunk: int) -> list[range]:
        """Returns the ranges of record indexes to decode one by one, in file order.

        Raises:
            ValueError: If ``records_per_chunk`` is not positive.
        """
        if records_per_chunk < 1:
            message = f"records_per_chunk is {records_per_chunk}; it must be at least 1"
            raise ValueError(message)
        total = self.n_records
        return [
            range(start, min(start + records_per_chunk, total))
            for start in range(0, total, records_per_chunk)
        ]

    def release(self, records: range) -> None:
        """Gives back the memory of records that have been decoded; they can be read again."""
        if records:
            end = int(self.offsets[records[-1]] + self.lengths[records[-1]])
            let_go(self.data, int(self.offsets[records[0]]), end)

    def close(self) -> None:
        """Unmaps the file and removes its unpacked copy; a second call does nothing."""
        self._data = None
        if self._map is not None:
            # A caller may still hold a view of the data; the map then goes with that view.
            with contextlib.suppress(BufferError):
                self._map.close()
            self._map = None
        if self._scratch is not None:
            self._scratch.unlink(missing_ok=True)
            self._scratch = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_cdr_file(
    path: Path, file_id: str, format_name: str | None, settings: FileSettings
) -> CdrFile:
    """Opens a CDR file and finds its records.

    Args:
        path: The file; packed ones are known by their first octets and unpacked into the scratch
            folder.
        file_id: The file's name in every output row, from the digest of its content.
        format_name: A format of ``mediation.formats``, None to detect it.
        settings: How the source frames its files.

    Returns:
        The open file; the caller closes it.

    Raises:
        UnreadableFileError: If the file is missing, empty, packed and damaged, or of no known
            format; the whole file then goes to suspense.
        ValueError: If the settings declare framing steps that are none.
        OSError: If the scratch folder cannot be written, such as a full disk.
    """
    target = settings.scratch / f"{file_id}.unpacked"
    source, packings = unpack(path, target, settings.steps.packings, settings.max_unpacked_octets)
    scratch = target if source == target else None
    mapped: mmap.mmap | None = None
    try:
        data, mapped = _mapped(path, source)
        name, rules, found = _choose(path, data, format_name, settings)
        frames = _frames(data, name, rules)
        if len(data) > STRETCH:
            let_go(data, 0, len(data))
        batches = _batches(name, data, frames)
    except BaseException:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise
    file = CdrFile(
        path=path,
        file_id=file_id,
        format_name=name,
        framing=rules.framing,
        size=len(data),
        frames=frames,
        evidence=() if found is None else tuple(found.evidence),
        alternatives=() if found is None else tuple(map(str, found.alternatives)),
        packings=packings,
        batches=batches,
        _data=data,
        _map=mapped,
        _scratch=scratch,
    )
    if found is not None and format_name is None:
        _believe(file, found)
    return file


def _believe(file: CdrFile, found: Detection) -> None:
    """Closes a file of a detected format again whose values the format cannot read.

    Raises:
        UnreadableFileError: None of its first records makes sense, or fewer than half of them where
            the detection is doubtful.
    """
    records = min(file.n_records, TRIED_RECORDS)
    if records < (1 if found.doubtful else FEW_RECORDS):
        return
    from mediation.trial import sensible  # noqa: PLC0415 - decoding loads what framing does not need

    good = sensible(file, records)
    if good * 2 >= records or (good and not found.doubtful):
        return
    data = file.data
    begins = data[:16].tobytes().hex(" ")
    file.close()
    raise UnreadableFileError(
        file.path,
        "unknown_format",
        f"no format fits; it begins with {begins}. The nearest is {found.fit}, but of its first "
        f"{records} records {good} have values that {found.name} can read. "
        f"If it is a variant of {found.name}, `huadan format new NAME` begins one; "
        f"`huadan decode FILE --format {found.name}` shows it as that format.",
    )


def _frames(data: np.ndarray, name: str, rules: FramingRules) -> Frames:
    from mediation import formats  # noqa: PLC0415 - formats import what framing does not need

    if formats.kind_of(name) == formats.BER:
        outline = formats.outline(name)
        return frame(data, tags_of(outline.schema, outline.outer, outline.least_values), rules)
    from mediation.flat.framing import frames_of  # noqa: PLC0415 - BER files never need it

    return frames_of(data, name, rules.max_record_octets)


def _own_framing(name: str) -> str | None:
    """Returns the framing that a format says itself, None where a source has to."""
    from mediation import formats  # noqa: PLC0415 - formats import what framing does not need

    if formats.kind_of(name) == formats.BER:
        return None
    from mediation.flat.framing import framing_of  # noqa: PLC0415 - BER files never need it

    return framing_of(name)


def _batches(name: str, data: np.ndarray, frames: Frames) -> tuple[BatchFacts, ...]:
    """Returns what the outer values of a file say about their records."""
    if not frames.outer:
        return ()
    from mediation import formats  # noqa: PLC0415 - loading a format compiles its plan

    return batch_facts(formats.load(name), data, frames.outer)


def _choose(
    path: Path, data: np.ndarray, format_name: str | None, settings: FileSettings
) -> tuple[str, FramingRules, Detection | None]:
    """Returns format, framing and what was detected, if anything had to be."""
    framing = settings.steps.framing
    if format_name is not None:
        framing = _own_framing(format_name) or framing
    if format_name is not None and framing is not None:
        return format_name, settings.rules(framing), None
    from mediation.detect import detect_format  # noqa: PLC0415 - detect imports every format

    found = detect_format(data, name=format_name, settings=settings)
    if found is None:
        if format_name is not None:
            # The format is declared: what does not fit it is suspended octet by octet.
            return format_name, settings.rules(framing or "bare"), None
        declared = "" if framing is None else f" with the framing {framing} that is declared"
        raise UnreadableFileError(
            path,
            "unknown_format",
            f"no format fits{declared}; it begins with {data[:16].tobytes().hex(' ')}. "
            "Check that the file is a CDR file, or declare the format of its source "
            "(`huadan decode FILE --format NAME` tries one, `huadan format list` names them).",
        )
    return found.name, found.rules, found


def _mapped(path: Path, source: Path) -> tuple[np.ndarray, mmap.mmap]:
    """Maps ``source`` read-only; ``path`` is the name for messages."""
    with source.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise UnreadableFileError(
                path, "empty_file", "the file has no octets: ask the source for it again"
            ) from error
    if hasattr(mmap, "MADV_SEQUENTIAL"):
        mapped.madvise(mmap.MADV_SEQUENTIAL)
    return np.frombuffer(mapped, np.uint8), mapped
