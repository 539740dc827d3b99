"""The outer value of a format: what stands around the list of its records.

In ``mapping.yaml``::

    outer:
      type: DataInterChange              # the type of the outermost value
      records:                           # where its alternatives keep their records
        transferBatch: callEventDetails  # dotted path of a SEQUENCE OF or SET OF
        notification: none               # it has no records
        acknowledgement: itself          # it is one record

A type that is no CHOICE stands under ``records`` by its own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediation.errors import nearest
from mediation.formats.paths import one_step

if TYPE_CHECKING:
    from mediation.formats.schema import Element
    from mediation.formats.strings import Document

KEYS: Final = ("type", "records")
NONE: Final = "none"
ITSELF: Final = "itself"


@dataclass(frozen=True, slots=True)
class Root:
    """One alternative of the outermost value.

    Attributes:
        name: Its name in the module.
        element: What it is on the wire.
        path: Elements from inside it down to the list of records; empty where it has none.
        itself: True if it is a record itself.
    """

    name: str
    element: Element
    path: tuple[Element, ...] = ()
    itself: bool = False


def outer_type(document: Document) -> str:
    """Returns the name of the outermost type, empty where the format has none."""
    if "outer" not in document.root:
        return ""
    block = document.block(document.root["outer"], ("outer",), "`outer`")
    for key in block:
        if key not in KEYS:
            document.problem(("outer", key), f"`{key}` is not a key here", nearest(key, KEYS))
    return document.text(block.get("type"), ("outer", "type"), "`type` of `outer`")


def read_outer(
    document: Document, outermost: tuple[Element, ...], schema: tuple[Element, ...]
) -> tuple[Root, ...]:
    """Checks ``outer`` of a mapping file; mistakes are in `document.problems`.

    Args:
        document: The mapping file as read.
        outermost: What the outermost value may be.
        schema: What a record may be.

    Returns:
        One root per alternative, in the order of the module.
    """
    holder = document.block(document.root["outer"], ("outer",), "`outer`").get("records")
    keys = ("outer", "records")
    paths = document.block(holder, keys, "`records` of `outer`")
    elements = {element.name or element.type_name: element for element in outermost}
    for name in paths:
        if name not in elements:
            message = f"`{name}` is no alternative of the outermost type"
            document.problem((*keys, name), message, nearest(name, elements))
    roots: list[Root] = []
    for name, element in elements.items():
        place = (*keys, name)
        if name not in paths:
            hint = f"give the path of its records, `{ITSELF}` or `{NONE}`"
            document.problem(place, f"`{name}` is missing", hint)
            continue
        path = document.text(paths[name], place, f"path of `{name}`")
        if path in {NONE, ITSELF}:
            _check_itself(document, element, schema, path, place)
            roots.append(Root(name, element, itself=path == ITSELF))
            continue
        chain = _resolve(document, element, path, place)
        _check_list(document, chain, schema, path, place)
        roots.append(Root(name, element, chain))
    return tuple(roots)


def _tags(elements: tuple[Element, ...]) -> set[tuple[int, int]]:
    return {(element.tag_class, element.tag_number) for element in elements}


def _check_itself(
    document: Document,
    element: Element,
    schema: tuple[Element, ...],
    path: str,
    keys: tuple[str, ...],
) -> None:
    if path == ITSELF and not _tags((element,)) <= _tags(schema):
        message = f"`{element.name or element.type_name}` is not one of the types of `record`"
        document.problem(keys, message, f"add it to the type of one record, or say `{NONE}`")


def _check_list(
    document: Document,
    chain: tuple[Element, ...],
    schema: tuple[Element, ...],
    path: str,
    keys: tuple[str, ...],
) -> None:
    if not chain:
        return
    if not chain[-1].is_list:
        message = f"`{path}` is {chain[-1].kind}; records come from a SEQUENCE OF or SET OF"
        document.problem(keys, message)
    elif not _tags(chain[-1].children) & _tags(schema):
        message = f"`{path}` holds nothing of the type that `record` names"
        document.problem(keys, message, "`record` is the type of the elements of this list")


def _resolve(
    document: Document, element: Element, path: str, keys: tuple[str, ...]
) -> tuple[Element, ...]:
    """Returns the elements along a dotted path; notes a problem if there is none."""
    chain: list[Element] = []
    inside, rest = element.children, path
    while rest:
        found = one_step(inside, rest)
        if found is None:
            word = rest.split(".", maxsplit=1)[0]
            known = [child.name for child in inside]
            document.problem(keys, f"`{path}`: there is no `{word}`", nearest(word, known))
            return ()
        chain.extend(found)
        rest = rest[len(found[-1].name or found[0].name) :].lstrip(".")
        inside = chain[-1].children
    return tuple(chain)
