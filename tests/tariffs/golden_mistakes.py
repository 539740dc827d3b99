"""The whole text of what is said about each bad book, kept for review.

``python -m tests.tariffs.golden_mistakes`` writes the file anew; read the difference before you
keep it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tariffs import (
    mistakes_of_offers,
    mistakes_of_parts,
    mistakes_of_plans,
    mistakes_of_prices,
    mistakes_of_values,
)
from tests.tariffs.books import problems_of

if TYPE_CHECKING:
    from tests.tariffs.changes import Mistakes

GOLDEN = Path(__file__).parents[1] / "cases" / "book_mistakes.txt"
PARTS = (
    mistakes_of_parts,
    mistakes_of_plans,
    mistakes_of_offers,
    mistakes_of_prices,
    mistakes_of_values,
)
MISTAKES: Mistakes = {name: mistake for part in PARTS for name, mistake in part.MISTAKES.items()}
assert len(MISTAKES) == sum(len(part.MISTAKES) for part in PARTS)
MARK = "## "


def kept() -> dict[str, list[str]]:
    """Returns what the file says about each mistake."""
    found: dict[str, list[str]] = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line.startswith(MARK):
            lines = found.setdefault(line.removeprefix(MARK), [])
        elif line:
            lines.append(line)
    return found


def write() -> None:
    """Writes the file from what is said now."""
    parts = []
    for name, (change, *_) in sorted(MISTAKES.items()):
        with tempfile.TemporaryDirectory() as folder:
            told = [str(problem) for problem in problems_of(Path(folder), change)]
        parts.append("\n".join([f"{MARK}{name}", *told]))
    GOLDEN.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
