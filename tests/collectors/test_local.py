from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from collectors.archive import PARTIAL, Archive
from collectors.errors import FileChangedError, MissingFolderError
from collectors.local import LocalFolder
from collectors.sequence import Gap, gaps_of, sequence_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def folder_of(inbox: Path, **settings: object) -> LocalFolder:
    return LocalFolder(name="msc1", folder=inbox, **settings)  # type: ignore[arg-type]


def test_offers_are_complete_regular_files_in_order_of_name(inbox: Path) -> None:
    (inbox / "sub").mkdir()
    for name in ("b.ber", "a.ber", "sub/c.ber", ".hidden.ber", "d.ber.tmp", "e.txt"):
        (inbox / name).write_bytes(b"x")
    (inbox / "link.ber").symlink_to(inbox / "a.ber")
    (inbox / "folder.ber").mkdir()
    offers = folder_of(inbox, pattern="*.ber").offers()
    assert [offer.name for offer in offers] == ["a.ber", "b.ber", "sub/c.ber"]


def test_a_file_is_offered_only_when_it_has_settled(inbox: Path) -> None:
    (inbox / "new.ber").write_bytes(b"x")
    old = inbox / "old.ber"
    old.write_bytes(b"x")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    names = [offer.name for offer in folder_of(inbox, settle_seconds=60).offers()]
    assert names == ["old.ber"]


def test_a_file_is_offered_only_when_its_marker_stands_beside_it(inbox: Path) -> None:
    for name in ("a.ber", "b.ber", "b.ber.done"):
        (inbox / name).write_bytes(b"x")
    names = [offer.name for offer in folder_of(inbox, marker=".done").offers()]
    assert names == ["b.ber"]


def test_a_missing_folder_is_told_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(MissingFolderError, match=r"source 'msc1'.*is not a folder"):
        folder_of(tmp_path / "nowhere").offers()


@pytest.mark.parametrize("take", ["copy", "link", "move"])
def test_taking_archives_the_bytes_by_their_digest(inbox: Path, tmp_path: Path, take: str) -> None:
    data = os.urandom(9_000_000)
    (inbox / "a.ber").write_bytes(data)
    source = folder_of(inbox, take=take)
    [offer] = source.offers()
    archive = Archive(tmp_path / "archive")
    taken, refused = archive.take_all([(source, offer)], threads=2)
    assert not refused
    assert taken[0].digest == blake3(data).hexdigest()
    assert taken[0].file_id == taken[0].digest[:32]
    assert archive.path_of(taken[0].file_id).read_bytes() == data
    assert (inbox / "a.ber").exists(), "the original stays until it is released"
    source.release(offer)
    assert (inbox / "a.ber").exists() == (take != "move")
    assert not list((tmp_path / "archive").glob(f"{PARTIAL}*"))


def test_release_of_a_moved_file_takes_its_marker_too(inbox: Path) -> None:
    for name in ("a.ber", "a.ber.done"):
        (inbox / name).write_bytes(b"x")
    source = folder_of(inbox, take="move", marker=".done")
    source.release(source.offers()[0])
    assert not list(inbox.iterdir())


def test_the_same_content_is_archived_once(inbox: Path, tmp_path: Path) -> None:
    for name in ("a.ber", "b.ber"):
        (inbox / name).write_bytes(b"same")
    source = folder_of(inbox)
    archive = Archive(tmp_path / "archive")
    taken, _ = archive.take_all([(source, offer) for offer in source.offers()], threads=1)
    assert taken[0].file_id == taken[1].file_id
    assert sum(path.is_file() for path in archive.folder.rglob("*")) == 1


@pytest.mark.parametrize("take", ["copy", "link"])
def test_a_file_that_changed_is_refused_and_left(inbox: Path, tmp_path: Path, take: str) -> None:
    path = inbox / "a.ber"
    path.write_bytes(b"first")
    source = folder_of(inbox, take=take)
    [offer] = source.offers()
    with path.open("ab") as more:
        more.write(b" and more")
    partial = tmp_path / "partial"
    with pytest.raises(FileChangedError, match="changed while it was read"):
        source.fetch(offer, partial)
    partial.unlink(missing_ok=True)
    taken, refused = Archive(tmp_path / "archive").take_all([(source, offer)], threads=1)
    assert not taken
    assert "changed" in refused[0].reason
    assert path.exists()


def test_a_vanished_file_is_refused_and_the_others_are_taken(inbox: Path, tmp_path: Path) -> None:
    for name in ("a.ber", "b.ber"):
        (inbox / name).write_bytes(name.encode())
    source = folder_of(inbox)
    offers = source.offers()
    (inbox / "a.ber").unlink()
    taken, refused = Archive(tmp_path / "archive").take_all(
        [(source, offer) for offer in offers], threads=2
    )
    assert [one.offer.name for one in taken] == ["b.ber"]
    assert [one.offer.name for one in refused] == ["a.ber"]


def test_partial_files_of_a_killed_run_are_removed(inbox: Path, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.folder.mkdir()
    left = archive.folder / f"{PARTIAL}00000007"
    left.write_bytes(b"half")
    (inbox / "a.ber").write_bytes(b"x")
    source = folder_of(inbox)
    archive.take_all([(source, source.offers()[0])], threads=1)
    assert not left.exists()


def test_sequence_numbers_and_gaps() -> None:
    pattern = re.compile(r"^msc1_(?P<sequence>\d{6})_")
    assert sequence_of("msc1_000042_202610010000.ber", pattern) == 42
    assert sequence_of("other.ber", pattern) is None
    assert sequence_of("msc1_000042_", None) is None
    assert gaps_of("msc1", [7, 3, 4, 9, 4]) == [Gap("msc1", 5, 6), Gap("msc1", 8, 8)]
    assert gaps_of("msc1", [5]) == []
    assert [gap.count for gap in gaps_of("msc1", [1, 10])] == [8]
