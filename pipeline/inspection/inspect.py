"""Opens a CDR file for a person and goes through it in file order, one part at a time.

Nothing is kept but the records' places, so a file of gigabytes costs no more memory than a small
one. Showing is `inspect_show`, sums are `inspect_stats`, EDR rows are `inspect_export`.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mediation import formats
from mediation.decoder import decode_chunk
from mediation.framing_steps import read_steps
from mediation.inspector import tag_tree, trees
from mediation.reader import FileSettings, open_cdr_file
from pipeline.batch.units import file_settings
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.nearest import nearest
from pipeline.normalization import load_normalizations, normalization_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mediation.formats import Format
    from mediation.framing import OuterValue
    from mediation.inspector import Node
    from mediation.normalize import NormalizationSettings
    from mediation.reader import CdrFile
    from pipeline.workspace import Workspace

STEP: Final = 256
"""Records that are decoded together to learn what became of them."""

SELECTION: Final = re.compile(r"(\d+)(?:(-)(\d*))?$")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something of a file did not become an EDR row.

    Attributes:
        stage: ``frame``, ``decode``, ``normalize`` or ``validate``.
        reason: A name from a short fixed list.
        detail: One sentence.
        tag_path: Names and tags down to the fault; empty where there is none.
        offset: Where in the file the fault was seen.
    """

    stage: str
    reason: str
    detail: str
    tag_path: str
    offset: int


@dataclass(frozen=True, slots=True)
class Part:
    """One thing of a file: a record, an outer value around records, or octets of no record.

    Attributes:
        kind: ``record``, ``outer`` or ``unframed``.
        offset: Where it begins in the unpacked file.
        length: Its octets.
        number: Number of the record, 1 first; 0 for what is no record.
        name: Type of the record, or name of the outer value.
        outcome: What became of a record: ``decoded``, ``suspended`` or ``discarded``.
        failure: Why it was not decoded.
        nodes: Its tags; of an outer value those beside the list of records.
        rows: The event rows that it became, columns by name; only where they are asked for.
    """

    kind: str
    offset: int
    length: int
    number: int = 0
    name: str = ""
    outcome: str = ""
    failure: Failure | None = None
    nodes: tuple[Node, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """An open file and how to read it; `with_rows` parts have their event rows."""

    cdr: CdrFile
    format: Format
    normalization: NormalizationSettings
    with_rows: bool = False

    def head(self) -> dict[str, Any]:
        """Returns what the file is and how it is framed, JSON-ready."""
        cdr = self.cdr
        return {
            "file": str(cdr.path),
            "file_id": cdr.file_id,
            "format": cdr.format_name,
            "title": self.format.title,
            "packed": list(cdr.packings),
            "framing": cdr.framing,
            "evidence": list(cdr.evidence),
            "alternatives": list(cdr.alternatives),
            "bytes": cdr.size,
            "records": cdr.n_records,
            "record_bytes": int(cdr.lengths.sum()),
            "header_bytes": cdr.header_bytes,
            "filler_bytes": cdr.filler_bytes,
            "unframed_bytes": sum(length for _, length, _ in cdr.unframed),
            "unframed_parts": len(cdr.unframed),
            "sequence": cdr.sequence_number,
            "declared_records": cdr.declared_records,
            "notes": list(cdr.notes),
        }

    def everything(self) -> Iterator[Part]:
        """Yields all parts of the file in file order."""
        around = sorted([*self._gaps(), *self._outer()], key=_place)
        yield from merge(around, self.records(range(self.cdr.n_records)), key=_place)

    def records(self, wanted: range) -> Iterator[Part]:
        """Yields some records, by index from 0."""
        for first in range(wanted.start, wanted.stop, STEP):
            some = range(first, min(first + STEP, wanted.stop))
            yield from self._some_records(some)
            self.cdr.release(some)

    def at(self, offset: int) -> Iterator[Part]:
        """Yields what stands at an offset of the file: a record, else what is no record.

        Raises:
            UsageError: Nothing but filler or a header is there.
        """
        index = int(self.cdr.offsets.searchsorted(offset, side="right")) - 1
        if index >= 0 and offset < int(self.cdr.offsets[index] + self.cdr.lengths[index]):
            yield from self.records(range(index, index + 1))
            return
        for part in (*self._gaps(), *self._outer()):
            if part.offset <= offset < part.offset + part.length:
                yield part
                return
        message = f"no record of {self.cdr.path} is at offset {offset}"
        raise UsageError(message, f"the file has {self.cdr.size} bytes; headers are no records")

    def _some_records(self, some: range) -> Iterator[Part]:
        cdr = self.cdr
        chunk = decode_chunk(cdr, some, self.normalization)
        decoded = set(chunk.edr.column("offset").to_pylist())
        rows: dict[int, list[dict[str, Any]]] = {}
        for row in chunk.edr.to_pylist() if self.with_rows else ():
            rows.setdefault(row["offset"], []).append(row)
        failures = {
            row["offset"]: Failure(
                row["stage"], row["reason"], row["detail"], row["tag_path"], row["fault_offset"]
            )
            for row in chunk.suspense.drop_columns(["raw"]).to_pylist()
        }
        for index in some:
            offset, length = int(cdr.offsets[index]), int(cdr.lengths[index])
            nodes = tuple(tag_tree(cdr.raw(offset, length), self.format, offset, cdr.data))
            failure = failures.get(offset)
            outcome = "decoded" if offset in decoded else "suspended"
            if failure is None and offset not in decoded:
                outcome, failure = "discarded", self._discard(index, offset)
            name = next((node.name or node.tag for node in nodes), "")
            events = tuple(rows.get(offset, ()))
            yield Part("record", offset, length, index + 1, name, outcome, failure, nodes, events)

    def _discard(self, index: int, offset: int) -> Failure:
        rules = decode_chunk(self.cdr, range(index, index + 1), self.normalization).discarded
        rule = next(iter(rules), "")
        return Failure("validate", rule, f"The rule `{rule}` discards such records.", "", offset)

    def _gaps(self) -> Iterator[Part]:
        for offset, length, reason in self.cdr.unframed:
            detail = f"{length} bytes belong to no record."
            failure = Failure("frame", reason, detail, "", offset)
            yield Part("unframed", offset, length, outcome="suspended", failure=failure)

    def _outer(self) -> Iterator[Part]:
        for outer in self.cdr.frames.outer:
            nodes = tuple(self._pieces(outer))
            yield Part("outer", outer.offset, outer.length, name=outer.root, nodes=nodes)

    def _pieces(self, outer: OuterValue) -> Iterator[Node]:
        """Yields the trees of what stands beside the list of records."""
        inside = {root.name: root.element.children for root in self.format.outer}
        for piece in outer.pieces:
            raw = self.cdr.raw(piece.offset, piece.length)
            yield from trees(raw, inside.get(outer.root, ()), piece.offset)


def _place(part: Part) -> tuple[int, int]:
    return part.offset, part.number


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read.

    Attributes:
        normalization: How its switches write numbers, and which clocks they keep.
        format_name: Its format, None to detect it.
        settings: How it is framed, given a folder for unpacked copies.
    """

    normalization: NormalizationSettings
    format_name: str | None = None
    settings: Callable[[Path], FileSettings] = FileSettings


def reading_here(
    workspace: Workspace, format_name: str | None, framing: Sequence[str], source: str | None
) -> Reading:
    """Returns how a file is read that lies in or beside a workspace.

    Args:
        workspace: Where; it need not be a workspace.
        format_name: The format where it is declared.
        framing: Framing steps where they are declared.
        source: A source of the workspace whose settings hold.

    Raises:
        UsageError: There is no such format, source or framing.
    """
    normalization = normalization_here(workspace)
    if format_name is not None and format_name not in formats.available():
        message = f"there is no format {format_name!r}"
        raise UsageError(message, nearest(format_name, formats.available()))
    if source is not None:
        config = load_config(workspace)
        names = [each.name for each in config.source]
        if source not in names:
            message = f"there is no source {source!r}"
            raise UsageError(message, nearest(source, names))
        declared = config.source_named(source)
        return Reading(
            load_normalizations(workspace, config).of(source),
            format_name or declared.format,
            lambda scratch: file_settings(declared, config, scratch),
        )
    try:
        read_steps(framing)
    except ValueError as error:
        raise UsageError(str(error)) from None
    steps = tuple(framing) or None
    flat = format_name is not None and formats.kind_of(format_name) != formats.BER
    if flat and read_steps(steps).framing is not None:
        message = f"the mapping of {format_name} says how its records are framed"
        raise UsageError(message, "only gzip, zstd or zip go with it as --framing")
    return Reading(
        normalization, format_name, lambda scratch: FileSettings(scratch=scratch, framing=steps)
    )


@contextmanager
def inspecting(path: Path, reading: Reading, *, with_rows: bool = False) -> Iterator[Inspection]:
    """Opens a file for looking at it; its records come `with_rows` or without.

    Raises:
        UsageError: The file cannot be read.
        mediation.errors.UnreadableFileError: The file is damaged as a whole, or of no known format.
    """
    file_id = _file_id(path)
    with tempfile.TemporaryDirectory(prefix="huadan-") as scratch:
        settings = reading.settings(Path(scratch))
        with open_cdr_file(path, file_id, reading.format_name, settings) as cdr:
            cdr_format = formats.load(cdr.format_name)
            yield Inspection(cdr, cdr_format, reading.normalization, with_rows)


def selection(text: str, records: int) -> range:
    """Returns the records that ``7``, ``7-9`` or ``7-`` mean, as indexes from 0.

    Raises:
        UsageError: It means none, or they are not in the file.
    """
    match = SELECTION.match(text.strip())
    if match is None:
        message = f"{text!r} names no records"
        raise UsageError(message, "write 7, 7-9 or 7-; the first record is 1")
    first = int(match[1])
    last = records if match[2] and not match[3] else int(match[3] or match[1])
    if not 1 <= first <= last or first > records:
        message = f"there are no records {text} in this file"
        none = "no record was found in it; --format and --framing say how it is to be read"
        raise UsageError(message, f"it has records 1 to {records}" if records else none)
    return range(first - 1, min(last, records))


def _file_id(path: Path) -> str:
    """Returns the id that the file has, or would have, in a workspace."""
    # Asked before it is opened: nobody may write into a pipe, and then opening waits for ever.
    if path.exists() and not (path.is_file() or path.is_dir()):
        message = (
            f"{path} cannot be read: it is a pipe or a device, and a file is read several times"
        )
        raise UsageError(message, "write it to a file first, then decode that file")
    from collectors.digest import file_digest  # noqa: PLC0415
    from collectors.model import FILE_ID_LENGTH  # noqa: PLC0415 - beside its only use

    try:
        return file_digest(path)[:FILE_ID_LENGTH]
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UsageError(message) from None
