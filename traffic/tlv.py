"""A small BER reader and writer for building troubles; it shares no code with the decoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element: its tag octets and either its contents or its parts.

    Attributes:
        tag: Tag octets as written.
        contents: Contents of a primitive element.
        parts: Parts of a constructed element, None for a primitive one.
        indefinite: Whether the length is written as 80 … 00 00.
    """

    tag: bytes
    contents: bytes = b""
    parts: tuple[Tlv, ...] | None = None
    indefinite: bool = False

    def octets(self) -> bytes:
        """Returns the element as it is written."""
        contents = self.contents
        if self.parts is not None:
            contents = b"".join(part.octets() for part in self.parts)
        if self.indefinite:
            return self.tag + b"\x80" + contents + b"\x00\x00"
        return self.tag + length_octets(len(contents)) + contents

    def find(self, *tags: str) -> Tlv:
        """Returns the part at a path of tags in hex; KeyError when there is none."""
        here = self
        for tag in tags:
            wanted = bytes.fromhex(tag)
            matches = [part for part in here.parts or () if part.tag == wanted]
            if not matches:
                raise KeyError(tag)
            here = matches[0]
        return here


def length_octets(length: int) -> bytes:
    """Returns the shortest definite form of a length."""
    if length < 128:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((128 | len(octets),)) + octets


def tag_octets(number: int, *, constructed: bool = False) -> bytes:
    """Returns the octets of a context-specific tag."""
    lead = 0xA0 if constructed else 0x80
    if number < 31:
        return bytes((lead | number,))
    groups = [number & 127]
    while number := number >> 7:
        groups.append(128 | number & 127)
    return bytes((lead | 31, *reversed(groups)))


def parse(data: bytes, start: int = 0) -> tuple[Tlv, int]:
    """Returns the element that begins at `start` and where it ends (definite lengths only).

    Raises:
        ValueError: If the element does not fit into `data` or has an indefinite length.
    """
    here = start + 1
    if data[start] & 31 == 31:
        while data[here] & 128:
            here += 1
        here += 1
    tag = data[start:here]
    length = data[here]
    here += 1
    if length >= 128:
        size = length & 127
        length = int.from_bytes(data[here : here + size], "big")
        here += size
        if size == 0:
            message = f"element at {start} has an indefinite length, which is not read here"
            raise ValueError(message)
    end = here + length
    if end > len(data):
        message = f"element at {start} ends at {end}, behind the {len(data)} octets there are"
        raise ValueError(message)
    if not tag[0] & 32:
        return Tlv(tag, data[here:end]), end
    parts = []
    while here < end:
        part, here = parse(data, here)
        parts.append(part)
    return Tlv(tag, parts=tuple(parts)), end
