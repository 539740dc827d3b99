"""Records that are made of call modules: each module is a row with a type of its own.

In ``mapping.yaml``::

    types:
      plainRecord: {modules: itself}      # modules stand right in the record
      composite: {modules: [part]}        # or where these paths lead, any number of them
    modules:
      mSOriginating: ...                  # as under `types`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.columns import CODES
from mediation.errors import nearest
from mediation.formats.rules import RowsRule, TypeRule

if TYPE_CHECKING:
    from mediation.formats.mapping import Reader
    from mediation.formats.schema import Element

MODULES: Final = "modules"
ITSELF: Final = "itself"
"""Path of call modules that stand in the record without anything between."""
WRAPPED: Final = frozenset({"SEQUENCE", "SET", "EXPLICIT"})


def unwrapped(inside: tuple[Element, ...]) -> tuple[tuple[Element, ...], tuple[Element, ...]]:
    """Returns what an EXPLICIT tag puts around a record (nothing elsewhere), and what is inside."""
    wrappers: list[Element] = []
    while len(inside) == 1 and not inside[0].name and inside[0].kind in WRAPPED:
        wrappers.append(inside[0])
        inside = inside[0].children
    return tuple(wrappers), inside


def read_holder(
    reader: Reader, element: Element, holder: dict[str, object], keys: tuple[str, ...]
) -> TypeRule:
    """Reads a record type that is made of call modules.

    Args:
        reader: Reads the modules' columns; mistakes go to its document.
        element: The record on the wire.
        holder: What stands under the record type.
        keys: Where that is.
    """
    reader.unknown_keys(holder, keys, (MODULES,))
    keys = (*keys, MODULES)
    texts = holder[MODULES] if isinstance(holder[MODULES], list) else [holder[MODULES]]
    rows: list[RowsRule] = []
    for text in texts:
        path = reader.document.text(text, keys, "path of the call modules")
        chain = () if path == ITSELF else reader.resolve(element.children, path, keys)
        if chain is not None:
            rows += _modules(reader, element, chain)
    service, direction = (vocabulary[0] for vocabulary in CODES.values())  # never written
    return TypeRule(element, service, direction, (), tuple(rows))


def _modules(reader: Reader, element: Element, chain: tuple[Element, ...]) -> list[RowsRule]:
    """Returns the rules of the call modules at the end of `chain` inside a record."""
    document = reader.document
    wrappers, inside = unwrapped(chain[-1].children if chain else element.children)
    by_name = {child.name: child for child in inside}
    contents = document.block(document.root.get(MODULES), (MODULES,), f"`{MODULES}`")
    rows: list[RowsRule] = []
    for name, content in contents.items():
        keys = (MODULES, name)
        if name not in by_name:
            message = f"`{element.name}` has no call module `{name}`"
            document.problem(keys, message, nearest(name, by_name))
            continue
        rule = reader.modules.get(name)
        if rule is None or rule.element != by_name[name]:
            rule = reader.modules[name] = reader.read_type(by_name[name], content, keys)
        if rule.rows or any(s.condition or s.pick for each in rule.columns for s in each.sources):
            document.problem(keys, "a call module has neither `rows` nor conditions")
        rows.append(RowsRule((*chain, *wrappers), rule.element, rule.columns, (), rule))
    return rows
