from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mediation import formats
from mediation.errors import MediationConfigError

from .world import decode, own_formats, twin_row

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
        (
            "records:",
            "values: {thousands: .}\nrecords:",
            "`thousands` is `.`, and so is `decimal` (",
        ),
        ("records:", "lines: {quote: ','}\nrecords:", "`quote` is `,`, and so is `separator` ("),
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


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("rat: constant 70000", "`rat` holds numbers from -32768 to 32767, not 70000"),
        ("cause: [integer a when a=1, constant 40000]", "`cause` holds numbers from -32768 to"),
        ("cause: lookup(far) a", "table `far`: `cause` holds numbers from -32768 to 32767, not 9"),
    ],
)
def test_numbers_that_a_column_cannot_hold(tmp_path: Path, columns: str, words: str) -> None:
    mapping = GOOD.replace("types:", f"tables: {{far: {{x: {9 * '9'}{9 * '9'}{9 * '9'}}}}}\ntypes:")
    found = problems(tmp_path, mapping + f"      {columns}\n")
    assert any(words in each for each in found), found


def test_a_condition_about_a_number_names_a_number(tmp_path: Path) -> None:
    fixed = GOOD.replace("kind: delimited", "kind: fixed_width").replace(
        "fields: [a, b]", "octets: 17\n  fields: {a: 0 2 unsigned, b: 2 15}"
    )
    found = problems(tmp_path, fixed.replace("digits a", "digits a when a=ten"))
    assert any("`ten` is no number, and `a` is one" in each for each in found), found


CHOOSING = """
title: t
kind: delimited
values: {encoding: ENCODING}
records: {type: a, fields: [a, b]}
header: {value: 话单}
types:
  call:
    value: [电话, "1"]
    service: voice
    direction: originating
    columns: &columns {served_msisdn: constant 86139, start_time: epoch(s) b}
  message: {value: 短信, service: sms, direction: terminating, columns: *columns}
"""


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_types_are_known_by_words_of_the_encoding(encoding: str) -> None:
    mapping = CHOOSING.replace("ENCODING", encoding)
    mapping = mapping.replace("records:", "lines: {comment: 注释}\nrecords:")
    text = "注释,1\n话单,1\n注释\n短信,1790000000\n电话,1790000001\n1,1790000002\n其他,1790000003\n"
    with own_formats({"chosen": mapping}):
        found = decode(text.encode(encoding), "chosen")
        assert [row["record_type"] for row in found.rows] == ["message", "call", "call"]
        assert [row["reason"] for row in found.suspense] == ["unknown_record_type"]
        twins = [twin_row("chosen", line.encode(encoding)) for line in text.split()[3:6]]
        assert [row["record_type"] for row in twins] == ["message", "call", "call"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("ENCODING", "ascii", "`短信` does not fit ascii"),
        ("value: 短信", 'value: "1"', "mapping.yaml:13: `1` is what `call` is known by (give each"),
        ("value: 话单", "value: 电话", "mapping.yaml:6: `电话` is what `call` is known by"),
        ("type: a, ", "", "mapping.yaml:6: no field says what is a header (name it as `type`"),
    ],
)
def test_words_that_cannot_choose(tmp_path: Path, before: str, after: str, words: str) -> None:
    assert before in CHOOSING
    mapping = CHOOSING.replace(before, after, 1).replace("ENCODING", "utf-8")
    found = problems(tmp_path, mapping)
    assert any(words in each for each in found), found


BINARY = """
title: t
kind: fixed_width
records: {type: a, octets: 12, fields: {a: 0 1 hex, b: 8 4 unsigned}}
header: {value: "0B"}
types:
  call: {value: "0A", service: voice, direction: originating, columns: {start_time: epoch(s) b}}
"""


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"0B"', "HEAD", "mapping.yaml:5: `HEAD` does not fit 1 octets of hex"),
        ('"0B"', '"0a"', "mapping.yaml:5: `0a` is what `call` is known by"),
        ("8 4 un", "8 5 un", "mapping.yaml:4: `b` ends at octet 12; the last one here is 11"),
        ("call: {", "call: {fields: {c: 12 1}, ", ":7: `c` ends at octet 12; the last one"),
        (
            "header:",
            "blocks: {octets: 99, header: {octets: 3, fields: {x: 2 2}}}\nheader:",
            "mapping.yaml:5: `x` ends at octet 3; the last one here is 2",
        ),
        (
            "octets: 12, ",
            "",
            "mapping.yaml:4: `a` is hex, and records are lines that an octet 0A ends",
        ),
        ("octets: 12", "length: b", "`length` cannot be read from `b`, 4 octets of text (up to 8"),
        (
            "header:",
            "blocks: {octets: 99, header: {octets: 3, fields: {x: 0 2 signed}, used: x}}\nheader:",
            "mapping.yaml:5: `used` cannot be read from `x`, 2 octets of signed",
        ),
    ],
)
def test_octets_that_cannot_be_right(tmp_path: Path, before: str, after: str, words: str) -> None:
    mapping = BINARY.replace(before, after, 1)
    if "length: b" in after:
        mapping = mapping.replace("8 4 unsigned", "8 4 text").replace("epoch(s)", "time(YYMMDDhh)")
    found = problems(tmp_path, mapping)
    assert any(words in each for each in found), found


def test_numbers_without_a_decimal_mark() -> None:
    mapping = CHOOSING.replace("ENCODING", "utf-8, decimal: none").replace(
        "header: {value: 话单}", "header: {value: 话单, fields: [a, n], records: n}"
    )
    mapping = mapping.replace("start_time:", "uplink: integer b, start_time:")
    with own_formats({"whole": mapping}):
        found = decode("话单,2\n1,1790000000\n1,1790000001.5\n".encode(), "whole")
        assert found.cdr.declared_records == 2
        assert [row["reason"] for row in found.suspense] == ["invalid_number"]
        assert twin_row("whole", b"1,1790000000")["uplink"] == 1790000000
