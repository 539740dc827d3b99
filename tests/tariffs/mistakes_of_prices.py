"""Mistakes in kinds of steps, places, networks, currencies and number decks, one of each kind."""

from __future__ import annotations

from tests.tariffs.changes import Mistakes, price

MISTAKES: Mistakes = {
    "kind of steps": (
        price("{kind: volumen, steps: [{price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("'volumen'", "volume"),
    ),
    "flat beside price": (
        price("{steps: [{flat: 1, price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("'price' stands beside flat",),
    ),
    "step without price": (
        price("{steps: [{price: 1, per: 60 s}, {from: 60 s}]}"),
        "prices.yaml",
        2,
        ("lacks a price", "flat"),
    ),
    "flat that counts nothing": (
        price("{flat: 1}"),
        "prices.yaml",
        2,
        ("what the price counts", "measure"),
    ),
}
