from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mediation import formats
from mediation.errors import MediationConfigError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
title: t
kind: delimited
records:
  fields: [a, b]
types:
  one:
    service: sms
    direction: originating
    columns:
      served_imsi: digits a
      start_time: time(YYYYMMDDhhmmss) b
"""


def problems(folder: Path, mapping: str) -> list[str]:
    (folder / "mapping.yaml").write_text(mapping)
    with pytest.raises(MediationConfigError) as caught:
        formats.load_folder(folder)
    return [str(problem) for problem in caught.value.problems]


def test_good(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(GOOD)
    loaded = formats.load_folder(tmp_path)
    assert loaded.flat is not None
    assert loaded.title == "t"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("digits a", "digit a", "`digit` is no codec (did you mean `digits`?)"),
        ("digits a", "digits aa", "there is no field `aa` (did you mean `a`?)"),
        ("digits a", "digits(3) a", "`digits` takes nothing in brackets"),
        ("digits a", "text a", "`text` cannot fill `served_imsi`"),
        ("served_imsi:", "served_imsy:", "`served_imsy` is no EDR column"),
        ("YYYYMMDDhhmmss", "YYYYMMDDhhmmssQ", "`Q` is no token of a time"),
        ("YYYYMMDDhhmmss", "YYYYMMDD", "does not say year, month, day and hour"),
        ("YYYYMMDDhhmmss", "YYYYMMDD+hhmm", "has 2 pieces for 1 fields"),
        ("digits a", "digits a when bb=1", "there is no field `bb` (did you mean `b`?)"),
        ("digits a", "digits a when !b=1", "does not read as `field=value`, `field!=value`"),
        ("digits a", "digits a if b=1", "there is no field `a if b=1`"),
        ("time(YYYYMMDDhhmmss) b", "between(YYYYMMDDhhmmss) a b", "cannot fill `start_time`"),
        ("fields: [a, b]", "fields: [a, a]", "`a` stands here twice"),
        ("fields: [a, b]", "fields: [a, b]\n  type: c", "there is no field `c` here"),
        ("records:", "values: {time_zone: Mars}\nrecords:", "Mars"),
        ("records:", "values: {encoding: utf-7}\nrecords:", "`utf-7` is no encoding here"),
        ("records:", "lines: {separator: ab}\nrecords:", "one ASCII character"),
        ("records:", "trailer: {fields: [x]}\nrecords:", "known by the `value`"),
        ("kind: delimited", "kind: delimitted", "did you mean `delimited`?"),
        ("originating", "outgoing", "`outgoing` is no direction"),
    ],
)
def test_mistakes(tmp_path: Path, before: str, after: str, words: str) -> None:
    assert before in GOOD
    found = problems(tmp_path, GOOD.replace(before, after, 1))
    assert any(words in each for each in found), found
    assert all(each.startswith("mapping.yaml:") for each in found)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("digits a", "digit a").replace("sms", "smss").replace("title", "titel")
    assert len(problems(tmp_path, wrong)) >= 4


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("between(YYYYMMDDhhmmss) a", "`between` takes two fields, not 1 (as in between("),
        ("between(YYYYMMDD+hhmmss) a b", "`between` reads whole times"),
        ("between(hhmmss) a b", "does not say year, month, day and hour"),
        ("between a b", "does not say year, month, day and hour"),
        ("constant when a=1", "`constant` is followed by an integer"),
    ],
)
def test_mistakes_about_spans(tmp_path: Path, source: str, words: str) -> None:
    found = problems(tmp_path, GOOD + f"      duration: {source}\n")
    assert any(words in each for each in found), found


def test_a_condition_about_a_number_names_a_number(tmp_path: Path) -> None:
    fixed = GOOD.replace("kind: delimited", "kind: fixed_width").replace(
        "fields: [a, b]", "octets: 17\n  fields: {a: 0 2 unsigned, b: 2 15}"
    )
    found = problems(tmp_path, fixed.replace("digits a", "digits a when a=ten"))
    assert any("`ten` is no number, and `a` is one" in each for each in found), found
