"""How numbers of people are shown where nobody asked for them in full: the one rule of all rooms.

A bill, an explanation, a log and a screen show the same digits, so that two of them together tell no
more than one. Codes of up to five digits (emergency, hot lines) are nobody's number and stay.
"""

from __future__ import annotations

KEPT_FRONT = 5
KEPT_BACK = 2
LEAST_HIDDEN = 4
SHORT_CODE = 5
"""Numbers of so many digits are not hidden."""


def kept_front(digits: int) -> int:
    """Returns how many digits stay in front of a number of that many digits."""
    return max(min(KEPT_FRONT, digits - KEPT_BACK - LEAST_HIDDEN), 0)


def mask_number(value: int | str | None) -> str:
    """Returns a phone number, IMSI or IMEI with its middle hidden: ``86199******01``.

    At most five digits in front and two behind stay, at least four are hidden; a ``+`` stays.
    """
    if value is None:
        return ""
    text = str(value)
    sign, digits = ("+", text[1:]) if text.startswith("+") else ("", text)
    if len(digits) <= SHORT_CODE:
        return text
    front = kept_front(len(digits))
    hidden = len(digits) - front - KEPT_BACK
    return f"{sign}{digits[:front]}{'*' * hidden}{digits[-KEPT_BACK:]}"
