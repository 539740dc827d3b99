"""Validation rules: every rule can hit, the kernel equals its twin, a bad file tells everything."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.edr import DIRECTIONS, MISSING, SERVICES
from mediation.errors import MediationConfigError
from mediation.kernels.checks import sort_rows
from mediation.reference.checks import fates, first_hit
from mediation.validation import RULES_FILE, RuleSet, Verdict, validate
from mediation.validation_rules import default_rules, load_rules, number_of

DAY = 86_400
OCTOBER = number_of("2026-10-15T12:00:00+08:00") or 0
GOOD = {
    "service": SERVICES.index("voice"),
    "direction": DIRECTIONS.index("originating"),
    "start_time": OCTOBER,
    "served_imsi": 460_001_000_000_001,
    "served_msisdn": 8_619_910_000_001,
    "duration": 60,
    "uplink": 0,
    "downlink": 0,
}


def verdict(rules: RuleSet | None = None, **changes: int) -> Verdict:
    row = GOOD | changes
    columns = {name: np.array([value], np.int64) for name, value in row.items()}
    return validate(columns, rules or default_rules())


def reason(found: Verdict) -> str:
    return found.reasons[int(found.status[0]) - 1] if found.status[0] else ""


def test_a_good_row_goes_on() -> None:
    found = verdict()
    assert found.status.tolist() == [0]
    assert not found.suspended.any()
    assert not found.discarded.any()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"start_time": MISSING}, "missing_start_time"),
        ({"served_imsi": MISSING, "served_msisdn": MISSING}, "missing_served_party"),
        ({"served_imsi": MISSING}, ""),
        ({"served_msisdn": MISSING}, ""),
        ({"served_imsi": 999}, "impossible_imsi"),
        ({"served_imsi": 10**15}, "impossible_imsi"),
        ({"served_msisdn": 0}, "impossible_number"),
        ({"duration": -1}, "duration_negative"),
        ({"duration": DAY}, ""),
        ({"duration": DAY + 1}, "duration_over_24h"),
        ({"duration": DAY + 1, "service": SERVICES.index("data")}, ""),
        ({"uplink": -1}, "volume_negative"),
        ({"downlink": 2**40}, ""),
        ({"downlink": 2**40 + 1}, "volume_over_limit"),
        ({"start_time": number_of("2009-12-31T23:59:59+00:00") or 0}, "start_too_old"),
        ({"start_time": 2**62}, ""),  # without a limit nothing is in the future
    ],
)
def test_rules_of_the_package(changes: dict[str, int], expected: str) -> None:
    found = verdict(**changes)
    assert reason(found) == expected
    assert found.suspended[0] == bool(expected)


def test_a_gateway_serves_nobody() -> None:
    nobody = {"served_imsi": MISSING, "served_msisdn": MISSING}
    gateway = DIRECTIONS.index("gateway_in")
    assert reason(verdict(**nobody, direction=gateway)) == ""


def test_limits_of_a_workspace() -> None:
    rules = load_rules(limits={"latest_start": "2026-10-15T11:59:59+08:00", "longest_call": 30})
    assert reason(verdict(rules)) == "duration_over_24h"
    assert reason(verdict(rules, duration=1)) == "start_in_future"
    assert reason(verdict(load_rules(limits={"largest_volume": None}), uplink=2**60)) == ""


def test_a_discard_rule_is_named(tmp_path: Path) -> None:
    text = RULES_FILE.read_text(encoding="utf-8").replace("enabled: no", "enabled: yes")
    path = tmp_path / "validation.yaml"
    path.write_text(text, encoding="utf-8")
    found = verdict(load_rules(path), service=SERVICES.index("supplementary"))
    assert found.discarded.tolist() == [True]
    assert reason(found) == "supplementary_not_charged"


small = st.one_of(st.just(MISSING), st.integers(-2, 2))


@given(
    st.lists(st.tuples(small, small, st.integers(0, 6), st.integers(0, 5)), max_size=30), st.data()
)
@settings(deadline=None, max_examples=80)
def test_kernel_equals_twin(rows: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    tests = st.sampled_from(
        (
            "column: uplink, test: missing",
            "columns: [uplink, downlink], test: missing",
            "column: uplink, test: below, bound: 1",
            "column: downlink, test: above, bound: -1",
            "column: uplink, test: outside, from: -1, to: 1",
            "column: downlink, test: between, from: 0, to: 1",
            "column: uplink, test: always",
        )
    )
    conditions = st.sampled_from(
        (
            "",
            ", services: [voice, sms]",
            ", directions: [transit]",
            ", services: [data]",
            ", record_types: [call, other]",
            ", record_types: [elsewhere]",
        )
    )
    chosen = data.draw(st.lists(st.tuples(tests, conditions), min_size=1, max_size=4))
    lines = [f"  - {{reason: r, outcome: suspend, class: invalid, {a}{b}}}" for a, b in chosen]
    rules = parse("version: 1\nrules:\n" + "\n".join(lines))
    names = ("uplink", "downlink", "service", "direction")
    columns = {
        name: np.array([row[place] for row in rows], np.int64) for place, name in enumerate(names)
    }
    types = ("message", "call", "other")
    columns["record_type"] = np.array([row[3] % 3 for row in rows], np.int64)
    expected = [
        first_hit(
            rules,
            {
                "uplink": None if row[0] == MISSING else row[0],
                "downlink": None if row[1] == MISSING else row[1],
                "service": SERVICES[row[2]],
                "direction": DIRECTIONS[row[3]],
                "record_type": types[row[3] % 3],
            },
        )
        for row in rows
    ]
    assert (validate(columns, rules, types).status - 1).tolist() == expected


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from((0, 0, 1, 2, 3)), st.booleans())),
    st.sets(st.integers(0, 9), max_size=3),
)
@settings(deadline=None)
def test_a_record_goes_on_whole_or_not_at_all(
    drawn: list[tuple[int, int, bool]], gone: set[int]
) -> None:
    rows, discards = sorted(drawn, key=lambda row: row[0]), np.array([False, True, False, True])
    record, status = (np.array([row[at] for row in rows], np.int32) for at in (0, 1))
    start = np.array([0 if row[2] else MISSING for row in rows], np.int64)
    lengths = np.arange(10, dtype=np.int64) ** 3
    kept, stopped = np.empty((2, len(rows)), np.int32)
    counts = np.zeros(5, np.int64)
    n_kept, n_stopped = sort_rows(
        status.astype(np.int16), start, MISSING, record, np.array(sorted(gone), np.int32),
        discards, lengths, len(rows), kept, stopped, counts,
    )  # fmt: skip
    on, off, dropped = fates(rows, gone, discards.tolist())
    assert (kept[:n_kept].tolist(), stopped[:n_stopped].tolist()) == (on, off)
    assert counts[:-1].tolist() == [list(dropped.values()).count(rule) for rule in range(4)]
    assert counts[-1] == sum(int(lengths[one]) for one in dropped)


def parse(text: str) -> RuleSet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(text, encoding="utf-8")
        return load_rules(path)


def test_every_mistake_is_told_at_once() -> None:
    text = """\
version: 2
limit: {}
limits:
  top: 12x
rules:
  - reason: a
    colunm: uplink
    test: above
    bound: tip
    outcome: suspend
    class: invalid
  - reason: b
    column: uplnk
    test: abov
    outcome: drop
    class: odd
    services: [voise]
    enabled: maybe
  - reason: c
    columns: [uplink, downlink]
    test: between
    from: 5
    to: 1
    outcome: suspend
    class: invalid
  - reason: d
    column: uplink
    test: below
    outcome: suspend
"""
    with pytest.raises(MediationConfigError) as caught:
        parse(text)
    told = str(caught.value)
    for words in (
        "rules.yaml:1: `version` must be 1",
        "rules.yaml:2: `limit` is not known here (did you mean `limits`?)",
        "rules.yaml:4: limit `top` is '12x'",
        "rules.yaml:7: `colunm` is not known (did you mean `column`?)",
        "rules.yaml:9: `bound` is 'tip'",
        "either `column` or `columns`",
        "rules.yaml:13: `column` is 'uplnk' (did you mean `uplink`?)",
        "rules.yaml:14: `test` is 'abov' (did you mean `above`?)",
        "`outcome` is 'drop'",
        "`class` is 'odd'",
        "'voise' is not known (did you mean `voice`?)",
        "`enabled` is 'maybe'",
        "`columns` is for `test: missing`",
        "`from` 5 is above `to` 1",
        "the rule has no `class`",
        "`test: below` needs `bound`",
    ):
        assert words in told, words


def test_a_wrong_limit_names_the_nearest() -> None:
    with pytest.raises(MediationConfigError, match="did you mean `longest_call`"):
        load_rules(limits={"longst_call": 5})
    with pytest.raises(MediationConfigError, match="an instant with its offset"):
        load_rules(limits={"latest_start": "2026-10-15T12:00:00"})


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MediationConfigError, match=r"none\.yaml"):
        load_rules(tmp_path / "none.yaml")


def test_number_of() -> None:
    assert number_of("-5") == -5
    assert number_of("1970-01-01T00:00:01+00:00") == 1_000_000
    assert number_of("2026-01-01") is None
    assert number_of(str(2**70)) is None


def test_record_types_are_a_list_of_names() -> None:
    line = "  - {reason: r, outcome: discard, class: invalid, column: uplink, test: always, "
    with pytest.raises(MediationConfigError, match="is a list such as"):
        parse(f"version: 1\nrules:\n{line}record_types: moCallRecord}}\n")
