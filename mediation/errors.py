"""What mediation raises: broken configuration and whole files that cannot be read.

A record that is wrong is data and becomes a suspense row; a file that cannot be read at all is
an :class:`UnreadableFileError`, which the pipeline keeps as data too (law 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

UNREADABLE_REASONS = (
    "empty_file",
    "missing_file",
    "not_permitted",
    "truncated_gzip",
    "corrupt_gzip",
    "truncated_zstd",
    "corrupt_zstd",
    "corrupt_zip",
    "not_one_member",
    "not_packed_as_declared",
    "packing_not_read",
    "unpacked_too_large",
    "unknown_format",
)
"""Every reason an :class:`UnreadableFileError` may carry."""


class MediationError(Exception):
    """Base of everything that mediation raises on purpose."""


class KeyFileError(MediationError):
    """A file of duplicate keys is damaged: no event can be told from its repetition."""


class UnreadableFileError(MediationError):
    """A whole file that cannot be read; it goes to suspense as one piece.

    Attributes:
        path: The file as the reader was given it.
        reason: One of ``UNREADABLE_REASONS``.
        detail: One sentence for the person who looks at it, with what to do.
    """

    def __init__(self, path: Path, reason: str, detail: str) -> None:
        super().__init__(path, reason, detail)
        self.path = path
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a person wrote.

    Attributes:
        where: File and place in it, such as ``validation.yaml:12``.
        message: What is wrong and what is allowed.
        hint: What to do, or the nearest allowed name; may be empty.
    """

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class MediationConfigError(MediationError):
    """Rules or settings of mediation that do not hold; carries all problems at once.

    Attributes:
        problems: Every problem found, in file order.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Returns a hint with the nearest allowed name, or all of them when none is near."""
    import difflib  # noqa: PLC0415 - only for a mistake

    names = list(allowed)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"allowed: {', '.join(names)}"
