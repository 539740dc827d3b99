"""The benchmark's rating as a duckdb query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import rating_case as facts

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from bench.queries import Tables

_EARLIER = "order by start_us, event rows between unbounded preceding and 1 preceding"

QUERY = f"""
with classified as (
  select e.event, e.service, e.start_us, e.imsi, e.charge_group, e.friend, e.on_net, e.tier_ppm,
    e.duration, l.connect, l.on_net_price, l.data_price, p.first, p.later, p.sms,
    case when e.service = {facts.VOICE} then l.allowance_s when e.service = {facts.DATA} then l.allowance_bytes
      else l.allowance_sms end as allowance,
    case when e.service = {facts.VOICE} then (e.duration + {facts.BEAT_S - 1}) // {facts.BEAT_S} * {facts.BEAT_S}
      when e.service = {facts.DATA} then (e.bytes + {facts.BEAT_BYTES - 1}) // {facts.BEAT_BYTES} * {facts.BEAT_BYTES}
      else 1 end as need,
    case when e.service = {facts.DATA}
        or (e.zone < {facts.NATIONAL_ZONES} and (e.service = {facts.VOICE} or not e.on_net))
      then need else 0 end as claim,
    case when e.service = {facts.VOICE} and e.start_us >= e.pack_us then claim else 0 end as pack_voice,
    case when e.service = {facts.DATA} and e.start_us >= e.pack_us then claim else 0 end as pack_data,
    (e.start_us // 60000000) + {facts.OFFSET_MIN} as local_minute,
    local_minute // 1440 as day,
    case when (day + 3) % 7 < 5
      and local_minute % 1440 >= {facts.PEAK_FROM_MIN} and local_minute % 1440 < {facts.PEAK_TO_MIN}
      then 1 else 2 end as half
  from guided e
  left join plans l on l.plan = e.plan
  left join prices p on p.plan = e.plan and p.zone = e.zone
), own as (
  select *,
    coalesce(sum(duration) over (partition by imsi {_EARLIER}), 0)::bigint as talked,
    coalesce(sum(pack_voice) over (partition by imsi {_EARLIER}), 0)::bigint as voice_before,
    coalesce(sum(pack_data) over (partition by imsi {_EARLIER}), 0)::bigint as data_before,
    least(pack_voice, greatest({facts.PACK_S} - voice_before, 0))
      + least(pack_data, greatest({facts.PACK_BYTES} - data_before, 0)) as pack_units,
    claim - pack_units as group_claim
  from classified
), shared as (
  select *,
    coalesce(sum(group_claim) over (partition by charge_group, service {_EARLIER}), 0)::bigint
      as group_before
  from own
), priced as (
  select event, start_us, imsi, day, friend, service, connect, tier_ppm, talked,
    pack_units + least(group_claim, greatest(allowance - group_before, 0)) as allowance_units,
    need - allowance_units as units,
    units // {facts.BEAT_S} as beats,
    least(beats, {facts.FIRST_STEP_S // facts.BEAT_S}) as first_beats,
    case when service = {facts.DATA} then units // {facts.BEAT_BYTES} * data_price
      when service = {facts.SMS} then case when on_net then 0 else units * sms end
      when on_net then beats * on_net_price // half
      else (first_beats * first + (beats - first_beats) * later) // half end as usage
  from shared
), discounted as (
  select event, start_us, imsi, day, service, allowance_units,
    usage - case when friend then (usage * {facts.FRIEND_PPM} + 500000) // 1000000 else 0 end as usual,
    usual - case when service = {facts.VOICE} and talked >= {facts.BUSY_FROM_S}
      then (usual * {facts.BUSY_PPM} + 500000) // 1000000 else 0 end as less,
    case when service = {facts.VOICE} and units > 0 then connect else 0 end
      + less - (less * tier_ppm + 500000) // 1000000 as exact,
    (exact + {facts.ROUND_UNIT // 2}) // {facts.ROUND_UNIT} * {facts.ROUND_UNIT} as net
  from priced
), of_day as (
  select event, start_us, imsi, allowance_units,
    case when service = {facts.DATA} then least(net, greatest({facts.DAY_DATA_CAP} - coalesce(
      sum(case when service = {facts.DATA} then net else 0 end)
      over (partition by imsi, day {_EARLIER}), 0), 0))::bigint else net end as net
  from discounted
)
select event, allowance_units, least(net, greatest({facts.CAP} - coalesce(
  sum(net) over (partition by imsi {_EARLIER}), 0), 0))::bigint as net
from of_day
"""  # noqa: S608 - the numbers are this module's own constants


def rate_with_duckdb(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Returns `event`, `allowance_units`, `net` (10⁻⁶) of each event, in no particular order."""
    rated: pl.DataFrame = connection.sql(QUERY).pl()
    return rated


def open_duckdb(tables: Tables, guided: pl.DataFrame, threads: int) -> duckdb.DuckDBPyConnection:
    """Returns a connection that holds the tables in its own storage, ready to be queried."""
    import duckdb  # noqa: PLC0415 - an optional extra

    connection = duckdb.connect(config={"threads": threads})
    for name, table in (("guided", guided), ("plans", tables.plans), ("prices", tables.prices)):
        connection.register("source", table)
        connection.execute(f"create table {name} as select * from source")  # noqa: S608
        connection.unregister("source")
    return connection
