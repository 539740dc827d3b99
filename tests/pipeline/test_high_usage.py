from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch.run import run
from pipeline.cli.alarms import alarms
from pipeline.config.load import load_config
from pipeline.errors import ConfigError
from pipeline.high_usage import fraud, limits
from pipeline.high_usage.alarms import as_table
from pipeline.high_usage.places import read_places
from pipeline.high_usage.section import Call, Day, Fraud, HighUsage, Session
from pipeline.ledger.store import Ledger
from pipeline.operate import operate_recycle
from pipeline.reports.page import batch_page
from tests.pipeline.rated import NOON, ZONE, rated_rows, sums_of
from tests.pipeline.test_recycle import hide_subscribers, show_subscribers
from tests.pipeline.world import make_workspace, published

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.workspace import Workspace

IMSI = 460001234567890


def rated(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Makes usage of rated records."""
    frame = pl.DataFrame(rated_rows(*rows)).with_columns(
        pl.col("net").cast(pl.Decimal(18, 6)),
        pl.col("start_time").cast(pl.Datetime("us", "UTC")),
    )
    return limits.caused(frame.lazy(), ZONE)


def events(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Makes events of a SIM: minutes after noon, seconds, network, area."""
    usual = {
        "service": "voice",
        "direction": "originating",
        "served_imsi": IMSI,
        "served_msisdn": 8613900000001,
        "duration": 60,
        "visited_network": "460-00",
        "area": 1,
        "file_id": "f",
        "container": 0,
    }
    full = [
        {
            **usual,
            "offset": 100 * number,
            "start_time": NOON + dt.timedelta(minutes=row.get("minute", 0)),
            **{key: value for key, value in row.items() if key != "minute"},
        }
        for number, row in enumerate(rows)
    ]
    frame = pl.DataFrame(full).with_columns(pl.col("start_time").cast(pl.Datetime("us", "UTC")))
    return fraud.of_sims(frame.lazy(), ZONE)


def seen(found: Iterable[pl.DataFrame]) -> list[tuple[str, str, str]]:
    frames = [frame for frame in found if frame.height]
    if not frames:
        return []
    return [
        (row["kind"], f"{row['value']:f}", f"{row['limit']:f}")
        for row in as_table(frames).to_pylist()
    ]


def test_a_call_is_told_when_it_is_longer_than_the_limit_not_at_it() -> None:
    usage = rated({"quantity": 7200}, {"quantity": 7201})
    found = seen(limits.calls(usage, Call(duration="2 h"), "CNY"))
    assert found == [("call_duration", "7201.000000", "7200.000000")]


def test_money_is_compared_to_the_millionth() -> None:
    usage = rated({"net": Decimal("200.000000")}, {"net": Decimal("200.000001")})
    found = seen(limits.calls(usage, Call(charge="200.00"), "CNY"))
    assert found == [("call_charge", "200.000001", "200.000000")]


def test_a_session_is_all_containers_of_its_record() -> None:
    half = {"rum": "total_bytes", "service": "data", "quantity": 600, "offset": 7}
    usage = rated({**half, "container": 0}, {**half, "container": 1}, {**half, "offset": 8})
    found = seen(limits.sessions(usage, Session(volume="1 kB"), "CNY"))
    assert found == [("session_volume", "1200.000000", "1000.000000")]


def test_a_counter_that_ran_away_is_an_alarm_too() -> None:
    row = {"rum": "total_bytes", "service": "data", "quantity": 2**62}
    found = seen(limits.sessions(rated(row), Session(volume="5000 GB"), "CNY"))
    assert found == [("session_volume", f"{2**62}.000000", "5000000000000.000000")]


def test_free_received_calls_are_nobodys_usage() -> None:
    usage = rated({"direction": "terminating", "quantity": 9999, "net": Decimal(0)})
    assert seen(limits.calls(usage, Call(duration="1 s"), "CNY")) == []


def test_a_day_is_told_once_by_the_batch_that_goes_over() -> None:
    day = Day(duration="100 s")
    batches = [sums_of(rated_rows({})) for _ in range(4)]
    told = [
        seen(limits.days(batches[n], pl.concat([*batches[:n], batches[0][:0]]), day, "CNY"))
        for n in range(4)
    ]
    assert told == [[], [("day_duration", "120.000000", "100.000000")], [], []]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 7200)), min_size=1, max_size=12))
@settings(deadline=None)
def test_overlaps_are_those_that_comparing_all_pairs_finds(
    calls: list[tuple[int, int]],
) -> None:
    rows = [{"minute": minute, "duration": seconds} for minute, seconds in calls]
    wanted = []
    order = sorted(range(len(calls)), key=lambda n: (calls[n][0], n))
    for place, number in enumerate(order):
        start, end = calls[number][0] * 60, calls[number][0] * 60 + calls[number][1]
        most = max(
            (min(end, calls[n][0] * 60 + calls[n][1]) - start for n in order[:place]), default=0
        )
        if most > 60:
            wanted.append(most)
    found = seen(fraud.overlapping_calls(events(*rows), Fraud(overlap="60 s")))
    assert sorted(int(Decimal(value)) for _, value, _ in found) == sorted(wanted)


def test_calls_of_two_sims_do_not_overlap() -> None:
    two = events({"duration": 600}, {"minute": 1, "duration": 600, "served_imsi": IMSI + 1})
    assert seen(fraud.overlapping_calls(two, Fraud(overlap="60 s"))) == []


def test_a_burst_is_told_when_it_is_complete() -> None:
    dear = {"call_class": "premium"}
    times = [NOON + dt.timedelta(minutes=m) for m in (0, 4, 9, 10, 40, 41)]
    usage = rated(*({**dear, "start_time": time} for time in times))
    found = seen(fraud.premium_bursts(usage, Fraud(premium_calls=3, premium_within="10 min")))
    assert len(found) == 1
    slow = seen(fraud.premium_bursts(usage, Fraud(premium_calls=3, premium_within="8 min")))
    assert slow == found[:1]


def test_two_countries_within_an_hour() -> None:
    moved = events({}, {"minute": 59, "visited_network": "262-01"})
    found = seen(fraud.country_changes(moved, Fraud(country_change="1 h")))
    assert found == [("country_change", "3540.000000", "3600.000000")]
    later = events({}, {"minute": 60, "visited_network": "262-01"})
    assert seen(fraud.country_changes(later, Fraud(country_change="1 h"))) == []
    same = events({}, {"minute": 1, "visited_network": "460-01"})
    assert seen(fraud.country_changes(same, Fraud(country_change="1 h"))) == []


def test_travel_faster_than_anybody(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text(
        "network,area,latitude,longitude\n"
        "460-00,1,39.9042,116.4074\n"  # 1,068 km apart
        "460-00,,31.2304,121.4737\n"
    )
    places = read_places(file)
    rules = Fraud(places="places.csv", fastest_km_per_hour=1_000)
    flown = events({}, {"minute": 60, "area": 77})
    (told,) = seen(fraud.impossible_travel(flown, places, rules))
    assert told[0] == "impossible_travel"
    assert 1_060 <= Decimal(told[1]) <= 1_075
    assert (
        seen(fraud.impossible_travel(events({}, {"minute": 90, "area": 77}), places, rules)) == []
    )


def test_places_tell_every_mistake(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text("network,area\n460-00,x,1,2\n460-00,1,91,2\n460-00,1,1,2\n460-00,1,1,2\n1\n")
    with pytest.raises(ConfigError) as raised:
        read_places(file)
    assert [str(problem).split(":")[1] for problem in raised.value.problems] == list("12356")


LIMITS = """
[high_usage.call]
duration = "10 min"
[high_usage.day]
charge = "5.00"
volume = "100 MB"
[high_usage.fraud]
overlap = "30 s"
country_change = "1 h"
"""


def limited(workspace: Workspace, text: str = LIMITS) -> Workspace:
    """Puts these limits in place of the demo operator's."""
    config = workspace.config_file
    front, rest = config.read_text().split("[high_usage", 1)
    sources = rest[rest.index("[[source]]") :]
    config.write_text(f"{front}\n{text}\n{sources}")
    return workspace


def test_a_run_tells_alarms_and_publishes_sums(tmp_path: Path, traffic: Path) -> None:
    one = limited(make_workspace(tmp_path / "one", traffic))
    result = run(one, threads=1)
    assert result.alarms.keys() >= {"call_duration", "day_charge"}
    table = pl.read_parquet(tmp_path / "one/alarms/batch-000001.parquet")
    assert dict(table["kind"].cast(pl.String).value_counts().iter_rows()) == result.alarms
    rows = pl.read_parquet(tmp_path / "one/rated/**/*.parquet", hive_partitioning=False)
    long = rows.filter((pl.col("rum").cast(pl.String) == "seconds") & (pl.col("quantity") > 600))
    made = long.filter((pl.col("direction").cast(pl.String) != "terminating") | (pl.col("net") > 0))
    assert result.alarms["call_duration"] == made.height
    sums = pl.read_parquet(tmp_path / "one/usage/**/*.parquet", hive_partitioning=False)
    assert sums["charge"].sum() == rows["net"].sum()

    two = limited(make_workspace(tmp_path / "two", traffic))
    run(two, threads=2)
    assert published(tmp_path / "one") == published(tmp_path / "two")


def test_recycled_usage_is_told_when_it_is_rated(tmp_path: Path, traffic: Path) -> None:
    workspace = limited(make_workspace(tmp_path / "late", traffic))
    real = hide_subscribers(workspace, 3)
    first = run(workspace)
    show_subscribers(workspace, real)
    result = operate_recycle(workspace)
    assert result.batch == "batch-000002"
    again = limited(make_workspace(tmp_path / "at_once", traffic))
    whole = run(again).alarms
    calls = first.alarms["call_duration"], result.alarms["call_duration"]
    assert sum(calls) == whole["call_duration"] > max(calls)
    told = first.alarms["day_charge"] + result.alarms["day_charge"]
    assert "overlapping_calls" not in result.alarms, "the SIMs were looked at when they came"
    assert first.alarms.get("overlapping_calls") == whole.get("overlapping_calls")
    text = (workspace.reports / "huadan.prom").read_text(encoding="utf-8")
    assert f'huadan_alarms_total{{kind="day_charge"}} {float(told)}' in text
    with Ledger(workspace.ledger_file) as ledger:
        page = batch_page(workspace, ledger, "batch-000002", "UTC")
    assert "<td>day_charge</td>" in page


def test_alarms_are_shown_masked_unless_asked(tmp_path: Path, traffic: Path) -> None:
    workspace = limited(make_workspace(tmp_path / "shop", traffic))
    run(workspace)
    masked = CliRunner().invoke(
        alarms, ["-w", str(workspace.root), "--json", "--kind", "day_charge"]
    )
    shown = json.loads(masked.output)["alarms"]
    assert shown
    assert all("*" in row["msisdn"] for row in shown)
    plain = CliRunner().invoke(
        alarms, ["-w", str(workspace.root), "--json", "--kind", "day_charge", "--unmask"]
    )
    assert all(str(row["msisdn"]).isdecimal() for row in json.loads(plain.output)["alarms"])
    table = CliRunner().invoke(alarms, ["-w", str(workspace.root)])
    assert "day_charge: " in table.output


def test_limits_that_make_no_sense_are_told_together(tmp_path: Path) -> None:
    workspace = limited(
        make_workspace(tmp_path / "shop"),
        '\n[high_usage.call]\nduration = "2 GB"\ncharge = 1.5\n'
        "[high_usage.fraud]\npremium_calls = 1\noverlapp = 3\n",
    )
    with pytest.raises(ConfigError) as raised:
        load_config(workspace)
    text = str(raised.value)
    for part in ("'2 GB'", "1.5: write an amount as text", "overlap"):
        assert part in text


@pytest.mark.parametrize("key", ["day]\nmessages", "fraud]\npremium_calls"])
def test_a_count_beyond_every_cycle_is_a_mistake(tmp_path: Path, key: str) -> None:
    workspace = limited(make_workspace(tmp_path / "shop"), f"\n[high_usage.{key} = {10**20}\n")
    with pytest.raises(ConfigError, match="Input should be less than or equal to 1000000000"):
        load_config(workspace)


def test_nothing_is_looked_for_unless_it_is_set() -> None:
    assert not HighUsage().wanted
    assert HighUsage(call=Call(duration="1 h")).wanted
