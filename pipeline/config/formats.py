"""What sources say of formats: each has to be at hand, and be told only what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.errors import MediationConfigError
from mediation.format_folders import BER, kind_of
from mediation.framing_steps import PACKINGS, read_steps
from pipeline.config.problems import lines_of
from pipeline.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.config.source import Source

FRAMING_KEYS = ("block_octets", "file_header_octets", "cdr_header_octets")


def format_problems(sources: Sequence[Source], file: str, text: str) -> list[Problem]:
    """Returns what is wrong with formats of sources, in the order of the file.

    Args:
        sources: As the file declares them.
        file: Name of the file, for messages.
        text: What is written there, for line numbers.
    """
    lines = lines_of(text)
    problems = []
    for index, source in enumerate(sources):
        for key, message, hint in _wrong(source):
            line = lines.get(("source", index, key))
            where = f"{file}:{line}" if line else file
            problems.append(Problem(where, f"source[{index + 1}].{key}: {message}", hint))
    return problems


def _wrong(source: Source) -> Iterator[tuple[str, str, str]]:
    """Yields (key, message, hint)."""
    if source.format is None:
        return
    try:
        kind = kind_of(source.format)
    except MediationConfigError as error:
        yield from (("format", one.message, one.hint) for one in error.problems)
        return
    if kind == BER:
        return
    steps = read_steps(source.framing)
    told = ["framing"] if steps.framing or steps.values else []
    told += [key for key in FRAMING_KEYS if getattr(source, key)]
    for key in told:
        yield (
            key,
            f"means nothing: format {source.format} says itself where its records are",
            f"allowed as framing: {', '.join(PACKINGS)}",
        )
