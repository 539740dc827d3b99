"""Numbers shared by the plan compiler, the kernels of flat formats and their twin.

Kernels freeze globals into their cached code, so these never change their value: a new codec or
status takes the next free number.
"""

from __future__ import annotations

from typing import Final

# Layout of one field in `fields` (int32, FIELD_WIDTH per field).
FIELD_WIDTH: Final = 3
FLD_AT: Final = 0
FLD_OCTETS: Final = 1
FLD_FORM: Final = 2

# Layout of one action in `actions` (int64, ACTION_WIDTH per action).
ACTION_WIDTH: Final = 15
ACT_CODEC: Final = 0
ACT_SLOT: Final = 1
ACT_SLOT2: Final = 2
ACT_LOW: Final = 3
ACT_HIGH: Final = 4
ACT_FIELD: Final = 5  # and the two behind it, for a time in up to three pieces
ACT_PARAM: Final = 8  # and the two behind it
ACT_FALLBACK: Final = 11  # 1: only if the column has no value yet
ACT_WHEN: Final = 12  # number of the field that a condition is about, -1 for none
ACT_WORD: Final = 13  # number of the word that it must have, -1: it must be there
ACT_DIFFERS: Final = 14  # 1: any other word, or none; without a word: 1 if it must be there

# Layout of one record type in `types` (int64, TYPE_WIDTH per type).
TYPE_WIDTH: Final = 4
TYP_FIRST: Final = 0
TYP_STOP: Final = 1
TYP_LEAST: Final = 2
TYP_MOST: Final = 3

# The cells of `rules` (int64[RULE_CELLS]): how values and lines are written.
RULE_CELLS: Final = 20
SEPARATOR: Final = 0
QUOTE: Final = 1
DECIMAL: Final = 2
THOUSANDS: Final = 3
CHARSET: Final = 4
TYPE_FIELD: Final = 5
LONGEST: Final = 6
HEADER_LINES: Final = 7
RECORD_OCTETS: Final = 8
SHORTEST: Final = 9
FILLER: Final = 10
LENGTH_FIELD: Final = 11  # numbers of fields, -1 for none, from here on
BLOCK_OCTETS: Final = 12
BLOCK_HEADER: Final = 13
BLOCK_TRAILER: Final = 14
TIMES_FIELD: Final = 15
HEADER_LENGTH_FIELD: Final = 16
USED_FIELD: Final = 17

# Character sets as far as a kernel checks them.
ANY: Final = 0
ASCII: Final = 1
UTF8: Final = 2

# Forms: how the octets of a field are written.
TEXT: Final = 0
BCD: Final = 1
TBCD: Final = 2
BCD_LITTLE: Final = 3
HEX: Final = 4
UNSIGNED_BIG: Final = 5
UNSIGNED_LITTLE: Final = 6
SIGNED_BIG: Final = 7
SIGNED_LITTLE: Final = 8

# Codecs.
DECIMAL_NUMBER: Final = 0
DIGITS: Final = 1
IMEI: Final = 2
NUMBER: Final = 3
DIALLED: Final = 4
TIME: Final = 5
EPOCH: Final = 6
HEX_NUMBER: Final = 7
WORDS: Final = 8
NETWORK: Final = 9
LOOKUP: Final = 10
CONSTANT_WORDS: Final = 11
CONSTANT_NUMBER: Final = 12
BETWEEN: Final = 13

# Rounding of a decimal number to the unit of its column.
EXACT: Final = 0
NEAREST: Final = 1
UP: Final = 2
DOWN: Final = 3

# Tokens of a time pattern; numbers from 32 on are the characters themselves, 0 ends it.
YEAR: Final = 1
YEAR_2: Final = 2
CENTURY: Final = 3
MONTH: Final = 4
DAY: Final = 5
HOUR: Final = 6
MINUTE: Final = 7
SECOND: Final = 8
FRACTION: Final = 9
ZONE: Final = 10
MONTH_NAME: Final = 11
HALF_DAY: Final = 12
MONTH_1: Final = 13
DAY_1: Final = 14
HOUR_1: Final = 15

# Cells of the clock that a pattern fills (int64[CLOCK_CELLS]).
CLOCK_CELLS: Final = 9
CLK_YEAR: Final = 0
CLK_MONTH: Final = 1
CLK_DAY: Final = 2
CLK_HOUR: Final = 3
CLK_MINUTE: Final = 4
CLK_SECOND: Final = 5
CLK_MICRO: Final = 6
CLK_OFFSET: Final = 7
CLK_HALF: Final = 8

# Statuses of a record; from FIRST_VALUE_STATUS on it can be read, and a value makes no sense.
OK: Final = 0
FIELD_COUNT: Final = 1
BAD_QUOTE: Final = 2
UNKNOWN_RECORD_TYPE: Final = 3
RECORD_LENGTH: Final = 4
FIRST_VALUE_STATUS: Final = 20
INVALID_TIMESTAMP: Final = 20
INVALID_DIGITS: Final = 21
INVALID_NUMBER: Final = 22
VALUE_OUT_OF_RANGE: Final = 23
INVALID_NETWORK: Final = 24
INVALID_TEXT: Final = 25

STATUS_NAMES: Final[dict[int, str]] = {
    FIELD_COUNT: "wrong_field_count",
    BAD_QUOTE: "bad_quote",
    UNKNOWN_RECORD_TYPE: "unknown_record_type",
    RECORD_LENGTH: "wrong_record_length",
    INVALID_TIMESTAMP: "invalid_timestamp",
    INVALID_DIGITS: "invalid_digits",
    INVALID_NUMBER: "invalid_number",
    VALUE_OUT_OF_RANGE: "value_out_of_range",
    INVALID_NETWORK: "invalid_network",
    INVALID_TEXT: "invalid_text",
}
"""Status to the reason that a suspended record carries."""

STATUS_DETAILS: Final[dict[int, str]] = {
    FIELD_COUNT: "The line has more or fewer fields than its record type.",
    BAD_QUOTE: "A quoted field does not end, or something stands behind its closing quote.",
    UNKNOWN_RECORD_TYPE: "The record's type is none of the record types that the format maps.",
    RECORD_LENGTH: "The record is longer or shorter than its type.",
    INVALID_TIMESTAMP: "A time does not fit its pattern, or is no possible date and time.",
    INVALID_DIGITS: "A number holds something other than digits, or more than 18 of them.",
    INVALID_NUMBER: "A quantity is no decimal number of up to 18 digits, or not a whole one.",
    VALUE_OUT_OF_RANGE: "A value does not fit its EDR column.",
    INVALID_NETWORK: "A network is not 5 or 6 digits of MCC and MNC.",
    INVALID_TEXT: "A text holds control characters or is not in the format's encoding.",
}
"""Status to one sentence for the person who looks at the record."""

# Why octets belong to no record.
TOO_LONG: Final = 1
BAD_LENGTH: Final = 2
BAD_BLOCK: Final = 3
NOT_FILLER: Final = 4
TRUNCATED: Final = 5

FRAME_REASONS: Final[dict[int, str]] = {
    TOO_LONG: "record_too_long",
    BAD_LENGTH: "bad_record_length",
    BAD_BLOCK: "bad_block_header",
    NOT_FILLER: "not_filler",
    TRUNCATED: "truncated",
}
"""Reason of unframed octets by code."""

# Cells of the framing state (int64[STATE_CELLS]).
STATE_CELLS: Final = 7
POSITION: Final = 0
RECORDS: Final = 1
SPECIALS: Final = 2
GAPS: Final = 3
FILLED: Final = 4
HEADERS: Final = 5
LINES: Final = 6

FAULT_BITS: Final = 48
"""Bits of a fault that are its offset; the field at fault stands above them."""

# What a framed piece is; record types count from FIRST_TYPE on.
HEADER: Final = 0
TRAILER: Final = 1
FIRST_TYPE: Final = 2
