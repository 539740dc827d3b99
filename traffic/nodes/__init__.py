"""A plausible file of each format: what real nodes fill, through asn1tools' encoder."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import asn1tools

from traffic.nodes import circuit, ericsson, flat, ims, packet, roaming
from traffic.nodes.scene import Scene
from traffic.tlv import Tlv, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from traffic.nodes.scene import Record

    Draw = Callable[[Scene], Iterator[Record]]


@dataclass(frozen=True, slots=True)
class Node:
    """What writes the files of a BER format.

    Attributes:
        draw: Draws records for ever, as asn1tools takes them.
        root: The module's type of a record.
        folders: Folders of formats whose modules it needs.
        outer: The type of the outer value, empty where records stand one behind the other.
        around: Returns the outer value, its list of records empty.
        listed: Tag octets of that list.
    """

    draw: Draw
    root: str
    folders: tuple[str, ...]
    outer: str = ""
    around: Callable[[Sequence[Record]], Any] = lambda _: None
    listed: bytes = b""


@dataclass(frozen=True, slots=True)
class Lines:
    """What writes the files of a format that is not BER: draws records, and puts a file together."""

    draw: Draw
    file: Callable[[Sequence[tuple[str, bytes]]], bytes]


def _huawei_file(records: Sequence[Record]) -> Any:  # noqa: ANN401 - as asn1tools takes it
    return {
        "headerRecord": {"recordingEntity": circuit.ENTITY},
        "callEventRecords": [],
        "trailerRecord": {"recordingEntity": circuit.ENTITY, "noOfRecords": len(records)},
    }


NODES: Final[dict[str, Node | Lines]] = {
    "3gpp_cs": Node(circuit.switch, "CSRecord", ("3gpp_cs",)),
    "3gpp_ps": Node(packet.gateways, "GPRSRecord", ("3gpp_ps",)),
    "3gpp_ims": Node(ims.nodes, "IMSRecord", ("3gpp_ims",)),
    "3gpp_chf": Node(packet.charging_function, "CHFRecord", ("3gpp_chf",)),
    "huawei_cs": Node(
        circuit.huawei,
        "CallEventRecord",
        ("huawei_cs",),
        "CallEventDataFile",
        _huawei_file,
        b"\xa1",
    ),
    "ericsson_cs": Node(ericsson.switch, "CallDataRecord", ("ericsson_cs",)),
    "tap3": Node(
        roaming.tap, "CallEventDetail", ("tap3",), "DataInterChange", roaming.tap_batch, b"\x63"
    ),
    "nrtrde": Node(
        roaming.nrtrde, "CallEvent", ("nrtrde",), "Nrtrde", roaming.nrtrde_file, b"\x62"
    ),
    "rap": Node(
        roaming.rap,
        "ReturnDetail",
        ("rap", "tap3"),
        "RapDataInterChange",
        roaming.rap_batch,
        b"\x7f\x84\x18",
    ),
    "content_csv": Lines(flat.lines, flat.lines_file),
    "nokia_dx200": Lines(flat.records, flat.blocks_file),
}
"""What writes the files of a format, by its name."""


class NoWriterError(ValueError):
    """A format of which no file can be made here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no files of `{name}` are made here; there are {', '.join(NODES)}")


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was written.

    Attributes:
        records: How many records it has.
        distinct: How many of them differ.
        bytes: Its octets.
        by_kind: Records by kind.
    """

    records: int
    distinct: int
    bytes: int
    by_kind: dict[str, int]


def write_node_file(
    name: str,
    records: int,
    seed: int,
    target: Path,
    *,
    distinct: int | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> MadeFile:
    """Writes one file of a format, as a node of a network of 50,000 subscribers would.

    Args:
        name: The format.
        records: How many records.
        seed: The same arguments give the same bytes.
        target: The file; its folder must exist.
        distinct: Draw only so many and repeat them; asn1tools encodes some thousand a second.
        progress: Hears how many records were encoded since it was last called.

    Raises:
        NoWriterError: No files of this format are made here.
    """
    if (node := NODES.get(name)) is None:
        raise NoWriterError(name)
    scene = Scene(random.Random(f"{name} {seed}"))
    wanted = min(records, distinct or records)
    drawn = []
    encoded = []
    for record, _ in zip(node.draw(scene), range(wanted), strict=False):
        drawn.append(record)
        encoded.append(_octets(node, record))
        if len(encoded) % 1000 == 0:
            progress(1000)
    places = [place % wanted for place in range(records)]
    all_drawn = [drawn[place] for place in places]
    if isinstance(node, Lines):
        octets = node.file(all_drawn)
    else:
        octets = b"".join([encoded[place] for place in places])
        if node.outer:
            around = specification(node.folders).encode(node.outer, node.around(all_drawn))
            octets = _filled(bytes(around), node.listed, octets)
    target.write_bytes(octets)
    kinds = Counter(kind for kind, _ in all_drawn)
    return MadeFile(records, wanted, len(octets), dict(sorted(kinds.items())))


def draw_records(name: str, count: int, seed: int) -> list[bytes]:
    """Returns records of a BER format one by one; see `write_node_file`."""
    node = NODES[name]
    scene = Scene(random.Random(f"{name} {seed}"))
    pairs = zip(node.draw(scene), range(count), strict=False)
    return [_octets(node, record) for record, _ in pairs]


def _octets(node: Node | Lines, record: Record) -> bytes:
    if isinstance(node, Lines):
        return bytes(record[1])
    return bytes(specification(node.folders).encode(node.root, record))


def _filled(around: bytes, tag: bytes, records: bytes) -> bytes:
    """Returns an outer value with records in its list."""
    whole, _ = parse(around)
    assert whole.parts is not None  # noqa: S101 - an outer value is constructed
    parts = tuple(Tlv(tag, records) if part.tag == tag else part for part in whole.parts)
    return replace(whole, parts=parts).octets()


@cache
def specification(folders: tuple[str, ...]) -> Any:  # noqa: ANN401 - asn1tools has no types
    """Returns asn1tools' compiled form of the ASN.1 modules of formats."""
    root = resources.files("mediation.formats")
    modules = [item for name in folders for item in (root / name).iterdir()]
    texts = [item.read_text("utf-8") for item in modules if item.name.endswith(".asn")]
    return asn1tools.compile_string("\n".join(texts), "ber")
