"""Subscriber files: what is read, and every mistake with its line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from mediation.edr import MISSING
from rating.cycles import cycle_bounds
from rating.errors import SubscriberDataError
from rating.subscribers import NO_LIMIT, load_subscribers
from rating.tenures import tenures
from tariffs.compiled import FOREVER
from tests.rating.strategies_shop import HEAD, NUMBER, at, golden_book, line, write

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.compiled import CompiledBook

BOOK = golden_book()


def problems(folder: Path) -> list[str]:
    with pytest.raises(SubscriberDataError) as caught:
        load_subscribers(folder, BOOK)
    return [str(problem) for problem in caught.value.problems]


def test_rows_become_periods_in_order_of_names_and_time(tmp_path: Path) -> None:
    lines = [
        line(2, valid_from="2026-10-10", imsi="460009"),
        line(1, imsi="", vpmn_group="V", charge_group="G"),
        line(2, valid_to="2026-10-10"),
    ]
    data = load_subscribers(write(tmp_path, lines), BOOK)
    assert data.names.to_pylist() == ["S1", "S2"]
    assert data.groups.to_pylist() == ["A2", "G"]
    assert data.subscriber.tolist() == [0, 1, 1]
    assert data.group.tolist() == [1, 0, 0]
    assert data.valid_from.tolist() == [at(1, 0, month=1), at(1, 0, month=1), at(10, 0)]
    assert data.valid_to.tolist() == [FOREVER, at(10, 0), FOREVER]
    assert data.imsi.tolist() == [MISSING, 460_000_000_000_002, 460_009]
    assert data.vpmn_groups.to_pylist() == ["", "V"]
    assert data.vpmn.tolist() == [1, 0, 0]


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    lines = [line(k) for k in range(50)]
    one = load_subscribers(write(tmp_path / "a", lines), BOOK)
    other = load_subscribers(write(tmp_path / "b", lines[::-1]), BOOK)
    for name in ("subscriber", "account", "group", "msisdn", "imsi", "valid_from"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.names.equals(other.names)
    assert one.digest != other.digest  # other bytes, another digest


def test_look_up_by_number_at_a_time(tmp_path: Path) -> None:
    lines = [
        line(1, valid_to="2026-10-10"),
        line(1, valid_from="2026-10-10", msisdn=NUMBER + 9),
        line(2, msisdn=NUMBER + 1, valid_from="2026-10-20"),
    ]
    data = load_subscribers(write(tmp_path, lines), BOOK)
    assert data.period_of_number(NUMBER + 1, at(5)) == 0
    assert data.period_of_number(NUMBER + 1, at(15)) is None
    assert data.period_of_number(NUMBER + 1, at(20, 0)) == 2
    assert data.periods_of("S1") == [0, 1]
    assert data.periods_of("S3") == []


def test_friends_are_dated(tmp_path: Path) -> None:
    friends = [f"S1,+{NUMBER + 7},2026-10-05,2026-10-10"]
    data = load_subscribers(write(tmp_path, [line(1), line(2)], friends), BOOK)
    assert data.is_friend(0, NUMBER + 7, at(5, 0))
    assert not data.is_friend(0, NUMBER + 7, at(10, 0))
    assert not data.is_friend(1, NUMBER + 7, at(6))
    assert not data.is_friend(0, NUMBER + 8, at(6))


def test_timestamps_need_an_offset(tmp_path: Path) -> None:
    good = load_subscribers(
        write(tmp_path / "a", [line(1, valid_from="2026-10-01T12:00:00+08:00")]), BOOK
    )
    assert good.valid_from.tolist() == [at(1)]
    found = problems(write(tmp_path / "b", [line(1, valid_from="2026-10-01T12:00:00")]))
    assert len(found) == 1
    assert found[0].startswith("subscribers.csv:2: valid_from '2026-10-01T12:00:00' is not a date")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    lines = [
        line(1, plan="goldn"),
        line(2, valid_from="2026-02-30"),
        line(3, msisdn="+86x"),
        line(4, valid_from="2026-10-02", valid_to="2026-10-02"),
        line(5, role="boss"),
        line(6, home_area="nort"),
        line(7),
        line(7),
        line(8, msisdn=f"+{NUMBER + 9}"),
        line(9),
        line(10, msisdn="", imsi=""),
        line(11, subscriber_id=""),
    ]
    friends = [f"S7,+{NUMBER},2026-01-01,", f"S77,+{NUMBER},2026-01-01,", "S7,,2026-01-01,"]
    found = problems(write(tmp_path, lines, friends))
    expected = [
        "friends.csv:3: subscriber_id 'S77' is not in the subscribers' table. ",
        "friends.csv:4: number is empty",
        "subscribers.csv:2: plan 'goldn' is not in the tariff book",
        "subscribers.csv:3: valid_from '2026-02-30' is not a date",
        "subscribers.csv:4: msisdn '+86x' is not a number of 1 to 15 digits",
        "subscribers.csv:5: valid_to '2026-10-02' is not after valid_from",
        "subscribers.csv:6: role 'boss' is not known",
        "subscribers.csv:7: area 'nort' is not in the tariff book",
        "subscribers.csv:9: subscriber_id 'S7' is valid twice at the same time",
        "subscribers.csv:11: msisdn '+8619900000009' is valid twice at the same time",
        "subscribers.csv:12: msisdn and imsi are both empty",
        "subscribers.csv:13: subscriber_id is empty",
    ]
    assert len(found) == len(expected)
    for message, start in zip(found, expected, strict=True):
        assert message.startswith(start)
    assert "Did you mean 'golden'?" in found[2]
    assert "Did you mean 'north'?" in found[7]


def test_an_imsi_may_pass_to_another_subscriber(tmp_path: Path) -> None:
    swap = [
        line(1, valid_to="2026-10-10"),
        line(2, imsi="460000000000001", valid_from="2026-10-10"),
    ]
    load_subscribers(write(tmp_path / "a", swap), BOOK)
    early = [
        line(1, valid_to="2026-10-11"),
        line(2, imsi="460000000000001", valid_from="2026-10-10"),
    ]
    (found,) = problems(write(tmp_path / "b", early))
    assert found.startswith("subscribers.csv:3: imsi '460000000000001' is valid twice")


def test_missing_file_and_columns(tmp_path: Path) -> None:
    assert problems(tmp_path)[0].startswith("subscribers.csv:1: the file is missing")
    (tmp_path / "subscribers.csv").write_text(HEAD.replace("imsi", "imsy") + "\n")
    found = problems(tmp_path)
    assert any("column 'imsi' is missing" in text for text in found)
    assert any("column 'imsy' is not known" in text for text in found)


def test_parquet_is_as_good_as_csv(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", [line(1), line(2)])
    one = load_subscribers(folder, BOOK)
    (tmp_path / "b").mkdir()
    frame = pl.read_csv(folder / "subscribers.csv", infer_schema=False)
    frame = frame.with_columns(pl.col("valid_from").str.to_date())
    frame.write_parquet(tmp_path / "b" / "subscribers.parquet")
    other = load_subscribers(tmp_path / "b", BOOK)
    assert np.array_equal(one.valid_from, other.valid_from)
    assert np.array_equal(one.imsi, other.imsi)


def tiered_book(options: tuple[str, ...] = (), home_zones: tuple[str, ...] = ("",)) -> CompiledBook:
    """The golden book with tiers and, if given, options and home zones."""
    tiers = ("", "gold", "silver", "A1")
    return replace(BOOK, tiers=tiers, options=options, home_zones=home_zones)


def tables(folder: Path, extra: str, rows: list[str], **others: list[str]) -> Path:
    """Writes subscribers with further columns, and tables whose first line is their head."""
    folder.mkdir(exist_ok=True)
    (folder / "subscribers.csv").write_text("\n".join([f"{HEAD},{extra}", *rows]) + "\n")
    for stem, lines in others.items():
        (folder / f"{stem}.csv").write_text("\n".join(lines) + "\n")
    return folder


OPTIONS_HEAD = "subscriber_id,option,valid_from,valid_to"
GROUPS_HEAD = "group,tier,contract,valid_from,valid_to"


def test_columns_that_may_be_missing_have_a_value_for_none(tmp_path: Path) -> None:
    data = load_subscribers(write(tmp_path / "a", [line(1)]), tiered_book())
    assert data.tier.tolist() == [0]
    assert data.credit_limit.tolist() == [NO_LIMIT]
    assert data.home_zone.tolist() == [0]
    assert data.purchases.of(0) == []
    assert data.group_terms.at(0, at(1)) is None
    rows = [f"{line(1)},silver,300.5,", f"{line(2)},,0,old_town", f"{line(3)},,,new_town"]
    folder = tables(tmp_path / "b", "tier,credit_limit,home_zone", rows)
    data = load_subscribers(folder, tiered_book())
    assert data.tier.tolist() == [2, 0, 0]
    assert data.credit_limit.tolist() == [300_500_000, 0, NO_LIMIT]
    assert data.home_zones == ("", "new_town", "old_town")
    assert data.home_zone.tolist() == [0, 2, 1]
    data = load_subscribers(folder, tiered_book(home_zones=("", "old_town", "new_town")))
    assert data.home_zone.tolist() == [0, 1, 2]


def test_options_are_dated_and_may_be_bought_twice(tmp_path: Path) -> None:
    options = [
        OPTIONS_HEAD,
        "S2,pack,2026-10-01,2026-11-01",
        "S1,pack,2026-10-05T08:30:00+08:00,2026-11-01",
        "S1,movie,2026-09-01,",
        "S1,pack,2026-10-05,2026-11-01",
    ]
    folder = tables(tmp_path, "tier", [f"{line(1)},", f"{line(2)},"], options=options)
    bought = load_subscribers(folder, tiered_book()).purchases
    assert bought.names == ("", "movie", "pack")
    assert bought.of(0) == [0, 1, 2]
    assert bought.option.tolist() == [1, 2, 2, 2]
    assert bought.valid_from.tolist()[1:3] == [at(5, 0), at(5, 8, 30)]
    assert bought.valid_to.tolist()[:2] == [FOREVER, at(1, 0, month=11)]
    listed = load_subscribers(folder, tiered_book(options=("pack", "movie"))).purchases
    assert listed.option.tolist() == [0, 0, 1, 0]


def test_a_purchase_has_one_name_in_all_its_cycles(tmp_path: Path) -> None:
    """Bought twice at one moment, the first taken back: the other opens with what it had left."""
    options = [OPTIONS_HEAD, "S1,pack,2026-10-20,2026-10-31", "S1,pack,2026-10-20,"]
    folder = tables(tmp_path, "tier", [f"{line(1)},"], options=options)
    book = tiered_book(options=("pack",))
    data = load_subscribers(folder, book)

    def activations(cycle: str) -> list[int]:
        spans = tenures(book, data, *cycle_bounds(cycle, book.time_zone))
        return spans.activation[spans.giver == len(book.plans)].tolist()

    assert activations("2026-10") == [at(20, 0), at(20, 0) + 1]
    assert activations("2026-11") == [at(20, 0) + 1]


def test_purchases_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    rows = ["S1,pack,2026-10-20,", "S1,pack,2026-10-20,2026-10-31"]
    for name, lines in (("a", rows), ("b", rows[::-1])):
        folder = tables(tmp_path / name, "tier", [f"{line(1)},"], options=[OPTIONS_HEAD, *lines])
        bought = load_subscribers(folder, tiered_book()).purchases
        assert bought.valid_to.tolist() == [at(31, 0), FOREVER]


def test_groups_have_a_tier_and_a_contract_at_a_time(tmp_path: Path) -> None:
    groups = [GROUPS_HEAD, "V,A1,C7,2026-10-01,2026-11-01", "V,,C9,2026-12-01,"]
    rows = [f"{line(1, vpmn_group='V')},", f"{line(2, vpmn_group='W')},"]
    data = load_subscribers(tables(tmp_path, "tier", rows, groups=groups), tiered_book())
    terms = data.group_terms
    group = data.vpmn_groups.to_pylist().index("V")
    assert terms.at(group, at(1, 0) - 1) is None
    row = terms.at(group, at(1, 0))
    assert row is not None
    assert terms.tier[row] == 3
    assert terms.contracts[int(terms.contract[row])].as_py() == "C7"
    assert terms.at(group, at(1, 0, month=11)) is None
    assert terms.at(group, at(2, month=12)) == row + 1
    assert terms.at(data.vpmn_groups.to_pylist().index("W"), at(2)) is None


def test_mistakes_in_the_further_tables_are_told_at_once(tmp_path: Path) -> None:
    rows = [
        f"{line(1, vpmn_group='V')},goldd,-3,old_town",
        f"{line(2)},gold,3.1234567,old_twn",
    ]
    options = [
        OPTIONS_HEAD,
        "S9,pack,2026-10-01,",
        "S1,pak,2026-10-01,",
        "S1,,2026-10-01,",
        "S1,pack,2026-10-01,2026-10-01",
        "S2,pack,2026-10-01,",
        "S2,pack,2026-10-01,",
    ]
    groups = [GROUPS_HEAD, "Z,A1,,2026-10-01,", "V,B7,,2026-10-01,", "V,A1,,2026-10-09,"]
    head = "tier,credit_limit,home_zone"
    folder = tables(tmp_path, head, rows, options=options, groups=groups)
    book = tiered_book(options=("pack", "movie"), home_zones=("", "old_town"))
    with pytest.raises(SubscriberDataError) as caught:
        load_subscribers(folder, book)
    assert [str(problem) for problem in caught.value.problems] == [
        (
            "groups.csv:2: group 'Z' is not in the column vpmn_group of the subscribers' table. "
            "Allowed: V."
        ),
        "groups.csv:3: tier 'B7' is not in the tariff book. Allowed: gold, silver, A1.",
        (
            "groups.csv:4: group 'V' is valid twice at the same time. The other row is line 3: one "
            "must end where the other begins."
        ),
        ("options.csv:2: subscriber_id 'S9' is not in the subscribers' table. Allowed: S1, S2."),
        (
            "options.csv:3: option 'pak' is not in the tariff book. "
            "Allowed: pack, movie. Did you mean 'pack'?"
        ),
        "options.csv:4: option is empty. Every row needs one.",
        (
            "options.csv:5: valid_to '2026-10-01' is not after valid_from. "
            "valid_to is the first day that is not valid any more."
        ),
        "options.csv:7: the row repeats an earlier one. Remove one of them.",
        (
            "subscribers.csv:2: credit_limit '-3' is not an amount. Write digits with a point and at "
            "most six decimals, such as 300.00, and no sign."
        ),
        (
            "subscribers.csv:2: tier 'goldd' is not in the tariff book. "
            "Allowed: gold, silver, A1. Did you mean 'gold'?"
        ),
        (
            "subscribers.csv:3: credit_limit '3.1234567' is not an amount. Write digits with a point "
            "and at most six decimals, such as 300.00, and no sign."
        ),
        (
            "subscribers.csv:3: home zone 'old_twn' is not in the tariff book. "
            "Allowed: old_town. Did you mean 'old_town'?"
        ),
    ]


def test_every_table_is_part_of_the_digest(tmp_path: Path) -> None:
    folder = write(tmp_path, [line(1, vpmn_group="V")])
    digests = {load_subscribers(folder, tiered_book()).digest}
    (folder / "options.csv").write_text(f"{OPTIONS_HEAD}\nS1,pack,2026-10-01,\n")
    digests.add(load_subscribers(folder, tiered_book()).digest)
    (folder / "groups.csv").write_text(f"{GROUPS_HEAD}\nV,,C1,2026-10-01,\n")
    digests.add(load_subscribers(folder, tiered_book()).digest)
    assert len(digests) == 3
