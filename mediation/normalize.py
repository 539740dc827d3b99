"""How numbers, addresses and networks are written down: settings and text of dictionary entries.

Digits become E.164 in the kernel, by the integers of a `NumberPlan`. What stays text is kept as octets while decoding, once per distinct value, and rendered here.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from mediation.kernels import ops
from mediation.number_plan import NumberPlan
from mediation.time_zones import NO_ZONES, TimeZones

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

TBCD_DIGITS: Final = "0123456789*#abc"
TON_INTERNATIONAL: Final = 1
TON_ALPHANUMERIC: Final = 5

# The part of the GSM 7-bit default alphabet (TS 23.038) that differs from ASCII.
_GSM7: Final = {
    0x00: "@", 0x01: "£", 0x02: "$", 0x03: "¥", 0x04: "è", 0x05: "é", 0x06: "ù", 0x07: "ì",
    0x08: "ò", 0x09: "Ç", 0x0A: "\n", 0x0B: "Ø", 0x0C: "ø", 0x0D: "\r", 0x0E: "Å", 0x0F: "å",
    0x11: "_", 0x24: "¤", 0x40: "¡", 0x5B: "Ä", 0x5C: "Ö", 0x5D: "Ñ", 0x5E: "Ü", 0x5F: "§",
    0x60: "¿", 0x7B: "ä", 0x7C: "ö", 0x7D: "ñ", 0x7E: "ü", 0x7F: "à",
}  # fmt: skip


_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})")
"""What does not go into a text as it is: controls, line ends, and what looks like their escape."""

_LOCAL: Final = re.compile(
    rb"(?:tel:(?P<tel>[0-9*#().-]+)|"
    rb"sips?:(?P<sip>[0-9*#().-]+)(?:[:;?][^@]*)?@(?:.*;)?user=phone(?=[;?]|\Z))(?:[:;?@].*)?\Z",
    re.DOTALL | re.IGNORECASE,
)
"""A local number: behind ``tel:``, or a SIP user that ``user=phone`` says to be one (RFC 3261 19.1.1)."""
_SEPARATORS: Final = re.compile(rb"[().-]")
_NETWORK_DOMAIN: Final = re.compile(
    rb"\bmnc(?P<mnc>[0-9]{2,3})\.mcc(?P<mcc>[0-9]{3})(?![0-9])", re.IGNORECASE
)
_LONG_MNC: Final = frozenset(
    {302, 310, 311, 312, 313, 314, 316, 334, 338, 342, 344, 346, 348}
    | {352, 354, 356, 358, 360, 365, 366, 376, 708, 722, 732, 750}
)
"""Country codes whose network codes have three digits, the first of which may be 0 (ITU-T E.212)."""


@dataclass(frozen=True, slots=True)
class NormalizationSettings:
    """What a source's records leave open: how its switches write numbers and which clock they keep.

    Attributes:
        numbers: How phone numbers are written.
        time_zones: Zones of the nodes whose records carry none.
        repair_integers: True if a negative integer is a counter that lost its leading zero octet.
    """

    numbers: NumberPlan = field(default_factory=NumberPlan)
    time_zones: TimeZones = NO_ZONES
    repair_integers: bool = False

    def array(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Returns number plan and switches as the kernel reads them, int64[n]."""
        plan = self.numbers.array()
        if self.repair_integers:
            plan = plan.copy()
            plan[ops.SET_REPAIR_INTEGERS] = 1
            plan.flags.writeable = False  # one compiled kernel for both
        return plan


CHINA: Final = NormalizationSettings()
"""The default: country code 86, prefixes 0 and 00, national numbers of 10 or 11 digits."""


def digits_of(octets: bytes) -> str:
    """Returns the digits of a TBCD string, ``*#abc`` for the nibbles A to E; F ends it."""
    digits: list[str] = []
    for octet in octets:
        for nibble in (octet & 15, octet >> 4):
            if nibble == 15:
                return "".join(digits)
            digits.append(TBCD_DIGITS[nibble])
    return "".join(digits)


def number_parts(octets: bytes, *, bare: bool = False) -> tuple[int, int, bytes]:
    """Splits an AddressString or BCDDirectoryNumber: type of number, numbering plan, TBCD.

    Without its extension bit the first octet is followed by one about presentation (24.008),
    unless the address is `bare`: of a vendor that has no extension bit.
    """
    if not octets:
        return 0, 0, b""
    first = octets[0]
    body = octets[1:] if bare or first & 0x80 else octets[2:]
    return first >> 4 & 7, first & 15, body


def render_number(octets: bytes, *, bare: bool = False) -> str:
    """Returns a number that is no E.164 as text: digits, ``*#abc``, or letters of a sender name."""
    kind, _, body = number_parts(octets, bare=bare)
    if kind == TON_ALPHANUMERIC:
        return _gsm7(body)
    return digits_of(body)


def render_bcd(octets: bytes) -> str:
    """Returns BCD digits, high nibble first, ``*#abc`` for the nibbles A to E; F ends them."""
    return "".join(TBCD_DIGITS[int(nibble, 16)] for nibble in octets.hex().partition("f")[0])


def render_address(octets: bytes) -> str:
    """Returns an AddressString as text; international numbers begin with ``+``."""
    kind, _, body = number_parts(octets)
    digits = digits_of(body)
    return f"+{digits}" if kind == TON_INTERNATIONAL and digits else digits


def _gsm7(octets: bytes) -> str:
    """Returns text of the packed GSM 7-bit default alphabet, without trailing padding."""
    count = len(octets) * 8 // 7
    packed = int.from_bytes(octets, "little")
    codes = [packed >> 7 * position & 0x7F for position in range(count)]
    # Seven spare bits in the last octet read as one more character, which is always 0 (@).
    if count and count % 8 == 0 and codes[-1] == 0:
        codes.pop()
    return visible("".join(_GSM7.get(code, chr(code)) for code in codes))


def visible(text: str) -> str:
    r"""Returns a text without control characters: ``\xNN``, or ``\uNNNN`` for Unicode's line ends.

    A text cannot begin another line of an export, or move the cursor of a terminal.
    """
    if text.isprintable() and "\\" not in text:
        return text
    return _HIDDEN.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def render_text(octets: bytes) -> str:
    r"""Returns vendor text: UTF-8, trailing zero octets dropped.

    Octets that are no UTF-8 and control characters become ``\xNN``; a backslash that stands before
    such digits itself becomes ``\x5c``, so that other octets are another text.
    """
    octets = octets.rstrip(b"\0")
    try:
        return visible(octets.decode())
    except UnicodeDecodeError:
        return _undecodable(octets)


def render_uri(octets: bytes) -> str:
    """Returns a URI as text; of a local number (RFC 3966) the digits, ``*`` and ``#`` that were dialled.

    So a short code is the same text, whoever wrote it: ``10086``.
    """
    found = _LOCAL.match(octets.partition(b"\0")[0])
    dialled = _SEPARATORS.sub(b"", found["tel"] or found["sip"]) if found else b""
    return dialled.decode() or render_text(octets)


def _undecodable(octets: bytes) -> str:
    """Returns octets of which some are no UTF-8 as text; those become surrogates on the way."""
    text = visible(octets.decode("utf-8", "surrogateescape"))
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def render_plmn(octets: bytes) -> str:
    """Returns 3 octets of a PLMN identifier as ``460-00`` or ``310-410``."""
    first, second, third = octets
    mnc = f"{third & 15}{third >> 4}"
    if second >> 4 != 15:
        mnc += str(second >> 4)
    return f"{first & 15}{first >> 4}{second & 15}-{mnc}"


def render_cgi_network(octets: bytes) -> str:
    """Returns the network of a location (PLMN, area, cell), nothing if it names none."""
    nibbles = [nibble for octet in octets[:3] for nibble in (octet & 15, octet >> 4)]
    good = [nibble < 10 or (place == 3 and nibble == 15) for place, nibble in enumerate(nibbles)]
    return render_plmn(octets[:3]) if len(good) == 6 and all(good) else ""


def render_network_domain(octets: bytes) -> str:
    """Returns the network in the domain name of an operator's IMS (TS 23.003 13.2), nothing if it names none.

    ``ims.mnc000.mcc460.3gppnetwork.org`` is ``460-00``: an MNC of two digits has a 0 before it there.
    """
    found = _NETWORK_DOMAIN.search(octets)
    if found is None:
        return ""
    mnc, mcc = found["mnc"].decode(), found["mcc"].decode()
    short = len(mnc) == 3 and mnc.startswith("0") and int(mcc) not in _LONG_MNC
    return f"{mcc}-{mnc[1:] if short else mnc}"


def render_ip(octets: bytes) -> str:
    """Returns 4 or 16 octets as an IP address, anything else in hexadecimal."""
    try:
        return str(ipaddress.ip_address(octets))
    except ValueError:
        return octets.hex()


def render_integer(octets: bytes) -> str:
    """Returns a two's complement integer as text."""
    return str(int.from_bytes(octets, "big", signed=True))


RENDERERS: Final[dict[str, Callable[[bytes], str]]] = {
    "number": render_number,
    "bare_number": partial(render_number, bare=True),
    "cgi_network": render_cgi_network,
    "address": render_address,
    "bcd": render_bcd,
    "text": render_text,
    "uri": render_uri,
    "plmn": render_plmn,
    "network_domain": render_network_domain,
    "ip": render_ip,
    "integer": render_integer,
}
"""How the octets of a dictionary entry become text, by the name that a codec gives."""
