"""Numbers in URIs in plain Python: the oracle for `uri_number` of `mediation.kernels.texts`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mediation.reference.ber_codecs import e164

if TYPE_CHECKING:
    from mediation.number_plan import NumberPlan

NUMBER: Final = re.compile(
    rb"(?:(?:tel:|sips?:)\+|(?:msisdn-)?\+?)([0-9().-]*)(?:[;?@\0].*)?\Z", re.DOTALL | re.IGNORECASE
)
LOCAL: Final = re.compile(rb"(tel|sips?):([0-9().-]+)((?:[:;?@].*)?)\Z", re.DOTALL | re.IGNORECASE)
PHONE: Final = re.compile(rb";user=phone([;?].*)?\Z", re.DOTALL | re.IGNORECASE)
CONTEXT: Final = re.compile(rb";phone-context=([^:;?@]*)", re.IGNORECASE)


def uri_number(octets: bytes, plan: NumberPlan, *, only_global: bool = False) -> int | None:
    """Returns the E.164 number that a URI or digits mean, None if they mean none."""
    found = NUMBER.match(octets)
    if found is not None:
        digits = re.sub(rb"[().-]", b"", found[1])
        fits = plan.international_lengths[0] <= len(digits) <= 15 and not digits.startswith(b"0")
        return int(digits) if fits else None
    return None if only_global else local_number(octets.partition(b"\0")[0], plan)


def local_number(uri: bytes, plan: NumberPlan) -> int | None:
    """Returns the E.164 number of a local number as it is dialled, None if it has none."""
    found = LOCAL.match(uri)
    if found is None:
        return None
    scheme, digits, rest = found[1].lower(), re.sub(rb"[().-]", b"", found[2]), found[3]
    _, at, host = rest.partition(b"@")
    if scheme != b"tel" and not (at and PHONE.search(host)):
        return None
    context = CONTEXT.search(rest)
    if context is not None and context[1].startswith(b"+"):
        country = re.sub(rb"[().-]", b"", context[1][1:])
        if country != plan.country_code.encode():
            return None
    return e164(digits.decode(), 0, 1, plan) if 0 < len(digits) <= 18 else None
