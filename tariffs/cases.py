"""A book's test cases: given these people and this usage, expect these charges.

The cases live beside the tariff in ``tests/*.yaml`` and do not change its digest. This module
reads them, with file, line and place of every expectation, so that a runner can say where it is
wrong and :mod:`tariffs.cases_write` can put the value that came out in its place. Whoever can rate
runs them: :mod:`rating.trial`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tariffs.cells import Cell, compose
from tariffs.errors import BookError, Problems, Source

if TYPE_CHECKING:
    import datetime as dt

    from tariffs.dated import Dated
    from tariffs.model import Book

FIRST_SUBSCRIBER = "S1"
"""Who uses where a usage does not say ``by``."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value stands in its file: lines and columns from 0, the end not included."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation.

    Attributes:
        path: Its place: ``("charge",)``, ``("left", "minutes")``, ``("lines", 0, "net")``.
        kind: ``amount`` (int, 10^-6), ``quantity`` (RUM kind and units), ``name`` (text), ``names``
            (texts), ``flag`` (bool) or ``text`` (a column's value as written).
        value: As ``kind`` says.
        span: Where the value is written.
        written: The value as it is written.
    """

    path: tuple[str | int, ...]
    kind: str
    value: Any
    span: Span
    written: str

    @property
    def name(self) -> str:
        """Returns the path as people write it."""
        return ".".join(str(part + 1 if isinstance(part, int) else part) for part in self.path)


@dataclass(frozen=True, slots=True)
class Usage:
    """One event as a pricing person describes it.

    Attributes:
        kind: What ``quantity`` counts: ``seconds``, ``bytes`` (downlink) or ``events``.
        uplink: Bytes sent.
        friend: Whether ``to`` is one of the subscriber's friends.
        on_net: Whether ``to`` is a number of another subscriber.
        group: Whether that one is in the same VPMN group.
        record: Further columns of the event record, as written.
        expect: What this event is expected to come to.
    """

    source: Source
    by: str
    service: str
    direction: str
    at: dt.datetime
    kind: str
    quantity: int
    uplink: int = 0
    to: int | None = None
    dialled: str | None = None
    network: str | None = None
    friend: bool = False
    on_net: bool = False
    group: bool = False
    record: dict[str, str] = field(default_factory=dict)
    expect: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A test case.

    Attributes:
        plan: Plan id of the first subscriber over time; no value: he is none.
        subscriber: Further columns of his row of the subscriber table.
        others: Rows of other subscribers; what a row leaves out is filled in.
        tables: Further tables of the subscriber data, by name, as rows.
        left: What is left of allowances at the beginning of the first cycle, by name.
        spent: What caps, and counts of charges, have seen by then, 10^-6.
        counted: What counts of usage have seen by then.
        usages: In the order in which they are written.
        expect: About all of it: ``left``, ``total``, ``lines``, ``bill``, ``bills``.
        empty: Places of ``expect: {}``, with the number of the usage: filled in by an update.
    """

    name: str
    source: Source
    plan: Dated[str]
    subscriber: dict[str, str]
    others: tuple[dict[str, str], ...]
    tables: dict[str, tuple[dict[str, str], ...]]
    left: dict[str, tuple[str, int]]
    spent: dict[str, int]
    counted: dict[str, tuple[str, int]]
    usages: tuple[Usage, ...]
    expect: tuple[Expected, ...]
    empty: tuple[tuple[int, Span], ...] = ()

    @property
    def expected(self) -> dict[str, Any]:
        """Returns the values expected of a case of one usage, by name."""
        every = (*self.usages[0].expect, *self.expect)
        return {one.name: one.value for one in every}


def load_cases(book: Book, folder: Path | None = None) -> list[Case]:
    """Returns the cases of the book's ``tests`` folder, in order of file and line.

    Args:
        book: The book; names are checked against it.
        folder: Another folder with cases.

    Raises:
        BookError: A case is not written as it should be; ``problems`` has all.
    """
    from tariffs.cases_read import read_case  # noqa: PLC0415  it knows this module's classes

    problems = Problems()
    cases: list[Case] = []
    root = folder.parent if folder else Path(book.folder)
    for path in sorted((folder or root / "tests").glob("*.yaml")):
        cell = compose(path.relative_to(root).as_posix(), path.read_bytes(), problems)
        for item in cell.items("test cases") if cell else []:
            case = read_case(item, book, ZoneInfo(book.time_zone))
            if case is not None:
                cases.append(case)
    if problems.found:
        raise BookError(str(root), problems.found)
    return cases


def read_usage(text: str, named: str = "usage") -> Usage:
    """Returns the usage of a YAML text such as ``{service: voice, to: "+86…", …}``.

    Raises:
        BookError: It is not written as it should be; ``problems`` has all.
    """
    from tariffs import cases_read  # noqa: PLC0415  as above

    problems = Problems()
    cell: Cell | None = compose(named, text.encode(), problems)
    found = cases_read.read_usage(cell, {FIRST_SUBSCRIBER}) if cell else None
    if found is None or problems.found:
        raise BookError(named, problems.found)
    return found[0]
