"""The benchmark's rating as a polars query, on all threads of its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bench import rating_case as facts

if TYPE_CHECKING:
    from bench.queries import Tables

_VOICE, _DATA = pl.col("service") == facts.VOICE, pl.col("service") == facts.DATA
_PPM = 1_000_000


def rate_with_polars(tables: Tables, guided: pl.DataFrame) -> pl.DataFrame:
    """Returns `event`, `allowance_units`, `net` (10⁻⁶) of each event, in charge group order."""
    return (
        guided.lazy()
        .join(tables.plans.lazy(), on="plan", how="left")
        .join(tables.prices.lazy(), on=["plan", "zone"], how="left")
        .with_columns(**_classified())
        .sort("charge_group", "start_us", "event")
        .with_columns(
            talked=_before("duration", "imsi"),
            voice_before=_before("pack_voice", "imsi"),
            data_before=_before("pack_data", "imsi"),
        )
        .with_columns(
            pack_units=_taken("pack_voice", facts.PACK_S, "voice_before")
            + _taken("pack_data", facts.PACK_BYTES, "data_before")
        )
        .with_columns(claim=pl.col("claim") - pl.col("pack_units"))
        .with_columns(group_before=_before("claim", "charge_group", "service"))
        .with_columns(
            allowance_units=_taken("claim", "allowance", "group_before") + pl.col("pack_units")
        )
        .with_columns(usage=_usage_charge(), connect=_connect_fee())
        .with_columns(usage=_less(pl.when("friend").then(facts.FRIEND_PPM).otherwise(0)))
        .with_columns(usage=_less(pl.when(_busy()).then(facts.BUSY_PPM).otherwise(0)))
        .with_columns(net=_rounded(pl.col("connect") + _less(pl.col("tier_ppm"))))
        .with_columns(data_net=pl.when(_DATA).then("net").otherwise(0))
        .with_columns(day_before=_before("data_net", "imsi", "day"))
        .with_columns(
            net=pl.when(_DATA)
            .then(_taken("net", facts.DAY_DATA_CAP, "day_before"))
            .otherwise("net")
        )
        .with_columns(spent=_before("net", "imsi"))
        .select("event", "allowance_units", net=_taken("net", facts.CAP, "spent"))
        .collect()
    )


def _before(column: str, *partition: str) -> pl.Expr:
    """The sum of a column over the earlier events of a partition."""
    return pl.col(column).cum_sum().over(*partition) - pl.col(column)


def _taken(claim: str, most: str | int, before: str) -> pl.Expr:
    """What a claim gets of what earlier claims left."""
    whole = pl.col(most) if isinstance(most, str) else pl.lit(most)
    return pl.min_horizontal(claim, pl.max_horizontal(whole - pl.col(before), 0))


def _classified() -> dict[str, pl.Expr]:
    minute = pl.col("start_us") // 60_000_000 + facts.OFFSET_MIN
    weekday = (minute // 1440 + 3) % 7
    peak = (
        (weekday < 5) & (minute % 1440 >= facts.PEAK_FROM_MIN) & (minute % 1440 < facts.PEAK_TO_MIN)
    )
    need = (
        pl.when(_VOICE)
        .then((pl.col("duration") + facts.BEAT_S - 1) // facts.BEAT_S * facts.BEAT_S)
        .when(_DATA)
        .then((pl.col("bytes") + facts.BEAT_BYTES - 1) // facts.BEAT_BYTES * facts.BEAT_BYTES)
        .otherwise(1)
    )
    national = (pl.col("zone") < facts.NATIONAL_ZONES) & (_VOICE | pl.col("on_net").not_())
    claim = pl.when(_DATA | national).then(need).otherwise(0)
    bought = pl.col("start_us") >= pl.col("pack_us")
    return {
        "day": minute // 1440,
        "half": pl.when(peak).then(1).otherwise(2),
        "need": need,
        "claim": claim,
        "pack_voice": pl.when(bought & _VOICE).then(claim).otherwise(0),
        "pack_data": pl.when(bought & _DATA).then(claim).otherwise(0),
        "allowance": pl.when(_VOICE)
        .then("allowance_s")
        .when(_DATA)
        .then("allowance_bytes")
        .otherwise("allowance_sms"),
    }


def _usage_charge() -> pl.Expr:
    units = pl.col("need") - pl.col("allowance_units")
    beats = units // facts.BEAT_S
    first = pl.min_horizontal(beats, facts.FIRST_STEP_S // facts.BEAT_S)
    stepped = first * pl.col("first") + (beats - first) * pl.col("later")
    voice = pl.when("on_net").then(beats * pl.col("on_net_price")).otherwise(stepped)
    message = pl.when("on_net").then(0).otherwise(units * pl.col("sms"))
    return (
        pl.when(_VOICE)
        .then(voice // pl.col("half"))
        .when(_DATA)
        .then(units // facts.BEAT_BYTES * pl.col("data_price"))
        .otherwise(message)
    )


def _connect_fee() -> pl.Expr:
    paid = _VOICE & (pl.col("need") > pl.col("allowance_units"))
    return pl.when(paid).then("connect").otherwise(0)


def _busy() -> pl.Expr:
    return _VOICE & (pl.col("talked") >= facts.BUSY_FROM_S)


def _less(ppm: pl.Expr) -> pl.Expr:
    """The usage charge less a share of it, which is rounded half up."""
    return pl.col("usage") - (pl.col("usage") * ppm + _PPM // 2) // _PPM


def _rounded(amount: pl.Expr) -> pl.Expr:
    return (amount + facts.ROUND_UNIT // 2) // facts.ROUND_UNIT * facts.ROUND_UNIT
