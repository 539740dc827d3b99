from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mediation import format_folders, formats
from mediation.errors import MediationConfigError
from tests.mediation.test_formats import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format_folders, "_named", [])
    monkeypatch.delenv(format_folders.VARIABLE, raising=False)


def make(folder: Path, name: str) -> Path:
    (folder / name).mkdir(parents=True)
    write(folder / name)
    return folder


def test_a_folder_that_was_named_is_looked_in(tmp_path: Path) -> None:
    before = formats.available()
    format_folders.look_in(make(tmp_path, "tiny"))
    format_folders.look_in(tmp_path)
    assert set(formats.available()) == {*before, "tiny"}
    assert formats.load("tiny").folder == tmp_path / "tiny"
    assert format_folders.folders() == (format_folders.PACKAGE, tmp_path)


def test_the_environment_names_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a", "tiny")
    make(tmp_path / "b", "small")
    paths = [str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "missing")]
    monkeypatch.setenv(format_folders.VARIABLE, os.pathsep.join(paths))
    assert {"tiny", "small"} <= set(formats.available())
    assert formats.load("small").title == "Tiny"


def test_two_formats_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    format_folders.look_in(make(tmp_path, "3gpp_cs"))
    with pytest.raises(MediationConfigError, match="is the name of 2 formats") as caught:
        formats.load("3gpp_cs")
    assert str(tmp_path / "3gpp_cs") in str(caught.value)


def test_what_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    format_folders.look_in(make(tmp_path, "tiny"))
    with pytest.raises(MediationConfigError, match="did you mean `tiny`"):
        formats.load("tinny")
