from __future__ import annotations

import dataclasses
import shutil
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bench.large_book import write_large_book
from mediation import edr
from tariffs import compile_book, decks_fast, load_book
from tariffs import compiled as codes
from tariffs.cases import load_cases
from tariffs.compile_numbers import matched_prefix
from tariffs.compile_time import clock_changes
from tariffs.errors import BookError
from tests.tariffs.books import FILES, edited, make_book, plan_with, write_book
from tests.tariffs.conftest import GOLDEN, SHOP

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

PLAN = "plans/plain.yaml"
Change = dict[str, str | bytes | None]


def test_the_vocabularies_are_those_of_the_edr() -> None:
    assert codes.SERVICES == edr.SERVICES
    assert codes.DIRECTIONS == edr.DIRECTIONS


def test_the_sample_book_has_the_operators_plans(compiled: CompiledBook) -> None:
    wanted = "easy talk_58 talk_106 family_156 data_50 data_200 night_owl business globe_298"
    assert set(compiled.plans) == set(wanted.split())
    assert compiled.roaming_classes[:2] == ("home", "unknown")
    assert compiled.zones[0] == "none"


def test_arrays_are_contiguous_and_as_typed(compiled: CompiledBook) -> None:
    dtypes = {
        "Int8": np.int8,
        "Int16": np.int16,
        "Int32": np.int32,
        "Int64": np.int64,
        "UInt8": np.uint8,
    }
    for field in dataclasses.fields(compiled):
        if field.type in dtypes:
            array = getattr(compiled, field.name)
            assert array.dtype == dtypes[str(field.type)], field.name
            assert array.ndim == 1, field.name
            assert array.flags.c_contiguous, field.name


def test_indexes_stay_inside_their_tables(compiled: CompiledBook) -> None:
    assert compiled.rule_of.size == np.unique(compiled.rule_table).size * compiled.n_classes
    assert compiled.rule_of.max() < len(compiled.rules)
    assert compiled.rule_band_price.size == len(compiled.rules) * len(compiled.bands)
    assert compiled.rule_band_price.max() < len(compiled.price_models)
    assert compiled.pm_step_first[-1] == compiled.step_from.size
    assert compiled.tm_band.size == len(compiled.time_models) * len(compiled.day_types) * 1440
    assert compiled.alw_match.size == len(compiled.allowances) * compiled.n_classes
    assert compiled.plan_alw_first[-1] == compiled.plan_alw.size
    for name in ("free", "any", "always"):
        assert name in (compiled.price_models[0], compiled.bands[0], compiled.time_models[0])


def test_only_legs_that_are_priced_have_a_usage(compiled: CompiledBook) -> None:
    assert "sms.terminating" not in compiled.usages
    assert not any("gateway" in usage or "transit" in usage for usage in compiled.usages)
    sms_terminating = codes.SERVICES.index("sms") * 6 + codes.DIRECTIONS.index("terminating")
    assert compiled.usage_index[sms_terminating] == -1


def test_the_digest_depends_on_the_tariff_and_on_nothing_else(tmp_path: Path) -> None:
    one = load_book(write_book(tmp_path / "one"))
    other = load_book(
        write_book(tmp_path / "other", {"tests/a.yaml": "[]", "README.md": "# Notes"})
    )
    assert one.digest == other.digest
    assert len(one.digest) == 64
    changed: Change = {"prices.yaml": FILES["prices.yaml"] + "# a comment\n"}
    assert load_book(write_book(tmp_path / "more", changed)).digest != one.digest
    moved: Change = {
        "discounts/all.yaml": None,
        "discounts/every.yaml": FILES["discounts/all.yaml"],
    }
    assert load_book(write_book(tmp_path / "moved", moved)).digest != one.digest


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path, compiled: CompiledBook) -> None:
    shutil.copytree(SHOP, tmp_path / "copy")
    again = compile_book(load_book(tmp_path / "copy"))
    for field in dataclasses.fields(compiled):
        one, other = getattr(compiled, field.name), getattr(again, field.name)
        same = np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
        assert same, field.name


def test_a_dated_price_makes_an_epoch_and_shares_what_does_not_change(tmp_path: Path) -> None:
    change = edited(
        "prices.yaml",
        "minute: {price: 0.30,",
        "minute: {price: {2020-01-01: 0.30, 2026-10-15: 0.25},",
    )
    second_plan = {
        "plans/texts.yaml": "name: T\nrules:\n  - {when: {service: sms, direction: originating}, price: message}\n"
    }
    _, compiled = make_book(tmp_path, {**change, **second_plan})
    assert compiled.epoch_start_us.tolist() == [
        -(2**63),
        1_577_808_000_000_000,
        1_791_993_600_000_000,
    ]
    table = compiled.rule_table.reshape(3, 2)
    assert len(set(table[:, 0].tolist())) == 3
    assert len(set(table[:, 1].tolist())) == 1
    assert set(compiled.step_price.tolist()) >= {300_000, 250_000}


def test_dated_parts_of_a_plan_become_definitions_with_their_validity(tmp_path: Path) -> None:
    change = plan_with(
        allowances=[
            {
                "id": "minutes",
                "quantity": {"2026-01-01": "10 min", "2026-10-01": "20 min"},
                "when": {"service": "voice"},
            }
        ],
        fees=[
            {
                "id": "monthly",
                "amount": {"2026-01-01": "10.00", "2026-10-01": "12.00"},
                "tax": "vat",
                "gl_code": "4010",
            }
        ],
    )
    book, compiled = make_book(tmp_path, change)
    october = 1_790_784_000_000_000
    assert compiled.allowances == ("plain/minutes", "plain/minutes")
    assert compiled.alw_quantity.tolist() == [600, 1200]
    assert compiled.alw_to_us[0] == compiled.alw_from_us[1] == october
    fee = book.plans[0].fees[0]
    assert fee.amount_at(october - 1) == 10_000_000
    assert fee.amount_at(october) == 12_000_000


def test_a_dated_tax_rate_changes_the_rules_tax(tmp_path: Path) -> None:
    change = edited("book.yaml", "rate: 9 %", "rate: {2018-01-01: 11 %, 2019-04-01: 9 %}")
    _, compiled = make_book(tmp_path, change)
    assert compiled.taxes == ("vat", "vat")
    assert compiled.tax_ppm.tolist() == [110_000, 90_000]
    last = compiled.rule_table[-1]
    rules = np.unique(compiled.rule_of[last : last + compiled.n_classes])
    assert set(compiled.rule_tax[rules[rules >= 0]].tolist()) == {1}


def test_a_plan_overrides_what_it_inherits(tmp_path: Path) -> None:
    child = """\
name: Child
inherits: plain
prices:
  message: {price: 0.05, per: 1 message}
rules:
  - {id: abroad, when: {service: voice, zone: abroad}, price: minute}
allowances:
  - {id: minutes, quantity: 30 min, when: {service: voice}}
without: [half, data]
"""
    book, compiled = make_book(tmp_path, {"plans/child.yaml": child})
    plan = book.plan("child")
    assert [rule.name for rule in plan.rules] == [
        "child/abroad",
        "plain/police",
        "plain/voice",
        "plain/sms",
    ]
    assert plan.discounts == ()
    assert [one.quantity.at(0) for one in plan.allowances] == [1800]
    assert compiled.rules.count("plain/sms") == 2
    assert sorted(
        int(compiled.step_price[compiled.pm_step_first[i]])
        for i, name in enumerate(compiled.price_models)
        if name == "message"
    ) == [50_000, 100_000]


def test_allowances_stand_in_order_of_priority(compiled: CompiledBook) -> None:
    plan = compiled.plans.index("night_owl")
    first, last = compiled.plan_alw_first[plan : plan + 2]
    names = [compiled.allowances[one] for one in compiled.plan_alw[first:last]]
    assert names[:2] == ["night_owl/night_data", "night_owl/data"]
    night = compiled.bands.index("night")
    assert compiled.alw_bands[compiled.plan_alw[first]] == 1 << night


def test_the_clock_changes_of_a_zone_with_summer_time() -> None:
    starts, offsets = clock_changes(ZoneInfo("Europe/Berlin"))
    # 2026-10-25 01:00 UTC: back to +01:00.
    at = starts.tolist().index(1_792_890_000_000_000)
    assert offsets[at] == 60
    assert offsets[at - 1] == 120
    assert (np.diff(offsets) != 0).all()


def test_october_2026_has_its_holiday_and_its_make_up_saturday(compiled: CompiledBook) -> None:
    first = 20_727  # 2026-10-01
    names = [compiled.day_types[compiled.day_type[first + i - compiled.day0]] for i in range(11)]
    assert names[:7] == ["public_holiday"] * 7
    assert names[7:] == ["thursday", "friday", "friday", "sunday"]


def test_the_matched_prefix_is_found_with_its_line(shop: Book) -> None:
    assert matched_prefix(shop, 8619910000001) == ("8619910", 3)
    assert matched_prefix(shop, 8613900000001) == ("86", 2)


def test_test_cases_are_read_with_their_line(shop: Book) -> None:
    cases = load_cases(shop)
    assert len(cases) >= 10
    assert {case.plan.values[0] for case in cases} <= {plan.id for plan in shop.plans}
    golden = load_cases(load_book(GOLDEN))[0]
    assert str(golden.source) == "tests/golden.yaml:1"
    assert golden.expected["charge"] == 550_000
    assert golden.usages[0].friend


def test_a_large_book_loads_and_compiles_in_seconds(tmp_path: Path) -> None:
    zones = "zone,call_class,area\n" + "".join(f"z{i},international,\n" for i in range(200))
    numbers = "prefix,zone\n" + "".join(f"{10_000_000 + i},z{i % 200}\n" for i in range(100_000))
    plan = FILES[PLAN].replace("class: emergency", "zone: z1")
    start = time.monotonic()
    change: Change = {
        "zones.csv": zones,
        "numbers.csv": numbers,
        "short_codes.csv": None,
        **{f"plans/p{i}.yaml": f"name: P\ninherits: plain\nid: p{i}\n" for i in range(50)},
        PLAN: plan,
    }
    _, compiled = make_book(tmp_path, change)
    assert time.monotonic() - start < 30
    assert compiled.rule_of.size == compiled.n_classes
    assert compiled.lpm_value[0] == -1


def test_the_fast_way_to_read_a_deck_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    values = rng.permutation(np.unique(rng.integers(10, 10**12, 40_000)))
    names = ("north", "abroad", "-")
    rows = "".join(f"{value},{names[i % 3]}\n" for i, value in enumerate(values))
    folder = write_book(tmp_path, {"numbers.csv": f"prefix,zone\n{rows}"})
    fast = load_book(folder).numbers
    assert decks_fast.read_clean_numbers(
        (folder / "numbers.csv").read_bytes(), dict.fromkeys(names, 0)
    )
    monkeypatch.setattr(decks_fast, "LARGE", 2**60)
    slow = load_book(folder).numbers
    for field in dataclasses.fields(fast):
        assert np.array_equal(getattr(fast, field.name), getattr(slow, field.name)), field.name


def test_plans_that_differ_in_prices_only_have_the_same_shape(tmp_path: Path) -> None:
    write_large_book(tmp_path / "book", 500, 12)
    book = load_book(tmp_path / "book")
    compiled = compile_book(book)
    size, plans = compiled.n_classes, len(compiled.plans)
    assert len({int(at) for at in compiled.rule_table[-plans:]}) == plans
    shapes = set()
    for offset in compiled.rule_table[-plans:]:
        rules = compiled.rule_of[offset : offset + size]
        names = np.array([*compiled.rules, ""])[rules]
        shapes.add(tuple(str(name).split("/")[-1] for name in names))
    assert len(shapes) == 2  # as inherited, and with one more rule before it


def test_a_book_that_is_too_large_says_what_makes_it_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_large_book(tmp_path / "book", 500, 12)
    monkeypatch.setattr("tariffs.compile_rules.MOST_BYTES", 10 * 2**20)
    with pytest.raises(BookError) as caught:
        compile_book(load_book(tmp_path / "book"))
    assert "different rule tables of 108,360 classes" in str(caught.value)
    assert "301 zones" in str(caught.value)
