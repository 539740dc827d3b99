"""The access log: who looked at numbers in full, when, and with which command."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.masking import mask_text
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE_NAME = "access.log"


def access_log(folder: Path | None) -> Path:
    """Returns the log of a workspace; outside of one, that of the user."""
    if folder is not None and Workspace(folder).config_file.is_file():
        return folder / FILE_NAME
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "huadan" / FILE_NAME


def note_access(folder: Path | None, command: str, arguments: Sequence[str]) -> Path:
    """Appends one JSON line before anything is shown; the numbers asked for are masked in it.

    Raises:
        UsageError: the log cannot be written, so nothing may be shown.
    """
    path = access_log(folder)
    line = {
        "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "who": getpass.getuser(),
        "command": command,
        "arguments": [mask_text(text) for text in arguments],
    }
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, (json.dumps(line, ensure_ascii=False) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise UsageError(message, "without a line in the access log nothing is unmasked") from None
    return path
