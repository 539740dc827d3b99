from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.archive import PARTIAL, Archive
from collectors.errors import FileChangedError, OwnDiskError, SourceError
from collectors.local import LocalStore
from collectors.names import raw_name, shown_name
from collectors.retry import Retry
from collectors.rules import Rules
from collectors.sequence import Gap, gaps_of, sequence_of
from collectors.source import Source
from tests.collectors.test_sequence import seen_of


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def folder_of(inbox: Path, *, take: str = "copy", **rules: object) -> Source:
    store = LocalStore(inbox, take)  # type: ignore[arg-type]
    return Source("msc1", store, Rules(**rules), Retry(1))  # type: ignore[arg-type]


def test_offers_are_complete_regular_files_in_order_of_name(inbox: Path) -> None:
    (inbox / "sub").mkdir()
    for name in ("b.ber", "a.ber", "sub/c.ber", ".hidden.ber", "d.ber.tmp", "e.txt"):
        (inbox / name).write_bytes(b"x")
    (inbox / "link.ber").symlink_to(inbox / "a.ber")
    (inbox / "folder.ber").mkdir()
    offers = folder_of(inbox, include=("*.ber",)).look().offers
    assert [offer.name for offer in offers] == ["a.ber", "b.ber", "sub/c.ber"]


def test_a_file_is_offered_only_when_it_has_settled(inbox: Path) -> None:
    (inbox / "new.ber").write_bytes(b"x")
    old = inbox / "old.ber"
    old.write_bytes(b"x")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    names = [offer.name for offer in folder_of(inbox, settle_seconds=60).look().offers]
    assert names == ["old.ber"]


def test_a_file_is_offered_only_when_its_marker_stands_beside_it(inbox: Path) -> None:
    for name in ("a.ber", "b.ber", "b.ber.done"):
        (inbox / name).write_bytes(b"x")
    names = [offer.name for offer in folder_of(inbox, marker=".done").look().offers]
    assert names == ["b.ber"]


def test_a_missing_folder_is_told_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"source 'msc1'.*is not a folder"):
        folder_of(tmp_path / "nowhere").look()


@pytest.mark.parametrize("take", ["copy", "link"])
@pytest.mark.parametrize("after", ["leave", "move", "delete"])
def test_taking_archives_the_bytes_by_their_digest(
    inbox: Path, tmp_path: Path, take: str, after: str
) -> None:
    data = os.urandom(9_000_000)
    (inbox / "a.ber").write_bytes(data)
    source = folder_of(inbox, take=take, after=after)
    [offer] = source.look().offers
    archive = Archive(tmp_path / "archive")
    taken, refused = archive.take_all([(source, offer)], threads=2)
    assert not refused
    assert taken[0].digest == blake3(data).hexdigest()
    assert taken[0].file_id == taken[0].digest[:32]
    assert archive.path_of(taken[0].file_id).read_bytes() == data
    assert (inbox / "a.ber").exists(), "the original stays until it is released"
    for _ in range(2):  # a killed run does it again
        source.release(offer)
        assert (inbox / "a.ber").exists() == (after == "leave")
        assert (inbox / "done" / "a.ber").exists() == (after == "move")
    assert source.look().offers == ([offer] if after == "leave" else [])
    assert not list((tmp_path / "archive").glob(f"{PARTIAL}*"))


def test_release_of_a_deleted_file_takes_its_marker_too(inbox: Path) -> None:
    for name in ("a.ber", "a.ber.done"):
        (inbox / name).write_bytes(b"x")
    source = folder_of(inbox, after="delete", marker=".done")
    source.release(source.look().offers[0])
    assert not list(inbox.iterdir())


def test_a_new_file_under_the_old_name_is_not_released(inbox: Path) -> None:
    (inbox / "a.ber").write_bytes(b"x")
    source = folder_of(inbox, after="delete")
    [offer] = source.look().offers
    (inbox / "a.ber").write_bytes(b"something else")
    source.release(offer)
    assert (inbox / "a.ber").read_bytes() == b"something else"


def test_moving_never_writes_over_an_older_file_of_the_same_name(inbox: Path) -> None:
    source = folder_of(inbox, after="move")
    for text in (b"1", b"22", b"333"):
        (inbox / "a.ber").write_bytes(text)
        source.release(source.look().offers[0])
    moved = sorted((inbox / "done").iterdir())
    assert [path.name for path in moved] == ["a.ber", "a.ber.2", "a.ber.3"]
    assert [path.read_bytes() for path in moved] == [b"1", b"22", b"333"]


def test_a_file_from_the_future_settles_while_it_is_watched(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inbox / "a.ber"
    path.write_bytes(b"x")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    ticks = [100.0]
    monkeypatch.setattr("collectors.rules.time.monotonic", lambda: ticks[0])
    source = folder_of(inbox, settle_seconds=10)
    first = source.look()
    assert (first.offers, first.from_the_future) == ([], True)
    ticks[0] += 9
    path.write_bytes(b"xy")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert not source.look().offers, "it grew, so the wait begins anew"
    ticks[0] += 9
    assert not source.look().offers
    ticks[0] += 1
    assert [offer.name for offer in source.look().offers] == ["a.ber"]


def test_include_and_exclude_look_at_names_or_at_paths(inbox: Path) -> None:
    for name in ("a.ber", "b.txt", "test_c.ber", "old/d.ber", "old/e.asn"):
        (inbox / name).parent.mkdir(exist_ok=True)
        (inbox / name).write_bytes(b"x")
    rules = {"include": ("*.ber", "*.asn"), "exclude": ("test_*", "old/*.ber")}
    names = [offer.name for offer in folder_of(inbox, **rules).look().offers]
    assert names == ["a.ber", "old/e.asn"]


@pytest.mark.parametrize(
    ("order", "first"), [("name", "a_9"), ("time", "b_3"), ("sequence", "c_1")]
)
def test_where_not_all_can_be_taken_the_first_ones_by_order_are(
    inbox: Path, order: str, first: str
) -> None:
    for name, seconds in (("a_9", 300), ("b_3", 100), ("c_1", 200)):
        (inbox / name).write_bytes(b"x")
        os.utime(inbox / name, (seconds, seconds))
    sequence = re.compile(r"_(?P<sequence>\d)")
    rules = Rules(order=order, maximum=1, sequence=sequence)  # type: ignore[arg-type]
    source = Source("msc1", LocalStore(inbox), rules)
    assert [offer.name for offer in rules.choose(source.look().offers)] == [first]


def test_links_and_other_strange_things_are_told_and_never_taken(inbox: Path) -> None:
    outside = inbox.parent / "secret"
    outside.mkdir()
    (outside / "s.ber").write_bytes(b"x")
    (inbox / "link.ber").symlink_to(outside / "s.ber")
    (inbox / "folder").symlink_to(outside)
    os.mkfifo(inbox / "pipe.ber")
    found = folder_of(inbox).look()
    assert not found.offers
    assert {entry.name: entry.why.split(",")[0] for entry in found.skipped} == {
        "link.ber": "a symbolic link",
        "folder": "a symbolic link",
        "pipe.ber": "not a regular file",
    }


STRANGE = [b"a b.ber", b"two\nlines.ber", b"\xff\xfe.ber", b"back\\slash.ber", b"\xc2\x85.ber"]


@pytest.mark.parametrize("name", STRANGE)
def test_any_octets_may_be_a_name(inbox: Path, tmp_path: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(inbox), name)  # noqa: PTH118 - a path of octets
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"x")
    source = folder_of(inbox, after="delete")
    [offer] = source.look().offers
    assert offer.name.isprintable()
    offer.name.encode()
    taken, refused = Archive(tmp_path / "archive").take_all([(source, offer)], threads=1)
    assert len(taken) == 1
    assert not refused
    source.release(offer)
    assert not list(inbox.iterdir())


@given(st.binary(max_size=40))
@example("\U00040000".encode())  # no character has this number yet
@example(b"\\U00040000 \\uffff \\x41")
def test_shown_names_lead_back_to_the_same_octets(octets: bytes) -> None:
    raw = os.fsdecode(octets)
    shown = shown_name(raw)
    assert shown.isprintable()
    assert os.fsencode(raw_name(shown)) == octets


def test_the_same_content_is_archived_once(inbox: Path, tmp_path: Path) -> None:
    for name in ("a.ber", "b.ber"):
        (inbox / name).write_bytes(b"same")
    source = folder_of(inbox)
    archive = Archive(tmp_path / "archive")
    taken, _ = archive.take_all([(source, offer) for offer in source.look().offers], threads=1)
    assert taken[0].file_id == taken[1].file_id
    assert sum(path.is_file() for path in archive.folder.rglob("*")) == 1


@pytest.mark.parametrize("take", ["copy", "link"])
def test_a_file_that_changed_is_refused_and_left(inbox: Path, tmp_path: Path, take: str) -> None:
    path = inbox / "a.ber"
    path.write_bytes(b"first")
    source = folder_of(inbox, take=take)
    [offer] = source.look().offers
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


@pytest.mark.parametrize("take", ["copy", "link"])
@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "unlink"), (Path, "rename")])
def test_a_disk_of_our_own_that_fails_ends_the_batch(
    inbox: Path,
    tmp_path: Path,
    take: str,
    owner: object,
    call: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that were refused instead would wait for the next look."""
    (inbox / "a.ber").write_bytes(b"x")
    source = folder_of(inbox, take=take)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(owner, call, fail)
    with pytest.raises(OwnDiskError):
        Archive(tmp_path / "archive").take_all([(source, *source.look().offers)], threads=1)
    assert (inbox / "a.ber").exists()


def test_a_vanished_file_is_refused_and_the_others_are_taken(inbox: Path, tmp_path: Path) -> None:
    for name in ("a.ber", "b.ber"):
        (inbox / name).write_bytes(name.encode())
    source = folder_of(inbox)
    offers = source.look().offers
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
    archive.take_all([(source, source.look().offers[0])], threads=1)
    assert not left.exists()


def test_sequence_numbers_and_gaps() -> None:
    pattern = re.compile(r"^msc1_(?P<sequence>\d{6})_")
    assert sequence_of("msc1_000042_202610010000.ber", pattern) == 42
    assert sequence_of("other.ber", pattern) is None
    assert sequence_of("msc1_000042_", None) is None
    anything = re.compile(r"_(?P<sequence>[^.]+)")
    assert sequence_of(f"msc1_{'0' * 30}7.ber", anything) == 7
    for odd in ("A7", "-7", "1_000", "\u00b2", "9" * 19, "9" * 400):
        assert sequence_of(f"msc1_{odd}.ber", anything) is None, odd
    assert gaps_of("msc1", seen_of([7, 3, 4, 9, 4], None)) == [Gap("msc1", 5, 6), Gap("msc1", 8, 8)]
    assert gaps_of("msc1", seen_of([5], None)) == []
    assert [gap.count for gap in gaps_of("msc1", seen_of([1, 10], None))] == [8]
