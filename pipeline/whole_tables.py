"""Tables on a terminal: a figure is never cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from rich.measure import Measurement

BOUNDLESS = 10_000
"""Columns of a terminal without an edge."""


def natural_width(out: Console, table: Table) -> Measurement:
    """Returns the columns that a table needs at least, and without wrapping anything."""
    return out.measure(table, options=out.options.update(width=BOUNDLESS))


class WholeTables(Console):
    """A console that wraps words where a table is too wide, but no figures.

    A table that is still too wide runs over the edge, and the terminal goes on in the next line.
    What is printed is data, never markup: rich would leave out `[gold, silver]` and make a picture of
    the line number in `prices.yaml:100:`.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as Console's
        super().__init__(markup=False, emoji=False, **options)

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - as Console's
        """Prints objects, see :meth:`rich.console.Console.print`."""
        for table in objects:
            if isinstance(table, Table):
                for column in table.columns:
                    if column.justify == "right":
                        cells = (self.measure(cell).maximum for cell in column.cells)
                        column.min_width = max(self.measure(column.header).maximum, *cells, 1)
                needed = natural_width(self, table).minimum
                if needed > self.width:
                    table.width, options["crop"] = needed, False
        super().print(*objects, **options)
