"""Which records are parts of a call and which belong together: `partials` in a format's mapping.

The rules speak of EDR columns, so whoever has EDRs can assemble without the format: records are
known by their type. Formats that share a record type must agree on its rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from mediation.errors import MediationConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from mediation.formats.strings import Document

KEYS: Final = ("types", "key", "interim", "last", "first", "silence_hours")
KEY_CHOICES: Final = (
    "recording_entity",
    "call_reference",
    "charging_id",
    "served_imsi",
    "served_msisdn",
    "direction",
)
REFERENCES: Final = ("call_reference", "charging_id")
"""Columns that say which call it is; a key needs one, and a record without it is no part."""
FIRST: Final = 1
SILENCE_HOURS: Final = 24
HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class PartialRule:
    """How records of some types become calls.

    Attributes:
        types: Record types (alternatives of the record CHOICE).
        key: EDR columns in which the parts of one call agree.
        interim: Causes with which a part closes that is not the last.
        last: Causes with which the last part closes, all others do not; empty where `interim` tells.
        first: Number of a call's first part.
        silence: Longest time between two parts of one call, in microseconds. References are used
            again some day; what comes after a longer silence is another call.
    """

    types: tuple[str, ...]
    key: tuple[str, ...]
    interim: tuple[int, ...]
    first: int = FIRST
    silence: int = SILENCE_HOURS * HOUR_US
    last: tuple[int, ...] = ()

    def same_parts(self, other: PartialRule) -> bool:
        """Returns whether both find the same parts and calls in records of a type of both."""
        return replace(self, types=()) == replace(other, types=())


@dataclass(frozen=True, slots=True)
class PartialRules:
    """The rules of all formats in use."""

    of_type: dict[str, PartialRule] = field(default_factory=dict)


def read_rule(
    document: Document, types: Collection[str], lists: Collection[str]
) -> PartialRule | None:
    """Reads `partials` of a mapping file; mistakes go to the document.

    Args:
        document: The mapping file.
        types: Record types of the mapping, call modules among them.
        lists: Those of them whose records become several rows; a part is one row.

    Returns:
        None if the format has no such calls.
    """
    if "partials" not in document.root:
        return None
    reader = _Reader(document, document.block(document.root["partials"], ("partials",), "it"))
    for name in reader.block:
        if name not in KEYS:
            reader.problem(name, f"`{name}` is not a key here", f"allowed: {', '.join(KEYS)}")
    parted = reader.names("types", types, "a type of this mapping")
    for name in parted:
        if name in lists:
            reader.problem("types", f"`{name}` has `rows`; a part of a call is one row")
    key = reader.names("key", KEY_CHOICES, "a column that parts can agree in")
    if key and not set(key) & set(REFERENCES):
        hint = f"add {' or '.join(REFERENCES)}"
        reader.problem("key", "the key says of no call which it is", hint)
    told = "last" if "last" in reader.block else "interim"
    if told == "last" and "interim" in reader.block:
        reader.problem("interim", "either `interim` or `last` tells which part is the last")
    causes = tuple(reader.number(told, text) for text in reader.texts(told))
    interim, last = ((), causes) if told == "last" else (causes, ())
    first = reader.number("first", reader.block.get("first", str(FIRST)))
    silence = reader.number("silence_hours", reader.block.get("silence_hours", str(SILENCE_HOURS)))
    return PartialRule(parted, key, interim, first, silence * HOUR_US, last)


def all_rules() -> PartialRules:
    """Returns the rules of all formats at hand; reads their mappings once, which takes milliseconds.

    A format that is in use was checked when it was loaded, so one that cannot be read here is not in
    use, and stops nothing.

    Raises:
        MediationConfigError: Formats disagree on a record type.
    """
    from mediation.format_folders import folders  # noqa: PLC0415 - formats read their rules here

    return _all_rules(folders())


def forget_rules() -> None:
    """Has the mappings be read anew; see `mediation.formats.forget`."""
    _all_rules.cache_clear()


@cache
def _all_rules(_searched: tuple[Path, ...]) -> PartialRules:
    from mediation.format_folders import MAPPING_FILE, found  # noqa: PLC0415 - as above

    return load_rules([place / MAPPING_FILE for places in found().values() for place in places])


def load_rules(mappings: Iterable[Path]) -> PartialRules:
    """Returns the rules in some mapping files; see :func:`all_rules`."""
    from mediation.formats.strings import read_document  # noqa: PLC0415 - as above

    of_type: dict[str, PartialRule] = {}
    problems: list[Problem] = []
    for path in mappings:
        document = read_document(path)
        blocks = (document.root.get(name) for name in ("types", "modules"))
        types = [name for block in blocks if isinstance(block, dict) for name in block]
        rule = read_rule(document, types, ())
        if rule is None or document.problems:
            continue
        for each in rule.types:
            if of_type.setdefault(each, rule).same_parts(rule):
                continue
            where = f"{path.parent.name}/{document.where(('partials',))}"
            message = f"`{each}` has another rule for its parts than in another format"
            problems.append(Problem(where, message, "give both the same"))
    if problems:
        raise MediationConfigError(problems)
    return PartialRules(of_type)


@dataclass(slots=True)
class _Reader:
    """The block `partials` of a mapping."""

    document: Document
    block: dict[str, object]

    def problem(self, key: str, message: str, hint: str = "") -> None:
        self.document.problem(("partials", key), message, hint)

    def texts(self, key: str) -> list[str]:
        found = self.block.get(key)
        if isinstance(found, list) and found:
            return [text for text in found if isinstance(text, str)]
        self.problem(key, f"`{key}` is missing or is not a list")
        return []

    def names(self, key: str, allowed: Collection[str], what: str) -> tuple[str, ...]:
        found = self.texts(key)
        for text in found:
            if text not in allowed:
                self.problem(key, f"`{text}` is not {what}", f"allowed: {', '.join(allowed)}")
        return tuple(text for text in found if text in allowed)

    def number(self, key: str, text: object) -> int:
        if isinstance(text, str) and text.isdecimal():
            return int(text)
        self.problem(key, f"`{text}` is not a whole number")
        return 0
