"""Opens a CDR file for a person: framing, and the tags of some records."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediation import formats
from mediation.inspector import tag_tree
from mediation.reader import FileSettings, open_cdr_file
from pipeline.errors import UsageError
from pipeline.masking import mask_text
from pipeline.nearest import nearest

if TYPE_CHECKING:
    from mediation.inspector import Node
    from mediation.reader import CdrFile

HEX_SHOWN = 24
"""Content bytes that are shown of a value."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was seen of a file."""

    head: dict[str, Any]
    nodes: list[Node]
    unmask: bool

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {**self.head, "shown": [self._plain(node) for node in self.nodes]}

    def lines(self) -> list[str]:
        """Returns the file's head and its records as lines of text."""
        out = [f"{name}: {value}" for name, value in self.head.items() if value not in {None, ""}]
        for node in self.nodes:
            out.append("")
            out += self._lines(node, 0)
        return out

    def _plain(self, node: Node) -> dict[str, Any]:
        value, raw = self._shown(node)
        return {
            "tag": node.tag,
            "name": node.name,
            "offset": node.offset,
            "length": node.length,
            "value": value,
            "hex": raw,
            "error": node.error,
            "children": [self._plain(child) for child in node.children],
        }

    def _lines(self, node: Node, depth: int) -> list[str]:
        value, raw = self._shown(node)
        text = f"{node.offset:>9}  {'  ' * depth}{node.tag} {node.name or '(unknown)'}"
        if value is not None:
            text += f" = {value}"
        if raw:
            text += f"  <{raw}>"
        if node.error:
            text += f"  ERROR: {node.error}"
        return [text, *(line for child in node.children for line in self._lines(child, depth + 1))]

    def _shown(self, node: Node) -> tuple[str | int | bool | None, str]:
        """Returns value and hex of a primitive; masked, no hex tells what the value hides."""
        if node.children:
            return None, ""
        raw = node.raw[:HEX_SHOWN].hex(" ") + (" …" if len(node.raw) > HEX_SHOWN else "")
        if self.unmask:
            return node.value, raw
        if node.value is None:  # meaning unknown: it could be anybody's number
            return None, f"{len(node.raw)} bytes"
        return mask_text(node.value) if isinstance(node.value, str) else node.value, ""


def inspect(
    path: Path,
    format_name: str | None,
    *,
    records: int,
    skip: int,
    offset: int | None,
    unmask: bool,
) -> Inspection:
    """Returns the framing of a file and the tags of some of its records.

    Raises:
        UsageError: the format or the record does not exist.
        mediation.errors.UnreadableFileError: the file cannot be read at all.
    """
    if format_name is not None and format_name not in formats.available():
        message = f"there is no format {format_name!r}"
        raise UsageError(message, nearest(format_name, formats.available()))
    file_id = _file_id(path)
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_cdr_file(path, file_id, format_name, FileSettings(scratch=Path(scratch))) as cdr,
    ):
        chosen = _choose(cdr, records, skip, offset)
        cdr_format = formats.load(cdr.format_name)
        nodes = []
        for at in chosen:
            start, length = int(cdr.offsets[at]), int(cdr.lengths[at])
            nodes += tag_tree(cdr.raw(start, length), cdr_format, start)
        head = {
            "file": str(path),
            "file_id": file_id,
            "format": cdr.format_name,
            "framing": cdr.framing,
            "bytes": cdr.size,
            "records": cdr.n_records,
            "header_bytes": cdr.header_bytes,
            "filler_bytes": cdr.filler_bytes,
            "sequence": cdr.sequence_number,
            "declared_records": cdr.declared_records,
            "unframed": "; ".join(
                f"{length} bytes at {where}: {reason}"
                for where, length, reason in cdr.unframed[:20]
            ),
            "notes": "; ".join(cdr.notes),
        }
        return Inspection(head, nodes, unmask)


def _file_id(path: Path) -> str:
    """Returns the id that the file has, or would have, in a workspace."""
    from collectors.digest import file_digest  # noqa: PLC0415
    from collectors.model import FILE_ID_LENGTH  # noqa: PLC0415 - beside its only use

    try:
        return file_digest(path)[:FILE_ID_LENGTH]
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UsageError(message) from None


def _choose(cdr: CdrFile, records: int, skip: int, offset: int | None) -> range:
    if offset is None:
        return range(min(skip, cdr.n_records), min(skip + records, cdr.n_records))
    at = int(cdr.offsets.searchsorted(offset, side="right")) - 1
    if at < 0 or offset >= int(cdr.offsets[at] + cdr.lengths[at]):
        message = f"no record of {cdr.path} is at offset {offset}"
        raise UsageError(message, "`unframed` above names what belongs to no record")
    return range(at, at + 1)
