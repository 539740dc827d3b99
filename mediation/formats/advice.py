"""What a mapping that compiles still leaves out: record types and fields that charging needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mediation.errors import Problem
from mediation.format_folders import MAPPING_FILE
from mediation.formats.strings import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mediation.flat.layout import Layout
    from mediation.formats import Format
    from mediation.formats.rules import TypeRule
    from mediation.formats.schema import Element
    from mediation.formats.strings import Document
    from mediation.plan import Plan

    Tags = tuple[tuple[int, int], ...]

NEEDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "voice": (("duration",), ("other_number",)),
    "video": (("duration",), ("other_number",)),
    "sms": (("events",), ("other_number",)),
    "mms": (("events",), ("other_number",)),
    "data": (("uplink",), ("downlink",), ("charging_id",)),
    "content": (("events", "partner_charge"),),
    "supplementary": (("events",),),
}
"""Per service, what a charge needs: one column of each group."""

START: Final = ("start_time",)
ALWAYS: Final = (START, ("recording_entity",))
SUBSCRIBER: Final = (("served_imsi", "served_msisdn"),)
NO_SUBSCRIBER: Final = ("gateway_in", "gateway_out", "transit")
"""Directions whose records describe a trunk, not a subscriber."""

LOOKS_LIKE: Final[dict[str, str]] = {
    "start_time": r"answer|seizure|start|begin|opening|origination|delivery|time$|stamp$",
    "duration": r"duration|seconds|length",
    "uplink": r"uplink|sent|upload|volumeup",
    "downlink": r"downlink|received|download|volumedown",
    "served_imsi": r"imsi",
    "served_msisdn": r"msisdn|served.*number|calling",
    "other_number": r"called|destination|otherparty|dialled|connected|recipient",
    "recording_entity": r"recording|entity|node|msc.*(id|number|address)|exchange",
    "charging_id": r"charging_?id",
    "events": r"count|events|number_?of",
    "partner_charge": r"charge$|amount|price",
}
"""Names of fields that may be what a column needs."""

CHARGEABLE: Final = re.compile(
    r"duration|volume|octets|bytes|uplink|downlink|charge|amount|cost|price|tariff|units",
    re.IGNORECASE,
)
"""Names of fields that a charge may depend on."""

MOST_DEPTH: Final = 6


def reads(plan: Plan, tags: Tags) -> bool:
    """Returns whether a plan reads the field at a path of tags from the record's own on."""
    node, entry = 0, -1
    for tag in tags:
        entry = plan.entry(node, tag) if node >= 0 else -1
        if entry < 0:
            return False
        node = plan.child(entry)
    return entry >= 0


def advice(cdr_format: Format) -> list[Problem]:
    """Returns what a format's mapping leaves out, with file, line and what may fill it."""
    document = read_document(cdr_format.folder / MAPPING_FILE)
    if cdr_format.flat is not None:
        return list(_of_flat(cdr_format.flat.layout, document))
    mapped = {rule.element.name: rule for rule in cdr_format.mapping.types}
    found: list[Problem] = []
    for element in cdr_format.schema:
        rule = mapped.get(element.name)
        if rule is None:
            message = f"record type `{element.name}` is not mapped: its records are suspended"
            found.append(Problem(document.where(("types",)), message))
        else:
            found += _of_type(cdr_format, rule, document)
    return found


def _of_type(cdr_format: Format, rule: TypeRule, document: Document) -> Iterator[Problem]:
    where = document.where(("types", rule.element.name))
    fields = [
        (path, element.kind)
        for path, tags, element in _leaves(rule.element)
        if not reads(cdr_format.ber, tags)
    ]
    columns = {each.column for each in rule.columns}
    columns |= {each.column for rows in rule.rows for each in rows.columns}
    if (around := cdr_format.mapping.file) is not None:
        columns |= around.columns.keys()
    needed = (*ALWAYS, *_needed(rule.service, rule.direction))
    yield from _missing(rule.element.name, where, columns, needed, fields)


def _of_flat(layout: Layout, document: Document) -> Iterator[Problem]:
    """Yields the same for a text or fixed format, whose header may name the node once."""
    for rule in layout.types:
        sources = [source for column in rule.columns for source in column.sources]
        read = {field.name for source in sources for field in source.fields}
        read |= {source.condition.field.name for source in sources if source.condition is not None}
        fields = [(field.name, field.form) for field in rule.fields if field.name not in read]
        columns = {each.column for each in rule.columns}
        if "call_reference" in columns:  # there it says which session it is
            columns.add("charging_id")
        needed = (START, *_needed(rule.service, rule.direction))
        where = document.where(("types", rule.name))
        yield from _missing(rule.name, where, columns, needed, fields)


def _needed(service: str, direction: str) -> tuple[tuple[str, ...], ...]:
    needed = NEEDED.get(service, ())
    return needed if direction in NO_SUBSCRIBER else (*needed, *SUBSCRIBER)


def _missing(
    name: str,
    where: str,
    columns: set[str],
    needed: tuple[tuple[str, ...], ...],
    fields: list[tuple[str, str]],
) -> Iterator[Problem]:
    """Yields the groups of needed columns that nothing fills, and fields that look chargeable.

    Args:
        name: The record type.
        where: Its place in the mapping.
        columns: What is filled.
        needed: What a charge needs: one column of each group.
        fields: Path and kind of the fields that feed nothing.
    """
    for group in needed:
        if not columns & set(group):
            message = f"`{name}` fills no {' or '.join(f'`{each}`' for each in group)}"
            yield Problem(where, message, _candidates(group, fields))
    for path, kind in fields:
        if CHARGEABLE.search(path.rpartition(".")[2]):
            message = f"`{name}`: `{path}` ({kind}) may matter for charging"
            yield Problem(where, message, "it feeds no column")


def _candidates(group: tuple[str, ...], fields: list[tuple[str, str]]) -> str:
    looks = re.compile(
        "|".join(LOOKS_LIKE[name] for name in group if name in LOOKS_LIKE), re.IGNORECASE
    )
    close = [path for path, _ in fields if looks.search(path.rpartition(".")[2])]
    return f"perhaps `{'`, `'.join(close[:3])}`" if close else "no field looks like it"


def _leaves(
    record: Element, above: str = "", tags: Tags = (), depth: int = 0
) -> Iterator[tuple[str, Tags, Element]]:
    """Yields path, tags and element of every primitive field of a record type."""
    here = (*tags, (record.tag_class, record.tag_number))
    for child in record.children:
        path = f"{above}.{child.name}".strip(".")
        if not child.constructed:
            yield path, (*here, (child.tag_class, child.tag_number)), child
        elif depth < MOST_DEPTH:
            yield from _leaves(child, path, here, depth + 1)
