from __future__ import annotations

from pathlib import Path

import pytest

from mediation.errors import MediationConfigError
from pipeline.batch.run import run
from pipeline.config.load import load_config
from pipeline.errors import ConfigError, Exit, UsageError
from pipeline.upkeep.status import read_status
from pipeline.workspace import Workspace
from tests.pipeline.test_collect import with_text
from tests.pipeline.world import make_workspace

SHOP = Path(__file__).resolve().parents[2] / "samples" / "shop"


def workspace_with(tmp_path: Path, text: str) -> Workspace:
    (tmp_path / "huadan.toml").write_text(text, encoding="utf-8")
    for name in ("book", "subscribers"):
        (tmp_path / name).mkdir()
    return Workspace(tmp_path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(workspace_with(tmp_path, text))
    assert caught.value.exit_code is Exit.CONFIGURATION
    return [str(problem) for problem in caught.value.problems]


SOURCE = '[[source]]\nname = "msc1"\nfolder = "in"\n'


def test_the_demo_operators_configuration_loads() -> None:
    config = load_config(Workspace(SHOP))
    assert [source.name for source in config.source] == [
        "msc1",
        "msc2",
        "msc3",
        "pgw1",
        "pgw2",
        "vas1",
    ]
    assert config.threads >= 1


def test_defaults_are_enough_for_one_source(tmp_path: Path) -> None:
    config = load_config(workspace_with(tmp_path, SOURCE))
    assert config.run.records_per_chunk == 131_072
    assert config.source[0].take == "copy"


def test_all_mistakes_are_told_at_once_with_line_and_nearest_name(tmp_path: Path) -> None:
    text = (
        "[run]\n"
        "thread = 2\n"
        "partitions = 0\n"
        "[[source]]\n"
        'name = "msc 1"\n'
        'folder = "in"\n'
        'after = "mvoe"\n'
        "[[source]]\n"
        'name = "msc2"\n'
        'sequence = "(\\\\d+)"\n'
    )
    found = problems(tmp_path, text)
    assert [line.split(": ")[0] for line in found] == [
        "huadan.toml:2",
        "huadan.toml:3",
        "huadan.toml:5",
        "huadan.toml:7",
        "huadan.toml:8",
        "huadan.toml:10",
    ]
    assert "did you mean 'threads'?" in found[0]
    assert "greater than or equal to 1" in found[1]
    assert "source[1].name" in found[2]
    assert "did you mean 'move'?" in found[3]
    assert "source[2].folder: is missing; or write a url" in found[4]
    assert "no group" in found[5]


def test_twice_the_same_source_name(tmp_path: Path) -> None:
    assert "twice: msc1" in problems(tmp_path, SOURCE + SOURCE)[0]


@pytest.mark.parametrize("last", ["", "sequence_last = 999\n", "sequence_last = 1000\n"])
def test_the_count_of_files_ends_behind_its_beginning(tmp_path: Path, last: str) -> None:
    digits = "sequence = '_(?P<sequence>\\d{3})'\nsequence_first = 1000\n"
    (told,) = problems(tmp_path, SOURCE + digits + last)
    assert "source[1].sequence_last" in told
    assert "must be larger than sequence_first (1000)" in told


@pytest.mark.parametrize(
    "key", ["max_record_octets", "block_octets", "file_header_octets", "cdr_header_octets"]
)
def test_what_is_longer_than_any_file_is_a_mistake(tmp_path: Path, key: str) -> None:
    (told,) = problems(tmp_path, SOURCE + f"{key} = {10**20}\n")
    assert f"source[1].{key}: Input should be less than or equal to" in told


@pytest.mark.parametrize("key", ["record_first", "record_last"])
def test_running_numbers_fit_into_the_ledger(tmp_path: Path, key: str) -> None:
    (told,) = problems(tmp_path, SOURCE + f"{key} = {10**20}\n")
    assert f"source[1].{key}: Input should be less than" in told


def test_no_source_at_all(tmp_path: Path) -> None:
    assert "source is missing" in problems(tmp_path, "")[0]


def test_not_toml_is_told_with_its_place(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "[run\n")
    assert problem.startswith("huadan.toml:1:")


def test_not_toml_at_the_end_of_the_file_is_told_so(tmp_path: Path) -> None:
    [found] = problems(tmp_path, SOURCE + "maximum = [\n")
    assert found == "huadan.toml: not TOML: Invalid value (at end of document)"


def test_missing_book_and_subscribers_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "huadan.toml").write_text(SOURCE, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(Workspace(tmp_path))
    assert len(caught.value.problems) == 2


def test_a_folder_without_configuration_is_not_a_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a workspace"):
        load_config(Workspace(tmp_path))


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "huadan.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(Workspace(tmp_path))


def test_formats_of_sources_are_looked_at_when_the_file_is_read(tmp_path: Path) -> None:
    text = (
        f'{SOURCE}format = "3gpp_css"\n'
        '[[source]]\nname = "vas"\nfolder = "vas"\n'
        'format = "nokia_dx200"\nblock_octets = 512\nframing = ["gzip", "bare"]\n'
        '[[source]]\nname = "vas2"\nfolder = "vas2"\n'
        'format = "nokia_dx200"\nframing = "gzip"\n'
    )
    itself = "means nothing: format nokia_dx200 says itself where its records are"
    assert problems(tmp_path, text) == [
        "huadan.toml:4: source[1].format: `3gpp_css` is not a known format (did you mean `3gpp_cs`?)",
        f"huadan.toml:10: source[2].framing: {itself} (allowed as framing: gzip, zstd, zip)",
        f"huadan.toml:9: source[2].block_octets: {itself} (allowed as framing: gzip, zstd, zip)",
    ]


def test_what_the_file_names_is_told_at_once_by_status_and_run(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    with_text(workspace, 'plan = "cn"', 'plan = "xn"')
    with_text(workspace, 'name = "msc1"', 'name = "msc1"\ntime_zone = "Europe/Nowhere"')
    with_text(workspace, "[run]", '[validation]\nlongest_call = "long"\n\n[run]')
    (workspace.root / "incoming" / "msc1" / "msc1_000001_.ber").write_bytes(b"\xa0\x02\x80\x00")
    for ask in (read_status, run):
        with pytest.raises(MediationConfigError) as caught:
            ask(workspace)
        for words in ("no plan `xn`", "Europe/Nowhere", "longest_call"):
            assert words in str(caught.value)


def test_a_path_with_a_nul_is_a_mistake(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    with_text(workspace, "[paths]", '[paths]\nvalidation = "a\\u0000b"')
    with pytest.raises(ConfigError, match=r"paths\.validation: a path cannot have a NUL"):
        load_config(workspace)
