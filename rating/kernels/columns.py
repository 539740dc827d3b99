"""Gathers the code columns of rated records in one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from rating.kernels.guide import EVENT_WORDS, PERIOD_WORDS

_LOW = (1 << 32) - 1


class CodeColumns(NamedTuple):
    """Codes of m rated rows, filled by :func:`code_columns`."""

    period: np.ndarray  # int32
    subscriber: np.ndarray  # int32
    group: np.ndarray  # int32
    plan: np.ndarray  # int32
    msisdn: np.ndarray  # int64
    call_class: np.ndarray  # int8
    zone: np.ndarray  # int32
    roaming: np.ndarray  # int32
    rule: np.ndarray  # int32
    quantity: np.ndarray  # int64


@njit(nogil=True, cache=True, error_model="numpy")
def code_columns(rows, event, period, sizes, out):
    """Fills the codes of each rated row.

    Args:
        rows: int64[m], rows of ``event`` in output order.
        event: int64[4 n], packed events.
        period: int64[P * 8], packed periods.
        sizes: int64[3]: call classes, zones, roaming classes.
        out: CodeColumns of m entries.
    """
    # a class is below 2**31: 32-bit division is three times faster
    call_classes = np.uint32(sizes[0])
    zones = np.uint32(sizes[1])
    roaming_classes = np.uint32(sizes[2])
    who_of = out.period
    subscriber = out.subscriber
    group = out.group
    plan = out.plan
    msisdn = out.msisdn
    call_class = out.call_class
    zone = out.zone
    roaming = out.roaming
    rule = out.rule
    quantity = out.quantity
    for i in range(rows.shape[0]):
        at = EVENT_WORDS * rows[i]
        quantity[i] = event[at + 1]
        word = event[at + 2]
        who = word >> 32
        who_of[i] = who
        rule[i] = word & _LOW
        rest = np.uint32(event[at + 3] >> 32)
        above = np.uint32(rest // roaming_classes)
        roaming[i] = rest - above * roaming_classes
        rest = np.uint32(above // zones)
        zone[i] = above - rest * zones
        call_class[i] = rest % call_classes
        at = PERIOD_WORDS * who
        subscriber[i] = period[at + 2] >> 32
        group[i] = period[at + 2] & _LOW
        plan[i] = period[at + 3] >> 32
        msisdn[i] = period[at + 5]
