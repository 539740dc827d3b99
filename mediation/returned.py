"""What a RAP return batch returns: which files and events, why, and the events themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation import formats
from mediation.batch_facts import BatchFacts
from mediation.framing import FramingRules, tags_of
from mediation.framing_scan import Scanner
from mediation.resolve import Sums
from mediation.tlv import read_head
from mediation.tree import look_up, read_tree

if TYPE_CHECKING:
    from mediation.decoder import Records
    from mediation.tree import Tree

TAP: Final = "tap3"
NUMBERS: Final = (
    "fileSequenceNumber",
    "lastSeqNumber",
    "startMissingSeqNumber",
    "endMissingSeqNumber",
)


@dataclass(frozen=True, slots=True)
class ReturnError:
    """One reason of a return.

    Attributes:
        part: The part of the file that is wrong, such as ``batchControlError``; empty for an event.
        code: Error code (TD.57, validations).
        offset: Octets from the start of what was returned to the wrong item, None if not said.
        path: (tag of the item, level, occurrence) from the outside in; occurrence 0 if not said.
    """

    part: str
    code: int
    offset: int | None
    path: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Return:
    """One return of a return batch.

    Attributes:
        kind: ``stopReturn``, ``missingReturn``, ``fatalReturn`` or ``severeReturn``.
        offset: Where it begins in the file.
        numbers: Sequence numbers of TAP files, as their fields name them.
        errors: Why.
    """

    kind: str
    offset: int
    numbers: dict[str, int]
    errors: tuple[ReturnError, ...]


@dataclass(frozen=True, slots=True)
class ReturnedEvents:
    """The call events of severe returns, as records of `tap3` where they stand in the RAP file.

    Attributes:
        file_id: Of the RAP file.
        data: Its octets, uint8[size].
        offsets: int64[n], first octet of each event.
        lengths: int64[n], octets of each event.
        batches: What their batch says about them; empty if it is not known.
        format_name: Always `tap3`.
    """

    file_id: str
    data: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    batches: tuple[BatchFacts, ...] = ()
    format_name: str = TAP


def returns(rap_file: Records) -> list[Return]:
    """Returns what a return batch says, in file order; see `Return`."""
    elements = {
        (element.tag_class, element.tag_number): element
        for element in formats.load(rap_file.format_name).schema
    }
    found: list[Return] = []
    for offset, length in zip(rap_file.offsets.tolist(), rap_file.lengths.tolist(), strict=True):
        head = read_head(rap_file.data, offset, offset + length)
        element = None if head is None else elements.get(head.tag)
        if element is None:
            continue
        tree = read_tree(rap_file.data, offset, offset + length, element)
        numbers = {name: look_up(tree, name) for name in NUMBERS}
        read = {
            name: int(text)
            for name, text in numbers.items()
            if isinstance(text, bytes) and text.isdigit()
        }
        found.append(Return(element.name, offset, read, tuple(_errors(tree))))
    return found


def returned_events(rap_file: Records, sent: BatchFacts | None = None) -> ReturnedEvents:
    """Returns the events of severe returns for `mediation.decoder.decode_chunk`.

    Args:
        rap_file: An open RAP file.
        sent: Facts of the batch that they were sent in: what their codes and amounts mean.
    """
    data = rap_file.data.view()
    data.flags.writeable = False
    scanner = Scanner(data, tags_of(formats.load(TAP).schema), FramingRules())
    offsets = np.ascontiguousarray(rap_file.offsets, np.int64)
    lengths = np.ascontiguousarray(rap_file.lengths, np.int64)
    offsets, lengths = scanner.inside(offsets, lengths)
    batches = () if sent is None else (replace(sent, records=range(len(offsets))),)
    return ReturnedEvents(rap_file.file_id, rap_file.data, offsets, lengths, batches)


def returned_sums(rap_file: Records, first: int, count: int) -> dict[int, Sums]:
    """Returns what the events inside some records of a file sum up to, by its batches.

    Args:
        rap_file: An open RAP file.
        first: The first record.
        count: How many records.
    """
    from mediation.decoder import decode_sums  # noqa: PLC0415 - it asks for this

    sums: dict[int, Sums] = {}
    for number, batch in enumerate(getattr(rap_file, "batches", ())):
        begin, end = max(first, batch.records.start), min(first + count, batch.records.stop)
        if begin >= end:
            continue
        some = ReturnedEvents(
            rap_file.file_id,
            rap_file.data,
            rap_file.offsets[begin:end],
            rap_file.lengths[begin:end],
            format_name=rap_file.format_name,
        )
        found = decode_sums(returned_events(some, BatchFacts())).get(0, Sums({}, {}))
        sums[number] = Sums(found.amounts, {})  # whose codes mean nothing here
    return sums


def _errors(tree: Tree) -> list[ReturnError]:
    """Returns the errors of a return: its own, and those of the parts of a whole file."""
    if not isinstance(tree, dict):
        return []
    found = _details("", tree)
    for name, part in tree.items():
        if name.endswith("Error"):
            found += _details(name, part)
    return found


def _details(part: str, tree: Tree) -> list[ReturnError]:
    details = look_up(tree, "errorDetail")
    found = []
    for detail in details if isinstance(details, list) else ():
        contexts = look_up(detail, "errorContext")
        path = tuple(
            (
                _number(look_up(context, "pathItemId")) or 0,
                _number(look_up(context, "itemLevel")) or 0,
                _number(look_up(context, "itemOccurrence")) or 0,
            )
            for context in (contexts if isinstance(contexts, list) else ())
        )
        code = _number(look_up(detail, "errorCode"))
        offset = _number(look_up(detail, "itemOffset"))
        found.append(ReturnError(part, -1 if code is None else code, offset, path))
    return found


def _number(part: Tree | None) -> int | None:
    fits = isinstance(part, bytes) and 0 < len(part) <= 8
    return int.from_bytes(part, "big", signed=True) if fits and isinstance(part, bytes) else None
