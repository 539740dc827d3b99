"""Running numbers of the records of a batch, file by file, for sequence control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.sequence import Ring
from mediation import formats
from mediation.record_numbers import NodeNumbers, joined
from pipeline.ledger.records import FileNumbers, clipped
from pipeline.logs import log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.batch.chain import UnitResult
    from pipeline.batch.sheet import Sheet
    from pipeline.batch.units import OpenFile
    from pipeline.config.load import Config


def file_numbers(
    units: Iterable[UnitResult], sheets: dict[str, Sheet], config: Config
) -> list[FileNumbers]:
    """Returns the numbers of each file and node, in order of the files.

    Args:
        units: What was decoded.
        sheets: Balance sheets by file id.
        config: Says which sources are controlled, and where their nodes begin again.
    """
    parts: dict[str, list[NodeNumbers]] = {}
    files: dict[str, OpenFile] = {}
    for unit in units:
        for part, numbers in unit.account.numbers:
            file_id = part.file.entry.file_id
            files[file_id] = part.file
            parts.setdefault(file_id, []).extend(numbers)
    found = []
    for file_id, file in files.items():
        ring = _ring(file, config)
        if ring is None:
            continue
        records = sheets[file_id].records
        for one in joined(parts[file_id]):
            of_node = FileNumbers(
                file_id,
                file.entry.source,
                one.node,
                ring,
                tuple((first, last) for first, last in one.ranges.tolist()),
                one.again,
                one.lowest,
                one.highest,
                fresh=2 * records.duplicate < records.read,
            )
            _tell_others(of_node)
            found.append(of_node)
    return found


def _ring(file: OpenFile, config: Config) -> Ring | None:
    """Returns where the nodes of a file begin again, None where they are not controlled."""
    source = config.source_named(file.entry.source)
    known = formats.load(file.cdr.format_name).mapping.numbers
    if known is None or not source.record_numbers:
        return None
    first = known[0] if source.record_first is None else source.record_first
    last = known[1] if source.record_last is None else source.record_last
    return Ring(first, last)


def _tell_others(numbers: FileNumbers) -> None:
    """Logs numbers that a node cannot write, if the configuration is right."""
    inside = sum(last - first + 1 for first, last in clipped(numbers.ranges, numbers.ring))
    others = sum(last - first + 1 for first, last in numbers.ranges) - inside
    if others:
        log().warning(
            "record_numbers_out_of_range",
            source=numbers.source,
            node=numbers.node,
            count=others,
            first=numbers.ring.first,
            last=numbers.ring.last,
        )
