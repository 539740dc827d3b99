"""``huadan rollback``: takes whole batches back, as if they had never been committed.

Outputs, duplicate keys, balances, waiting parts and suspense rows go together: the state of a batch
is in files of its own, so what was before is what the earlier batches published. The originals stay
in the archive and are taken again by the next run, which gives the same bytes. Only key files are
merged across batches: what earlier batches had in those of the batches that go is written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.batch.key_merging import FOLDER, is_merged, write_merged
from pipeline.billing.adjust import notes_for
from pipeline.commit import (
    KEPT,
    drop_staged,
    place_kept,
    recover,
    remove_taken_back,
    staged,
    sync_staged,
)
from pipeline.errors import UsageError
from pipeline.ledger.rollbacks import Kept
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.logs import log
from pipeline.nearest import nearest
from pipeline.published import batch_number

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ledger.model import Batch, Output
    from pipeline.ledger.rollbacks import Rollback
    from pipeline.workspace import Workspace


def rollback(
    workspace: Workspace, name: str, now: str, *, with_later: bool = False
) -> list[Rollback]:
    """Takes a batch back, with all later ones if asked to; returns them, the latest first.

    A bill run replaced the earlier runs of its cycle, whose files are gone: it is taken back with
    them, and the cycle is not billed any more. Bills made of a batch that is taken back are marked
    as out of date until `huadan bill` makes them anew, or the same events have come again.

    Args:
        workspace: Where.
        name: The batch, as `huadan status` shows it.
        now: When, for the ledger.
        with_later: Take back what was committed after it, too.

    Raises:
        UsageError: there is no such batch, others came after it, or it made bills that are final.
    """
    with locked(workspace.lock_file, "rollback"), Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        chosen = _chosen(ledger, name, with_later=with_later)
        before = len(ledger.rollbacks())
        _take_back(workspace, ledger, chosen, now)
        place_kept(workspace, ledger)
        remove_taken_back(workspace, ledger)
        done = ledger.rollbacks()[before:]
        for one in done:
            log().warning("batch_taken_back", batch=one.batch, files=one.files, outputs=one.outputs)
        return done


def _take_back(workspace: Workspace, ledger: Ledger, chosen: list[Batch], now: str) -> None:
    """Makes the transaction; what it names is staged before.

    Raises:
        KeyFileError: a merged key file is not as it was committed; nothing is changed.
    """
    merged = [o for b in chosen for o in ledger.outputs(FOLDER, b.id) if is_merged(o.path)]
    if not merged:
        ledger.take_back(chosen, now)
        return
    with staged(workspace, KEPT) as folder:
        kept = _kept(workspace, ledger, folder, chosen[-1], merged)
        sync_staged(workspace, folder)
    try:
        ledger.take_back(chosen, now, kept)
    finally:
        if not ledger.placements():
            drop_staged(workspace, folder)


def _kept(
    workspace: Workspace, ledger: Ledger, folder: Path, first: Batch, merged: list[Output]
) -> Kept | None:
    """Stages what merged key files hold of batches before `first`."""
    before = ledger.batch_before(first)
    if before is None:
        return None
    number = batch_number(first.name)
    stay, outputs = [], []
    for file in merged:
        rest = write_merged(workspace.root, folder, [file], number)
        if rest is not None and rest.rows == file.rows:
            stay.append(file.path)
            (folder / rest.path).unlink()
        elif rest is not None:
            outputs.append(rest)
    return Kept(before.id, stay, outputs)


def _chosen(ledger: Ledger, name: str, *, with_later: bool) -> list[Batch]:
    """Returns the batches to take back, the latest first."""
    batches = ledger.batches()
    found = next((batch for batch in batches if batch.name == name), None)
    if found is None:
        names = [batch.name for batch in batches]
        hint = nearest(name, names) if names else "nothing has been committed yet"
        message = f"there is no batch {name!r}"
        raise UsageError(message, hint)
    if found.kind == "bill":
        of_cycle = [b for b in batches if b.kind == "bill" and b.cycle == found.cycle]
        if of_cycle[-1] is not found:
            message = f"{name} was replaced by {of_cycle[-1].name}"
            raise UsageError(message, f"take that one back: huadan rollback {of_cycle[-1].name}")
        _require_no_notes(ledger, found)
        return of_cycle[::-1]
    later = [b for b in batches if b.kind != "bill" and b.id > found.id]
    if later and not with_later:
        message = f"{len(later)} later batches go on from {name}: {_listed(later)}"
        hint = f"take them back as well: huadan rollback {name} --with-later"
        raise UsageError(message, hint)
    chosen = [found, *later]
    if replaced := [b for b in chosen if _gone(ledger, b)]:
        message = f"{replaced[0].name} took the place of files that are gone; it cannot be undone"
        raise UsageError(message, "restore a backup: huadan restore --help")
    return chosen[::-1]


def _require_no_notes(ledger: Ledger, run: Batch) -> None:
    """Refuses to take back bills that are final: made anew, they would charge what notes charge.

    Raises:
        UsageError: there are credit or debit notes for the cycle.
    """
    cycle = run.cycle or ""
    found = notes_for(ledger, cycle)
    if not found:
        return
    message = f"the bills of {cycle} are final: there are {len(found)} credit or debit notes for it"
    billed = [one.bill_cycle for one in found if ledger.bill_of(one.bill_cycle) is not None]
    hint = f"withdraw them first: huadan adjust list --cycle {cycle}, huadan adjust withdraw NOTE"
    if billed:
        hint = f"notes stand on the bills of {max(billed)}: enter what has changed as notes, huadan adjust rerate {cycle} --reason TEXT"
    raise UsageError(message, hint)


def _gone(ledger: Ledger, batch: Batch) -> list[str]:
    """Returns what a batch took away for good; keys that left the window are not missed."""
    return [path for path in ledger.superseded_paths(batch.id) if not path.startswith(FOLDER)]


def _listed(batches: list[Batch]) -> str:
    shown = 3
    names = [batch.name for batch in batches[:shown]]
    return ", ".join(names) + (" …" if len(batches) > shown else "")
