"""Guiding and classification, one event at a time, by plain scans and dictionaries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mediation.edr import DIRECTIONS, SERVICES
from rating import reasons
from rating.cycles import to_us
from rating.kernels import guide as status
from rating.partner import in_book_currency
from rating.reference.places import named_zone, where
from rating.reference.steps import NotRatedError, Step
from rating.schema import RUM_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook


@dataclass(frozen=True, slots=True)
class Event:
    """An event that is guided and classified. Codes are indexes in the compiled book's names."""

    period: int
    start: int
    """UTC microseconds."""
    offset: int | None
    """Minutes that the switch wrote."""
    service: int
    direction: int
    other: int | None
    call_class: int
    zone: int
    roaming: int
    class_id: int
    epoch: int
    rule: int
    quantity: int
    friend: bool
    in_group: bool
    continues: bool
    """Another record or container began it."""
    steps: tuple[Step, ...]


def classify(row: Mapping[str, Any], book: CompiledBook, data: Subscribers) -> Event:
    """Guides and classifies one EDR given as a mapping of column to value.

    Raises:
        NotRatedError: With the reason's status.
    """
    service, direction = SERVICES.index(row["service"]), DIRECTIONS.index(row["direction"])
    usage = int(book.usage_index[service * len(DIRECTIONS) + direction])
    if usage < 0:
        raise NotRatedError(reasons.NOT_CHARGED)
    start = _micros(row["start_time"])
    period = _guide(row, data, start)
    plan = int(data.plan[period])
    roaming, visited = where(row, book, data, period)
    zone = named_zone(row, book, start)
    zone = _zone(row, book) if zone is None else zone
    if book.places.route.size and zone > 0 and row["direction"] in {"originating", "forwarded"}:
        origin = visited or int(data.area[period])
        if not visited and roaming:
            origin = len(book.areas) + roaming
        zone = int(book.places.route[origin * len(book.zones) + zone])
    if zone < 0:
        raise NotRatedError(status.NO_ZONE)
    other = row.get("other_number")
    call_class, in_group = _call_class(book, data, period, zone, other, start, visited)
    class_id = ((usage * len(book.call_classes) + call_class) * len(book.zones) + zone) * len(
        book.roaming_classes
    ) + roaming
    epoch = max(at for at, begin in enumerate(book.epoch_start_us) if begin <= start)
    rule = rule_at(book, epoch, plan, class_id)
    if rule < 0:
        raise NotRatedError(status.UNKNOWN_NETWORK if roaming == 1 else status.NO_PRICE)
    quantity = _quantity(row, int(book.rule_rum[rule]), start, book)
    friend = other is not None and _friend(data, int(data.subscriber[period]), other, start)
    unit = RUM_UNITS[book.rule_rum[rule]]
    steps = (
        Step(
            "guide", f"Subscriber {data.names[data.subscriber[period]]}, plan {book.plans[plan]}."
        ),
        Step(
            "classify",
            f"{row['service']} {row['direction']}, call class {book.call_classes[call_class]}, "
            f"zone {book.zones[zone]}, roaming {book.roaming_classes[roaming]}.",
            facts={"friend": friend, "group": in_group},
        ),
        Step(
            "rule",
            f"Rule {book.rules[rule]} measures {quantity} {unit}.",
            facts={"rule": book.rules[rule], "quantity": quantity, "unit": unit},
        ),
    )
    return Event(
        period,
        start,
        row.get("utc_offset"),
        service,
        direction,
        other,
        call_class,
        zone,
        roaming,
        class_id,
        epoch,
        rule,
        quantity,
        friend,
        in_group,
        (row.get("container", 0) > 0 and row.get("charging_id") is not None)
        or (row.get("partial_sequence") or 0) > 1,
        steps,
    )


def rule_at(book: CompiledBook, epoch: int, plan: int, class_id: int) -> int:
    """Returns the rule of a class in a plan and epoch, -1 if there is no price."""
    return int(book.rule_of[book.rule_table[epoch * len(book.plans) + plan] + class_id])


def _micros(when: dt.datetime | int) -> int:
    """Returns UTC microseconds of a datetime, or of what is UTC microseconds already."""
    return to_us(when) if isinstance(when, dt.datetime) else int(when)


def _valid(rows: np.ndarray[Any, Any], data: Subscribers, at: int) -> int | None:
    """Returns the one row that is valid at an instant."""
    for row in rows.tolist():
        if data.valid_from[row] <= at < data.valid_to[row]:
            return int(row)
    return None


def _guide(row: Mapping[str, Any], data: Subscribers, start: int) -> int:
    """Returns the period: by IMSI, by number only if the IMSI is missing or was never known."""
    rows = np.array([], np.int64)
    if row.get("served_imsi") is not None:
        rows = np.flatnonzero(data.imsi == row["served_imsi"])
    if not len(rows) and row.get("served_msisdn") is not None:
        rows = np.flatnonzero(data.msisdn == row["served_msisdn"])
    found = _valid(rows, data, start)
    if not len(rows) and row.get("served_imsi") is not None:
        for tail in (10**9, 10**10):  # MCC and an MNC of three digits, then of two
            network = np.flatnonzero(data.imsi == row["served_imsi"] // tail)
            found = _valid(network, data, start) if found is None else found
    if found is None:
        raise NotRatedError(status.UNKNOWN_SUBSCRIBER)
    return found


def _zone(row: Mapping[str, Any], book: CompiledBook) -> int:
    """Returns the zone of the other party, 0 where there is none, -1 where nothing fits."""
    number, text = row.get("other_number"), row.get("other_text")
    if number is None:
        return 0 if text is None else book.short_codes.get(text, -1)
    entry = 0  # a node, or where nothing longer follows the answer as -2-zone
    for digit in str(number)[:15]:
        entry = int(book.lpm_child[entry * 10 + int(digit)])
        if entry < 0:
            return -2 - entry
    return int(book.lpm_value[entry])


def _call_class(
    book: CompiledBook,
    data: Subscribers,
    period: int,
    zone: int,
    other: int | None,
    start: int,
    visited: int,
) -> tuple[int, bool]:
    """Returns (call class, whether the other party is in the subscriber's VPMN group)."""
    names = book.call_classes
    name = names[book.zone_class[zone]]
    if name not in {"local", "long_distance"}:
        return names.index(name), False
    them = None if other is None else _valid(np.flatnonzero(data.msisdn == other), data, start)
    if them is not None:
        if data.vpmn[period] != 0 and data.vpmn[them] == data.vpmn[period]:
            return names.index("group"), True
        return names.index("on_net"), False
    area = int(book.zone_area[zone])
    near = area != 0 and area == data.area[period]
    here = area != 0 and area == visited
    return names.index("local" if near else "same_place" if here else "long_distance"), False


def _quantity(row: Mapping[str, Any], rum: int, start: int, book: CompiledBook) -> int:
    """Returns the measured quantity in the rule's metric."""
    uplink, downlink = int(row["uplink"]), int(row["downlink"])
    most = status.LARGEST_QUANTITY // 2
    if not (0 <= uplink <= most and 0 <= downlink <= most):
        raise NotRatedError(status.IMPLAUSIBLE_QUANTITY)
    charge, currency = row.get("partner_charge"), row.get("partner_currency")
    partner = None
    if charge is not None and currency is not None:
        partner = in_book_currency(charge, currency, start, book)
    if rum == status.PARTNER_CHARGE and partner is None:
        raise NotRatedError(status.NO_PARTNER_CHARGE)
    measured = (row["duration"], uplink + downlink, uplink, downlink, row["events"], partner or 0)
    quantity = int(measured[rum])
    largest = status.LONGEST_SECONDS if rum == 0 else status.LARGEST_QUANTITY
    if not 0 <= quantity <= largest:
        raise NotRatedError(status.IMPLAUSIBLE_QUANTITY)
    return quantity


def _friend(data: Subscribers, subscriber: int, other: int, start: int) -> bool:
    """Returns whether the other party is one of the subscriber's friends at that time."""
    rows = np.flatnonzero((data.friend_subscriber == subscriber) & (data.friend_number == other))
    return any(data.friend_from[row] <= start < data.friend_to[row] for row in rows)
