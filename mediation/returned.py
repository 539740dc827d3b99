"""What a RAP return batch returns: which files and events, why, and the events themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation import formats
from mediation.batch_facts import BatchFacts, Sums
from mediation.framing import FramingRules, tags_of
from mediation.framing_scan import Scanner
from mediation.inspector import trees
from mediation.tlv import read_head, tag_octets
from mediation.tree import look_up, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.decoder import Records
    from mediation.formats.schema import Element
    from mediation.inspector import Node
    from mediation.tree import Tree

TAP: Final = "tap3"
SEVERE: Final = "severeReturn"
EVENT: Final = "callEventDetail"
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
        fault: Where it cannot be read and why, empty if it can; what stands before is there.
    """

    kind: str
    offset: int
    numbers: dict[str, int]
    errors: tuple[ReturnError, ...]
    fault: str = ""


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
    """Returns what a return batch says, in file order, one for each of its records; see `Return`.

    The kind of a record that is no return is empty; decoding suspends it.
    """
    elements = _elements(rap_file)
    found: list[Return] = []
    for offset, length in zip(rap_file.offsets.tolist(), rap_file.lengths.tolist(), strict=True):
        head = read_head(rap_file.data, offset, offset + length)
        element = None if head is None else elements.get(head.tag)
        octets = rap_file.data[offset : offset + length].tobytes()
        fault = _first_fault(trees(octets, tuple(elements.values()), offset))
        if element is None:
            found.append(Return("", offset, {}, (), fault or f"at {offset}: no return begins so"))
            continue
        tree = read_tree(rap_file.data, offset, offset + length, element)
        parts = tree if isinstance(tree, dict) else {}
        if element.name == SEVERE and not any(name.startswith(EVENT) for name in parts):
            fault = fault or f"at {offset}: it holds no event"
        numbers = {name: look_up(tree, name) for name in NUMBERS}
        read = {
            name: int(text)
            for name, text in numbers.items()
            if isinstance(text, bytes) and text.isdigit()
        }
        found.append(Return(element.name, offset, read, tuple(_errors(tree)), fault))
    return found


def returned_events(rap_file: Records, sent: BatchFacts | None = None) -> ReturnedEvents:
    """Returns the events of severe returns for `mediation.decoder.decode_chunk`.

    A severe return in which no event is found, because a value before it is broken, stands for its
    event itself: decoding suspends it, so that every severe return is in the counts.

    Args:
        rap_file: An open RAP file.
        sent: Facts of the batch that they were sent in: what their codes and amounts mean.
    """
    data = rap_file.data.view()
    data.flags.writeable = False
    scanner = Scanner(data, tags_of(formats.load(TAP).schema), FramingRules())
    offsets = np.ascontiguousarray(rap_file.offsets, np.int64)
    lengths = np.ascontiguousarray(rap_file.lengths, np.int64)
    offsets, lengths = _one_each(rap_file, offsets, lengths, *scanner.inside(offsets, lengths))
    batches = () if sent is None else (replace(sent, records=range(len(offsets))),)
    return ReturnedEvents(rap_file.file_id, rap_file.data, offsets, lengths, batches)


def _one_each(
    rap_file: Records,
    offsets: np.ndarray,
    lengths: np.ndarray,
    events: np.ndarray,
    octets: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns int64[n], int64[n]: places of the first event in each return, or of the return.

    Args:
        rap_file: An open RAP file.
        offsets: int64[m], where the returns begin, in file order.
        lengths: int64[m], octets of each.
        events: int64[k], where events begin in them, in file order.
        octets: int64[k], octets of each.
    """
    holders = np.searchsorted(offsets, events, "right") - 1
    first = np.flatnonzero(np.diff(holders, prepend=-1))
    empty = np.ones(len(offsets), np.bool_)
    empty[holders] = False
    without = np.flatnonzero(empty)
    severe = _begin_with(rap_file.data, offsets[without], _tag_of(rap_file, SEVERE))
    without = without[severe]
    begins = np.concatenate([events[first], offsets[without]])
    order = np.argsort(begins, kind="stable")
    return begins[order], np.concatenate([octets[first], lengths[without]])[order]


def _begin_with(data: np.ndarray, offsets: np.ndarray, octets: bytes) -> np.ndarray:
    """Returns bool[n], whether these octets stand at each of n places."""
    found = offsets + len(octets) <= len(data)
    for place, octet in enumerate(octets):
        found[found] = data[offsets[found] + place] == octet
    return found


def _tag_of(rap_file: Records, name: str) -> bytes:
    """Returns the tag octets of a kind of return."""
    return next(tag_octets(each) for each in _elements(rap_file).values() if each.name == name)


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


def _elements(rap_file: Records) -> dict[tuple[int, int], Element]:
    """Returns the kinds of return by tag."""
    schema = formats.load(rap_file.format_name).schema
    return {(element.tag_class, element.tag_number): element for element in schema}


def _first_fault(nodes: Iterable[Node]) -> str:
    """Returns the first thing in some values that cannot be read, empty if there is none."""
    for node in nodes:
        fault = f"at {node.offset}: {node.error}" if node.error else _first_fault(node.children)
        if fault:
            return fault
    return ""


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
