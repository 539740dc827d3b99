"""Published files that are not as they were committed, in the words of an error.

The events that are billed, and the balances and keys that a batch goes on from, are compared with the
ledger before they are used. Sums are not: that would cost more than it finds. Where a command fails
in an unexpected way, everything is compared before a traceback is shown.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from mediation.errors import KeyFileError
from pipeline.errors import DifferenceError, HuadanError
from pipeline.known import exit_code_of
from pipeline.ledger.store import Ledger
from pipeline.upkeep.verify import Expected, compare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.ledger.model import Output
    from pipeline.upkeep.verify import Difference
    from pipeline.workspace import Workspace

ENOUGH_BYTES: Final = 2_000_000_000
"""Read at most for digests, small files first: somebody waits for the message."""
SHOWN: Final = 3


def damage_behind(workspace: Workspace, error: Exception) -> DifferenceError | None:
    """Returns what to say if published files differ, None if they do not or the error is known."""
    known = isinstance(error, HuadanError) or exit_code_of(error) is not None
    if (known and not isinstance(error, KeyFileError)) or not workspace.ledger_file.exists():
        return None
    try:
        with Ledger(workspace.ledger_file) as ledger:
            found = _differences(workspace, ledger)
    except HuadanError as damaged:
        return DifferenceError(damaged.message, damaged.hint)
    return _told(found) if found else None


def require_unchanged(root: Path, outputs: Sequence[Output], threads: int = 1) -> None:
    """Compares published files with the ledger.

    Raises:
        DifferenceError: one is missing or changed.
    """
    with ThreadPoolExecutor(threads) as pool:
        compared = pool.map(lambda o: compare(root, Expected(o.path, o.digest, o.bytes)), outputs)
        found = [difference for difference in compared if difference is not None]
    if found:
        raise _told(found)


def _told(found: list[Difference]) -> DifferenceError:
    lines = "".join(f"\n  {one.path} ({one.kind}: {one.detail})" for one in found[:SHOWN])
    more = f"\n  and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    message = f"published files are not as they were committed; nothing was published:{lines}{more}"
    hint = (
        "put them back from a backup, or take the batches that made them back with `huadan rollback"
        " BATCH --with-later`; `huadan ledger verify` reads everything. No input was lost"
    )
    return DifferenceError(message, hint)


def _differences(workspace: Workspace, ledger: Ledger) -> list[Difference]:
    outputs = [
        output
        for batch in ledger.batches()
        if batch.state == "published"
        for output in ledger.outputs(batch=batch.id)
    ]
    found, read = [], 0
    for output in sorted(outputs, key=lambda output: (output.bytes, output.path)):
        read += output.bytes
        if read > ENOUGH_BYTES and (workspace.root / output.path).exists():
            continue
        difference = compare(workspace.root, Expected(output.path, output.digest, output.bytes))
        if difference is not None:
            found.append(difference)
    return found
