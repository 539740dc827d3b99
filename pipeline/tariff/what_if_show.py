"""What another book would do, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rating.billing.wording import amount_text, title

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from pipeline.tariff.what_if import WhatIf

SHOWN = 15
"""Rows of a dimension that are shown; ``--json`` and Parquet have all."""
WORDS = {"tax_amount": "of which tax", "discounts": "discounts on the bill"}


def print_what_if(out: Console, found: WhatIf, count: int) -> None:
    """Prints totals, revenue by dimension, who pays less and more."""
    out.print(
        f"Cycle {found.cycle}, {found.batch}, book {found.books[0][:12]}"
        f" against {found.books[1][:12]}",
        style="bold",
    )
    for note in found.notes:
        out.print(note, style="yellow")
    _table(out, f"All bills, {found.currency}", "", found.totals)
    for name, frame in found.by.items():
        changed = frame.filter(frame["change"] != 0)
        if changed.height:
            words = title(name) if name != "gl_code" else "G/L code"
            _table(out, f"Revenue by {words.lower()}", words, changed)
    if found.unrated.filter(found.unrated["change"] != 0).height:
        _table(out, "Events that are not rated", "reason", found.unrated)
    moved = found.moved
    out.print(
        f"{moved['less'][0]:,} accounts would pay less ({_signed(moved['less'][1])}),"
        f" {moved['more'][0]:,} more ({_signed(moved['more'][1])}),"
        f" {moved['same'][0]:,} the same. {found.seconds:.2f} s"
    )
    less, more = found.top(count)
    for words, frame in (("pay least against now", less), ("pay most against now", more)):
        if frame.height:
            _table(out, f"Accounts that would {words}", "account", frame)


def _table(out: Console, heading: str, first: str, frame: pl.DataFrame) -> None:
    from rich.table import Table  # noqa: PLC0415 - only a terminal needs it

    table = Table(first, "now", "then", "change", title=heading, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, old, new, change in frame.head(SHOWN).iter_rows():
        table.add_row(WORDS.get(name, name), _shown(old), _shown(new), _signed(change))
    out.print()
    out.print(table)
    if frame.height > SHOWN:
        out.print(f"and {frame.height - SHOWN:,} more: --json or --output")


def _shown(value: Any) -> str:  # noqa: ANN401 - a count or an amount
    return f"{value:,}" if isinstance(value, int) else amount_text(value)


def _signed(value: Any) -> str:  # noqa: ANN401 - a count or an amount
    return f"+{_shown(value)}" if value > 0 else _shown(value)
