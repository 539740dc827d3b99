"""Wall-clock times of nodes that write no time zone, made UTC row by row.

Twin: `zoneinfo`, which `mediation.time_zones` makes its tables of.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import kernel
from mediation.kernels.resolve import MINUTE_US, MISSING

ix = np.uint64  # unsigned indexes spare the test for negative ones


@kernel
def localise(start, offset, entity, codes, zone_of, spans, starts, offsets, unknown):
    """Makes UTC of the times that have no offset, and writes their offset.

    Args:
        start: int64[rows] microseconds, in place; `MISSING` stays.
        offset: int64[rows] minutes, in place; where it is `MISSING`, `start` is a local time.
        entity: int64[rows], text of the recording entity, `MISSING` for none.
        codes: int32[texts], index of a recording entity by text, -1 for none.
        zone_of: int64[entities + 1], zone by that index, the last one for none; -1 is no zone.
        spans: Of `mediation.time_zones.TimeZones`, as are `starts` and `offsets`.
        starts: int64[n].
        offsets: int64[n].
        unknown: int32[rows], out: rows whose zone is not known.

    Returns:
        How many rows have no known zone.
    """
    count = 0
    place = np.int64(-1)
    before = np.int64(-1)
    for row in range(start.shape[0]):
        local = start[ix(row)]
        if offset[ix(row)] != MISSING or local == MISSING:
            continue
        text = entity[ix(row)]
        code = np.int64(-1) if text == MISSING else np.int64(codes[ix(text)])
        zone = zone_of[ix(code if code >= 0 else zone_of.shape[0] - 1)]
        if zone < 0:
            unknown[ix(count)] = row
            count += 1
            continue
        begin, end = spans[ix(zone)], spans[ix(zone + 1)]
        # Mostly the same season of the same zone as the row before.
        if (
            zone != before
            or local < starts[ix(place)]
            or (place + 1 < end and local >= starts[ix(place + 1)])
        ):
            before = zone
            place = begin
            size = end - begin
            while size > 1:
                half = size >> 1
                if starts[ix(place + half)] <= local:
                    place += half
                size -= half
        start[ix(row)] = local - offsets[ix(place)] * MINUTE_US
        offset[ix(row)] = offsets[ix(place)]
    return count
