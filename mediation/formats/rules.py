"""A checked mapping: which fields fill the columns of which rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mediation.kernels import ops

if TYPE_CHECKING:
    from mediation.formats.file_rule import FileRule
    from mediation.formats.schema import Element
    from mediation.formats.sources import Source
    from mediation.partials.rules import PartialRule


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What fills one column, tried in order."""

    column: str
    sources: tuple[Source, ...]

    @property
    def gathers(self) -> bool:
        """True if every source adds to what the others say, instead of standing in for them."""
        return {source.codec.op for source in self.sources} in ({ops.SUM}, {ops.SAME})

    @property
    def plain(self) -> bool:
        """True if one source without a condition says everything."""
        return len(self.sources) == 1 and self.sources[0].condition is None


@dataclass(frozen=True, slots=True)
class RowsRule:
    """A list whose elements become rows.

    Attributes:
        path: Elements from inside the record down to the list.
        element: What one element of the list is on the wire.
        columns: What fills the columns of such a row; paths start inside `element`.
        rows: Lists inside the element. Where there are any, their elements are the rows, and the
            element only hands its columns on to them.
        module: Of a call module, which is a row with a type, service and direction of its own: its
            rule; None for the element of a list.
    """

    path: tuple[Element, ...]
    element: Element
    columns: tuple[ColumnRule, ...]
    rows: tuple[RowsRule, ...] = ()
    module: TypeRule | None = None


@dataclass(frozen=True, slots=True)
class TypeRule:
    """How one record type, or one type of call module, becomes rows."""

    element: Element
    service: str
    direction: str
    columns: tuple[ColumnRule, ...]
    rows: tuple[RowsRule, ...] = ()

    @property
    def holds_modules(self) -> bool:
        """True if the record is made of call modules; without any it is an unknown one."""
        return any(rows.module for rows in self.rows)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping file.

    Attributes:
        title: One line about the format.
        types: One rule per record type that is read, in file order.
        tables: Lookup tables: octet to name in the column's vocabulary, or to a number.
        partials: Which records are parts of calls, None if none are.
        file: What the elements around the records say, None where records stand alone.
        numbers: First and last running number of a node's records, None where they have none.
    """

    title: str = ""
    types: tuple[TypeRule, ...] = ()
    tables: dict[str, dict[int, str]] = field(default_factory=dict)
    partials: PartialRule | None = None
    file: FileRule | None = None
    numbers: tuple[int, int] | None = None

    def columns(self) -> set[str]:
        """Returns the columns that records and call modules fill, those of lists aside."""
        rules = [column for rule in self.types for column in rule.columns]
        for rule in self.types:
            rules += [column for rows in rule.rows if rows.module for column in rows.columns]
        return {rule.column for rule in rules}

    @property
    def type_names(self) -> tuple[str, ...]:
        """Names of the types of records, then of call modules; where one stands is its code."""
        names = [rule.element.name for rule in self.types]
        for rule in self.types:
            names += [rows.module.element.name for rows in rule.rows if rows.module]
        return tuple(dict.fromkeys(names))
