"""What subscribers of the demo operator buy and are granted beside their plans; tiers of its groups."""

from __future__ import annotations

import numpy as np
import polars as pl

MONTH = "2026-10"
PACKS = (("pack_5", 10), ("pack_20", 8), ("pack_50", 4), ("pack_100", 2), ("pack_200", 1))
"""Data packs and how often each is bought."""
BUYERS = 0.06
"""Share of cards that buy a pack in the month."""
SUBSCRIPTIONS = (("news", 0.03), ("music", 0.02), ("day_pass_asia", 0.02))
"""Options that are had for months, and the share of cards that have them."""
LEAVERS = 0.15
"""Share of subscriptions that end in the month."""
TIERS = ("A1", "A2", "B1", "B2", "C")
KEY_TIERS = (("diamond", 0.05), ("gold", 0.10), ("silver", 0.15), ("high_value", 0.20))
"""Tiers of customers who spend much, and their shares of the cards of dear plans."""
DEAR_PLANS = ("family_156", "data_200", "globe_298")
LIMITED = 0.25
"""Share of cards with a credit limit, sub cards apart."""
LIMITS = (100, 200, 500)
RAISED = 300
"""What a later row of a card has more: a deposit was paid."""


def make_options(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Returns the table of `options.csv`: packs bought in the month, subscriptions.

    Args:
        frame: The table of `subscribers.csv`.
        seed: The same seed gives the same table.
    """
    rng = np.random.default_rng([seed, 3])
    plain = (frame["subscriber_id"].is_unique() & (frame["role"] != "sub")).to_numpy()
    steady = plain & (frame["valid_to"] == "").to_numpy()
    steady &= (frame["valid_from"] < f"{MONTH}-01").to_numpy()
    who = np.flatnonzero(steady)
    weights = np.asarray([weight for _, weight in PACKS])
    buyers = who[rng.random(len(who)) < BUYERS]
    packs = np.asarray([name for name, _ in PACKS])
    bought = packs[rng.choice(len(packs), len(buyers), p=weights / weights.sum())]
    tables = [_table(frame, buyers, bought, _day(rng, len(buyers)), np.full(len(buyers), ""))]
    for name, share in SUBSCRIPTIONS:
        rows = who[rng.random(len(who)) < share]
        count = len(rows)
        since = np.where(rng.random(count) < 0.3, _day(rng, count, 1, 15), "2026-06-01")
        until = np.where(rng.random(count) < LEAVERS, _day(rng, count, 16, 29), "")
        tables.append(_table(frame, rows, np.full(count, name), since, until))
    return pl.concat(tables).sort("subscriber_id", "valid_from", "option", maintain_order=True)


def _day(rng: np.random.Generator, count: int, low: int = 1, high: int = 29) -> np.ndarray:
    """Returns random days of the month as ISO dates."""
    return np.asarray([f"{MONTH}-{day:02}" for day in rng.integers(low, high, count)], dtype="U10")


def _table(
    frame: pl.DataFrame, rows: np.ndarray, option: np.ndarray, since: np.ndarray, until: np.ndarray
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subscriber_id": frame["subscriber_id"].gather(rows),
            "option": pl.Series(option, dtype=pl.String),
            "valid_from": pl.Series(since, dtype=pl.String),
            "valid_to": pl.Series(until, dtype=pl.String),
        }
    )


def with_terms(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Returns the table of `subscribers.csv` with `tier` and `credit_limit`; empty text: none.

    Args:
        frame: One row per validity period, with `index`, the number of the card.
        seed: The same seed gives the same columns.
    """
    rng = np.random.default_rng([seed, 5])
    cards = int(frame["index"].max()) + 1  # type: ignore[arg-type]
    bounds = np.cumsum([share for _, share in KEY_TIERS])
    names = np.asarray([*(name for name, _ in KEY_TIERS), ""])
    tier = names[np.searchsorted(bounds, rng.random(cards), side="right")]
    limit = np.asarray(LIMITS)[rng.integers(0, len(LIMITS), cards)]
    limited = rng.random(cards) < LIMITED
    card = frame["index"].to_numpy()
    later = ~frame["subscriber_id"].is_first_distinct()
    granted = pl.Series(limit[card]) + pl.Series(later).cast(pl.Int64) * RAISED
    has_limit = pl.Series(limited[card]) & (frame["role"] != "sub")
    return frame.with_columns(
        pl.when(pl.col("plan").is_in(DEAR_PLANS))
        .then(pl.Series(tier[card], dtype=pl.String))
        .otherwise(pl.lit(""))
        .alias("tier"),
        pl.when(has_limit)
        .then(granted.cast(pl.String) + ".00")
        .otherwise(pl.lit(""))
        .alias("credit_limit"),
    )


def make_groups(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Returns the table of `groups.csv`: tier and contract of each VPMN group.

    Args:
        frame: The table of `subscribers.csv`.
        seed: The same seed gives the same table.
    """
    rng = np.random.default_rng([seed, 4])
    names = frame.filter(pl.col("vpmn_group") != "")["vpmn_group"].unique().sort()
    tiers = np.asarray(TIERS)[rng.integers(0, len(TIERS), len(names))]
    return pl.DataFrame(
        {
            "group": names,
            "tier": pl.Series(tiers, dtype=pl.String),
            "contract": "C-" + names,
            "valid_from": pl.Series(["2025-01-01"] * len(names), dtype=pl.String),
            "valid_to": pl.Series([""] * len(names), dtype=pl.String),
        }
    )


def make_payers(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns the table of `payers.csv`: the company of the first VPMN group pays its members' work.

    Args:
        frame: The table of `subscribers.csv`.
    """
    grouped = frame.filter(pl.col("vpmn_group") != "")
    first = "".join(grouped["vpmn_group"].unique().sort().head(1))
    members = grouped.filter(pl.col("vpmn_group") == first)["subscriber_id"].unique().sort()
    count = len(members)
    return pl.DataFrame(
        {
            "subscriber_id": members,
            "payment": pl.Series(["work"] * count, dtype=pl.String),
            "account_id": pl.Series([f"A-{first}"] * count, dtype=pl.String),
            "valid_from": pl.Series(["2025-01-01"] * count, dtype=pl.String),
            "valid_to": pl.Series([""] * count, dtype=pl.String),
        }
    )
