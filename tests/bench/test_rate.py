from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from bench.queries import flatten_deck, guide, make_tables
from bench.rate import UnequalRatingError, _require_equal, bench_rate
from bench.rate_polars import rate_with_polars
from bench.rating_case import make_case


def test_the_flattened_deck_says_what_the_longest_prefix_says() -> None:
    case = make_case(events=500, subscribers=50, prefixes=2_000)
    zone_of = dict(zip(case.prefixes.tolist(), case.prefix_zone.tolist(), strict=True))

    def longest(number: int) -> int:
        text = str(number)
        for length in range(len(text), 0, -1):
            zone = zone_of.get(int(text[:length]))
            if zone is not None:
                return zone
        return -1

    low, zone = flatten_deck(case.prefixes, case.prefix_zone)
    found = zone[np.searchsorted(low, case.event_number, side="right") - 1]
    assert found.tolist() == [longest(number) for number in case.event_number.tolist()]


def test_kernel_polars_and_duckdb_rate_every_event_alike() -> None:
    result = bench_rate(records=4_000, rounds=1, subscribers=300, progress=lambda _: None)
    assert [peer.name for peer in result.peers] == ["polars", "duckdb"]
    assert result.records == 4_000
    assert result.threads == 1


def test_a_peer_that_is_wrong_by_a_cent_is_noticed() -> None:
    tables = make_tables(make_case(events=1_000, subscribers=100, prefixes=500))
    right = rate_with_polars(tables, guide(tables)).select(pl.all().cast(pl.Int64)).sort("event")
    wrong = right.with_columns(
        net=pl.when(pl.col("event") == 17).then(pl.col("net") + 10_000).otherwise(pl.col("net"))
    )
    _require_equal("polars", right, right)
    with pytest.raises(UnequalRatingError, match="disagree on 1 events"):
        _require_equal("polars", right, wrong)
