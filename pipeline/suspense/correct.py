"""``huadan suspense correct``: corrections of a workspace, made, listed and withdrawn."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import TYPE_CHECKING, Any

from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.suspense.corrections import (
    add_correction,
    corrections,
    parse_changes,
    parse_wanted,
    withdraw_correction,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.workspace import Workspace


def add(workspace: Workspace, where: Iterable[str], values: Iterable[str], reason: str) -> int:
    """Makes a correction; returns its number.

    Raises:
        UsageError: a condition, a field or a value is wrong, or no reason is given.
    """
    load_config(workspace)
    wanted, changes = parse_wanted(where), parse_changes(values)
    if not wanted.of_items and not wanted.of_events:
        message = "a correction says which items it is for"
        raise UsageError(message, "write --where name=value")
    with locked(workspace.lock_file, "suspense correct"), Ledger(workspace.ledger_file) as ledger:
        return add_correction(ledger, getpass.getuser(), reason, wanted, changes)


def withdraw(workspace: Workspace, number: int) -> None:
    """Takes a correction back; what it changed before stays changed.

    Raises:
        UsageError: there is no such correction that is in force.
    """
    load_config(workspace)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with locked(workspace.lock_file, "suspense correct"), Ledger(workspace.ledger_file) as ledger:
        if not withdraw_correction(ledger, number, now):
            message = f"there is no correction {number} in force"
            raise UsageError(message, "`huadan suspense correct --list` lists them")


def listed(workspace: Workspace) -> list[dict[str, Any]]:
    """Returns all corrections as JSON-ready objects, in the order in which they were made."""
    load_config(workspace)
    with Ledger(workspace.ledger_file) as ledger:
        return [one.to_dict() for one in corrections(ledger)]
