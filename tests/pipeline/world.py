"""Workspaces with real traffic for the pipeline's tests, and what is compared about them."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

from pipeline.workspace import Workspace
from tests.pipeline.parted import DAY, SHOP, cut_call
from traffic.generate import generate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GENERATED = 12_000
PARTS = 18
"""Parts of calls among them: some make a call at once, some wait."""
RECORDS = GENERATED + PARTS
FILES = 10


def make_traffic(folder: Path) -> Path:
    """Writes some files of every network element."""
    generate(folder, GENERATED, subscribers_folder=SHOP / "subscribers", files=FILES)
    first, *_, last = sorted(folder.rglob("msc1_*.ber"))
    for number in range(PARTS // 3):
        parts = cut_call(number * 4 * DAY + 40_000, [900, 1_800, 77], reference=900 + number)
        with first.open("ab") as early, last.open("ab") as late:
            early.write(parts[0] + parts[1] * (number % 2))
            late.write(parts[2] + parts[1] * ((number + 1) % 2))
    return folder


def make_workspace(
    root: Path, traffic: Path | None = None, *, chunk: int = 2048, take: str = "copy"
) -> Workspace:
    """Makes a workspace of the demo operator; the traffic keeps its times."""
    root.mkdir(parents=True)
    for name in ("book", "subscribers"):
        (root / name).symlink_to(SHOP / name)
    text = (SHOP / "huadan.toml").read_text(encoding="utf-8")
    text = text.replace("[run]", f"[run]\nrecords_per_chunk = {chunk}")
    taking = 'take = "link"\nafter = "delete"' if take == "move" else f'take = "{take}"'
    text = text.replace("[[source]]", f"[[source]]\n{taking}")
    (root / "huadan.toml").write_text(text, encoding="utf-8")
    for name in ("msc1", "msc2", "msc3", "pgw1", "pgw2", "vas1"):
        (root / "incoming" / name).mkdir(parents=True)
    if traffic is not None:
        deliver(root, sorted(traffic.rglob("*.ber")))
    return Workspace(root)


def own_book(workspace: Workspace) -> Path:
    """Gives a workspace a book of its own to edit, in place of the link to the demo's."""
    book = workspace.root / "book"
    book.unlink()
    shutil.copytree(SHOP / "book", book)
    return book


def deliver(root: Path, files: Iterable[Path]) -> None:
    """Puts files into the folders of their sources."""
    for file in files:
        shutil.copy2(file, root / "incoming" / file.parent.name / file.name)


def published(root: Path, *prefixes: str) -> dict[str, str]:
    """Returns the digest of every published file, below some folders or all."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        top = name.split("/")[0]
        if not path.is_file() or top in {
            "incoming",
            "reports",
            "book",
            "subscribers",
            "huadan.toml",
            ".lock",  # a killed command leaves its name there, the next one writes over it
        }:
            continue
        if top.startswith("ledger.sqlite") or (prefixes and top not in prefixes):
            continue
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def ledger_rows(root: Path) -> dict[str, list[Any]]:
    """Returns all tables of the ledger but the log of runs, which has the clock in it."""
    db = sqlite3.connect(root / "ledger.sqlite")
    try:
        tables = (
            "files",
            "arrivals",
            "batches",
            "outputs",
            "sheets",
            "gaps",
            "file_ranges",
            "record_numbers",
            "record_series",
            "record_ranges",
            "record_fills",
            "record_repeats",
            "outdated",
            "removals",
        )
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}  # noqa: S608 - fixed names
    finally:
        db.close()
