"""The demo operator: where its files are, and new workspaces made from them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.workspace import CONFIG_NAME, Workspace
from pipeline.writing import writing

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 2026
"""Seed of the demo traffic; the same seed gives the same bytes."""
SAMPLE_RECORDS = 20_000
"""Records written where the checkout's samples are not at hand: a few seconds of encoding."""


def shop_folder() -> Path:
    """Returns the demo operator's folder: installed with the package, else in the checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "shop", here.parent / "samples" / "shop"):
        if (folder / CONFIG_NAME).is_file():
            return folder
    message = "the demo operator's files are not installed"
    raise UsageError(message, "install the package again")


def sample_traffic() -> Path | None:
    """Returns the checkout's folder of CDR samples, None where there is none."""
    folder = Path(__file__).resolve().parent.parent / "samples" / "cdr"
    return folder if folder.is_dir() and any(folder.rglob("*.ber")) else None


def create(
    folder: Path, *, traffic: bool, progress: Callable[[str], None] = lambda _: None
) -> Workspace:
    """Makes a workspace from the demo operator; returns it.

    Args:
        folder: New or empty folder.
        traffic: Whether to put the demo's CDR files into its source folders.
        progress: Is told what happens.

    Raises:
        UsageError: there is something in the folder, or there cannot be one.
        DiskFullError: there is no space for it.
    """
    with writing(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            message = f"{folder} exists and is not empty"
            raise UsageError(message, "name a new folder, or empty this one")
        folder.mkdir(parents=True, exist_ok=True)
        shop = shop_folder()
        for entry in sorted(shop.iterdir()):
            if entry.is_dir():
                _copy_tree(entry, folder / entry.name)
            elif entry.name != CONFIG_NAME:
                shutil.copyfile(entry, folder / entry.name)
        incoming = folder / "incoming"
        incoming.mkdir(exist_ok=True)
        if traffic:
            fill(incoming, folder / "subscribers", progress)
        # last, so that a folder is a workspace only when it is whole
        shutil.copyfile(shop / CONFIG_NAME, folder / CONFIG_NAME)
    workspace = Workspace(folder.absolute())
    _make_source_folders(workspace)
    return workspace


def fill(incoming: Path, subscribers: Path, progress: Callable[[str], None]) -> None:
    """Puts the demo's CDR files into `incoming`: the checkout's samples, else made anew."""
    samples = sample_traffic()
    if samples is not None:
        progress("copying the sample CDR files")
        _copy_tree(samples, incoming)
        return
    progress(f"writing sample CDR files with {SAMPLE_RECORDS:,} records")
    from traffic.samples import write_samples  # noqa: PLC0415 - asn1tools takes a second

    write_samples(incoming, SEED, records=SAMPLE_RECORDS, subscribers_folder=subscribers)


def _copy_tree(source: Path, target: Path) -> None:
    """Copies a folder; ends with the first error, where `shutil.copytree` hides it among others."""
    for entry in (source, *sorted(source.rglob("*"))):
        copy = target / entry.relative_to(source)
        if entry.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copy2(entry, copy)


def _make_source_folders(workspace: Workspace) -> None:
    from pipeline.config.load import load_config  # noqa: PLC0415 - pydantic takes a moment

    for source in load_config(workspace).source:
        (workspace.root / source.folder).mkdir(parents=True, exist_ok=True)
