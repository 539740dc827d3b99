"""How the octets of a field are written, and text encodings: the slow, obvious side.

The kernels expand a field to ASCII digits by its form; `expand` is their twin and what renders
the entries of dictionaries.
"""

from __future__ import annotations

from typing import Final

from mediation.kernels import flat_ops as ops

FORMS: Final[dict[str, int]] = {
    "text": ops.TEXT,
    "bcd": ops.BCD,
    "tbcd": ops.TBCD,
    "bcd_little": ops.BCD_LITTLE,
    "hex": ops.HEX,
    "unsigned": ops.UNSIGNED_BIG,
    "unsigned_little": ops.UNSIGNED_LITTLE,
    "signed": ops.SIGNED_BIG,
    "signed_little": ops.SIGNED_LITTLE,
}
"""Form by name: text; digits with the high nibble, the low nibble or the last octet first;
octets in hexadecimal; integers with the first or the last octet first."""

INTEGER_FORMS: Final = ("unsigned", "unsigned_little", "signed", "signed_little")
COUNTED: Final = ("unsigned", "unsigned_little", "bcd", "bcd_little")
"""Forms of the lengths and numbers by which framing finds records and counts those of a block."""
MAX_INTEGER_OCTETS: Final = 8

ENCODINGS: Final[dict[str, int]] = {
    "utf-8": ops.UTF8,
    "ascii": ops.ASCII,
    "latin-1": ops.ANY,
    "cp1252": ops.ANY,
    "gb18030": ops.ANY,
}
"""Encoding to what a kernel checks of it."""

NIBBLES: Final = "0123456789*#abcf"
BLANKS: Final = b" \t"


def expand(raw: bytes, form: str) -> bytes:
    """Returns what a field says as ASCII; text is trimmed, filler F ends digits.

    Filler stands behind the digits, in ``bcd_little`` before them; where it stands among them it
    becomes an ``f``, which no number has. Nothing but filler means that there is nothing.
    """
    if form == "text":
        return raw.strip(BLANKS)
    if form == "hex":
        return raw.hex().encode()
    if form in INTEGER_FORMS:
        little = form.endswith("_little")
        signed = form.startswith("signed")
        return str(int.from_bytes(raw, "little" if little else "big", signed=signed)).encode()
    octets = raw[::-1] if form == "bcd_little" else raw
    nibbles: list[int] = []
    for octet in octets:
        pair = (octet & 15, octet >> 4) if form == "tbcd" else (octet >> 4, octet & 15)
        nibbles.extend(pair)
    text = "".join(NIBBLES[nibble] for nibble in nibbles)
    return (text.lstrip("f") if form == "bcd_little" else text.rstrip("f")).encode()


def pack(  # noqa: PLR0911 - a way per form
    word: str, form: str, octets: int, encoding: str
) -> bytes | None:
    """Returns the octets that say `word` in a form; None where they do not fit.

    It is for comparing types, so only text, digits and hexadecimal can be packed. `octets` is -1
    where a field has no bounds.
    """
    if form == "text":
        try:
            raw = word.encode(encoding)
        except UnicodeEncodeError:
            return None
        return raw if octets < 0 or len(raw) <= octets else None
    if form == "hex":
        try:
            raw = bytes.fromhex(word)
        except ValueError:
            return None
        return raw if len(raw) == octets else None
    if form in INTEGER_FORMS:
        try:
            return int(word).to_bytes(
                octets,
                "little" if form.endswith("_little") else "big",
                signed=form.startswith("signed"),
            )
        except (ValueError, OverflowError):
            return None
    if len(word) != octets * 2 or not word.isdigit():
        return None
    pairs = [word[place : place + 2] for place in range(0, len(word), 2)]
    if form == "tbcd":
        pairs = [pair[::-1] for pair in pairs]
    raw = bytes.fromhex("".join(pairs))
    return raw[::-1] if form == "bcd_little" else raw


def spelled(word: str, form: str) -> str:
    """Returns a word of a mapping as `expand` writes it.

    Hexadecimal digits are small letters, integers have no leading zeros.
    """
    if form == "hex":
        return word.lower()
    if form in INTEGER_FORMS and word.removeprefix("-").isdecimal():
        return str(int(word))
    return word


def decode(octets: bytes, encoding: str) -> str:
    r"""Returns text; what is not in the encoding becomes ``\xNN``."""
    return octets.decode(encoding, "backslashreplace")


def render_network(digits: bytes) -> str:
    """Returns the 5 or 6 digits of MCC and MNC, with or without a dash, as ``460-00``."""
    plain = digits.decode("ascii", "backslashreplace").replace("-", "")
    return f"{plain[:3]}-{plain[3:]}"
