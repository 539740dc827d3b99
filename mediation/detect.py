"""Which format and framing a file has, judged by its head.

Each format whose tags fit frames the head of the file in every way that is possible. Two shares
decide: how many of the octets end up in records whose nested lengths all agree, and how many of the
values in these records are fields that the format knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.fields import known_fields
from mediation.framing import Frames, FramingRules, RecordTags, frame, tag_tables, tags_of
from mediation.framing_ts32297 import read_file_header
from mediation.kernels.boundaries import MAX_DEPTH, STATE_CELLS
from mediation.kernels.hidden import declared_and_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mediation.formats.outline import Outline
    from mediation.reader import FileSettings

SAMPLE_OCTETS: Final = 1 << 18
"""Octets at the head of a file that detection looks at."""

FLAT_FRAMINGS: Final = ("lines", "records", "blocks")
"""Framings that flat formats bring themselves."""

ENOUGH: Final = 0.5
"""Share of the sample that must make whole records before a format is believed."""

ENOUGH_KNOWN: Final = 0.2
"""Share of the values that a format must know before it is believed."""

AS_GOOD: Final = 0.95
"""Share of a format's best score with which what stands around its records decides."""

SURE: Final = 0.9
"""Score below which some records must decode as well before a format is believed."""

PREFIXED_RECORDS: Final = 4
"""Records behind length prefixes that must fit before that framing is tried."""

WORDS: Final = {
    "bare": "its records stand one behind the other",
    "ts32297": "it begins with a TS 32.297 file header, and CDR headers follow",
    "outer": "its records are in a list inside one outer value",
}


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a format and a framing fit the head of a file.

    Attributes:
        name: Name of the format.
        rules: The framing.
        share: Share of the octets that are whole records; headers and filler do not count.
        known: Share of the values in them that the format knows, by tag and form.
        records: Whole records.
        declared: True if a file header, or an outer value at its beginning, speaks for the framing.
        lacks_outer: True if files of the format are one outer value and this one is not.
    """

    name: str
    rules: FramingRules
    share: float
    known: float
    records: int
    declared: bool
    lacks_outer: bool = False

    @property
    def score(self) -> float:
        """What fits are compared by."""
        return self.share * self.known

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.rules.words}): {self.share:.1%} whole records, "
            f"{self.known:.0%} of their values known"
        )


@dataclass(frozen=True, slots=True)
class Detection:
    """The format and framing that fit a file best.

    Attributes:
        name: Name of the format.
        rules: The framing.
        evidence: What speaks for it, one sentence each.
        alternatives: Other fits that would be believed, best first.
        fit: How well they fit.
    """

    name: str
    rules: FramingRules
    evidence: list[str]
    alternatives: list[Fit]
    fit: Fit

    @property
    def doubtful(self) -> bool:
        """True where tags and lengths alone prove too little: many formats number their fields so."""
        return self.fit.score < SURE

    @property
    def framing(self) -> str:
        """One of ``FRAMINGS``."""
        return self.rules.framing


def detect_format(
    data: np.ndarray,
    *,
    name: str | None = None,
    settings: FileSettings | None = None,
    formats: Mapping[str, Outline] | None = None,
) -> Detection | None:
    """Finds the format and framing that fit the head of a file.

    Args:
        data: The file, uint8[n].
        name: The format where it is declared; only the framing is then looked for.
        settings: Framing, block and header lengths where they are declared.
        formats: Formats to try by name, all of ``mediation.formats`` if None.

    Returns:
        The best fit, or None where no format makes whole records of half of the sample and knows a
        fifth of the values in them.
    """
    candidates = _formats(name) if formats is None else formats
    sample = data[:SAMPLE_OCTETS]
    sample.flags.writeable = False
    fits = [
        fit
        for each, outline in candidates.items()
        for fit in _fits(sample, len(data), each, outline, settings)
        if fit.share >= ENOUGH and fit.known >= ENOUGH_KNOWN
    ]
    if formats is None and (settings is None or settings.steps.framing is None):
        fits += [fit for fit in _flat_fits(sample, len(data), name) if fit.share >= ENOUGH]
    if not fits:
        return None
    # Formats whose records look alike are told apart by what stands around the records. The order
    # of the names decides a tie, so that the answer never depends on chance.
    tops: dict[str, float] = {}
    for fit in fits:
        tops[fit.name] = max(fit.score, tops.get(fit.name, 0))

    def score(fit: Fit) -> float:
        # Where the sample ends within a list, fields of its last record may look like a trailer.
        as_good = fit.declared and fit.score >= AS_GOOD * tops[fit.name]
        return tops[fit.name] if as_good else fit.score

    fits.sort(key=lambda fit: (-score(fit), not fit.declared, fit.lacks_outer, fit.name))
    best = fits[0]
    return Detection(best.name, best.rules, _evidence(sample, best), fits[1:], best)


def _evidence(sample: np.ndarray, best: Fit) -> list[str]:
    framing = best.rules.framing
    if framing in FLAT_FRAMINGS:
        first = "its first lines or blocks are those of the format"
        share = f"{best.share:.1%} of the octets looked at are {best.records} whole records"
        return [share, first] if best.declared else [share]
    evidence = [
        f"{best.share:.1%} of the first {len(sample)} octets are {best.records} whole records",
        f"{best.known:.0%} of the values in them are fields of {best.name}",
        WORDS.get(framing, f"its records stand behind their lengths ({best.rules.words})"),
    ]
    if int(sample[0]) in {0x00, 0xFF} and framing == "bare":
        evidence.append(f"it begins with filler {int(sample[0]):02X}")
    return evidence


def _flat_fits(sample: np.ndarray, size: int, name: str | None) -> Iterator[Fit]:
    """Yields how well the flat formats fit the head of a file."""
    from mediation import formats  # noqa: PLC0415 - formats import what detection does not need
    from mediation.flat.detect import flat_fit  # noqa: PLC0415 - BER files need it here only
    from mediation.flat.framing import framing_name  # noqa: PLC0415

    for each in formats.available() if name is None else (name,):
        if formats.kind_of(each) != formats.BER and (plan := formats.load(each).flat) is not None:
            fit = flat_fit(sample, size, plan)
            rules = FramingRules(framing_name(plan))
            yield Fit(each, rules, fit.share, fit.share, fit.records, fit.declared)


def _formats(name: str | None) -> dict[str, Outline]:
    from mediation import formats  # noqa: PLC0415 - formats import what detection does not need

    names = formats.available(formats.BER)
    if name is not None:
        names = (name,) if formats.kind_of(name) == formats.BER else ()
    return {each: formats.outline(each) for each in names}


def _framings(
    data: np.ndarray, tags: RecordTags, settings: FileSettings | None
) -> Iterator[FramingRules]:
    """Yields the framings that are possible for a format and a file."""
    if settings is not None and settings.steps.framing is not None:
        yield settings.rules(settings.steps.framing)
        return
    base = FramingRules() if settings is None else settings.rules("bare")
    yield base
    if read_file_header(data, base.file_header_octets) is not None:
        yield replace(base, framing="ts32297")
    if tags.roots and not base.block_octets:
        yield replace(base, framing="outer")
    kinds, _, _ = tag_tables(tags)
    for octets in (2, 4):
        for little in (False, True):
            for included in (False, True):
                rules = replace(
                    base,
                    framing="lengths",
                    length_octets=octets,
                    little_endian=little,
                    length_included=included,
                )
                if _prefixed(data, rules, kinds):
                    yield rules


def _prefixed(data: np.ndarray, rules: FramingRules, kinds: np.ndarray) -> bool:
    """Returns whether the file begins with records behind their lengths."""
    at = 0
    for _ in range(PREFIXED_RECORDS):
        record = at + rules.length_octets
        if record >= len(data) or kinds[data[record]] not in {1, 2}:
            return at > 0 and at == len(data)
        octets = data[at:record].tobytes()
        length = int.from_bytes(octets, "little" if rules.little_endian else "big")
        at += length + (0 if rules.length_included else rules.length_octets)
        if length < rules.length_octets + 2 or at > len(data):
            return False
    return True


def _fits(
    sample: np.ndarray, size: int, name: str, outline: Outline, settings: FileSettings | None
) -> Iterator[Fit]:
    """Frames the sample in every way that is possible and measures what came of it."""
    tags = tags_of(outline.schema, outline.outer, outline.least_values)
    for rules in _framings(sample, tags, settings):
        frames = frame(sample, tags, rules)
        whole = _whole(sample, tags, frames)
        framed = int(frames.lengths[whole].sum())
        rest = len(sample) - frames.header_octets - frames.filler_octets
        if len(sample) < size:
            rest -= _tail(frames, len(sample))
        if rest <= 0 and framed == 0:
            # Only headers and filler: an empty file of this framing, if its header says so.
            empty = frames.header is not None and frames.header.records == 0
            share = 1.0 if empty or frames.outer else 0.0
            known = share
        else:
            share = framed / rest
            known = known_fields(sample, frames.offsets[whole], outline.schema)
        declared = bool(frames.header) or _begins_with_outer(frames)
        lacks_outer = bool(tags.roots) and not frames.outer
        yield Fit(name, rules, share, known, int(whole.sum()), declared, lacks_outer)


def _begins_with_outer(frames: Frames) -> bool:
    """Returns whether an outer value is the first thing in a file, filler apart."""
    others = [*frames.offsets[:1].tolist(), *(gap.offset for gap in frames.unframed[:1])]
    return bool(frames.outer) and all(frames.outer[0].offset < at for at in others)


def _whole(
    sample: np.ndarray, tags: RecordTags, frames: Frames
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Returns bool[n]: which records are of declared types and agree inside."""
    whole = np.zeros(len(frames.offsets), np.uint8)
    kinds, long_numbers, _ = tag_tables(tags)
    stack, state = np.zeros((2, MAX_DEPTH), np.int64), np.zeros(STATE_CELLS, np.int64)
    declared_and_whole(
        sample, frames.offsets, frames.lengths, kinds, long_numbers, stack, state, whole
    )
    return whole.astype(np.bool_)


def _tail(frames: Frames, size: int) -> int:
    """Returns the unframed octets at the end of the sample, where a record is cut by sampling."""
    if not frames.unframed:
        return 0
    last = frames.unframed[-1]
    return last.length if last.offset + last.length == size else 0
