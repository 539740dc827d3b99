"""Errors of the other rooms that are mistakes in somebody's files, and their exit codes."""

from __future__ import annotations

import errno
import sqlite3

from collectors.errors import CollectorError
from pipeline.errors import Exit

_CONFIGURATION = {
    "tariffs.errors.BookError",
    "rating.errors.SubscriberDataError",
    "mediation.errors.KeyFileError",
    "mediation.errors.MediationConfigError",
    "mediation.errors.UnreadableFileError",
}
"""By name, so that a wrong option does not import every room to say so."""

_SURROUNDINGS = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
"""What the machine refuses and may allow later: disks, permissions, limits."""


def exit_code_of(error: BaseException) -> Exit | None:
    """Returns the exit code of a known error of another room, None if it is unexpected."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if isinstance(error, CollectorError):
        return Exit.TEMPORARY if error.temporary else Exit.CONFIGURATION
    if names & _CONFIGURATION:
        return Exit.CONFIGURATION
    if isinstance(error, sqlite3.OperationalError):
        return Exit.TEMPORARY
    if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
        return Exit.TEMPORARY
    return None
