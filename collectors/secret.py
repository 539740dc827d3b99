"""Secrets by reference: they are read when a connection is made, and kept nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.errors import AccessError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is: ``env:NAME`` or ``file:PATH``, the path relative to `root`."""

    what: str
    reference: str
    root: Path

    def read(self) -> str | None:
        """Returns the secret, None where no reference is given. A file's last newline is not of it.

        Raises:
            AccessError: the variable or the file is not there; says which, and nothing of a secret.
        """
        kind, _, place = self.reference.partition(":")
        if not self.reference:
            return None
        if kind == "env":
            value = os.environ.get(place)
            if value is None:
                what = f"{self.what}: the environment variable {place} is not set"
                raise AccessError(what, "set it for the user that runs huadan")
            return value
        try:
            return (self.root / place).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            what = f"{self.what}: {self.root / place} cannot be read: {why}"
            raise AccessError(what, "check the path and who may read it") from None
