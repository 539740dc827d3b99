from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rating.billing.run import BillRun
from rating.billing.wording import masked_number, plain_number
from rating.explain import (
    Explanation,
    ExplanationError,
    RecordName,
    explain,
    explain_record,
    group_numbers,
    one,
)
from rating.explain.one import matched_prefix
from rating.explain.page import render_explanation
from rating.reference.classify import classify
from rating.reference.steps import Step
from rating.state import CycleState
from rating.subscribers import load_subscribers
from rating.trial.world import people as case_people
from rating.trial.world import record as case_record
from tariffs import compile_book, load_book
from tariffs.cases import load_cases
from tests.rating.strategies_edr import edr_batch
from tests.rating.strategies_shop import at as shop_at
from tests.rating.strategies_shop import call, write
from tests.rating.strategies_shop import line as shop_line
from tests.rating.test_billing_run import HEAD, crowd_run, events

if TYPE_CHECKING:
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

GOLDEN = Path(__file__).parent.parent / "cases" / "golden_book"
OFFERS = GOLDEN.parent / "offers"
FRIEND = 8618810000001
CALL: dict[str, Any] = {
    "record_type": "moCallRecord",
    "served_imsi": 460001000000001,
    "service": "voice",
    "direction": "originating",
    "other_number": FRIEND,
    # Wednesday 2026-10-14, 19:57:30 in Shanghai
    "start_time": 1_791_979_050_000_000,
    "duration": 370,
    "visited_network": "460-00",
}


@pytest.fixture(scope="module")
def compiled() -> CompiledBook:
    return compile_book(load_book(GOLDEN))


@pytest.fixture(scope="module")
def people(compiled: CompiledBook, tmp_path_factory: pytest.TempPathFactory) -> Subscribers:
    folder = tmp_path_factory.mktemp("golden")
    who = "S1,A1,,+8619910000123,460001000000001,golden,single,,north,2025-01-01,"
    (folder / "subscribers.csv").write_text(f"{HEAD}\n{who}\n", encoding="utf-8")
    friends = f"subscriber_id,number,valid_from,valid_to\nS1,+{FRIEND},2025-01-01,\n"
    (folder / "friends.csv").write_text(friends, encoding="utf-8")
    return load_subscribers(folder, compiled)


def row(**changes: object) -> dict[str, Any]:
    told: dict[str, Any] = edr_batch([{**CALL, **changes}]).to_pylist()[0]
    return told


GOLDEN_TEXT = """\
voice originating of +86199******23 with +86188******01, Wed 2026-10-14 19:57:30, 6 min 10 s

  Subscriber S1, plan golden.
  voice originating, call class local, zone mobile, roaming home.
    +86188******01 begins with 86. It is one of the subscriber's friends.
  Rule golden/voice (plans/golden.yaml:4) measures 370 s (6 min 10 s).
  From 19:57:30 to 20:00:00 the band is peak.
  Allowance golden/minutes covers 120 s: 120 s before, 0 s after.
  1 beat of 60 s at 0.30 per 60 s (peak, peak).                                       0.30
  From 20:00:00 to 20:03:40 the band is off_peak.
  4 beats of 60 s at 0.15 per 60 s (off_peak, off_peak).                              0.60
  Connect fee, once per event.                                                        0.10
  friends_half: 50 % off usage.                                                      -0.45
  Tax vat, 9 %, contained in the charge; G/L code 4010.
  ----------------------------------------------------------------------------------------
  Charge, CNY                                                                         0.55
"""


def test_the_golden_call(compiled: CompiledBook, people: Subscribers) -> None:
    state = CycleState("2026-10", compiled, people)
    told = explain(row(), compiled, people, state, stored=Decimal("0.55"))
    assert told.text() == GOLDEN_TEXT
    assert told.total == Decimal("0.55")
    assert not state.used.any()
    facts = told.facts
    assert (facts["connect_fee"], facts["usage_charge"]) == (Decimal("0.10"), Decimal("0.90"))
    assert (facts["discount_amount"], facts["allowance_units"]) == (Decimal("0.45"), 120)


def test_it_can_be_written_as_json(compiled: CompiledBook, people: Subscribers) -> None:
    told = explain(row(), compiled, people, CycleState("2026-10", compiled, people))
    back = json.loads(json.dumps(told.to_dict()))
    assert Decimal(back["total"]) == Decimal("0.55")
    assert sum(Decimal(step["amount"]) for step in back["steps"] if step["amount"]) == Decimal(
        "0.55"
    )
    assert str(FRIEND) not in json.dumps(back)


def test_numbers_are_shown_when_asked(compiled: CompiledBook, people: Subscribers) -> None:
    state = CycleState("2026-10", compiled, people)
    assert "+8619910000123" not in explain(row(), compiled, people, state).text()
    assert "+8619910000123" in explain(row(), compiled, people, state, masked=False).text()


def test_a_charge_that_is_not_the_stored_one_is_refused(
    compiled: CompiledBook, people: Subscribers
) -> None:
    state = CycleState("2026-10", compiled, people)
    with pytest.raises(ExplanationError, match=r"explained as 0\.55.*stored as 0\.56"):
        explain(row(), compiled, people, state, stored=Decimal("0.56"))
    steps = (Step("line", "One.", Decimal(1)),)
    with pytest.raises(ExplanationError, match="the steps add up to 1"):
        Explanation("a call", steps, Decimal(2), "CNY")


def test_an_event_without_a_charge_says_why(compiled: CompiledBook, people: Subscribers) -> None:
    state = CycleState("2026-10", compiled, people)
    for changes, reason in (
        ({"served_imsi": 1}, "unknown_subscriber"),
        ({"service": "mms"}, "direction_not_charged"),
        ({"other_number": 4412345678}, "no_zone"),
    ):
        told = explain(row(**changes), compiled, people, state)
        assert told.total is None
        assert told.reason is not None
        assert told.reason.startswith(reason)
        assert "Not rated" in told.text()


def test_the_prefix_that_decides(compiled: CompiledBook) -> None:
    assert matched_prefix(compiled, FRIEND) == "86"
    assert not matched_prefix(compiled, 4412345678)


def test_a_masked_number_is_not_told_by_its_prefix(
    people: Subscribers, compiled: CompiledBook
) -> None:
    step = Step("classify", "A call.")
    event = classify(row(), compiled, people)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one, "matched_prefix", lambda _book, _number: "8618810")
        assert one._told(step, event, compiled, masked_number).facts["prefix"] == "86188**"
        assert one._told(step, event, compiled, plain_number).facts["prefix"] == "8618810"


def test_large_quantities_are_readable() -> None:
    run = crowd_run(1)
    rows = events(np.random.default_rng(4), 40, 19)
    data = next(r for r in rows if r["service"] == "data" and r["downlink"] > 10**6)
    state = CycleState("2026-10", run.rater.compiled, run.rater.subscribers)
    edr = edr_batch([{**data, "served_imsi": 460001 * 10**9}]).to_pylist()[0]
    text = explain(edr, run.rater.compiled, run.rater.subscribers, state).text()
    assert f"measures {data['downlink']:,} byte" in text
    assert "per 1,048,576 byte" in text


def test_every_charge_of_a_bill_run_is_explained() -> None:
    """The replay of the group comes to what the bill run stored, for every record."""
    run = crowd_run(1)
    batch = edr_batch(events(np.random.default_rng(4), 80, 19))
    bill = run.partition(0, [batch])
    compiled, people = run.rater.compiled, run.rater.subscribers
    halves = [batch.slice(40), batch.slice(0, 40)]
    for record in bill.rated.to_pylist():
        name = RecordName(record["file_id"], record["offset"], record["container"])
        told = explain_record(halves, name, compiled, people, stored=record["net"])
        for column in ("gross", "discount_amount", "allowance_units", "charged_units", "rule"):
            assert told.facts[column] == record[column]
    lost = RecordName("00" * 16, 12345)
    with pytest.raises(LookupError, match="not among the events"):
        explain_record(halves, lost, compiled, people)


def test_the_numbers_of_a_group() -> None:
    people = crowd_run(1).rater.subscribers
    imsis, numbers = group_numbers(people, "G0")
    assert imsis == [460001000000000 + n for n in range(4)]
    assert numbers == [8619910000000 + n for n in range(4)]
    assert group_numbers(people, "nobody") == ([], [])


def test_the_rows_that_decided_have_file_and_line(
    compiled: CompiledBook, people: Subscribers
) -> None:
    state = CycleState("2026-10", compiled, people)
    told = explain(row(), compiled, people, state, book=load_book(GOLDEN))
    rows = [step.text for step in told.steps if step.kind == "row"]
    assert rows == [
        "numbers.csv:2 says: prefix +86 leads to zone mobile.",
        "zones.csv:2 says: zone mobile, long_distance, area north.",
        "networks.csv:2 says: network 460-00, roaming home.",
        "plans/golden.yaml:4 says: rule golden/voice is for voice; originating.",
        "prices.yaml:2 says: off_peak: off_peak, connect 0.10, 0.15 per min.",
        "prices.yaml:1 says: peak: peak, connect 0.10, 0.30 per min.",
    ]
    assert told.total == Decimal("0.55")
    allowance = next(step for step in told.steps if step.kind == "allowance")
    assert (allowance.facts["before"], allowance.facts["left"]) == (120, 0)


def test_the_page_of_a_charge(compiled: CompiledBook, people: Subscribers) -> None:
    state = CycleState("2026-10", compiled, people)
    stored = Decimal("0.55")
    told = explain(row(), compiled, people, state, book=load_book(GOLDEN), stored=stored)
    page = render_explanation(told)
    assert page.count("0.55") == 2
    assert "CNY 0.55" in page
    assert "the one on the rated record" in page
    assert "http" not in page
    assert page.index("numbers.csv:2") < page.index("4 beats of 60 s")
    lost = render_explanation(explain(row(served_imsi=1), compiled, people, state))
    assert "Not rated" in lost
    assert "unknown_subscriber" in lost


def test_the_rows_of_cells_ported_numbers_and_data_classes() -> None:
    book = load_book(GOLDEN.parent.parent / "corpus" / "places")
    places = compile_book(book)
    trial = {case.name: case for case in load_cases(book)}
    said = {}
    for name in (
        "Ported on the 10th, back on the 20th, on 2026-10-15",
        "The home zone",
        "An access point",
    ):
        case = trial.get(name) or next(c for n, c in trial.items() if n.startswith(name[:30]))
        data = case_people(case, places)
        [period] = data.periods_of("S1")
        usage = dataclasses.replace(case.usages[0], at=case.usages[0].at.replace(day=15))
        edr = case_record(usage, int(data.imsi[period]), int(data.msisdn[period]))
        told = explain(edr, places, data, CycleState("2026-10", places, data), book=book)
        said[name] = [step.text for step in told.steps if step.kind == "row"][:3]
    assert list(said.values()) == [
        [
            f"ported_numbers.csv:2 says: {masked_number(8610555000)} is a ported number.",
            f"numbers.csv:2 says: prefix {masked_number(8610555000)[:5]} leads to zone north.",
            "ported_numbers.csv says: instead it is zone near_south.",
        ],
        [
            f"numbers.csv:2 says: prefix {masked_number(8610123456)[:5]} leads to zone north.",
            "zones.csv:2 says: zone north, long_distance, area north.",
            "cells.csv:3 says: location area 100, cell 7.",
        ],
        [
            "data_classes.csv:3 says: data of the class work.",
            "plans/basic.yaml:13 says: rule basic/work is for data; zone work.",
            "prices.yaml:10 says: any: work, 0.50 per MB.",
        ],
    ]


def test_the_partners_charge_stands_beside(compiled: CompiledBook, people: Subscribers) -> None:
    state = CycleState("2026-10", compiled, people)
    partner = {"partner_charge": 800_000, "partner_currency": "CNY"}
    told = explain(row(**partner), compiled, people, state)
    text = "The roaming partner charges us 0.80, 0.25 more than the charge."
    assert text in [step.text for step in told.steps]
    assert told.total == Decimal("0.55")


def test_what_rolled_over_is_explained(tmp_path: Path) -> None:
    """The replay begins with what the cycle before left, as the bill run did."""
    book = load_book(OFFERS)
    compiled = compile_book(book)
    people = load_subscribers(
        write(tmp_path, [shop_line(n, plan="roll") for n in range(4)]), compiled
    )
    calls = [
        call(n, shop_at(day, month=month), 100 * n + 170)
        for n in range(4)
        for month in (9, 10)
        for day in (3, 9, 14, 20, 26)[: 2 + 3 * (month == 10)]
    ]
    batch = edr_batch(calls)
    september = BillRun(compiled, book, people, "2026-09", 1).partition(0, [batch])
    run = BillRun(compiled, book, people, "2026-10", 1, balances=september.balances)
    october = run.partition(0, [batch])
    refused = 0
    for record in october.rated.to_pylist():
        name = RecordName(record["file_id"], record["offset"], record["container"])
        told = explain_record(
            [batch],
            name,
            compiled,
            people,
            balances=september.balances,
            stored=record["net"],
        )
        assert told.facts["allowance_units"] == record["allowance_units"]
        try:
            explain_record([batch], name, compiled, people, stored=record["net"])
        except ExplanationError:
            refused += 1
    assert refused >= 2


def test_wholesale_rates_are_looked_up_at_the_start_of_a_row_as_it_is_stored() -> None:
    """Published rows have a time, not a number, in ``start_time``."""
    book = load_book(GOLDEN.parents[2] / "samples" / "shop" / "book")
    compiled = compile_book(book)
    assert compiled.wholesale
    case = next(one for one in load_cases(book) if one.usages[0].service == "voice")
    people = case_people(case, compiled)
    period = people.periods_of("S1")[0]
    row = case_record(case.usages[0], int(people.imsi[period]), int(people.msisdn[period]))
    state = CycleState("2026-10", compiled, people)
    assert explain(row, compiled, people, state, book=book).total is not None
