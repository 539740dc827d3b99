"""Validity periods packed into rows of one cache line (see :mod:`rating.kernels.guide`)."""

from __future__ import annotations

import numpy as np

from compiled.jit import njit

_WORDS = 8


@njit(nogil=True, cache=True)
def pack_periods(
    valid_from, valid_to, subscriber, group, plan, flags, vpmn, area, msisdn, zone, out
):
    """Packs n periods.

    Args:
        valid_from: int64[n], UTC microseconds.
        valid_to: int64[n].
        subscriber: int32[n].
        group: int32[n], charge group.
        plan: int32[n].
        flags: int64[subscribers], flags of a period of that subscriber.
        vpmn: int32[n].
        area: int32[n].
        msisdn: int64[n].
        zone: int32[n], home zone.
        out: int64[n * 8], filled.
    """
    for row in range(valid_from.shape[0]):
        at = _WORDS * row
        out[at] = valid_from[row]
        out[at + 1] = valid_to[row]
        out[at + 2] = (np.int64(subscriber[row]) << 32) | np.int64(group[row])
        out[at + 3] = (np.int64(plan[row]) << 32) | flags[subscriber[row]]
        out[at + 4] = (np.int64(vpmn[row]) << 32) | np.int64(area[row])
        out[at + 5] = msisdn[row]
        out[at + 6] = np.int64(zone[row])
        out[at + 7] = 0
