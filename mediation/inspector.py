"""A record as a tree of tags for a person to read: ``huadan decode``.

It is slow and forgiving on purpose: whatever the octets are, it shows what can be shown and says
where the rest goes wrong. It shares no code with the decoding kernels, so it can be held against
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from mediation.formats.schema import CLASS_WORDS
from mediation.inspector_values import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mediation.formats import Format
    from mediation.formats.schema import Element

    Octets = np.ndarray[tuple[int], np.dtype[np.uint8]]

MAX_DEPTH: Final = 32
"""Levels that are shown; what lies deeper is one node with an error."""

MAX_TAG_OCTETS: Final = 6
MAX_LENGTH_OCTETS: Final = 4


@dataclass(frozen=True, slots=True)
class Node:
    """One tag-length-value of a record.

    Attributes:
        tag: The tag as ASN.1 writes it: ``[33]``, ``[APPLICATION 5]``.
        name: Field or type name of the format; empty where the format does not know the tag.
        offset: Where the tag begins in the file, in octets.
        length: Octets of the whole TLV, end-of-contents included.
        raw: The content octets; of a constructed value everything inside.
        value: What a primitive value means; None where nothing is known but the octets.
        children: The values inside a constructed value.
        error: What is wrong here and where; empty if nothing is.
    """

    tag: str
    name: str
    offset: int
    length: int
    raw: bytes
    value: str | int | bool | None = None
    children: tuple[Node, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Header:
    """Tag and length of one TLV; positions count from the start of the data."""

    tag_class: int
    number: int
    constructed: bool
    content: int
    end: int | None  # None: indefinite


class _HeaderError(Exception):
    """A tag or length that cannot be read."""


@dataclass(slots=True)
class _Inspector:
    """Walks the octets of one call.

    Attributes:
        data: The octets.
        base: Where they begin in the file.
    """

    data: bytes
    base: int

    def tag(self, pos: int, limit: int) -> tuple[int, int]:
        """Returns the tag's number and where its length stands."""
        number, at = self.data[pos] & 31, pos + 1
        if number < 31:
            return number, at
        number = 0
        for more in self.data[at : min(limit, pos + MAX_TAG_OCTETS)]:
            number = number << 7 | more & 127
            at += 1
            if more < 128:
                return number, at
        if at < limit:
            return self.fail(f"the tag has more than {MAX_TAG_OCTETS} octets", pos)
        return self.fail("the tag runs past the end", pos)

    def header(self, pos: int, limit: int) -> _Header:
        """Reads tag and length at ``pos``."""
        first = self.data[pos]
        number, at = self.tag(pos, limit)
        if at >= limit:
            self.fail("there is no length behind the tag", pos)
        length = self.data[at]
        content = at + 1
        if length == 128:
            if not first & 32:
                self.fail("a primitive value has an indefinite length", pos)
            return _Header(first >> 6, number, constructed=True, content=content, end=None)
        if length > 128:
            count = length - 128
            if count > MAX_LENGTH_OCTETS:
                self.fail(
                    f"the length has {count} octets, at most {MAX_LENGTH_OCTETS} make sense", pos
                )
            content += count
            if content > limit:
                self.fail("the length runs past the end", pos)
            length = int.from_bytes(self.data[content - count : content], "big")
        if content + length > limit:
            room = limit - content
            self.fail(f"a value of {length} octets does not fit the {room} that are left", pos)
        return _Header(first >> 6, number, bool(first & 32), content, content + length)

    def fail(self, message: str, pos: int) -> NoReturn:
        text = f"{message}, at offset {self.base + pos}"
        raise _HeaderError(text)

    def level(
        self, pos: int, limit: int, elements: Sequence[Element], depth: int, *, open_end: bool
    ) -> tuple[list[Node], int]:
        """Returns the nodes from ``pos`` and where they end.

        Args:
            pos: Where the first tag stands.
            limit: Octets that may be read.
            elements: What the format knows here.
            depth: Levels above.
            open_end: True inside an indefinite length, which ends with 00 00.
        """
        known = {(element.tag_class, element.tag_number): element for element in elements}
        nodes: list[Node] = []
        while pos < limit:
            if open_end and self.data[pos : pos + 2] == b"\0\0":
                return nodes, pos + 2
            try:
                header = self.header(pos, limit)
            except _HeaderError as error:
                nodes.append(self.rest(pos, limit, str(error)))
                return nodes, limit
            element = known.get((header.tag_class, header.number))
            node = self.node(pos, limit, header, element, depth)
            nodes.append(node)
            pos += node.length
        if open_end:
            message = f"00 00 is missing before offset {self.base + limit}"
            nodes.append(self.rest(limit, limit, message))
        return nodes, pos

    def rest(self, pos: int, limit: int, error: str) -> Node:
        """Returns the node of octets that could not be read any further."""
        return Node("", "", self.base + pos, limit - pos, self.data[pos:limit], error=error)

    def node(
        self, pos: int, limit: int, header: _Header, element: Element | None, depth: int
    ) -> Node:
        """Returns the node of a TLV whose header has been read."""
        tag = f"[{CLASS_WORDS[header.tag_class]}{header.number}]"
        name = "" if element is None else element.name or element.type_name
        start = self.base + pos
        if not header.constructed:
            end = header.end or header.content
            raw = self.data[header.content : end]
            value, error = value_of(raw, element)
            return Node(tag, name, start, end - pos, raw, value, error=error)
        if depth == MAX_DEPTH:
            end = limit if header.end is None else header.end
            raw = self.data[header.content : end]
            error = f"nested deeper than {MAX_DEPTH} levels, at offset {start}"
            return Node(tag, name, start, end - pos, raw, error=error)
        inner = () if element is None else element.children
        children, end = self.level(
            header.content,
            limit if header.end is None else header.end,
            inner,
            depth + 1,
            open_end=header.end is None,
        )
        error = ""
        if element is not None and not element.constructed:
            error = f"the format expects a primitive {element.type_name} here"
        raw = self.data[header.content : end]
        return Node(tag, name, start, end - pos, raw, None, tuple(children), error)


def tag_tree(
    data: bytes, cdr_format: Format, base_offset: int = 0, file: Octets | None = None
) -> list[Node]:
    """Returns the tags of some octets as trees, one per record.

    Args:
        data: Octets of one record, or of several without filler between them.
        cdr_format: The format that names the fields.
        base_offset: Where ``data`` begins in the file, for the offsets of the nodes.
        file: The whole file, uint8[n], where its first line may name the fields.

    Returns:
        Nodes that cover all of ``data`` in order; it never raises, whatever the octets are.
    """
    if cdr_format.flat is not None:
        from mediation.flat.inspect import record_nodes  # noqa: PLC0415 - it imports this module

        return record_nodes(bytes(data), cdr_format.flat, base_offset, file)
    return trees(data, cdr_format.schema, base_offset)


def trees(data: bytes, elements: Sequence[Element], base_offset: int = 0) -> list[Node]:
    """Returns the tags of some octets as trees, as `tag_tree`, given what may stand there."""
    inspector = _Inspector(bytes(data), base_offset)
    nodes, _ = inspector.level(0, len(data), elements, 0, open_end=False)
    return nodes
