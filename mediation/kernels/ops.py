"""Numbers shared by the plan compiler, the decoding kernel and its twin: codecs and statuses.

Kernels freeze globals into their cached code, so these never change their value: a new codec or
status takes the next free number.
"""

from __future__ import annotations

from typing import Final

# Layout of one action in the plan's `actions` array (int64, ACTION_WIDTH per action).
ACTION_WIDTH: Final = 8
ACT_CODEC: Final = 0
ACT_SLOT: Final = 1
ACT_SLOT2: Final = 2
ACT_LOW: Final = 3
ACT_HIGH: Final = 4
ACT_NEXT: Final = 5
ACT_PARAM: Final = 6
ACT_EXTRA: Final = 7

# Layout of one entry in the plan's `entries` array (int32, ENTRY_WIDTH per entry).
ENTRY_WIDTH: Final = 8
ENT_KIND: Final = 0
ENT_CHILD: Final = 1
ENT_ACTION: Final = 2
ENT_TYPE: Final = 3
ENT_POSITION: Final = 4
ENT_PICK: Final = 5
ENT_PICK_END: Final = 6
ENT_GROUP: Final = 7

# Layout of one step in the plan's `steps` array (int64, STEP_WIDTH per step): copy the pair `from` to
# the pair `to` where that is missing and the condition holds. A key slot of 0 is no condition, a
# negative one asks for any other value.
STEP_WIDTH: Final = 6
STEP_FIRST: Final = 0
STEP_SECOND: Final = 1
STEP_FROM: Final = 2
STEP_FROM2: Final = 3
STEP_KEY: Final = 4
STEP_WANTED: Final = 5
SPAN_WIDTH: Final = 9
SPAN_ROWS: Final = 8
"""Place of the last number of a record type's spans, see `mediation.plan.Plan`."""
ADD: Final = -2
"""As the second of a step's pair: the first becomes the sum of a date and a time of day."""
BETWEEN: Final = -3
"""As the second of a step's pair: the first becomes the seconds from one time slot to another."""
TOTAL: Final = -4
"""As the second of a pick's pair: the first grows by what the element said."""

# Layout of a date or time, one int64 (mediation.formats.layouts): the place of each part's octet in
# four bits, in the order century, year, month, day, hour, minute, second; then the flags.
LAYOUT_ABSENT: Final = 15
LAYOUT_BINARY: Final = 1 << 28
LAYOUT_DATE: Final = 1 << 29
LAYOUT_ELAPSED: Final = 1 << 30

# What an entry is.
LEAF: Final = 0
DESCEND: Final = 1
ROW: Final = 2
RECORD: Final = 3
PICK: Final = 4

# Edges that lead nowhere.
UNKNOWN: Final = -1
WRONG_FORM: Final = -2

# Codecs.
INTEGER: Final = 0
UNSIGNED: Final = 1
TBCD: Final = 2
IMEI: Final = 3
NUMBER: Final = 4
DIALLED: Final = 5
TIMESTAMP: Final = 6
PLMN: Final = 7
OCTETS: Final = 8
TEXT: Final = 9
BOOLEAN: Final = 10
PRESENCE: Final = 11
LOCATION: Final = 12
LOOKUP: Final = 13
CLOCK: Final = 14
ELAPSED: Final = 15
SECONDS: Final = 16
CGI: Final = 17
ACCESS: Final = 18
KEY: Final = 30
URI: Final = 31
DECIMAL: Final = 32
DIGEST: Final = 33
FIRST: Final = 50
SAME: Final = 51
SUM: Final = 52
LOOKUP_ASCII: Final = 53
BCD: Final = 54
BCD_IMEI: Final = 55
BCD_NUMBER: Final = 56
ASCII_DIGITS: Final = 57
ASCII_NUMBER: Final = 58
ASCII_DIALLED: Final = 59
LOCAL_TIME: Final = 60
UTC_OFFSET: Final = 61
ASCII_ENTERED: Final = 62

SEVERAL: Final = -(2**62)
"""What the codec SAME leaves where a record says different things; no code is that large."""

LARGEST_AMOUNT: Final = 2**44
"""What is added up stays below it: no record is long enough to make such sums overflow."""

# Statuses of a record. Below FIRST_VALUE_STATUS the bytes cannot be walked; from there on they
# can, and a value makes no sense.
OK: Final = 0
TRUNCATED: Final = 1
BAD_LENGTH: Final = 2
BAD_TAG: Final = 3
TOO_DEEP: Final = 4
UNEXPECTED_END: Final = 5
UNEXPECTED_FORM: Final = 6
UNKNOWN_RECORD_TYPE: Final = 7
TRAILING_BYTES: Final = 8
TOO_MANY_ROWS: Final = 9
FIRST_VALUE_STATUS: Final = 20
INVALID_TIMESTAMP: Final = 20
INVALID_DIGITS: Final = 21
INVALID_INTEGER: Final = 22
VALUE_OUT_OF_RANGE: Final = 23
INVALID_NETWORK: Final = 24
INVALID_LENGTH: Final = 25
INVALID_DURATION: Final = 26
INVALID_UTC_OFFSET: Final = 40
NEGATIVE_AMOUNT: Final = 41

STATUS_NAMES: Final[dict[int, str]] = {
    TRUNCATED: "truncated",
    BAD_LENGTH: "bad_length",
    BAD_TAG: "bad_tag",
    TOO_DEEP: "too_deep",
    UNEXPECTED_END: "unexpected_end",
    UNEXPECTED_FORM: "unexpected_form",
    UNKNOWN_RECORD_TYPE: "unknown_record_type",
    TRAILING_BYTES: "trailing_bytes",
    TOO_MANY_ROWS: "too_many_rows",
    INVALID_TIMESTAMP: "invalid_timestamp",
    INVALID_DIGITS: "invalid_digits",
    INVALID_INTEGER: "invalid_integer",
    VALUE_OUT_OF_RANGE: "value_out_of_range",
    INVALID_NETWORK: "invalid_network",
    INVALID_LENGTH: "invalid_length",
    INVALID_DURATION: "invalid_duration",
    INVALID_UTC_OFFSET: "invalid_utc_offset",
    NEGATIVE_AMOUNT: "negative_amount",
}
"""Status to the reason that a suspended record carries."""

STATUS_DETAILS: Final[dict[int, str]] = {
    TRUNCATED: "An element claims more octets than its container or the record has.",
    BAD_LENGTH: "A length has more than 4 octets, is reserved, or is indefinite on a primitive.",
    BAD_TAG: "A tag number has more than 4 octets.",
    TOO_DEEP: "Elements are nested deeper than 32 levels.",
    UNEXPECTED_END: "An end-of-contents mark stands where no indefinite length is open.",
    UNEXPECTED_FORM: "A field is constructed where its type is primitive, or the reverse.",
    UNKNOWN_RECORD_TYPE: "The record's tag is none of the record types that the format maps.",
    TRAILING_BYTES: "The record ends before the bytes that were framed for it.",
    TOO_MANY_ROWS: "The record has more than 1,024 containers.",
    INVALID_TIMESTAMP: "A date or time has the wrong number of octets or digits, or is impossible.",
    INVALID_DIGITS: "A digit string holds something other than digits, or more than 18 of them.",
    INVALID_INTEGER: "An integer has no octets or more than 8.",
    VALUE_OUT_OF_RANGE: "A value does not fit its EDR column.",
    INVALID_NETWORK: "A PLMN identifier is not 3 octets of BCD.",
    INVALID_LENGTH: "An octet string is longer than its column can hold.",
    INVALID_DURATION: "A duration in hours, minutes and seconds has the wrong octets or digits.",
    INVALID_UTC_OFFSET: "An offset from UTC is not a sign and four digits up to 15:59.",
    NEGATIVE_AMOUNT: "An amount or a volume is negative; refunds have a mark of their own.",
}
"""Status to one sentence for the person who looks at the record."""

MAX_DEPTH: Final = 32
MAX_ROWS: Final = 1024
FLUSH_ROWS: Final = 64
"""Rows that are decoded row by row before they move to the columns: they fit the L1 cache."""

# A NumberPlan as an int64 array: cells with a fixed place, then the tables of prefixes.
SET_COUNTRY: Final = 0
SET_COUNTRY_LENGTH: Final = 1
SET_NATIONAL_MIN: Final = 2
SET_NATIONAL_MAX: Final = 3
SET_E164_MIN: Final = 4
SET_E164_MAX: Final = 5
SET_LEADING_ZERO: Final = 6
SET_SPANS: Final = 16
"""Per reading: where its places begin and how many there are; a place is (digits, entry)."""
SET_REPAIR_INTEGERS: Final = 25
"""1: a negative integer is a counter that lost its leading zero octet."""
SET_PLAIN: Final = 26
"""Per reading, text included: PLAIN_WIDTH cells about the numbers that need no look at prefixes."""
SET_READINGS: Final = 42
"""128 cells: reading by type of number and numbering plan, the octet without its highest bit."""
SET_TABLES: Final = 170

# Numbers of a reading without any prefix: left-aligned digits from PLAIN_FROM on, of so many
# digits, become themselves with the digits PLAIN_FRONT before them.
PLAIN_WIDTH: Final = 4
PLAIN_FROM: Final = 0
PLAIN_SHORTEST: Final = 1
PLAIN_LONGEST: Final = 2
PLAIN_FRONT: Final = 3

# How digits are read.
READ_UNKNOWN: Final = 0
READ_INTERNATIONAL: Final = 1
READ_NATIONAL: Final = 2
READ_TEXT: Final = 3

# Layout of a prefix; what stands behind one is read as its PRE_WHAT says.
PRE_WIDTH: Final = 6
PRE_WHAT: Final = 0
PRE_STRIP: Final = 1
PRE_SHORTEST: Final = 2
PRE_LONGEST: Final = 3
PRE_SHORTER: Final = 4
"""The next prefix to try, -1 none."""
PRE_DIGITS: Final = 5
"""Its digits as a number: of a prefix without any digits behind, what is to be taken away."""

PRE_INTERNATIONAL: Final = 0
PRE_NATIONAL: Final = 1
PRE_NETWORK: Final = 2
PRE_SHORT_CODE: Final = 3
