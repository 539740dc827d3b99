"""Tables of names for dictionary columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from tariffs.compiled import Int32


def distinct(names: tuple[str, ...]) -> tuple[pa.Array, Int32]:
    """Returns the distinct names in order of appearance, and for each name its index in them."""
    table: dict[str, int] = {}
    code = np.array([table.setdefault(name, len(table)) for name in names], np.int32)
    return pa.array(list(table), pa.string()), code
