"""What the plain-Python decoder keeps while it walks: elements, and what a record said so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mediation.edr import MISSING

if TYPE_CHECKING:
    from mediation.formats.rules import ColumnRule, RowsRule, TypeRule
    from mediation.formats.schema import Element
    from mediation.formats.sources import Condition, Source

    Value = int | str | None
    Tags = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element: where its tag is, what it is, where its content is; length None if open."""

    at: int
    tag: tuple[int, int]
    constructed: bool
    content: int
    length: int | None


class Index:
    """What the rules of a group read, by the tags that lead to it.

    Attributes:
        rows: Rules of the rows that begin there.
        sources: Column, number and source of what is read; the complement of the number for a
            second path.
        beside: Likewise, of what corrects a source.
        picks: Likewise, of sources that choose among the elements of a list there.
        keys: Fields that conditions ask for, True where by their digest.
        beyond: Places below which something is read.
    """

    def __init__(self, rules: tuple[ColumnRule, ...], lists: tuple[RowsRule, ...]) -> None:
        self.rows: dict[Tags, RowsRule] = {}
        self.sources: dict[Tags, list[tuple[str, int, Source]]] = {}
        self.beside: dict[Tags, list[tuple[str, int, Source]]] = {}
        self.picks: dict[Tags, list[tuple[str, int, Source]]] = {}
        self.keys: dict[Tags, bool] = {}
        for rows in lists:
            self.rows.setdefault(tags_of((*rows.path, rows.element)), rows)
        for rule in rules:
            for number, source in enumerate(rule.sources):
                self.add(rule.column, number, source)
        read = {*self.rows, *self.sources, *self.beside, *self.keys}
        self.beyond = {tags[:depth] for tags in read for depth in range(len(tags))}

    def add(self, column: str, number: int, source: Source) -> None:
        """Enters one source."""
        for path, place in ((source.path, number), (source.second, ~number)):
            if path:
                self.sources.setdefault(tags_of(path), []).append((column, place, source))
        for path in {source.offset, source.minus} - {()}:
            self.beside.setdefault(tags_of(path), []).append((column, number, source))
        if source.condition is not None:
            self.keys[tags_of(source.condition.path)] = source.condition.digests
        if source.pick is not None:
            to_element = source.path[: source.pick_at]
            self.picks.setdefault(tags_of(to_element), []).append((column, number, source))
            self.keys[tags_of((*to_element, *source.pick.path))] = source.pick.digests


_INDEXES: dict[tuple[int, int], tuple[object, object, Index]] = {}
"""By the identity of rules and lists, which are kept here so that it stays theirs."""


@dataclass(slots=True)
class Group:
    """What a record or one of its containers said: by column, a (first, second) per source.

    Attributes:
        rules: What fills its columns.
        lists: The lists inside it whose elements are containers.
        around: The container that it stands in, None for a record and what stands right in it.
        module: Of a call module its rule.
        found: By column and number of the source; the complement of the number for a second path.
        keys: Values of the fields that conditions ask for, by tags.
        marks: Values of the fields that turn sums into refunds, by tags.
    """

    rules: tuple[ColumnRule, ...]
    lists: tuple[RowsRule, ...] = ()
    around: Group | None = None
    module: TypeRule | None = None
    found: dict[tuple[str, int], tuple[Value, Value]] = field(default_factory=dict)
    keys: dict[Tags, int | None] = field(default_factory=dict)
    marks: dict[Tags, int] = field(default_factory=dict)

    @property
    def index(self) -> Index:
        """What its rules read, by tags; made once for the same rules."""
        place = id(self.rules), id(self.lists)
        if place not in _INDEXES:
            _INDEXES[place] = (self.rules, self.lists, Index(self.rules, self.lists))
        return _INDEXES[place][2]

    def holds(self, condition: Condition | None, outer: tuple[Element, ...] = ()) -> bool:
        """Returns whether a condition on the element at `outer` holds; none always does."""
        if condition is None:
            return True
        value = self.keys.get(tags_of((*outer, *condition.path)))
        return ((MISSING if value is None else value) == condition.wanted) != condition.differs


def total(parts: list[tuple[Value, Value] | None]) -> int | None:
    """Returns the sum of amounts, None where none was said."""
    said = [part[0] for part in parts if part is not None and isinstance(part[0], int)]
    return sum(said) if said else None


def tags_of(path: tuple[Element, ...]) -> Tags:
    """Returns the tags along a path of elements."""
    return tuple((element.tag_class, element.tag_number) for element in path)
