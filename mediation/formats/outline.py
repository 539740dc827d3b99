"""What framing and detection need of a format, at hand without parsing its module.

Parsing an ASN.1 module takes a good part of a second, and detection looks at every format. So the
elements of a format that has been loaded are kept beside it, in the folder where Python keeps its
compiled files, together with the digests of all that they were made from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mediation.formats.outer import Root
from mediation.formats.schema import Element

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER: Final = "__pycache__"
FILE: Final = "outline.json"
LEAST_VALUES: Final = 4
"""Values that a record holds at least, where the mapping does not say."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A format without its mapping.

    Attributes:
        schema: What a record may be, as elements on the wire.
        outer: What may stand around the records; empty where they stand alone.
        least_values: Values that a record holds directly inside, at the least.
    """

    schema: tuple[Element, ...]
    outer: tuple[Root, ...] = ()
    least_values: int = LEAST_VALUES


@cache
def _code_digest() -> str:
    """Returns the digest of the code that makes elements."""
    here = Path(__file__).parent
    return _digest([here / name for name in ("outline.py", "outer.py", "schema.py")])


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for path in files:
        total.update(hashlib.blake2b(path.read_bytes()).digest())
    return total.hexdigest()


def read_outline(folder: Path) -> Outline | None:
    """Returns the kept outline of a format, None where there is none that is up to date."""
    try:
        kept = json.loads((folder / FOLDER / FILE).read_text(encoding="utf-8"))
        files = [folder / name for name in kept["files"]]
        if kept["code"] != _code_digest() or kept["digest"] != _digest(files):
            return None
        return _decoded(kept)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def keep_outline(folder: Path, files: Iterable[Path], outline: Outline) -> None:
    """Keeps an outline; where the folder cannot be written it will be made again.

    Args:
        folder: The format's folder.
        files: All that the outline was made from.
        outline: What to keep.
    """
    if sys.dont_write_bytecode:
        return
    names = [os.path.relpath(path, folder) for path in files]
    content = _encoded(outline) | {
        "files": names,
        "digest": _digest(folder / name for name in names),
        "code": _code_digest(),
    }
    target = folder / FOLDER / FILE
    with contextlib.suppress(OSError):
        target.parent.mkdir(exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
        part.replace(target)


def shared(outline: Outline) -> Outline:
    """Returns an outline as it will be read again once it is kept: equal elements are one object.

    So nothing can depend on whether a format was loaded before.
    """
    return _decoded(_encoded(outline))


def _encoded(outline: Outline) -> dict[str, Any]:
    """Returns an outline as JSON: elements in a table, each one once, children before parents."""
    table: dict[tuple[Any, ...], int] = {}

    def number(element: Element) -> int:
        row = (
            element.name,
            element.tag_class,
            element.tag_number,
            element.kind,
            element.type_name,
            tuple(number(child) for child in element.children),
            element.names,
        )
        return table.setdefault(row, len(table))

    schema = [number(element) for element in outline.schema]
    outer = [
        (root.name, number(root.element), [number(step) for step in root.path], root.itself)
        for root in outline.outer
    ]
    return {
        "elements": list(table),
        "schema": schema,
        "outer": outer,
        "least_values": outline.least_values,
    }


def _decoded(kept: dict[str, Any]) -> Outline:
    elements: list[Element] = []
    for name, tag_class, tag_number, kind, type_name, children, names in kept["elements"]:
        inside = tuple(elements[child] for child in children)
        values = tuple((value, word) for value, word in names)
        elements.append(Element(name, tag_class, tag_number, kind, type_name, inside, values))
    return Outline(
        schema=tuple(elements[at] for at in kept["schema"]),
        outer=tuple(
            Root(name, elements[at], tuple(elements[step] for step in path), itself)
            for name, at, path, itself in kept["outer"]
        ),
        least_values=kept["least_values"],
    )
