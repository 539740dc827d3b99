"""A compiled book as the pricing kernel reads it: packed rows, kinds of classes, reciprocals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rating.kernels import arrays as layout
from rating.kernels.guide import FRIEND, GROUP
from rating.kernels.machine import DIVISOR_WORDS, divisor_rows
from rating.offers import offers
from rating.room import aligned
from tariffs.compiled import DISCOUNT_KINDS, STEP_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tariffs.compiled import CompiledBook, Int8, Int16, Int32, Int64, UInt8

_NO_MAXIMUM = -1
DAY_MINUTES = 1440


def price_arrays(book: CompiledBook) -> layout.PriceArrays:
    """Returns the part of a book that pricing reads."""
    divisors = np.unique(np.concatenate([book.step_per, book.step_beat, book.alw_beat]))
    # the rounding unit is row 0; a beat of 0 is the price's
    divisors = np.concatenate([[book.round_unit], divisors[divisors > 0]])
    price_line, first_word = _price_lines(book, divisors)
    matches = (book.alw_match, book.lim_match, book.disc_match, book.cap_match, book.cnt_match)
    kind, samples = class_kinds(matches, book.n_classes)

    def by_kind(match: UInt8) -> UInt8:
        return np.ascontiguousarray(match.reshape(-1, book.n_classes)[:, samples]).reshape(-1)

    unit = book.round_unit
    sizes = (
        len(book.bands),
        len(book.day_types),
        book.day0 + layout.DAYS_BEFORE,
        len(book.plans),
        len(samples),
        book.round_mode,
        len(book.caps),
        (unit - (unit >> 1), 0, 1, unit)[book.round_mode],
    )
    day_row, minute_band, minute_until = _days(book)
    return layout.PriceArrays(
        epoch_end=np.append(book.epoch_start_us[1:], layout.FAR),
        rule_table=book.rule_table,
        rule_of=book.rule_of,
        rule=_rules(book, first_word),
        rule_minimum=book.rule_minimum,
        price_line=price_line,
        divisor=divisor_rows(divisors),
        day_row=day_row,
        minute_band=minute_band,
        minute_until=minute_until,
        day_type=book.day_type,
        tz_utc_us=book.tz_utc_us,
        tz_until_us=np.append(book.tz_utc_us[1:], layout.FAR),
        tz_offset_min=book.tz_offset_min,
        class_kind=kind,
        allowance=_rows(
            layout.ALLOWANCE_WORDS,
            book.alw_priority,
            book.alw_rum,
            book.alw_bands,
            np.where(book.alw_beat > 0, _places(divisors, book.alw_beat), -1),
        ),
        allowance_match=by_kind(book.alw_match),
        limit_match=by_kind(book.lim_match),
        **offers(book, by_kind(book.disc_match), _asked(book), len(samples))._asdict(),
        discount=_discounts(book),
        discount_after=_rows(
            2,
            np.where(book.disc_count >= 0, len(book.caps) + book.disc_count, -1),
            book.disc_after,
        ),
        cap_amount=book.cap_amount,
        cap_match=np.append(
            by_kind(book.cap_match), np.zeros(len(book.counts) * len(samples), np.uint8)
        ),
        count_match=by_kind(book.cnt_match),
        count_rum=book.cnt_rum.astype(np.int64),
        sizes=np.array(sizes, np.int64),
    )


def class_kinds(matches: Iterable[UInt8], n_classes: int) -> tuple[Int32, Int64]:
    """Returns the kind of each class and one class of each kind.

    Two classes are of one kind if every row of ``matches`` (flat, ``n_classes`` to a row) is equal
    for both.
    """
    kind = np.zeros(n_classes, np.int64)
    rows = np.concatenate([match.reshape(-1, n_classes) for match in matches])
    for first in range(0, len(rows), 32):
        bits = np.zeros(n_classes, np.int64)
        for row in rows[first : first + 32]:
            bits = bits << 1 | row
        _, kind = np.unique(kind << 32 | bits, return_inverse=True)
    _, samples = np.unique(kind, return_index=True)
    return kind.astype(np.int32), samples


def _days(book: CompiledBook) -> tuple[Int32, Int8, Int16]:
    """Returns the days of the time models, those that are alike once: nearly every event reads one."""
    band = book.tm_band.reshape(-1, DAY_MINUTES)
    until = book.tm_until.reshape(-1, DAY_MINUTES)
    both = np.hstack([band.astype(np.int16), until])
    _, first, row = np.unique(both, axis=0, return_index=True, return_inverse=True)
    where = (DAY_MINUTES * row.reshape(-1)).astype(np.int32)
    return where, band[first].reshape(-1), until[first].reshape(-1)


def _rows(words: int, *columns: NDArray[Any]) -> Int64:
    """Returns columns of equal length as rows of so many words."""
    rows = aligned(words * len(columns[0]))
    for word, column in enumerate(columns):
        rows[word::words] = column
    return rows


def _places(divisors: Int64, values: Int64) -> Int64:
    """Returns where in the divisors' rows each value stands."""
    return DIVISOR_WORDS * (1 + np.searchsorted(divisors[1:], values)).astype(np.int64)


def _rules(book: CompiledBook, first_word: Int32) -> Int32:
    """Returns the rows of rules (:mod:`rating.kernels.arrays`)."""
    rum = book.rule_rum.astype(np.int64)
    split = np.where(rum == 0, book.rule_split, 0).astype(np.int64)
    rows = np.empty((book.n_rules, layout.RULE_HEAD + len(book.bands)), np.int32)
    rows[:, 0] = (
        split
        | (book.rule_clock != 0) * np.int64(layout.BOOK_CLOCK)
        | (book.rule_zero_duration != 0) * np.int64(layout.ZERO_FREE)
        | (book.rule_minimum > 0) * np.int64(layout.HAS_MINIMUM)
        | rum << layout.RUM_SHIFT
        | book.rule_time_model.astype(np.int64) << layout.TIME_MODEL_SHIFT
    )
    # one more than the last price: what -1 finds
    prices = np.append(first_word, np.int32(layout.NO_MODEL))[book.rule_band_price]
    rows[:, layout.RULE_HEAD :] = prices.reshape(book.n_rules, -1)
    rows[book.rule_free != 0, layout.RULE_HEAD :] = layout.FREE_PIECE
    return rows.reshape(-1)


def _price_lines(book: CompiledBook, divisors: Int64) -> tuple[Int64, Int32]:
    """Returns the prices as rows of words that begin on cache lines, and where each begins."""
    steps = np.diff(book.pm_step_first).astype(np.int64)
    bounded = (book.pm_min > 0) | (book.pm_max != _NO_MAXIMUM)
    words = layout.FIRST_STEP + layout.STEP_WORDS * steps + 2 * bounded
    first = np.concatenate([[0], np.cumsum((words + 7) // 8 * 8)]) + layout.FIRST_PRICE
    lines = aligned(int(first[-1]))
    lines[layout.FREE_PIECE + 1] = 1 | layout.PLAIN
    head = first[:-1]
    lines[head] = book.pm_connect
    volume = book.pm_kind == STEP_KINDS.index("volume")
    lines[head + 1] = steps + bounded * layout.HAS_BOUNDS + volume * layout.VOLUME
    counted = book.pm_count >= 0
    definition = (len(book.caps) + book.pm_count[counted]).astype(np.int64)
    lines[head[counted] + 1] |= layout.COUNTED | definition << layout.COUNT_SHIFT
    owner = np.repeat(np.arange(len(steps)), steps)
    at = np.arange(len(owner)) - book.pm_step_first[owner]
    at = head[owner] + layout.FIRST_STEP + layout.STEP_WORDS * at
    lines[at] = book.step_from
    lines[at + 1] = book.step_price
    per = np.where(book.step_flat != 0, layout.FLAT_STEP, _places(divisors, book.step_per))
    lines[at + 2] = per << 32 | _places(divisors, book.step_beat)
    plain = _plain(book, owner) & ~(bounded | volume | counted)
    lines[head[plain] + 1] |= layout.PLAIN
    behind = (head + layout.FIRST_STEP + layout.STEP_WORDS * steps)[bounded]
    lines[behind] = book.pm_min[bounded]
    lines[behind + 1] = book.pm_max[bounded]
    return lines, head.astype(np.int32)


def _plain(book: CompiledBook, owner: Int64) -> NDArray[np.bool_]:
    """Returns which prices have one or two steps of whole beats and nothing large in them.

    Args:
        book: The book.
        owner: int64[steps], the price of each step.
    """
    steps = np.diff(book.pm_step_first)
    other = (book.step_flat != 0) | (book.step_per != book.step_beat)
    for amount in (book.step_from, book.step_price, book.step_beat):
        other |= amount >= layout.PLAIN_BELOW
    plain = (steps >= 1) & (steps <= 2) & (book.pm_connect < layout.PLAIN_BELOW)
    plain[owner[other]] = False
    priced = book.rule_band_price.reshape(book.n_rules, -1)[book.rule_minimum > 0]
    plain[priced[priced >= 0]] = False
    return plain


def _asked(book: CompiledBook) -> Int64:
    """Returns the marks of an event that each discount asks for."""
    asked = np.zeros(len(book.disc_value), np.int64)
    asked[book.disc_friends != 0] |= FRIEND
    asked[book.disc_group != 0] |= GROUP
    return asked


def _discounts(book: CompiledBook) -> Int64:
    """Returns the rows of discounts (:mod:`rating.kernels.arrays`)."""
    options = (book.disc_on_connect != 0) * layout.ON_CONNECT
    options |= (book.disc_exclusive != 0) * layout.EXCLUSIVE
    options |= (book.disc_kind == DISCOUNT_KINDS.index("amount")) * layout.AMOUNT_OFF
    options |= (book.disc_kind == DISCOUNT_KINDS.index("price")) * layout.FIXED_PRICE
    return _rows(
        layout.DISCOUNT_WORDS,
        book.disc_from_us,
        book.disc_to_us,
        book.disc_bands,
        np.zeros(len(options), np.int64),
        book.disc_value,
        options,
        book.disc_tiers,
        np.where(book.disc_one_of > 0, np.int64(1) << (book.disc_one_of.astype(np.int64) - 1), 0),
    )
