"""Spells out the code columns of rated records in one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compiled.jit import inlined, kernel
from rating.kernels.arrays import (
    BAND_MASK,
    CAP,
    CHARGE_WORDS,
    CHARGED,
    CONNECT,
    COVERED,
    DISCOUNT,
    HIT_SHIFT,
    HITS,
    NET,
    THROTTLED_SHIFT,
    USAGE,
)
from rating.kernels.guide import EVENT_WORDS, PERIOD_WORDS
from rating.kernels.machine import u

RULE_CODES = 4
"""Codes of a rule: name, metric, tax, G/L code."""
_LOW = (1 << 32) - 1


class CodeColumns(NamedTuple):
    """Codes of m rated rows, filled by :func:`code_columns`."""

    subscriber: np.ndarray  # int32
    account: np.ndarray  # int32
    group: np.ndarray  # int32
    plan: np.ndarray  # int32
    msisdn: np.ndarray  # int64
    quantity: np.ndarray  # int64
    rule: np.ndarray  # int32
    rum: np.ndarray  # int8
    tax: np.ndarray  # int32
    gl_code: np.ndarray  # int32
    call_class: np.ndarray  # int8
    zone: np.ndarray  # int32
    roaming: np.ndarray  # int32


@kernel
def code_columns(event, period, account_of, rule_codes, sizes, out):
    """Fills the codes of each rated row.

    Args:
        event: int64[4 m], packed events.
        period: int64[P * 8], packed periods.
        account_of: int32[P], account of each period.
        rule_codes: int32[R * 4], name, metric, tax and G/L code of each rule.
        sizes: int64[3]: call classes, zones, roaming classes.
        out: CodeColumns of m entries.
    """
    # a class is below 2**31: 32-bit division is three times faster
    call_classes = np.uint32(sizes[0])
    zones = np.uint32(sizes[1])
    roaming_classes = np.uint32(sizes[2])
    for i in range(out.plan.shape[0]):
        at = u(i)
        out.quantity[at] = event[u(EVENT_WORDS * i + 1)]
        word = event[u(EVENT_WORDS * i + 2)]
        rule = RULE_CODES * (word & _LOW)
        out.rule[at] = rule_codes[u(rule)]
        out.rum[at] = rule_codes[u(rule + 1)]
        out.tax[at] = rule_codes[u(rule + 2)]
        out.gl_code[at] = rule_codes[u(rule + 3)]
        out.account[at] = account_of[u(word >> 32)]
        words = PERIOD_WORDS * (word >> 32)
        out.subscriber[at] = period[u(words + 2)] >> 32
        out.group[at] = period[u(words + 2)] & _LOW
        out.plan[at] = period[u(words + 3)] >> 32
        out.msisdn[at] = period[u(words + 5)]
        rest = np.uint32(event[u(EVENT_WORDS * i + 3)] >> 32)
        above = np.uint32(rest // roaming_classes)
        out.roaming[at] = rest - above * roaming_classes
        rest = np.uint32(above // zones)
        out.zone[at] = above - rest * zones
        out.call_class[at] = rest % call_classes


class SumColumns(NamedTuple):
    """Units and money of m rated rows, filled by :func:`sum_columns`.

    Money is int64[2 m], words of decimal128 with 6 digits behind the point, low before high.
    """

    charged: np.ndarray  # int64
    covered: np.ndarray  # int64
    band: np.ndarray  # int32
    hits: np.ndarray  # int64, bit k: the k-th discount of the plan took something
    throttled: np.ndarray  # bool, an allowance was used beyond its throttle
    connect: np.ndarray
    usage: np.ndarray
    gross: np.ndarray
    discount: np.ndarray
    cap: np.ndarray
    rounding: np.ndarray
    net: np.ndarray


@inlined
def _decimal(words, i, amount):
    """Writes an amount as decimal128."""
    words[u(2 * i)] = amount
    words[u(2 * i + 1)] = amount >> 63


@kernel
def sum_columns(line, out):
    """Fills the columns of units and money.

    Args:
        line: int64[8 m], charges (:mod:`rating.kernels.arrays`).
        out: SumColumns of m entries.
    """
    for i in range(out.band.shape[0]):
        words = CHARGE_WORDS * i
        connect = line[u(words + CONNECT)]
        usage = line[u(words + USAGE)]
        discount = line[u(words + DISCOUNT)]
        cap = line[u(words + CAP)]
        net = line[u(words + NET)]
        hits = line[u(words + HITS)]
        out.charged[u(i)] = line[u(words + CHARGED)]
        out.covered[u(i)] = line[u(words + COVERED)]
        out.band[u(i)] = hits & BAND_MASK
        out.throttled[u(i)] = (hits >> THROTTLED_SHIFT) & 1 != 0
        out.hits[u(i)] = hits >> HIT_SHIFT
        _decimal(out.connect, i, connect)
        _decimal(out.usage, i, usage)
        _decimal(out.gross, i, connect + usage)
        _decimal(out.discount, i, discount)
        _decimal(out.cap, i, cap)
        _decimal(out.rounding, i, net - (connect + usage - discount - cap))
        _decimal(out.net, i, net)
