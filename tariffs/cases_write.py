"""Writes expectations back into the files of test cases: only values change, all else stays."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tariffs.compiled import FOREVER
from tariffs.scalars import MICRO, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tariffs.cases import Span

_PLAIN = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./+ %:()-]*")
_BASE = {"seconds": "s", "bytes": "B", "events": "events"}


def written(kind: str, value: Any, like: str = "") -> str:  # noqa: ANN401  as the kind says
    """Returns a value as a test case writes it.

    Args:
        kind: Kind of :class:`~tariffs.cases.Expected`.
        value: An int of 10^-6 for ``amount``, (what is measured, units) for ``quantity``.
        like: The same value as it was written before; its unit is kept where it fits.
    """
    if kind == "amount" and isinstance(value, int):
        return amount_written(value)
    if kind == "quantity" and isinstance(value, tuple):
        return quantity_written(value[0], value[1], like)
    if kind == "names" and isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    text = format(value, "f") if hasattr(value, "as_tuple") else str(value)
    if hasattr(value, "as_tuple") and "." in text:
        whole, _, places = text.partition(".")
        text = f"{whole}.{places.rstrip('0').ljust(2, '0')}"
    return text if _PLAIN.fullmatch(text) and ": " not in text else json.dumps(text)


def amount_written(micro: int) -> str:
    """Returns an amount of 10^-6 units with at least two places."""
    whole, rest = divmod(abs(micro), MICRO)
    places = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}{whole}.{places}"


def quantity_written(kind: str, units: int, like: str = "") -> str:
    """Returns a quantity, in the unit of ``like`` if it is a whole number of it."""
    if units == FOREVER:
        return f"unlimited {kind}"
    name, scale = _BASE.get(kind, kind), 1
    unit = like.rpartition(" ")[2]
    if unit in UNITS and UNITS[unit][0] == kind and units % UNITS[unit][1] == 0:
        name, scale = unit, UNITS[unit][1]
    return f"{units // scale} {name}"


def rewrite(root: Path, changes: Iterable[tuple[Span, str]]) -> list[Path]:
    """Puts texts in the places of values; returns the files that changed.

    Args:
        root: Folder that the spans' files are relative to.
        changes: (place, new text); places do not overlap.
    """
    by_file: dict[str, list[tuple[Span, str]]] = {}
    for span, text in changes:
        by_file.setdefault(span.file, []).append((span, text))
    touched = []
    for file, some in sorted(by_file.items()):
        path = root / file
        lines = path.read_bytes().decode().split("\n")
        # from the end, so that what stands before keeps its place
        for span, text in sorted(some, key=lambda one: (-one[0].line, -one[0].column)):
            before = lines[span.line][: span.column]
            after = lines[span.end_line][span.end_column :] if span.end_line < len(lines) else ""
            lines[span.line : span.end_line + 1] = [before + text + after]
        path.write_bytes("\n".join(lines).encode())
        touched.append(path)
    return touched
