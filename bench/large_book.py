"""A tariff book of any size as files: plans that inherit, price their own and override."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

ZONES = 300
NATIONAL = 20
OWN_PRICES = 4
"""Prices of the base plan that each plan replaces with its own."""
FIRST_PREFIX, LAST_PREFIX = 1_000_000, 9_999_999
SEED = 3

BOOK = """\
currency: CNY
time_zone: Asia/Shanghai
country_code: 86
valid_from: 2026-01-01
taxes:
  vat: {rate: 9 %, included: yes}
gl_codes:
  4010: Usage
services:
  voice: {tax: vat, gl_code: 4010}
  sms: {tax: vat, gl_code: 4010}
  data: {tax: vat, gl_code: 4010}
areas: [north, south]
roaming_classes: [asia, europe]
"""
TIME_MODELS = """\
day_night:
  bands:
    - {band: peak, from: 08:00, to: 20:00}
  otherwise: off_peak
"""


def write_large_book(folder: Path, prefixes: int, plans: int) -> None:
    """Writes a book with so many prefixes in 300 zones and so many plans.

    Each plan inherits 600 rules and replaces some of their prices, which change once in the year;
    one plan in ten has rules of its own before them.
    """
    (folder / "plans").mkdir(parents=True)
    (folder / "book.yaml").write_text(BOOK)
    (folder / "time_models.yaml").write_text(TIME_MODELS)
    (folder / "networks.csv").write_text(
        "network,roaming\n460-00,home\n440-10,asia\n234-30,europe\n"
    )
    rows = [
        f"z{zone:03d},{'national,north' if zone < NATIONAL else 'international,'}"
        for zone in range(ZONES)
    ]
    (folder / "zones.csv").write_text("\n".join(["zone,call_class,area", *rows]) + "\n")
    rng = np.random.default_rng(SEED)
    numbers = np.arange(FIRST_PREFIX, LAST_PREFIX + 1)
    prefix = np.sort(rng.choice(numbers, prefixes, replace=False))
    zone = rng.integers(0, ZONES, prefixes)
    lines = [f"{p},z{z:03d}" for p, z in zip(prefix.tolist(), zone.tolist(), strict=True)]
    (folder / "numbers.csv").write_text("\n".join(["prefix,zone", *lines]) + "\n")
    (folder / "plans" / "base.yaml").write_text(_base())
    for plan in range(plans):
        (folder / "plans" / f"p{plan:05d}.yaml").write_text(_plan(plan))


def _base() -> str:
    """Returns the template: a price and two rules for each zone, and data."""
    prices = [
        f"  z{zone:03d}: {{price: {{2020-01-01: 0.{zone % 90 + 10}, 2026-07-01: 0.{zone % 80 + 10}}},"
        " per: 60 s, beat: 6 s}"
        for zone in range(ZONES)
    ]
    rules = [
        line
        for zone in range(ZONES)
        for line in (
            (
                f"  - {{id: v{zone:03d}, time: day_night, when: {{service: voice, zone: z{zone:03d}}},"
                f" price: {{peak: z{zone:03d}, off_peak: free}}}}"
            ),
            f"  - {{id: s{zone:03d}, when: {{service: sms, zone: z{zone:03d}}}, price: message}}",
        )
    ]
    return "\n".join(
        [
            "name: Base",
            "template: yes",
            "prices:",
            "  message: {price: 0.10, per: 1 message}",
            "  volume: {price: 0.29, per: 1 MiB, beat: 1 KiB}",
            *prices,
            "rules:",
            *rules,
            "  - {id: incoming, when: {direction: terminating}, price: free}",
            "  - {id: data, when: {service: data}, price: volume}",
            "",
        ]
    )


def _plan(plan: int) -> str:
    """Returns a plan: four prices of its own, an allowance, and for one in ten a rule."""
    lines = ["name: P", "inherits: base", "prices:"]
    lines += [
        f"  z{(plan * OWN_PRICES + k) % ZONES:03d}: {{price: 0.{plan % 900 + 100}, per: 60 s}}"
        for k in range(OWN_PRICES)
    ]
    if plan % 10 == 0:
        lines += ["rules:", "  - {id: home, when: {service: voice, zone: z000}, price: free}"]
    lines += [
        "allowances:",
        (
            f"  - {{id: m, name: Minutes, quantity: {plan % 50 * 10 + 50} min,"
            " when: {service: voice, roaming: home}}"
        ),
    ]
    return "\n".join(lines) + "\n"
