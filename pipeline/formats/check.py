"""``huadan format check``: mistakes of a format, what it leaves out, and how it fits real files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mediation import formats
from mediation.decoder import decode_chunk
from mediation.errors import MediationConfigError, UnreadableFileError
from mediation.formats.advice import advice
from mediation.tag_counts import KNOWN, MAPPED, UNKNOWN, TagCounts
from pipeline.inspection.inspect import Reading, inspecting
from pipeline.inspection.stats import tag_lines, tag_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mediation.errors import Problem
    from mediation.normalize import NormalizationSettings
    from mediation.tag_counts import TagCount

STEP: Final = 16_384


@dataclass(slots=True)
class FileResult:
    """How a file went through the format."""

    file: str
    framing: str = ""
    bytes: int = 0
    records: int = 0
    decoded: int = 0
    suspended: int = 0
    discarded: int = 0
    unframed_bytes: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""

    def lines(self, name: str) -> list[str]:
        """Returns a line about the file, one for each note on it, and where to look next."""
        if self.error:
            return [f"{self.file}: {self.error}"]
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())
        result = (
            f"{self.file}: {self.framing}, {self.records:,} records: {self.decoded:,} decoded, "
            f"{self.suspended:,} suspended, {self.discarded:,} discarded; "
            f"{self.unframed_bytes:,} of {self.bytes:,} bytes in no record"
            + (f" ({reasons})" if reasons else "")
        )
        out = [result, *(f"  note: {note}" for note in self.notes)]
        if self.suspended or self.unframed_bytes:
            out.append(f"  why: huadan decode {self.file} --format {name} --failed")
        return out


@dataclass(slots=True)
class Report:
    """Everything that was found about a format.

    Attributes:
        name: The format.
        errors: What keeps it from being used.
        warnings: What it leaves out.
        files: How files went through it.
        tags: The tags of all files together.
    """

    name: str
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    files: list[FileResult] = field(default_factory=list)
    tags: list[TagCount] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """True if the format cannot be used or a file cannot be read."""
        return bool(self.errors) or any(result.error for result in self.files)

    def coverage(self) -> dict[str, dict[str, int]]:
        """Returns, by status, how many distinct fields there are and how often they were seen."""
        found = {status: {"fields": 0, "seen": 0} for status in (MAPPED, KNOWN, UNKNOWN)}
        for tag in self.tags:
            if not tag.constructed:
                found[tag.status]["fields"] += 1
                found[tag.status]["seen"] += tag.count
        return found

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as one JSON-ready object."""

        def plain(problems: list[Problem]) -> list[dict[str, str]]:
            return [
                {"where": each.where, "message": each.message, "hint": each.hint}
                for each in problems
            ]

        files = [
            {name: getattr(result, name) for name in FileResult.__dataclass_fields__}
            for result in self.files
        ]
        return {
            "format": self.name,
            "errors": plain(self.errors),
            "warnings": plain(self.warnings),
            "files": files,
            "coverage": self.coverage(),
            "tags": [tag_row(tag) for tag in self.tags],
        }

    def lines(self) -> list[str]:
        """Returns the report as lines of text."""
        out = [f"error: {problem}" for problem in self.errors]
        out += [f"warning: {problem}" for problem in self.warnings]
        out += [line for result in self.files for line in result.lines(self.name)]
        if self.tags:
            sums = ", ".join(
                f"{part['fields']} {status} ({part['seen']:,} seen)"
                for status, part in self.coverage().items()
            )
            out += ["", f"fields in these files: {sums}"]
            out += ["(- known to the module, not mapped; ? unknown to the module)"]
            out += tag_lines([tag_row(tag) for tag in self.tags])
        words = f"{len(self.errors)} errors, {len(self.warnings)} warnings"
        return [*out, "", f"{self.name}: {words}"]


def check_format(
    name: str, files: Sequence[Path], normalization: NormalizationSettings, most: int
) -> Report:
    """Compiles a format and holds it against files.

    Args:
        name: The format.
        files: Files of the format.
        normalization: How their switches write numbers.
        most: Records to read of each file.

    Raises:
        MediationConfigError: There is no such format, or several.
    """
    folder = formats.folder_of(name)
    report = Report(name)
    try:
        cdr_format = formats.load_folder(folder)
    except MediationConfigError as error:
        report.errors += error.problems
        return report
    report.warnings += advice(cdr_format)
    counts = TagCounts()
    for path in files:
        report.files.append(_one_file(path, name, normalization, most, counts))
    if cdr_format.schema and files:
        report.tags = counts.rows(cdr_format)
    return report


def _one_file(
    path: Path, name: str, normalization: NormalizationSettings, most: int, counts: TagCounts
) -> FileResult:
    result = FileResult(str(path))
    try:
        with inspecting(path, Reading(normalization, name)) as inspection:
            cdr = inspection.cdr
            result.framing, result.bytes = cdr.framing, cdr.size
            result.notes = list(cdr.notes)
            result.unframed_bytes = sum(length for _, length, _ in cdr.unframed)
            reasons = Counter(reason for _, _, reason in cdr.unframed)
            for first in range(0, min(cdr.n_records, most), STEP):
                some = range(first, min(first + STEP, cdr.n_records, most))
                if inspection.format.schema:
                    places = slice(some.start, some.stop)
                    counts.add(cdr.data, cdr.offsets[places], cdr.lengths[places])
                chunk = decode_chunk(cdr, some, normalization)
                result.records += chunk.records
                result.decoded += chunk.records_decoded
                result.suspended += chunk.records_suspended
                result.discarded += chunk.records_discarded
                reasons.update(chunk.suspense.column("reason").to_pylist())
                reasons.update(chunk.discarded)
                cdr.release(some)
            result.reasons = dict(reasons.most_common())
    except UnreadableFileError as error:
        result.error = f"{error.reason}: {error.detail}"
    return result
