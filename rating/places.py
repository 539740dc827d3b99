"""Looks up what a book's further tables say of a batch's rows: cells, ported numbers, data classes.

Only books that have such a table come here; the kernel gets one column for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.edr import MISSING, SERVICES
from rating.kernels.cells import find_cells
from tariffs.places import AS_PREFIX, CELL_BITS, DATE_BITS

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from tariffs.compiled import Int8, Int32, Int64
    from tariffs.places import Places

NO_CODE = -1
NO_NAME = -2
"""Marks rows whose zone is what the number's prefix or the dialled text says."""
CLASSED = tuple(SERVICES.index(name) for name in ("mms", "data", "content"))
"""Services that data classes are for."""


def cell_rows(edr: pa.RecordBatch, places: Places) -> Int32:
    """Returns the row of the book's cells for each EDR, -1 where it is not listed.

    A cell that is not listed by itself is looked up by its location area.
    """
    row = np.empty(edr.num_rows, np.int32)
    find_cells(filled(edr, "area", -1), filled(edr, "cell", -1), places.cell_key, CELL_BITS, row)
    return row


def given_zones(edr: pa.RecordBatch, places: Places, service: Int8, start: Int64) -> Int32:
    """Returns the zone of rows whose number is ported or that have a data class, else NO_NAME."""
    out = np.full(edr.num_rows, NO_NAME, np.int32)
    if places.ported_key.size:
        number = filled(edr, "other_number", MISSING)
        rank = np.searchsorted(places.ported_from, start, side="right")
        known = (number > 0) & (number < 10**15)
        key = (np.where(known, number, 0) << DATE_BITS) | rank
        at = np.searchsorted(places.ported_key, key, side="right") - 1
        known &= (at >= 0) & (places.ported_key[at] >> DATE_BITS == number)
        zone = places.ported_zone[at]
        out[known] = np.where(zone[known] == AS_PREFIX, NO_NAME, zone[known])
    if places.data_classes:
        _class_data(edr, places, service, out)
    return out


def _class_data(edr: pa.RecordBatch, places: Places, service: Int8, out: Int32) -> None:
    """Writes the first data class that fits to the rows that have one."""
    rows = np.flatnonzero(np.isin(service, CLASSED))
    if not len(rows):
        return
    columns: dict[str, NDArray[Any]] = {
        name: filled(edr, name, NO_CODE)[rows] for name in ("rating_group", "service_id", "rat")
    }
    apn = edr.column("apn")
    names = apn.dictionary.to_pylist()
    codes = pc.fill_null(apn.indices, -1).to_numpy(zero_copy_only=False)[rows]
    for one in reversed(places.data_classes):
        fits = np.ones(len(rows), np.bool_)
        for name, column in columns.items():
            wanted = getattr(one, name)
            if wanted is not None:
                fits &= column == wanted
        if one.apn is not None:
            fits &= np.isin(codes, [at for at, name in enumerate(names) if name == one.apn])
        out[rows[fits]] = one.zone


def filled(edr: pa.RecordBatch, name: str, missing: int) -> NDArray[Any]:
    """Returns a column of integers, nulls replaced; without copying where there are none."""
    column = edr.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(missing, column.type))
    values: NDArray[Any] = column.to_numpy(zero_copy_only=True)
    return values
