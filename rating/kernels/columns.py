"""Spells out the code columns of rated records in one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from rating.kernels.guide import PERIOD_WORDS

_LOW = (1 << 32) - 1


class CodeColumns(NamedTuple):
    """Codes of m rated rows, filled by :func:`code_columns`."""

    subscriber: np.ndarray  # int32
    group: np.ndarray  # int32
    plan: np.ndarray  # int32
    msisdn: np.ndarray  # int64
    call_class: np.ndarray  # int8
    zone: np.ndarray  # int32
    roaming: np.ndarray  # int32


@njit(nogil=True, cache=True, error_model="numpy")
def code_columns(period_of, class_of, period, sizes, out):
    """Fills the codes of each rated row.

    Args:
        period_of: int32[m], validity period of each row.
        class_of: int32[m], class of each row.
        period: int64[P * 8], packed periods.
        sizes: int64[3]: call classes, zones, roaming classes.
        out: CodeColumns of m entries.
    """
    # a class is below 2**31: 32-bit division is three times faster
    call_classes = np.uint32(sizes[0])
    zones = np.uint32(sizes[1])
    roaming_classes = np.uint32(sizes[2])
    subscriber = out.subscriber
    group = out.group
    plan = out.plan
    msisdn = out.msisdn
    call_class = out.call_class
    zone = out.zone
    roaming = out.roaming
    for i in range(period_of.shape[0]):
        rest = np.uint32(class_of[i])
        above = np.uint32(rest // roaming_classes)
        roaming[i] = rest - above * roaming_classes
        rest = np.uint32(above // zones)
        zone[i] = above - rest * zones
        call_class[i] = rest % call_classes
        at = PERIOD_WORDS * np.int64(period_of[i])
        subscriber[i] = period[at + 2] >> 32
        group[i] = period[at + 2] & _LOW
        plan[i] = period[at + 3] >> 32
        msisdn[i] = period[at + 5]


@njit(nogil=True, cache=True)
def decimal_words(amounts, words):
    """Spells out int64[m] amounts as int64[2 m] words of decimal128, low before high."""
    for i in range(amounts.shape[0]):
        words[2 * i] = amounts[i]
        words[2 * i + 1] = amounts[i] >> 63
