from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.traffic.conftest import SAMPLES
from traffic.network import PLAN_SHARES
from traffic.offers import PACKS, SUBSCRIPTIONS, make_groups, make_options
from traffic.population import Population
from traffic.subscribers import COLUMNS, make_friends, make_subscribers, write_subscribers

if TYPE_CHECKING:
    from pathlib import Path


def _no_overlap(frame: pl.DataFrame, key: str) -> bool:
    people = Population.from_frame(frame)
    table = pl.DataFrame(
        {"key": frame[key], "start": people.active_from, "end": people.active_to}
    ).sort("key", "start")
    later = table.with_columns(pl.col("end").shift(1).over("key").alias("before"))
    return later.filter(pl.col("start") < pl.col("before")).is_empty()


def test_committed_subscribers_are_made_by_the_seed(tmp_path: Path) -> None:
    write_subscribers(tmp_path, 2_400, 2026)
    for name in ("subscribers", "friends", "options", "groups", "payers"):
        committed = (SAMPLES / "shop" / "subscribers" / f"{name}.csv").read_bytes()
        assert (tmp_path / f"{name}.csv").read_bytes() == committed


def test_another_seed_gives_other_subscribers() -> None:
    assert not make_subscribers(500, 1).equals(make_subscribers(500, 2))
    assert make_subscribers(500, 1).equals(make_subscribers(500, 1))


@pytest.mark.parametrize("n", [1, 7, 100, 2_400, 60_000])
def test_count_columns_and_validity(n: int) -> None:
    frame = make_subscribers(n, 3)
    assert tuple(frame.columns) == COLUMNS
    first_ids = frame.filter(~pl.col("subscriber_id").str.starts_with("S5"))
    assert first_ids["subscriber_id"].n_unique() == n
    people = Population.from_frame(frame)
    assert (people.active_from < people.active_to).all()
    assert _no_overlap(frame, "msisdn")
    assert _no_overlap(frame, "imsi")


def test_every_plan_role_and_change_occurs() -> None:
    frame = make_subscribers(2_400, 2026)
    assert set(frame["plan"]) == {plan for plan, _ in PLAN_SHARES}
    assert set(frame["role"]) == {"single", "main", "sub"}
    assert frame.filter(pl.col("vpmn_group") != "")["plan"].unique().to_list() == ["business"]
    periods = frame.group_by("subscriber_id").agg(
        pl.col("plan").n_unique(), pl.col("imsi").n_unique().alias("sims")
    )
    assert (periods["plan"] == 2).sum() >= 20
    assert (periods["sims"] == 2).sum() >= 3
    assert (
        frame.group_by("msisdn").agg(pl.col("subscriber_id").n_unique())["subscriber_id"] > 1
    ).any()
    assert frame["valid_to"].str.contains("T10:30:00").any()


def test_a_family_has_one_main_card_and_one_to_four_sub_cards() -> None:
    frame = make_subscribers(3_000, 9).filter(pl.col("charge_group") != "")
    cards = frame.unique("subscriber_id").group_by("charge_group", "role").len()
    main, sub = (cards.filter(pl.col("role") == role) for role in ("main", "sub"))
    assert (main["len"] == 1).all()
    assert sub["len"].min() >= 1
    assert sub["len"].max() <= 4
    assert set(main["charge_group"]) == set(sub["charge_group"])


def test_friends_are_numbers_of_the_network() -> None:
    frame = make_subscribers(1_000, 4)
    friends = make_friends(frame, 4)
    assert friends.columns == ["subscriber_id", "number", "valid_from", "valid_to"]
    assert friends.height > 100
    assert friends["number"].is_in(frame["msisdn"].to_list()).all()
    assert not friends.select("subscriber_id", "number").is_duplicated().any()


@pytest.mark.parametrize("n", [0, -1, 2_500_001])
def test_impossible_counts_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match="choose 1 to"):
        make_subscribers(n, 1)


def test_options_are_bought_while_a_card_is_valid() -> None:
    frame = make_subscribers(2_400, 2026)
    options = make_options(frame, 2026)
    assert set(options["option"]) == {name for name, _ in (*PACKS, *SUBSCRIPTIONS)}
    held = options.join(frame, on="subscriber_id", how="left", suffix="_of_card")
    assert held.height == options.height
    assert (held["valid_to_of_card"] == "").all()
    ends = held.filter(pl.col("valid_to") != "")
    assert (ends["valid_from"] < ends["valid_to"]).all()
    assert not held["role"].is_in(["sub"]).any()
    assert make_options(frame, 2026).equals(options)
    assert not make_options(frame, 2027).equals(options)


def test_every_group_has_one_tier() -> None:
    frame = make_subscribers(2_400, 2026)
    groups = make_groups(frame, 2026)
    assert set(groups["group"]) == set(frame["vpmn_group"]) - {""}
    assert groups["group"].is_unique().all()
