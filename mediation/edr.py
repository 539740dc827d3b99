"""The event data record (EDR): one normalized row per chargeable event or container.

Everything downstream of mediation speaks this schema. Names, types, units and meanings live in
the field metadata; the data dictionary is generated from it. Column rules: phone numbers are
int64 E.164 digits without ``+``; an IMSI or IMEI is an int64 shown with 15 digits; times are UTC
microseconds with the offset that the switch wrote beside them; what is not such a number keeps
its text in a dictionary column.
"""

from __future__ import annotations

import pyarrow as pa

SERVICES = ("voice", "video", "sms", "mms", "data", "content", "supplementary")
"""What was used; the dictionary of ``service``, so an index is a code."""

DIRECTIONS = (
    "originating",
    "terminating",
    "forwarded",
    "gateway_in",
    "gateway_out",
    "transit",
)
"""The leg of the call the record describes, seen from the served party or the switch."""

MISSING = -(2**63)
"""Marks a missing value in the int64 columns that kernels exchange; a null in Arrow."""

DICTIONARY = pa.dictionary(pa.int32(), pa.string())
CODE = pa.dictionary(pa.int8(), pa.string())


def field(
    name: str, kind: pa.DataType, unit: str, description: str, *, nullable: bool = True
) -> pa.Field:
    """Returns an Arrow field that carries its unit and meaning as metadata."""
    return pa.field(
        name, kind, nullable=nullable, metadata={"unit": unit, "description": description}
    )


MICROS = "10^-6 of partner_currency"
NANOS = "10^-9 of the partner's local currency for 1 of partner_currency"

IDENTITY = (
    field("file_id", DICTIONARY, "hex", "First 128 bits of the file's BLAKE3", nullable=False),
    field("offset", pa.int64(), "byte", "Where the record begins in the file", nullable=False),
    field("container", pa.int32(), "index", "Container in the record, 0 first", nullable=False),
)
"""A record's name is where it came from (law 3)."""

EDR_SCHEMA = pa.schema(
    [
        *IDENTITY,
        field("record_type", DICTIONARY, "name", "Alternative of the record CHOICE"),
        field("service", CODE, "name", "What was used: one of SERVICES", nullable=False),
        field("direction", CODE, "name", "Which leg: one of DIRECTIONS", nullable=False),
        field("served_imsi", pa.int64(), "digits", "Served subscriber's IMSI"),
        field("served_msisdn", pa.int64(), "E.164", "Served subscriber's number"),
        field("served_imei", pa.int64(), "digits", "Served equipment, 14 or 15 digits"),
        field("other_number", pa.int64(), "E.164", "The other party, normalized"),
        field("other_text", DICTIONARY, "text", "The other party where it is not an E.164 number"),
        field("dialled", pa.int64(), "digits", "Digits as dialled, leading zeros dropped"),
        field("dialled_zeros", pa.int8(), "count", "Leading zeros dropped from `dialled`"),
        field(
            "start_time",
            pa.timestamp("us", tz="UTC"),
            "us UTC",
            "Answer time, else seizure; of a container its first usage",
            nullable=False,
        ),
        field("utc_offset", pa.int16(), "minute", "Offset from UTC that the switch wrote"),
        field("duration", pa.int64(), "s", "Chargeable duration", nullable=False),
        field("uplink", pa.int64(), "byte", "Volume sent by the subscriber", nullable=False),
        field("downlink", pa.int64(), "byte", "Volume received", nullable=False),
        field("events", pa.int32(), "count", "Chargeable events (1 for a message)", nullable=False),
        field(
            "visited_network",
            DICTIONARY,
            "MCC-MNC, or TADIG code in a roaming file",
            "Network that served the event",
        ),
        field("area", pa.int32(), "code", "Location or tracking area code"),
        field("cell", pa.int64(), "code", "Cell identity"),
        field("recording_entity", DICTIONARY, "E.164 or node name", "Element that wrote it"),
        field("trunk_in", DICTIONARY, "name", "Incoming trunk group"),
        field("trunk_out", DICTIONARY, "name", "Outgoing trunk group"),
        field("apn", DICTIONARY, "name", "Access point name, network identifier"),
        field("rat", pa.int16(), "TS 29.061 code", "Radio access technology"),
        field("slice_type", pa.int16(), "TS 23.501 code", "Slice or service type of the S-NSSAI"),
        field("slice_differentiator", pa.int32(), "code", "Slice differentiator of the S-NSSAI"),
        field("rating_group", pa.int64(), "code", "Rating group of the container"),
        field("service_id", pa.int64(), "code", "Service identifier of the container"),
        field("charging_id", pa.int64(), "code", "Charging id, unique per gateway"),
        field("call_reference", pa.int64(), "code", "Call or message reference, big endian"),
        field("partial_sequence", pa.int64(), "index", "Number of this partial record, 1 first"),
        field("container_sequence", pa.int64(), "index", "Local sequence number of the container"),
        field("cause", pa.int16(), "TS 32.298 code", "Cause for termination or record closing"),
        field(
            "partner_charge", pa.int64(), MICROS, "Charge of a roaming partner, refunds negative"
        ),
        field("partner_tax", pa.int64(), MICROS, "Tax of a roaming partner"),
        field("partner_discount", pa.int64(), MICROS, "Discount of a roaming partner"),
        field("partner_currency", DICTIONARY, "ISO 4217", "Currency of the partner's amounts"),
        field("partner_rate", pa.int64(), NANOS, "Exchange rate that the partner used"),
        field("partner_tax_rate", pa.int32(), "10^-5 percent", "Tax rate that the partner used"),
    ]
)
"""Arrow schema of an EDR batch and of the Parquet files under ``edr/``."""

KEY_COLUMNS = (
    "record_type",
    "served_imsi",
    "served_msisdn",
    "other_number",
    "start_time",
    "duration",
    "uplink",
    "downlink",
    "recording_entity",
    "charging_id",
    "call_reference",
    "partial_sequence",
    "container_sequence",
)
"""Two EDRs that agree on all of these are the same event told twice."""

SUSPENSE_STAGES = ("frame", "decode", "normalize", "validate", "guide", "classify", "rate")

SUSPENSE_SCHEMA = pa.schema(
    [
        *IDENTITY,
        field("length", pa.int64(), "byte", "Length of the suspended bytes", nullable=False),
        field("stage", DICTIONARY, "name", "One of SUSPENSE_STAGES", nullable=False),
        field("reason", DICTIONARY, "name", "Why, from a short fixed list", nullable=False),
        field("sub_reason", DICTIONARY, "name", "Finer cause, such as the field at fault"),
        field("state", DICTIONARY, "name", "suspended, recycling, recycled, written_off"),
        field("detail", pa.string(), "text", "One sentence for the person who looks at it"),
        field("tag_path", pa.string(), "tags", "Path of tags to the fault"),
        field("fault_offset", pa.int64(), "byte", "Where in the file the fault was seen"),
        field("raw", pa.binary(), "bytes", "The record as it was read"),
        field("attempts", pa.int32(), "count", "How often it was tried", nullable=False),
    ]
)
"""Arrow schema of suspended records (law 7)."""
