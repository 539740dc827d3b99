"""How bills and explanations put amounts, quantities, numbers and names into words."""

from __future__ import annotations

from decimal import Decimal

from rating.masking import mask_number


def masked_number(number: int | None) -> str:
    """Returns an E.164 number with its middle hidden, such as ``+86199******23``.

    Args:
        number: Digits without ``+``; None where there is none.
    """
    return mask_number(plain_number(number))


def plain_number(number: int | None) -> str:
    """Returns an E.164 number with its ``+``."""
    return "" if number is None else f"+{number}"


def amount_text(amount: Decimal) -> str:
    """Returns an amount with at least two places, and more only where they are not zero."""
    text = f"{amount.quantize(Decimal('0.000001')):,}"
    whole, _, places = text.partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def rate_text(ppm: int) -> str:
    """Returns a rate in parts per million as ``6 %`` or ``5.5 %``."""
    return f"{amount_text(Decimal(ppm).scaleb(-4)).rstrip('0').rstrip('.')} %"


def duration_text(seconds: int) -> str:
    """Returns seconds as ``1 h 05 min 09 s``, without leading parts that are zero."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes:02} min" + (f" {rest:02} s" if rest else "")
    if minutes:
        return f"{minutes} min" + (f" {rest:02} s" if rest else "")
    return f"{rest} s"


def bytes_text(volume: int, *, binary: bool = False) -> str:
    """Returns bytes in the unit that reads best, at most three digits of it.

    Args:
        volume: Bytes.
        binary: KiB, MiB, GiB, 1,024 to a step, in place of kB, MB, GB: as the tariff book counts.
    """
    size, unit, step = Decimal(volume), "B", 1024 if binary else 1000
    for larger in ("KiB", "MiB", "GiB", "TiB") if binary else ("kB", "MB", "GB", "TB"):
        if size < step:
            break
        size, unit = size / step, larger
    places = 0 if unit == "B" or size >= 100 else 1 if size >= 10 else 2
    text = f"{size:,.{places}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"


def quantity_text(quantity: int, rum: str, *, binary: bool = False) -> str:
    """Returns a quantity in words that suit its metric; `binary` as in :func:`bytes_text`."""
    if rum == "seconds":
        return duration_text(quantity)
    if rum.endswith("bytes"):
        return bytes_text(quantity, binary=binary)
    if rum == "partner_charge":
        return f"{Decimal(quantity).scaleb(-6):,.2f}"
    return f"{quantity:,}"


def title(name: str) -> str:
    """Returns a name of the tariff book for people: ``long_distance`` as ``Long distance``."""
    words = name.rsplit("/", 1)[-1].replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
