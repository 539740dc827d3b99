"""What huadan.toml says about numbers and clocks, workspace wide and source by source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mediation.errors import MediationConfigError
from mediation.number_plan_file import load_number_plan
from pipeline.config.load import load_config
from pipeline.normalization import Normalizations, load_normalizations
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = """
[[source]]
name = "home"
folder = "in"

[[source]]
name = "abroad"
folder = "in"
numbering = "nanp"
time_zone = "America/New_York"
"""


def load(folder: Path, text: str) -> Normalizations:
    (folder / "huadan.toml").write_text(text, encoding="utf-8")
    for name in ("book", "subscribers"):
        (folder / name).mkdir(exist_ok=True)
    workspace = Workspace(folder)
    return load_normalizations(workspace, load_config(workspace))


def test_nothing_said_is_the_chinese_plan_and_no_zone(tmp_path: Path) -> None:
    found = load(tmp_path, SOURCES)
    assert found.of("home").numbers == load_number_plan("cn")
    assert found.of("home").time_zones.empty
    assert found.of("a source that was removed") is found.workspace


def test_a_source_has_its_own_plan_and_zone(tmp_path: Path) -> None:
    (tmp_path / "zones.yaml").write_text("nodes: {msc-1: Asia/Shanghai}\n", encoding="utf-8")
    found = load(tmp_path, '[paths]\ntime_zones = "zones.yaml"\n' + SOURCES)
    abroad = found.of("abroad")
    assert abroad.numbers == load_number_plan("nanp")
    zones = abroad.time_zones
    assert zones.names[zones.zone_of("msc-1")] == "Asia/Shanghai"
    assert zones.names[zones.zone_of("msc-2")] == "America/New_York"
    assert found.of("home").time_zones.zone_of("msc-2") == -1


def test_the_workspace_changes_single_keys_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text("extends: de\n", encoding="utf-8")
    table = '[numbering]\nplan = "ours.yaml"\nnational_lengths = 11\nportability = ["1409xx"]\n'
    numbers = load(tmp_path, table + SOURCES).workspace.numbers
    assert numbers.country_code == "49"
    assert numbers.national_lengths == (11, 11)
    assert [p.digits for p in numbers.network_prefixes if p.kind == "portability"] == ["1409"]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    (tmp_path / "zones.yaml").write_text("nodes: {msc: Asia/Shangai}\n", encoding="utf-8")
    text = (
        '[paths]\ntime_zones = "zones.yaml"\n'
        '[numbering]\nplan = "chn"\ncountry_code = 86\nnational_leading_zero = false\n'
        'trunk_prefix = "0"\ncarrier_selection = ["1x1"]\n'
        + SOURCES.replace("nanp", "missing.yaml").replace("New_York", "New_Yrok")
    )
    with pytest.raises(MediationConfigError) as caught:
        load(tmp_path, text)
    for words in (
        "numbering.plan: there is no plan `chn` (known: cn, ",
        "huadan.toml:7: `trunk_prefix` is not a key of a number plan (did you mean",
        "huadan.toml:8: `1x1` is no pattern",
        "zones.yaml:1: `Asia/Shangai` is no time zone; did you mean `Asia/Shanghai`?",
        "missing.yaml:1: cannot be read",
        "time_zone of source abroad: `America/New_Yrok` is no time zone; did you mean",
    ):
        assert words in str(caught.value)
    assert len(caught.value.problems) == 6


def test_integers_are_repaired_for_the_source_that_says_so(tmp_path: Path) -> None:
    found = load(tmp_path, SOURCES + "repair_integers = true\n")
    assert found.of("abroad").repair_integers
    assert not found.of("home").repair_integers
