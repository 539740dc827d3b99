"""Ways to spoil the sound book of :mod:`tests.tariffs.books`."""

from __future__ import annotations

from tests.tariffs.books import FILES, edited

PLAN = "plans/plain.yaml"
VOICE = "price: {peak: minute, off_peak: cheap}"
Change = dict[str, str | bytes | None]


def added(name: str, text: str | bytes) -> Change:
    return {name: text}


def appended(name: str, text: str) -> Change:
    return {name: FILES[name] + text}


def price(text: str) -> Change:
    return edited("prices.yaml", "cheap: {price: 0.15, per: 60 s}", f"cheap: {text}")


Mistakes = dict[str, tuple[Change, str, int, tuple[str, ...]]]
"""Name: (change, file, line, words that the message must have)."""
