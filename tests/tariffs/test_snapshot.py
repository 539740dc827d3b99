"""Folders that are written while they are read."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tariffs.errors import BookError
from tariffs.load import digest_of, load_book
from tariffs.snapshot import UnsettledError, read_snapshot
from tests.tariffs.books import FILES, write_book


class Edited:
    """A listing of a folder that is edited just after it has been read, so many times."""

    def __init__(self, folder: Path, edits: int) -> None:
        self._folder, self._edits, self._calls = folder, edits, 0

    def __call__(self) -> dict[str, Path]:
        self._calls += 1
        if self._calls % 3 == 0 and self._edits:  # before, to read, after
            self._edits -= 1
            for name in ("a", "b"):
                (self._folder / name).write_text(f"{'x' * self._calls} {name}")
        return {path.name: path for path in sorted(self._folder.iterdir())}


def test_files_that_change_are_read_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"old {name}")
    assert read_snapshot(Edited(tmp_path, 0)) == {"a": b"old a", "b": b"old b"}
    found = read_snapshot(Edited(tmp_path, 2))
    assert found == {"a": b"xxxxxx a", "b": b"xxxxxx b"}


def test_a_folder_that_never_settles_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr("tariffs.snapshot.PAUSE_S", 0)
    with pytest.raises(UnsettledError, match="wait until"):
        read_snapshot(Edited(tmp_path, 1_000))


def test_a_link_to_nothing_is_told_at_once(tmp_path: Path) -> None:
    write_book(tmp_path)
    (tmp_path / "calendar.yaml").unlink()
    (tmp_path / "calendar.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(BookError, match=r"calendar.yaml:1: Cannot be read: No such file"):
        load_book(tmp_path)


def test_a_book_that_is_swapped_all_the_time_is_one_or_the_other(tmp_path: Path) -> None:
    names: dict[str, str] = {}
    for name, price in (("one", "0.30"), ("two", "0.40")):
        changed = {"prices.yaml": FILES["prices.yaml"].replace("0.30", price)}
        folder = tmp_path / name
        folder.mkdir()
        write_book(folder, {**changed, "book.yaml": FILES["book.yaml"] + f"name: {price}\n"})
        names[load_book(folder).digest] = price
    link = tmp_path / "book"
    link.symlink_to(tmp_path / "one")
    stop = threading.Event()

    def swap() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            fresh = tmp_path / "fresh"
            fresh.symlink_to(tmp_path / ("one", "two")[turn % 2])
            fresh.replace(link)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(15):
            book = load_book(link)
            assert book.name == names[book.digest]
    finally:
        stop.set()
        swapping.join()


def test_the_digest_is_of_the_files_bytes(tmp_path: Path) -> None:
    book = load_book(write_book(tmp_path))
    files = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in Path(tmp_path).rglob("*")
        if path.is_file()
    }
    assert book.digest == digest_of(files)
