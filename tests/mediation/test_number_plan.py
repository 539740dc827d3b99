from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mediation.errors import MediationConfigError
from mediation.number_plan import NetworkPrefix, NumberPlan, ShortCode
from mediation.number_plan_file import load_number_plan, number_plans, read_number_plan

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, text: str) -> NumberPlan:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_number_plan(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(MediationConfigError) as caught:
        read(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_the_package_brings_plans() -> None:
    assert {"cn", "de", "nanp"} <= set(number_plans())
    for name in number_plans():
        plan = load_number_plan(name)
        assert f"+{plan.country_code}" in plan.title
        assert not plan.array().flags.writeable


def test_an_unknown_plan_names_the_nearest() -> None:
    with pytest.raises(MediationConfigError, match="did you mean `nanp`"):
        load_number_plan("nanpp")


def test_a_plan_says_everything(tmp_path: Path) -> None:
    plan = read(
        tmp_path,
        """
title: Somewhere
country_code: "39"
international_prefixes: ["00", "011"]
trunk_prefixes: []
national_lengths: 6-11
international_lengths: "12"
national_leading_zero: yes
types_of_number: {unknown: international, network_specific: national, national: text}
numbering_plans: [isdn, private]
carrier_selection: ["10xx", {digits: "4", types: [national]}]
portability: [{digits: "55xxx"}]
short_codes: ["1xx", {digits: "106", lengths: 8-18}]
""",
    )
    assert plan == NumberPlan(
        "39",
        ("00", "011"),
        (),
        (6, 11),
        (12, 12),
        leading_zero=True,
        types=(("unknown", "international"), ("network_specific", "national")),
        plans=("isdn", "private"),
        network_prefixes=(
            NetworkPrefix("10", 4, ("unknown", "national"), "carrier_selection"),
            NetworkPrefix("4", 1, ("national",), "carrier_selection"),
            NetworkPrefix("55", 5, ("unknown", "national"), "portability"),
        ),
        short_codes=(ShortCode("1", 3, 3), ShortCode("106", 8, 18)),
    )


def test_a_plan_may_extend_another(tmp_path: Path) -> None:
    base = load_number_plan("cn")
    plan = read(tmp_path, 'extends: cn\nportability: ["1409"]\n')
    assert plan.country_code == "86"
    assert plan.short_codes == base.short_codes
    assert {prefix.digits for prefix in plan.network_prefixes} == {
        "1409", *(prefix.digits for prefix in base.network_prefixes)
    }  # fmt: skip


def test_all_mistakes_at_once_with_line_and_nearest_name(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """country_code: "086"
trunk_prefix: "0"
international_prefixes: "00"
trunk_prefixes: ["0", "x", "0"]
national_lengths: 12-10
national_leading_zero: perhaps
types_of_number: {unknwon: unknown, national: natinal}
numbering_plans: [isdm]
carrier_selection: ["1x1", {digits: "17909", typ: []}, {digits: "5", types: [local]}]
portability: ["17909"]
short_codes: [{digits: "106", lengths: "0"}, "abc"]
extends: cnn
""",
    )
    assert sorted(problem.partition(": ")[0] for problem in found) == sorted(
        f"plan.yaml:{line}" for line in (1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 9, 9, 10, 11, 11, 12)
    )
    text = "\n".join(found)
    for words in (
        "`086`; 1 to 4 digits",
        "did you mean `trunk_prefixes`?",
        "`0` stands here twice",
        "`unknwon` is no type of number (did you mean `unknown`?)",
        "`natinal` is no way to read a number (did you mean `national`?)",
        "`isdm` is not known (did you mean `isdn`?)",
        "`1x1` is no pattern",
        "`typ` is not a key here",
        "`17909` stands here twice",
        "there is no number plan `cnn`",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: x\n", "`country_code` is missing"),
        ('country_code: "86"\nnational_lengths: 10-14\n', "at most 13"),
        ("- 1\n", "block of keys"),
        ("extends: [1]\n", "not text"),
    ],
)
def test_single_mistakes(tmp_path: Path, text: str, words: str) -> None:
    assert any(words in problem for problem in problems(tmp_path, text))
