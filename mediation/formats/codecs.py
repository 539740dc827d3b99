"""The codecs that a mapping may name: what each reads, what it fills, which kernel codec runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mediation.kernels import ops

INTEGERS: Final = frozenset({"INTEGER", "ENUMERATED"})
STRINGS: Final = frozenset(
    {"OCTET STRING", "IA5String", "UTF8String", "GraphicString", "VisibleString"}
    | {"PrintableString", "NumericString", "GeneralString"}
)


@dataclass(frozen=True, slots=True)
class Codec:
    """How octets become a value.

    Attributes:
        name: As mappings write it.
        op: The kernel's codec, one of `mediation.kernels.ops`; -1 for what needs no field.
        reads: ASN.1 base types it may stand on; empty for what needs no field.
        fills: Kind of column it fills: number, text, code; empty for number or text.
        columns: The only columns it may fill; empty for every column of that kind.
        render: For text: how the dictionary's octets become text, a name in `normalize.RENDERERS`.
        meaning: One sentence.
        parameter: What tells it from other codecs with the same `op`.
        argument: What stands in parentheses, as a person writes it; empty if nothing does.
        joins: How two fields become one value: a step of `mediation.kernels.ops`; 0 for one field.
    """

    name: str
    op: int
    reads: frozenset[str]
    fills: str
    columns: tuple[str, ...] = ()
    render: str = ""
    meaning: str = ""
    parameter: int = 0
    argument: str = ""
    joins: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of column it fills."""
        return tuple(self.fills.split()) or ("number", "text")


RECORDS: Final = frozenset({"SEQUENCE", "SET"})
PARTIES: Final = ("served_msisdn", "other_number")

_ALL: Final = (
    Codec("integer", ops.INTEGER, INTEGERS, "number", meaning="two's complement, up to 8 octets"),
    Codec(
        "unsigned",
        ops.UNSIGNED,
        INTEGERS,
        "number",
        meaning="the octets as a counter: repairs encoders that drop the leading 00",
    ),
    Codec(
        "tbcd",
        ops.TBCD,
        STRINGS,
        "number",
        meaning="digits, low nibble first, no type of number before them",
    ),
    Codec(
        "imei",
        ops.IMEI,
        STRINGS,
        "number",
        meaning="as tbcd; the software version of 16 digits is dropped",
    ),
    Codec("address", ops.NUMBER, STRINGS, "number", PARTIES, meaning="AddressString to E.164"),
    Codec(
        "directory", ops.NUMBER, STRINGS, "number", PARTIES, meaning="BCDDirectoryNumber to E.164"
    ),
    Codec(
        "dialled",
        ops.DIALLED,
        STRINGS,
        "number",
        ("dialled",),
        meaning="digits of an AddressString as they are, leading zeros counted",
    ),
    Codec(
        "bare_address",
        ops.NUMBER,
        STRINGS,
        "number",
        PARTIES,
        meaning="as address, the type of number in the whole high nibble, never an octet 3a",
        parameter=1,
    ),
    Codec(
        "bare_dialled",
        ops.DIALLED,
        STRINGS,
        "number",
        ("dialled",),
        meaning="as dialled, of such an address",
        parameter=1,
    ),
    Codec(
        "timestamp",
        ops.TIMESTAMP,
        STRINGS,
        "number",
        ("start_time",),
        meaning="TimeStamp of 9 octets to UTC and offset",
    ),
    Codec(
        "between",
        ops.TIMESTAMP,
        STRINGS,
        "number",
        ("duration",),
        meaning="seconds from the first TimeStamp to the second; takes two paths",
        joins=ops.BETWEEN,
    ),
    Codec(
        "until",
        ops.TIMESTAMP,
        STRINGS,
        "number",
        ("duration",),
        meaning="seconds from the start of the container to a TimeStamp that closes it",
    ),
    Codec(
        "uri",
        ops.URI,
        STRINGS,
        "number",
        PARTIES,
        meaning="tel: or sip: URI of a number, or its digits, to E.164; others stay text",
    ),
    Codec(
        "global_uri",
        ops.URI,
        STRINGS,
        "number",
        PARTIES,
        meaning="as uri, for records of others: local numbers, which are not of our plan, stay text",
        parameter=1,
    ),
    Codec(
        "decimal",
        ops.DECIMAL,
        STRINGS,
        "number",
        meaning="up to 18 decimal digits as text, behind an optional name such as imsi-",
    ),
    Codec(
        "decimal_imei",
        ops.DECIMAL,
        STRINGS,
        "number",
        ("served_imei",),
        meaning="as decimal; the software version of 16 digits is dropped",
        parameter=1,
    ),
    Codec(
        "digest",
        ops.DIGEST,
        STRINGS,
        "number",
        meaning="63 bits of a hash of the octets: identifiers that are only ever compared",
    ),
    Codec(
        "local_time",
        ops.CLOCK,
        STRINGS,
        "number",
        ("start_time",),
        meaning="date and time without a time zone, octets laid out as the argument says",
        argument="bcd DDMMYYYYhhmmss",
    ),
    Codec(
        "clock",
        ops.CLOCK,
        STRINGS,
        "number",
        ("start_time",),
        meaning="as local_time, the date in one field and the time of day in another",
        argument="binary YYMMDD hhmmss",
        joins=ops.ADD,
    ),
    Codec(
        "elapsed",
        ops.ELAPSED,
        STRINGS,
        "number",
        ("duration",),
        meaning="hours, minutes and seconds to seconds",
        argument="binary hhmmss",
    ),
    Codec(
        "seconds",
        ops.SECONDS,
        INTEGERS,
        "number",
        ("duration",),
        meaning="a number of us, ms, cs, ds, min or h, rounded up, down or nearest, to seconds",
        argument="ms up",
    ),
    Codec("octets", ops.OCTETS, STRINGS, "number", meaning="up to 8 octets, big endian"),
    Codec("boolean", ops.BOOLEAN, frozenset({"BOOLEAN"}), "number", meaning="0 or 1"),
    Codec("presence", ops.PRESENCE, frozenset({"NULL"}), "number", meaning="1 where it stands"),
    Codec(
        "location",
        ops.LOCATION,
        STRINGS,
        "number",
        ("area",),
        meaning="GTP user location information to area and cell",
    ),
    Codec(
        "cgi",
        ops.CGI,
        STRINGS,
        "number",
        ("area",),
        meaning="PLMN, area code and cell in 7 octets (TS 24.008) to area and cell",
    ),
    Codec(
        "access_location",
        ops.ACCESS,
        STRINGS,
        "number",
        ("area",),
        meaning="access network information as text (TS 24.229) to area and cell",
    ),
    Codec(
        "cgi_network",
        ops.TEXT,
        STRINGS,
        "text",
        render="cgi_network",
        meaning="the first 3 octets of such a location to MCC-MNC",
        parameter=3,
    ),
    Codec("plmn", ops.PLMN, STRINGS, "text", render="plmn", meaning="3 octets to MCC-MNC"),
    Codec(
        "network_domain",
        ops.TEXT,
        STRINGS,
        "text",
        render="network_domain",
        meaning="a domain name such as ims.mnc000.mcc460.3gppnetwork.org to MCC-MNC; others are none",
    ),
    Codec("text", ops.TEXT, STRINGS, "text", render="text", meaning="octets as UTF-8"),
    Codec(
        "address_text",
        ops.TEXT,
        STRINGS,
        "text",
        render="address",
        meaning="AddressString as text, + before international digits",
    ),
    Codec("ip", ops.TEXT, STRINGS, "text", render="ip", meaning="4 or 16 octets as an address"),
    Codec(
        "integer_text", ops.TEXT, INTEGERS, "text", render="integer", meaning="an integer as text"
    ),
    Codec(
        "lookup",
        ops.LOOKUP,
        STRINGS | INTEGERS,
        "code number",
        meaning="one octet through one of the mapping's tables; others leave the default",
    ),
    Codec("bcd", ops.BCD, STRINGS, "number", meaning="digits, high nibble first"),
    Codec(
        "bcd_imei",
        ops.BCD_IMEI,
        STRINGS,
        "number",
        meaning="as bcd; the software version of 16 digits is dropped",
    ),
    Codec(
        "bcd_number",
        ops.BCD_NUMBER,
        STRINGS,
        "number",
        PARTIES,
        meaning="an international number in digits, high nibble first",
    ),
    Codec("ascii_digits", ops.ASCII_DIGITS, STRINGS, "number", meaning="a number in ASCII digits"),
    Codec(
        "ascii_number",
        ops.ASCII_NUMBER,
        STRINGS,
        "number",
        PARTIES,
        meaning="an international number in ASCII digits, with + or without",
    ),
    Codec(
        "ascii_entered",
        ops.ASCII_ENTERED,
        STRINGS,
        "number",
        PARTIES,
        meaning="a number as its caller entered it: international behind +, else by the number plan",
    ),
    Codec(
        "ascii_dialled",
        ops.ASCII_DIALLED,
        STRINGS,
        "number",
        ("dialled",),
        meaning="ASCII digits as they are, leading zeros counted",
    ),
    Codec(
        "date_time",
        ops.LOCAL_TIME,
        RECORDS,
        "number",
        ("start_time",),
        meaning="two fields: CCYYMMDDhhmmss and the offset from UTC, in itself or as the file's code",
    ),
    Codec(
        "lookup_ascii",
        ops.LOOKUP_ASCII,
        STRINGS,
        "code number",
        meaning="two hexadecimal ASCII digits through one of the mapping's tables",
    ),
    Codec(
        "one", ops.PRESENCE, STRINGS | INTEGERS | {"NULL"}, "number", meaning="1 where it stands"
    ),
    Codec("code", ops.FIRST, INTEGERS, "", meaning="a code of the file's table; the first counts"),
    Codec(
        "same_code",
        ops.SAME,
        INTEGERS,
        "number",
        meaning="a code of the file's table; nothing where several differ",
    ),
    Codec("sum", ops.SUM, INTEGERS, "number", meaning="amounts of money, added up; never negative"),
    Codec("constant", -1, frozenset(), "number", meaning="the same number in every row"),
    Codec(
        "position",
        -1,
        frozenset(),
        "number",
        ("container_sequence",),
        meaning="the position among the record's containers, 1 first",
    ),
)

CODECS: Final[dict[str, Codec]] = {codec.name: codec for codec in _ALL}
"""Codec by name."""
