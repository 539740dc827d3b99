"""Access network information as text (TS 24.229 7.2A.4): the cell that a VoLTE call used.

Twin: `access_location` of `mediation.reference.ber_codecs`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import MISSING

TAIL = 0x2D33677070
"""``-3gpp``: what the names of all three parameters with a cell end with, ``cgi-3gpp``,
``utran-cell-id-3gpp`` and ``utran-sai-3gpp``."""
TAIL_OCTETS = 5
EQUALS, QUOTE = 61, 34
COUNTRY = 3
SHORT_AREA, LONG_AREA = 4, 6
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def hex_digit(data, pos):
    """Returns the value of a hexadecimal digit (int64), -1 if there is none at `pos`."""
    value = np.int64(data[ix(pos)])
    if 48 <= value <= 57:
        return value - 48
    value |= 32
    return value - 87 if 97 <= value <= 102 else np.int64(-1)


@inlined
def is_named_cell(data, pos):
    """Returns whether the octets before `pos` are those of `TAIL`, in upper or lower case."""
    tail = np.int64(0)
    for place in range(-TAIL_OCTETS, 0):
        octet = np.int64(data[ix(pos + place)])
        tail = tail << 8 | (octet | 32 if 65 <= octet <= 90 else octet)
    return tail == TAIL


@kernel
def access_location(data, pos, end):
    """Returns (area, cell) of the first parameter that names a cell, `MISSING` where it does not.

    Its value is MCC and MNC in decimal, then area and cell in hexadecimal: 4 and 4 digits (GERAN), 4 and
    7 (UTRAN and E-UTRAN) or 6 and 9 (NR), so that their number tells whether the MNC has two or three.
    """
    pos += TAIL_OCTETS
    while pos < end and (data[ix(pos)] != EQUALS or not is_named_cell(data, pos)):
        pos += 1
    pos += 1
    if pos < end and data[ix(pos)] == QUOTE:
        pos += 1
    count = 0
    while pos + count < end and hex_digit(data, pos + count) >= 0:
        count += 1
    if count not in (13, 14, 16, 17, 20, 21):
        return MISSING, MISSING
    network = COUNTRY + (3 if count in (14, 17, 21) else 2)
    for place in range(network):
        if hex_digit(data, pos + place) > 9:
            return MISSING, MISSING
    behind = network + (SHORT_AREA if count <= 17 else LONG_AREA)
    area = np.int64(0)
    cell = np.int64(0)
    for place in range(network, behind):
        area = area << 4 | hex_digit(data, pos + place)
    for place in range(behind, count):
        cell = cell << 4 | hex_digit(data, pos + place)
    return area, cell
