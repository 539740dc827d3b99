"""What one discount takes off a charge."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from rating.reference.steps import MICRO, money, show
from tariffs.compiled import DISCOUNT_KINDS

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook


def taken_off(
    book: CompiledBook, d: int, usage: Decimal, connect: Decimal
) -> tuple[tuple[Decimal, Decimal], str]:
    """Returns what a discount takes off usage and connect fee, and how it says so."""
    kind = DISCOUNT_KINDS[book.disc_kind[d]]
    both = bool(book.disc_on_connect[d])
    base = "usage and connect fee" if both else "usage"
    if kind == "percent":
        share = Decimal(int(book.disc_value[d])).scaleb(-6)
        parts = [
            (amount * share).quantize(MICRO, ROUND_HALF_UP) if meant else Decimal(0)
            for amount, meant in ((usage, True), (connect, both))
        ]
        return (parts[0], parts[1]), f"{show(share * 100).removesuffix('.00')} % off {base}"
    value = money(int(book.disc_value[d]))
    whole = usage + connect if both else usage
    off = min(whole, value) if kind == "amount" else max(whole - value, Decimal(0))
    words = f"{show(value)} off {base}" if kind == "amount" else f"{base} for {show(value)}"
    return (min(usage, off), off - min(usage, off)), words
