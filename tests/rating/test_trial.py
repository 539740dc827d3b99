from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UsageError
from pipeline.tariff.trial import try_tariff
from rating.reference.twin import rate
from rating.trial import run as trial_run
from tariffs.cases_write import amount_written, quantity_written, written
from tariffs.compiled import FOREVER
from tariffs.errors import BookError

if TYPE_CHECKING:
    from rating.trial import Failure

BOOK = Path(__file__).parents[1] / "cases" / "golden_book"
CALL = 'service: voice, direction: originating, to: "+8618810000001", quantity: 370 s'
FRIEND = f"{{{CALL}, friend: yes, at: 2026-10-14T19:57:30+08:00}}"
OTHER = f"{{{CALL}, at: 2026-10-14T19:57:30+08:00}}"


def book_with(tmp_path: Path, cases: str) -> Path:
    """The golden book with other cases."""
    folder = tmp_path / "book"
    shutil.copytree(BOOK, folder)
    for path in (folder / "tests").iterdir():
        path.unlink()
    (folder / "tests" / "own.yaml").write_text(cases, encoding="utf-8")
    return folder


def told(failures: tuple[Failure, ...]) -> list[tuple[int, str, str, str]]:
    return [(one.line, one.what, one.expected, one.got) for one in failures]


def test_what_is_not_as_expected_is_told_with_its_line(tmp_path: Path) -> None:
    cases = f"""\
- name: Golden
  plan: golden
  usage: {FRIEND}
  expect:
    charge: 0.56
    rule: golden/voices
    allowances: {{minutes: 3 min}}
    left: {{minutes: 1 min, hours: 2 h}}
    discounts: []
    unrated: no_price
    bill: {{usage: 0.54, nothing: 1}}
    lines: [{{kind: usage, net: 0.55}}, {{kind: fee}}]
"""
    report = try_tariff(book_with(tmp_path, cases))
    assert (report.cases, report.failed) == (1, 1)
    assert told(report.failures) == [
        (5, "charge", "0.56", "0.55"),
        (6, "rule", "golden/voices", "golden/voice"),
        (7, "allowances.minutes", "3 min", "2 min"),
        (8, "left.minutes", "1 min", "0 min"),
        (8, "left.hours", "2 h", "nothing of that name"),
        (9, "discounts", "[]", "[friends_half]"),
        (10, "unrated", "no_price", "no, it is rated"),
        (11, "bill.usage", "0.54", "0.55"),
        (11, "bill.nothing", "1", "nothing of that name"),
        (12, "lines.2.kind", "fee", "tax"),
    ]


def test_usages_follow_each_other_and_share(tmp_path: Path) -> None:
    cases = f"""\
- name: Two calls, opening allowance, a second subscriber of the group
  plan: golden
  left: {{minutes: 90 s}}
  others: [{{subscriber_id: S2, plan: golden}}]
  usage:
    - {{{CALL}, at: 2026-10-14T10:00:00+08:00, expect: {{left: {{S1 minutes: 30 s}}, charge: 1.90}}}}
    - {{{CALL}, at: 2026-10-14T09:00:00+08:00, by: S2, expect: {{subscriber: S2, charge: 1.60}}}}
  expect: {{total: 3.50, left: {{S1 minutes: 30 s, golden/minutes: 30 s}}}}
"""
    report = try_tariff(
        book_with(tmp_path, cases.replace("left: {minutes: 90 s}", "left: {S1 minutes: 90 s}"))
    )
    assert told(report.failures) == []


def test_an_update_changes_values_and_nothing_else(tmp_path: Path) -> None:
    cases = f"""\
# A heading
- name: Golden  # as it stands in the book
  plan: golden
  usage: {FRIEND}
  expect:          # why it costs that
    charge: 0.99   # é
    allowance_units: 1 min
    unrated: no_price
- name: New
  plan: golden
  usage: {OTHER}
  expect: {{}}
"""
    folder = book_with(tmp_path, cases)
    report = try_tariff(folder, update=True)
    # what has no value to be written stays a failure
    assert [one.what for one in report.failures] == ["unrated"]
    assert [path.name for path in report.written] == ["own.yaml"]
    filled = "{rule: golden/voice, allowance_units: 120 s, connect_fee: 0.10, charge: 1.00}"
    expected = cases.replace("0.99", "0.55").replace("1 min\n", "2 min\n")
    text = (folder / "tests" / "own.yaml").read_text(encoding="utf-8")
    assert text == expected.replace("expect: {}", f"expect: {filled}")
    assert try_tariff(folder, only=["New"]).failures == ()
    again = try_tariff(folder, only=["New"], update=True)
    assert again.written == ()


def test_the_twin_is_asked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object) -> object:
        charge = rate(*arguments)  # type: ignore[arg-type]
        charge.covered += 1
        return charge

    monkeypatch.setattr(trial_run, "rate", wrong)
    cases = f"- {{name: Twin, plan: golden, usage: {OTHER}, expect: {{charge: 1.00}}}}\n"
    report = try_tariff(book_with(tmp_path, cases))
    assert told(report.failures) == [(1, "twin: allowance_units", "121", "120")]


def test_an_event_that_is_not_rated_can_be_expected(tmp_path: Path) -> None:
    cases = f"""\
- {{name: Nobody, usage: {OTHER}, expect: {{unrated: unknown_subscriber}}}}
- name: After he left
  plan: {{2026-01-01: golden, 2026-10-14: none}}
  usage: {OTHER}
  expect: {{unrated: unknown_subscriber}}
- name: A record of another column
  plan: golden
  usage: {{{CALL}, at: 2026-10-14T10:00:00+08:00, record: {{duration: -5}}}}
  expect: {{unrated: implausible_quantity, charge: 1.00}}
"""
    report = try_tariff(book_with(tmp_path, cases))
    assert told(report.failures) == [(9, "charge", "1.00", "not rated: implausible_quantity")]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("plan: goldn", "own.yaml:2: Unknown plan 'goldn'. Allowed: golden. Did you mean"),
        ("plan: golden\n  left: {minits: 1 min}", r"no allowance 'minits'\. .*'minutes'"),
        ("plan: golden\n  spent: {data: 1}", r"no cap 'data'\. None is defined"),
        ("plan: golden\n  subscriber: {rol: main}", "'rol' is not known.*'role'"),
        ("plan: golden\n  subscriber: {role: boss}", "boss"),
        ("plan: golden\n  left: {minutes: 1 mile}", "own.yaml:3: left minutes: '1 mile'"),
    ],
)
def test_what_a_case_gets_wrong_is_told(tmp_path: Path, case: str, message: str) -> None:
    text = f"- name: Wrong\n  {case}\n  usage: {OTHER}\n  expect: {{charge: 1.00}}\n"
    with pytest.raises((BookError, UsageError), match=message):
        try_tariff(book_with(tmp_path, text))


@pytest.mark.parametrize(
    ("usage", "message"),
    [
        ("{service: voice}", "usage lacks direction, at, quantity"),
        (f"{{{CALL}, at: 2026-10-14}}", "with the offset"),
        (f"{{{CALL}, at: 2026-10-14T10:00:00Z, to: '0861'}}", "twice"),
        (f"{{{CALL}, at: 2026-10-14T10:00:00Z, by: S9}}", "Unknown subscriber 'S9'. Allowed: S1"),
        (f"{{{CALL}, at: 2026-10-14T10:00:00Z, uplink: 5 s}}", "uplink is not a volume"),
        (f"{{{CALL}, at: 2026-10-14T10:00:00Z, record: {{cel: 5}}}}", "no column 'cel'"),
        (f"{{{CALL}, at: 2026-10-14T10:00:00Z, record: {{cell: x}}}}", "'x' is not a whole"),
    ],
)
def test_what_a_usage_gets_wrong_is_told(tmp_path: Path, usage: str, message: str) -> None:
    text = f"- name: Wrong\n  plan: golden\n  usage: {usage}\n  expect: {{charge: 1.00}}\n"
    with pytest.raises((BookError, UsageError), match=message):
        try_tariff(book_with(tmp_path, text))


def test_a_charge_of_one_usage_is_not_that_of_several(tmp_path: Path) -> None:
    text = f"""\
- name: Two
  plan: golden
  usage: [{OTHER}, {FRIEND}]
  expect: {{charge: 1.00}}
"""
    with pytest.raises(BookError, match="'charge' is about one usage"):
        try_tariff(book_with(tmp_path, text))


def test_a_case_of_one_usage_that_cannot_be_read_is_still_one_of_one(tmp_path: Path) -> None:
    text = f"- name: Wrong\n  plan: golden\n  usage: {{{CALL}, at: noon}}\n  expect: {{charge: 1.00}}\n"
    with pytest.raises(BookError) as told:
        try_tariff(book_with(tmp_path, text))
    assert len(told.value.problems) == 1


def test_a_case_without_usage_is_told_not_left_out(tmp_path: Path) -> None:
    right = f"- name: Right\n  plan: golden\n  usage: {OTHER}\n  expect: {{}}\n"
    none = "- name: Fees alone\n  plan: golden\n  usage: []\n  expect: {total: 5.00}\n"
    with pytest.raises(BookError, match="The case has no usage"):
        try_tariff(book_with(tmp_path, right + none))


def test_a_book_without_cases_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no test cases"):
        try_tariff(book_with(tmp_path, "[]"))
    with pytest.raises(UsageError, match=r"no case .* 'moon'"):
        try_tariff(BOOK, only=["moon"])


def test_values_are_written_as_people_write_them() -> None:
    assert amount_written(-1_234_500) == "-1.2345"
    assert quantity_written("bytes", 2**21, "1 MiB") == "2 MiB"
    assert quantity_written("bytes", 2**21 + 1, "1 MiB") == "2097153 B"
    assert quantity_written("seconds", FOREVER) == "unlimited seconds"
    assert written("text", "Monthly fee: main") == '"Monthly fee: main"'
    assert written("text", None) == "none"
    assert written("names", ("a", "b")) == "[a, b]"
