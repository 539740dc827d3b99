"""Subscriber data of the demo operator, as large as wanted, always the same for a seed.

Cards come in four kinds: single cards, families (a main card and one to four sub cards that share
a charge group), members of a VPMN group, and the plans of roamers. Some cards start or end inside
the month, change plan or SIM inside it, or take over a number that was given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from traffic.network import AREA_CODES, AREAS, HOME_IMSI_PREFIX, OWN_PREFIX, PLAN_SHARES
from traffic.offers import make_groups, make_options, make_payers, with_terms
from traffic.population import Population

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

COLUMNS = (
    "subscriber_id",
    "account_id",
    "charge_group",
    "msisdn",
    "imsi",
    "plan",
    "role",
    "vpmn_group",
    "home_area",
    "tier",
    "credit_limit",
    "valid_from",
    "valid_to",
)
PLANS = tuple(name for name, _ in PLAN_SHARES)
MAX_SUBSCRIBERS = 2_500_000
MONTH = "2026-10"

_FAMILY = PLANS.index("family_156")
_BUSINESS = PLANS.index("business")
_PAYS_ITSELF = 20
"""One sub card in so many has an account of its own and still shares the family's charge group."""
_CHANGES = {
    "easy": "talk_58",
    "talk_58": "talk_106",
    "talk_106": "night_owl",
    "data_50": "data_200",
}


def make_subscribers(n: int, seed: int) -> pl.DataFrame:
    """Returns the table of `subscribers.csv`: text columns, one row per validity period.

    Args:
        n: Number of subscribers; rows are a few percent more, as some have two periods.
        seed: The same seed gives the same table.

    Raises:
        ValueError: If `n` is below 1 or above what the number plan holds.
    """
    if not 1 <= n <= MAX_SUBSCRIBERS:
        message = f"subscribers: {n} is not allowed; choose 1 to {MAX_SUBSCRIBERS:,}"
        raise ValueError(message)
    rng = np.random.default_rng([seed, 1])
    plan, role, group = _households(n, rng)
    area = _areas(group, rng)
    serial = _serials(area, rng)
    codes = np.asarray(AREA_CODES, dtype=np.int64)[area]
    index = np.arange(1, n + 1, dtype=np.int64)
    family = np.where(plan == _FAMILY, group, 0)
    head = np.where(family > 0, np.searchsorted(group, group, side="left") + 1, index)
    own = (role == 2) & (rng.integers(0, _PAYS_ITSELF, n) == 0)
    frame = pl.DataFrame(
        {
            "index": index,
            "subscriber_id": _names("S", index),
            "account_id": _names("A", np.where(own, index, head)),
            "charge_group": _names("F", family),
            "msisdn": (OWN_PREFIX * 100 + codes) * 1_000_000 + serial,
            "imsi": (HOME_IMSI_PREFIX * 100 + codes) * 100_000_000 + index,
            "plan": np.asarray(PLANS)[plan],
            "role": np.asarray(("single", "main", "sub"))[role],
            "vpmn_group": _names("V", np.where(plan == _BUSINESS, group, 0)),
            "home_area": np.asarray(AREAS)[area],
        },
    )
    return _finish(with_terms(_with_periods(frame, rng), seed))


def _households(n: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Returns plan, role (0 single, 1 main, 2 sub) and group number (0 none), groups last."""
    shares = dict(PLAN_SHARES)
    families = _sizes(int(n * shares["family_156"]), 2, 5, rng)
    companies = _sizes(int(n * shares["business"]), 6, 30, rng)
    singles = n - int(families.sum()) - int(companies.sum())
    alone = [i for i in range(len(PLANS)) if i not in {_FAMILY, _BUSINESS}]
    weights = np.asarray([PLAN_SHARES[i][1] for i in alone])
    plan = np.concatenate(
        [
            rng.choice(alone, singles, p=weights / weights.sum()),
            np.full(families.sum(), _FAMILY),
            np.full(companies.sum(), _BUSINESS),
        ]
    ).astype(np.int64)
    numbers = np.arange(1, len(families) + len(companies) + 1, dtype=np.int64)
    group = np.concatenate(
        [np.zeros(singles, np.int64), np.repeat(numbers, np.concatenate([families, companies]))]
    )
    role = np.zeros(n, np.int64)
    role[plan == _FAMILY] = 2
    role[singles + np.cumsum(families) - families] = 1
    return plan, role, group


def _sizes(total: int, low: int, high: int, rng: np.random.Generator) -> Ints:
    """Returns group sizes between `low` and `high` whose sum is at most `total`."""
    sizes = rng.integers(low, high + 1, total // low, dtype=np.int64)
    kept: Ints = sizes[np.cumsum(sizes) <= total]
    return kept


def _areas(group: Ints, rng: np.random.Generator) -> Ints:
    """Returns an area index for each card; a group lives in one area."""
    cuts = np.asarray((0.40, 0.75))
    own = np.searchsorted(cuts, rng.random(len(group)))
    shared = np.searchsorted(cuts, rng.random(int(group.max()) + 1))
    return np.where(group > 0, shared[group], own).astype(np.int64)


def _serials(area: Ints, rng: np.random.Generator) -> Ints:
    """Returns six-digit numbers, unique in their area and in no order."""
    serial = np.empty(len(area), np.int64)
    for value in range(len(AREAS)):
        rows = np.flatnonzero(area == value)
        start = int(rng.integers(0, 1_000_000))
        # A step without a common divisor with a million visits each number once.
        serial[rows] = (start + np.arange(len(rows), dtype=np.int64) * 389_171) % 1_000_000
    return serial


def _names(letter: str, numbers: Ints) -> pl.Series:
    """Returns names such as ``S0000042``; 0 gives an empty text."""
    text = pl.Series(numbers).cast(pl.String).str.zfill(7)
    frame = pl.select(
        pl.when(pl.lit(pl.Series(numbers)) > 0).then(letter + pl.lit(text)).otherwise(pl.lit(""))
    )
    return frame.to_series()


def _days(low: int, high: int, n: int, rng: np.random.Generator) -> pl.Series:
    """Returns random days of the month as ISO dates."""
    days = pl.Series(rng.integers(low, high, n)).cast(pl.String).str.zfill(2)
    return f"{MONTH}-" + days


def _with_periods(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Returns the table with validity, and a second row where something changes in the month."""
    n = frame.height
    draw = rng.random(n)
    year = pl.Series(rng.integers(2023, 2026, n)).cast(pl.String)
    month = pl.Series(rng.integers(1, 13, n)).cast(pl.String).str.zfill(2)
    frame = frame.with_columns(
        (year + "-" + month + "-01").alias("valid_from"), pl.lit("").alias("valid_to")
    )
    single = (frame["role"] == "single").to_numpy()
    fresh = draw < 0.04
    gone = (draw > 0.98) & single
    changed = (draw > 0.90) & (draw < 0.96) & frame["plan"].is_in(list(_CHANGES)).to_numpy()
    new_sim = (draw > 0.96) & (draw < 0.965)
    reused = (draw > 0.975) & (draw <= 0.98) & single
    starts, ends = _days(3, 28, n, rng), _days(5, 30, n, rng)
    moment = (
        ends
        + pl.select(
            pl.when(pl.lit(pl.Series(rng.integers(0, 4, n))) == 0)
            .then(pl.lit("T10:30:00+08:00"))
            .otherwise(pl.lit(""))
        ).to_series()
    )
    leaves = pl.Series(gone | changed | new_sim | reused)
    frame = frame.with_columns(
        pl.when(pl.Series(fresh)).then(starts).otherwise("valid_from").alias("valid_from"),
        pl.when(leaves).then(moment).otherwise("valid_to").alias("valid_to"),
    )
    again = frame.filter(pl.Series(changed | new_sim | reused)).with_columns(
        pl.col("valid_to").alias("valid_from"), pl.lit("").alias("valid_to")
    )
    kind = pl.Series(np.where(changed, 0, np.where(new_sim, 1, 2))[changed | new_sim | reused])
    again = again.with_columns(
        pl.when(kind == 0).then(pl.col("plan").replace(_CHANGES)).otherwise("plan").alias("plan"),
        pl.when(kind > 0).then(pl.col("imsi") + 50_000_000).otherwise("imsi").alias("imsi"),
        *(
            pl.when(kind == 2)
            .then(pl.lit(letter) + (pl.col("index") + 5_000_000).cast(pl.String))
            .otherwise(name)
            .alias(name)
            for name, letter in (("subscriber_id", "S"), ("account_id", "A"))
        ),
    )
    return pl.concat([frame, again]).sort("index", "valid_from", maintain_order=True)


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns the columns of the file, numbers as text."""
    return frame.with_columns(
        ("+" + pl.col("msisdn").cast(pl.String)).alias("msisdn"), pl.col("imsi").cast(pl.String)
    ).select(COLUMNS)


def make_friends(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Returns the table of `friends.csv`: one to three numbers for some subscribers."""
    rng = np.random.default_rng([seed, 2])
    population = Population.from_frame(frame)
    first = frame["subscriber_id"].is_first_distinct().to_numpy()
    wants = frame["plan"].is_in(["easy", "talk_58", "talk_106", "night_owl"]).to_numpy()
    rows = np.flatnonzero(first & wants & (rng.random(frame.height) < 0.3))
    how_many = rng.integers(1, 4, len(rows))
    tables = []
    for k in range(3):
        mine = rows[how_many > k]
        late = rng.random(len(mine)) < 0.1
        tables.append(
            pl.DataFrame(
                {
                    "row": mine,
                    "subscriber_id": frame["subscriber_id"].gather(mine),
                    "number": population.msisdn[population.contact(mine, np.full(len(mine), k))],
                    "valid_from": np.where(late, f"{MONTH}-15", "2026-01-01"),
                    "valid_to": np.full(len(mine), ""),
                }
            )
        )
    friends = pl.concat(tables).sort("row", "valid_from", maintain_order=True).drop("row")
    friends = friends.unique(["subscriber_id", "number"], keep="first", maintain_order=True)
    return friends.with_columns(("+" + pl.col("number").cast(pl.String)).alias("number"))


def write_subscribers(folder: Path, n: int = 2_400, seed: int = 2026) -> Population:
    """Writes the subscriber tables and returns what traffic needs of them.

    They are `subscribers.csv`, `friends.csv`, `options.csv`, `groups.csv` and `payers.csv`.

    Args:
        folder: Created when it does not exist; existing files are replaced.
        n: Number of subscribers.
        seed: The same seed gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame = make_subscribers(n, seed)
    tables = {
        "subscribers": frame,
        "friends": make_friends(frame, seed),
        "options": make_options(frame, seed),
        "groups": make_groups(frame, seed),
        "payers": make_payers(frame),
    }
    for name, table in tables.items():
        table.with_columns(pl.col(pl.String).replace("", None)).write_csv(folder / f"{name}.csv")
    return Population.from_frame(frame)
