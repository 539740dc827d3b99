"""Which format and framing a file has, judged by how much of it makes whole records.

Each known format frames the head of the file bare and, where a TS 32.297 header is possible, with
headers. The share of octets that end up in records whose nested lengths all agree decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mediation.framing import Frames, FramingRules, RecordTags, frame, tag_tables, tags_of
from mediation.framing_ts32297 import read_file_header
from mediation.kernels.boundaries import MAX_DEPTH, STATE_CELLS, declared_and_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mediation.reader import FileSettings

SAMPLE_OCTETS = 1 << 18
"""Octets at the head of a file that detection looks at."""

ENOUGH = 0.5
"""Share of the sample that must make whole records before a format is believed."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The format and framing that fit a file best.

    Attributes:
        name: Name of the format.
        framing: One of ``FRAMINGS``.
        evidence: What speaks for it, one sentence each.
        alternatives: Other (format, framing) that fit at least half of the sample, best first.
    """

    name: str
    framing: str
    evidence: list[str]
    alternatives: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Fit:
    name: str
    framing: str
    share: float
    records: int
    declared: bool


def detect_format(
    data: np.ndarray,
    *,
    name: str | None = None,
    settings: FileSettings | None = None,
    formats: Mapping[str, RecordTags] | None = None,
) -> Detection | None:
    """Finds the format and framing that fit the head of a file.

    Args:
        data: The file, uint8[n].
        name: The format where it is declared; only the framing is then looked for.
        settings: Framing, block and header lengths where they are declared.
        formats: Formats to try by name, all of ``mediation.formats`` if None.

    Returns:
        The best fit, or None where no format makes whole records of half of the sample.
    """
    candidates = _formats(name) if formats is None else formats
    sample = data[:SAMPLE_OCTETS]
    sample.flags.writeable = False
    fits = [
        fit
        for format_name, tags in candidates.items()
        for framing in _framings(data, tags, settings)
        if (fit := _fit(sample, len(data), format_name, tags, framing, settings)).share >= ENOUGH
    ]
    if not fits:
        return None
    # The order of the names decides a tie, so that the answer never depends on chance.
    fits.sort(key=lambda fit: (-fit.share, not fit.declared, fit.name))
    best = fits[0]
    evidence = [
        f"{best.share:.1%} of the first {len(sample)} octets are {best.records} whole records"
    ]
    if best.framing == "ts32297":
        evidence.append("it begins with a TS 32.297 file header, and CDR headers follow")
    if best.framing == "outer":
        evidence.append("its records are in a list inside one outer value")
    if data[0] in {0x00, 0xFF} and best.framing == "bare":
        evidence.append(f"it begins with filler {int(data[0]):02X}")
    return Detection(
        best.name, best.framing, evidence, [(fit.name, fit.framing) for fit in fits[1:]]
    )


def _formats(name: str | None) -> dict[str, RecordTags]:
    from mediation import formats  # noqa: PLC0415 - loading a format compiles its plan

    names = formats.available(formats.BER) if name is None else (name,)
    loaded = [formats.load(each) for each in names]
    return {each.name: tags_of(each.schema, each.outer) for each in loaded}


def _framings(data: np.ndarray, tags: RecordTags, settings: FileSettings | None) -> tuple[str, ...]:
    """Returns the framings that are possible for a format and a file."""
    if settings is not None and settings.framing is not None:
        return (settings.framing,)
    declared = None if settings is None else settings.file_header_octets
    headed = ("ts32297",) if read_file_header(data, declared) is not None else ()
    return ("bare", *headed, *(("outer",) if tags.roots else ()))


def _fit(
    sample: np.ndarray,
    size: int,
    name: str,
    tags: RecordTags,
    framing: str,
    settings: FileSettings | None,
) -> _Fit:
    """Frames the sample and measures which share of it makes whole records."""
    rules = FramingRules(framing) if settings is None else settings.rules(framing)
    frames = frame(sample, tags, rules)
    whole = np.zeros(len(frames.offsets), np.uint8)
    kinds, long_numbers, _ = tag_tables(tags)
    stack, state = np.zeros((2, MAX_DEPTH), np.int64), np.zeros(STATE_CELLS, np.int64)
    declared_and_whole(
        sample, frames.offsets, frames.lengths, kinds, long_numbers, stack, state, whole
    )
    framed = int(frames.lengths[whole == 1].sum())
    rest = len(sample) - frames.header_octets - frames.filler_octets
    if len(sample) < size:
        rest -= _tail(frames, len(sample))
    if rest <= 0 and framed == 0:
        # Only headers and filler: an empty file of this framing, if its header says so.
        empty = frames.header is not None and frames.header.records == 0
        share = 1.0 if empty or frames.outer else 0.0
    else:
        share = framed / rest
    return _Fit(name, framing, share, int(whole.sum()), bool(frames.header or frames.outer))


def _tail(frames: Frames, size: int) -> int:
    """Returns the unframed octets at the end of the sample, where a record is cut by sampling."""
    if not frames.unframed:
        return 0
    last = frames.unframed[-1]
    return last.length if last.offset + last.length == size else 0
