"""Cuts an event where its price may change: looks at every minute and every price date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rating.cycles import from_us
from rating.kernels import guide as status
from rating.reference.classify import rule_at
from rating.reference.steps import NotRatedError

if TYPE_CHECKING:
    from rating.reference.classify import Event
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

FREE = -2
END = 3
SECOND = 1_000_000
MINUTE = 60 * SECOND
_DAY_ZERO = dt.date(1970, 1, 1)


@dataclass(slots=True)
class Piece:
    """Units [begin, end) of an event that see one price model and one band."""

    begin: int
    end: int
    model: int
    """Price model, FREE where the rule is free."""
    band: int


def cut(event: Event, book: CompiledBook, data: Subscribers) -> list[Piece]:
    """Returns the pieces in order; one piece of no units for an event that measures nothing.

    Raises:
        NotRatedError: If a unit begins where there is no price.
    """
    plan = int(data.plan[event.period])
    seconds = book.rule_rum[event.rule] == 0
    if not seconds or book.rule_split[event.rule] == 0 or event.quantity == 0:
        model, band = _price(event, book, event.rule, event.start)
        return [Piece(0, event.quantity, model, band)]
    if book.rule_split[event.rule] == END:
        moment = event.start + (event.quantity - 1) * SECOND
        model, band = _price(event, book, _rule(event, book, plan, moment), moment)
        return [Piece(0, event.quantity, model, band)]
    pieces: list[Piece] = []
    for begin, end, moment in _stretches(event, book):
        model, band = _price(event, book, _rule(event, book, plan, moment), moment)
        if pieces and (pieces[-1].model, pieces[-1].band) == (model, band):
            pieces[-1].end = end
        else:
            pieces.append(Piece(begin, end, model, band))
    return pieces


def _stretches(event: Event, book: CompiledBook) -> list[tuple[int, int, int]]:
    """Returns (first unit, unit after the last, its beginning) of stretches without any change."""
    finish = event.start + event.quantity * SECOND
    first_minute = event.start // MINUTE * MINUTE
    moments = {event.start, *range(first_minute + MINUTE, finish, MINUTE)}
    moments |= {int(at) for at in book.epoch_start_us if event.start < at < finish}
    units = [
        (-(-(moment - event.start) // SECOND), moment) for moment in sorted(moments)
    ]  # the first unit that begins at or after the moment
    ends = [unit for unit, _ in units[1:]] + [event.quantity]
    return [
        (unit, end, moment)
        for (unit, moment), end in zip(units, ends, strict=True)
        if unit < min(end, event.quantity)
    ]


def _rule(event: Event, book: CompiledBook, plan: int, moment: int) -> int:
    """Returns the rule that holds at a moment inside the event, -1 if there is no price.

    A later rule that measures something else cannot take over a running event.
    """
    rule = event.rule
    for epoch in range(event.epoch + 1, len(book.epoch_start_us)):
        if book.epoch_start_us[epoch] <= moment:
            later = rule_at(book, epoch, plan, event.class_id)
            if later < 0 or book.rule_rum[later] == book.rule_rum[event.rule]:
                rule = later
    return rule


def _price(event: Event, book: CompiledBook, rule: int, moment: int) -> tuple[int, int]:
    """Returns (price model, band) of a rule at a moment."""
    if rule < 0:
        raise NotRatedError(status.NO_PRICE)
    band = band_at(event, book, rule, moment)
    if book.rule_free[rule]:
        return FREE, band
    model = int(book.rule_band_price[rule * len(book.bands) + band])
    if model < 0:
        raise NotRatedError(status.NO_PRICE)
    return model, band


def band_at(event: Event, book: CompiledBook, rule: int, moment: int) -> int:
    """Returns the time band of a moment on the clock that the rule looks at."""
    if book.rule_clock[rule] == 0 and event.offset is not None:
        local = from_us(moment) + dt.timedelta(minutes=event.offset)
    else:
        local = from_us(moment).astimezone(ZoneInfo(book.time_zone))
    day = (local.date() - _DAY_ZERO).days - book.day0
    kind = int(book.day_type[day]) if 0 <= day < len(book.day_type) else local.weekday()
    slot = (int(book.rule_time_model[rule]) * len(book.day_types) + kind) * 1440
    return int(book.tm_band[slot + local.hour * 60 + local.minute])
