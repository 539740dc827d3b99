"""Drawn events: EDR rows decoded from bytes, so that hypothesis draws one value per batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.rating.strategies import (
    ABROAD,
    FAR_NUMBER,
    FIRST_IMSI,
    FIRST_NUMBER,
    NO_ZONE_NUMBER,
    instant,
)
from tests.rating.strategies_places import PLACE_BYTES, decode_place

EVENT_BYTES = 12 + PLACE_BYTES
_STARTS = (
    instant(1),
    instant(4, 23, 50),
    instant(9, 23, 59, 30),
    instant(12, 19, 57, 30),
    instant(14, 11),
    instant(17, 7, 58),
    instant(24, 23, 45),
    instant(25, 1, 40),
    instant(25, 4, 1),
    instant(31, 23, 59, 59),
)
_DURATIONS = (*(370, 0, 1, 59, 60, 61, 150, 600, 3600) * 2, 3 * 3600, 30 * 3600)
_OTHERS = (None, *(FIRST_NUMBER + k for k in range(6)), ABROAD, FAR_NUMBER, NO_ZONE_NUMBER)
_VOLUMES = (0, 1, 1023, 5000, 10**6, 10**11, -1)


def decode_event(raw: bytes) -> dict[str, Any]:
    """One EDR row from drawn bytes."""
    who, usage, start, minutes, length, more, other, network, offset, up, down, micro = raw[:12]
    service, direction = (
        ("voice", "originating"),
        ("voice", "terminating"),
        ("sms", "originating"),
        ("data", "originating"),
        ("voice", "transit"),
    )[usage % 13 % 5]
    row: dict[str, Any] = {
        "service": service,
        "direction": direction,
        "served_imsi": FIRST_IMSI + who % 7,
        "served_msisdn": FIRST_NUMBER + who % 6,
        "start_time": _STARTS[start % len(_STARTS)]
        + minutes // 8 * 7_000_000
        + micro % 5 * 250_000,
        "duration": _DURATIONS[length % len(_DURATIONS)] + more % 64 if service == "voice" else 0,
        "other_number": _OTHERS[other % len(_OTHERS)] if service != "data" else None,
        "visited_network": (None, None, None, None, "262-01", "440-10", "999-99")[network % 7],
        "utc_offset": (120, 60, 120, 480, None)[offset % 5],
        "uplink": _VOLUMES[up % len(_VOLUMES)] if service == "data" else 0,
        "downlink": _VOLUMES[down % 6] + down if service == "data" else 0,
        "events": 1,
        "container": (0, 0, 0, 1)[micro // 5 % 4],
        "charging_id": 7 if other % 3 else None,
        "partial_sequence": (None, None, 1, 2)[micro // 20 % 4],
        **decode_place(raw[12:]),
    }
    if who % 7 == 3:
        row["served_imsi"] = None
    if who % 7 == 5:
        row["served_msisdn"] = None
    if service != "data" and other % 17 == 16:
        row |= {"other_number": None, "other_text": "110" if other % 2 else "*100#"}
    return row


@st.composite
def events(draw: st.DrawFn, most: int, times: int = 1) -> list[dict[str, Any]]:
    """Up to ``most`` EDR rows, and up to so many times as many that differ by noise only."""
    # the count is drawn by itself: bytes of free length are nearly always few
    size = EVENT_BYTES * draw(st.one_of(st.integers(1, 5), st.integers(0, most), st.just(most)))
    raw = draw(st.binary(min_size=size, max_size=size)) * draw(st.integers(1, times))
    seed = draw(st.integers(0, 10_000))
    if seed:  # drawn bytes are mostly alike; noise makes the events of one batch differ
        noise = np.random.default_rng(seed).integers(0, 256, len(raw), np.uint8)
        raw = (np.frombuffer(raw, np.uint8) ^ noise).tobytes()
    return [decode_event(raw[at : at + EVENT_BYTES]) for at in range(0, len(raw), EVENT_BYTES)]
