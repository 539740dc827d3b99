"""Mistakes in what plans give: allowances and their limits, one of each kind."""

from __future__ import annotations

from tests.tariffs.books import edited
from tests.tariffs.changes import PLAN, Change, Mistakes

MINUTES = "{id: minutes, quantity: 10 min, when: {service: voice, roaming: home}}"
LINE = 10


def minutes(more: str) -> Change:
    return edited(PLAN, MINUTES, f"{MINUTES[:-1]}, {more}}}")


MISTAKES: Mistakes = {
    "validity of an allowance": (
        minutes("validity: dayly"),
        PLAN,
        LINE,
        ("validity 'dayly'", "Did you mean 'day'?"),
    ),
    "prorated day": (
        minutes("validity: day, prorate: yes"),
        PLAN,
        LINE,
        ("of a day is not prorated", "Leave out prorate"),
    ),
    "throttle in another unit": (
        minutes("throttle: 10 GB"),
        PLAN,
        LINE,
        ("counts bytes and seconds", "one kind of unit"),
    ),
    "limit for everything": (
        minutes("limits: [{quantity: 5 min}]"),
        PLAN,
        LINE,
        ("everything that the allowance covers", "per: member"),
    ),
    "limit of nobody's members": (
        minutes("limits: [{quantity: 5 min, per: member}]"),
        PLAN,
        LINE,
        ("Only a shared allowance has members", "shared: yes"),
    ),
    "limit without a quantity": (
        minutes("limits: [{per: member}], shared: yes"),
        PLAN,
        LINE,
        ("limit lacks quantity",),
    ),
    "limit per what": (
        minutes("limits: [{quantity: 5 min, per: membr}], shared: yes"),
        PLAN,
        LINE,
        ("per 'membr'", "Did you mean 'member'?"),
    ),
    "limit in another unit": (
        minutes("limits: [{quantity: 5 MB, when: {class: local}}]"),
        PLAN,
        LINE,
        ("counts bytes and seconds",),
    ),
}
