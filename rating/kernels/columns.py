"""Gathers the code columns of rated records in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numba import njit

from rating.kernels.guide import EVENT_WORDS, PERIOD_WORDS

if TYPE_CHECKING:
    import numpy as np

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


@njit(nogil=True, cache=True)
def code_columns(rows, event, period, sizes, out):
    """Fills the codes of each rated row.

    Args:
        rows: int64[m], rows of ``event`` in output order.
        event: int64[4 n], packed events.
        period: int64[P * 8], packed periods.
        sizes: int64[3]: call classes, zones, roaming classes.
        out: CodeColumns of m entries.
    """
    call_classes = sizes[0]
    zones = sizes[1]
    roaming_classes = sizes[2]
    for i in range(rows.shape[0]):
        at = EVENT_WORDS * rows[i]
        out.quantity[i] = event[at + 1]
        word = event[at + 2]
        who = word >> 32
        out.period[i] = who
        out.rule[i] = word & _LOW
        rest = event[at + 3] >> 32
        out.roaming[i] = rest % roaming_classes
        rest //= roaming_classes
        out.zone[i] = rest % zones
        out.call_class[i] = rest // zones % call_classes
        at = PERIOD_WORDS * who
        out.subscriber[i] = period[at + 2] >> 32
        out.group[i] = period[at + 2] & _LOW
        out.plan[i] = period[at + 3] >> 32
        out.msisdn[i] = period[at + 5]
