"""Subscribers' numbers never leave by accident: logs, screens and errors show them masked."""

from __future__ import annotations

import re

from rating.masking import mask_number

MASKED_NUMBERS = ("served_imsi", "served_msisdn", "served_imei", "other_number", "dialled")
MASKED_TEXTS = ("other_text",)
MASKED_PLACES = ("area", "cell")
"""Columns of an event row that tell who or where somebody was."""

_DIGITS = re.compile(r"(?<![0-9A-Za-z:./_-])\+?\d{10,15}(?![0-9A-Za-z:._-])")
"""Phone numbers, IMSI and IMEI in running text; not the digits inside a file name, a hex id, an
amount or a time."""


def mask_text(text: str) -> str:
    """Returns text with every phone number, IMSI or IMEI in it masked."""
    return _DIGITS.sub(lambda found: mask_number(found[0]), text)
