"""Did you mean: the nearest of some names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Returns a hint with the allowed names, the nearest first if one is near."""
    names = list(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names)
    return f"did you mean {close[0]!r}? allowed: {listed}" if close else f"allowed: {listed}"
