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

    def sources(self) -> list[tuple[str, int, Source]]:
        """Returns column, number and source of every source."""
        return [
            (rule.column, number, source)
            for rule in self.rules
            for number, source in enumerate(rule.sources)
        ]

    def key_tags(self) -> dict[Tags, bool]:
        """Returns the tags of the fields that conditions ask for, True where by their digest."""
        found = {}
        for _, _, source in self.sources():
            if source.condition is not None:
                found[tags_of(source.condition.path)] = source.condition.digests
            if source.pick is not None:
                path = (*source.path[: source.pick_at], *source.pick.path)
                found[tags_of(path)] = source.pick.digests
        return found

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
