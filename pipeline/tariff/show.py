"""A plan on the terminal, and two books compared."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.errors import UsageError
from tariffs import compile_book, load_book
from tariffs.diff import Change, diff_books
from tariffs.errors import nearest
from tariffs.plan_page import PlanPage, plan_page, render_plan, row_words
from tariffs.scalars import instant
from tariffs.sheet import Sheet, catalogue, render_sheet, sheet, sheet_names
from tariffs.words import some, usage_words

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from tariffs.offer import Answer, Matrix


def show(folder: Path, name: str | None, day: str | None) -> PlanPage | Sheet:
    """Returns a plan, another thing of a book by name, or all it sells, as on a day (None: today).

    Raises:
        tariffs.errors.BookError: the book cannot be loaded.
        UsageError: there is no such thing, or the day is none.
    """
    book = load_book(folder)
    zone = ZoneInfo(book.time_zone)
    try:
        at = instant(day or f"{dt.datetime.now(zone):%Y-%m-%d}", zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if name is None:
        return catalogue(book, at)
    plans, others = [plan.id for plan in book.plans], sheet_names(book)
    if name in others and name not in plans:
        return sheet(book, name, at)
    if name not in plans:
        what = "plan, option, template, discount or rule of the bill"
        message = f"there is no {what} {name!r} in {folder}"
        raise UsageError(message, nearest(name, [*plans, *others]))
    return plan_page(book, compile_book(book), name, at)


def render(page: PlanPage | Sheet) -> str:
    """Returns the page as HTML."""
    return render_sheet(page) if isinstance(page, Sheet) else render_plan(page)


def print_page(out: Console, page: PlanPage | Sheet, *, matrix: bool) -> None:
    """Prints a plan or a sheet."""
    if isinstance(page, Sheet):
        print_sheet(out, page)
    else:
        print_plan(out, page, matrix=matrix)


def print_sheet(out: Console, page: Sheet) -> None:
    """Prints the tables of a sheet."""
    from rich.table import Table  # noqa: PLC0415 - only a terminal needs it

    out.print(f"{page.name} ({page.about})", style="bold")
    out.print(f"Amounts in {page.currency} on {page.day}")
    for section in page.sections:
        table = Table(*section.columns, title=section.title, title_justify="left")
        for row in section.rows:
            table.add_row(*row)
        out.print()
        out.print(table)


def print_plan(out: Console, page: PlanPage, *, matrix: bool) -> None:
    """Prints a plan: what it gives, then its prices as a list or as a matrix."""
    from rich.table import Table  # noqa: PLC0415 - only a terminal needs it

    base = f", inherits {page.inherits}" if page.inherits else ""
    base += f", under {', '.join(page.overlays)}" if page.overlays else ""
    out.print(f"{page.name} ({page.id}{base})", style="bold")
    out.print(f"{page.source}; prices in {page.currency} on {page.day}")
    if page.changes:
        out.print(f"Prices change on {', '.join(page.changes)}")
    for title, rows in (
        ("Fees", page.fees),
        ("Allowances", page.allowances),
        ("Discounts", page.discounts),
        ("Caps", page.caps),
    ):
        if rows:
            table = Table(title, "", "", show_edge=False, box=None, padding=(0, 2, 0, 0))
            for row in rows:
                table.add_row(*row)
            out.print()
            out.print(table)
    for one in page.matrices:
        out.print()
        _print_matrix(out, one) if matrix else _print_list(out, one)


def _print_matrix(out: Console, matrix: Matrix) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(usage_words(matrix.usage), *(some(column) for column in matrix.columns))
    for row in matrix.rows:
        words = ": ".join(filter(None, row_words(row)))
        table.add_row(words, *(_cell(answer) for answer in row.answers))
    out.print(table)


def _cell(answer: Answer | None) -> str:
    return "-" if answer is None else answer.text.replace("; ", "\n")


def _print_list(out: Console, matrix: Matrix) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(usage_words(matrix.usage), "where", "price", "rule", "", show_edge=False)
    for row in matrix.rows:
        name = ": ".join(filter(None, row_words(row)))
        same: dict[tuple[str, str], list[str]] = {}
        for answer, places in zip(row.answers, matrix.columns, strict=True):
            if answer is not None:
                same.setdefault((answer.text, answer.rule), []).extend(places)
        sources = {one.rule: one.source for one in row.answers if one is not None}
        for (text, rule), where in same.items():
            table.add_row(name, some(where), text.replace("; ", "\n"), rule, sources[rule])
            name = ""
    out.print(table)


def compare_books(old: Path, new: Path) -> list[Change]:
    """Returns what changes from one book to the other.

    Raises:
        tariffs.errors.BookError: a book cannot be loaded.
    """
    books = [load_book(folder) for folder in (old, new)]
    before, after = [(book, compile_book(book)) for book in books]
    return diff_books(before, after)


def changes_to_dict(old: Path, new: Path, changes: list[Change]) -> dict[str, Any]:
    """Returns one JSON-ready object."""
    return {
        "old": str(old),
        "new": str(new),
        "changes": [{**asdict(one), "text": str(one)} for one in changes],
    }
