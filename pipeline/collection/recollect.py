"""``huadan collect``: files into the archive and no further; a range of them, or once more."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collectors.archive import Archive
from collectors.digest import file_digest
from collectors.errors import SourceError
from collectors.model import FILE_ID_LENGTH
from pipeline.collection.collect import Found, look, take
from pipeline.collection.log import CollectionLog
from pipeline.collection.sources import opened
from pipeline.commit import recover
from pipeline.config.load import load_config
from pipeline.errors import Exit, UsageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.logs import log
from pipeline.nearest import nearest

if TYPE_CHECKING:
    from collectors.model import Offer
    from collectors.source import Source
    from pipeline.config.load import Config
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace

_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Range:
    """Which files: of one source, changed in ``[start, end)``, numbered `first` to `last`."""

    source: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    numbers: tuple[int, int] | None = None

    @property
    def narrow(self) -> bool:
        """Returns whether anything but the source is asked for."""
        return (self.start_ns, self.end_ns, self.numbers) != (None, None, None)

    def holds(self, offer: Offer) -> bool:
        """Returns whether a file is in the range."""
        if self.start_ns is not None and offer.mtime_ns < self.start_ns:
            return False
        if self.end_ns is not None and offer.mtime_ns >= self.end_ns:
            return False
        if self.numbers is None:
            return True
        first, last = self.numbers
        return offer.sequence is not None and first <= offer.sequence <= last


@dataclass(slots=True)
class Collection:
    """What came of it."""

    new: int = 0
    again: int = 0
    """Contents that were known under another name or time."""
    same: int = 0
    """Fetched once more: the archive has just these bytes."""
    restored: list[str] = field(default_factory=list)
    """Fetched once more: the archive had lost them."""
    changed: list[str] = field(default_factory=list)
    """Fetched once more: other bytes under the same name, size and time."""
    refused: list[str] = field(default_factory=list)
    exit_code: Exit = Exit.DONE

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {**asdict(self), "exit_code": int(self.exit_code)}


def numbers_of(text: str) -> tuple[int, int]:
    """Returns (17, 40) for ``17-40`` and (17, 17) for ``17``.

    Raises:
        UsageError: it is neither.
    """
    found = _NUMBERS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last:
        message = f"{text!r} is no range of sequence numbers"
        raise UsageError(message, "write 17 or 17-40, the lower one first")
    return first, last


def instant_ns(text: str) -> int:
    """Returns nanoseconds since 1970 of a date or a time; UTC if it has no offset.

    Raises:
        UsageError: it is neither.
    """
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time"
        raise UsageError(message, "write 2026-11-01, 2026-11-01T06:30 or …T06:30+08:00") from None
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return int(told.timestamp() * 1_000_000) * 1_000


def collect_only(
    workspace: Workspace, wanted: Range, listener: Listener, *, again: bool = False
) -> Collection:
    """Takes files into the archive; the next run takes them through the chain.

    Args:
        workspace: Where.
        wanted: Which files.
        listener: Hears about progress.
        again: Fetch files that were taken before, too, and compare them with the archive.

    Raises:
        HuadanError: and SourceError; see ``known.py``.
    """
    config = load_config(workspace)
    _require_source(config, wanted)
    with (
        locked(workspace.lock_file, "collect"),
        Ledger(workspace.ledger_file) as ledger,
        opened(config, workspace.root) as every,
    ):
        recover(workspace, ledger)
        sources = [one for one in every if wanted.source in {None, one.name}]
        if not wanted.narrow and not again:
            found = look(sources, ledger)
            known: list[tuple[Source, Offer]] = []
        else:
            found, known = _in_range(sources, ledger, wanted)
        taken = take(found, workspace, ledger, config.threads, listener)
        result = Collection(taken.new, taken.again, refused=list(taken.refused))
        result.exit_code = taken.exit_code
        if again:
            _fetch_again(known, workspace, ledger, config, result)
        return result


def _require_source(config: Config, wanted: Range) -> None:
    names = [source.name for source in config.source]
    if wanted.source is not None and wanted.source not in names:
        message = f"no source {wanted.source!r}"
        raise UsageError(message, nearest(wanted.source, names))
    if wanted.numbers is not None and not any(
        source.sequence for source in config.source if wanted.source in {None, source.name}
    ):
        message = "the files of this source have no sequence numbers"
        raise UsageError(message, "give the source the key `sequence` in huadan.toml")


def _in_range(
    sources: list[Source], ledger: Ledger, wanted: Range
) -> tuple[Found, list[tuple[Source, Offer]]]:
    """Returns what is new in the range, and what of it was taken before."""
    journal = CollectionLog(ledger)
    found = Found()
    known: list[tuple[Source, Offer]] = []
    for source in sources:
        try:
            offers = source.look().offers
        except SourceError as error:
            found.failed.append(error)
            continue
        for offer in filter(wanted.holds, offers):
            (known if journal.knows(offer) else found.new).append((source, offer))
    if found.failed and len(found.failed) == len(sources):
        raise found.failed[0]
    return found, known


def _fetch_again(
    known: list[tuple[Source, Offer]],
    workspace: Workspace,
    ledger: Ledger,
    config: Config,
    result: Collection,
) -> None:
    """Fetches what was taken before, and sees to it that the archive has it."""
    archive, journal = Archive(workspace.archive), CollectionLog(ledger)
    before = {offer: journal.file_id(offer) for _, offer in known}
    lost = {offer for offer, file_id in before.items() if not _sound(archive, file_id)}
    taken, refused = archive.take_all(known, config.threads)
    for one in taken:
        name = f"{one.offer.source}/{one.offer.name}"
        if one.file_id != before[one.offer]:
            journal.replace(one)
            result.changed.append(name)
            log().error("file_changed", source=one.offer.source, name=one.offer.name)
        elif one.offer in lost:
            result.restored.append(name)
        else:
            result.same += 1
    result.refused += [f"{one.offer.source}/{one.offer.name}: {one.reason}" for one in refused]
    if refused and result.exit_code is Exit.DONE:
        result.exit_code = Exit.TEMPORARY


def _sound(archive: Archive, file_id: str) -> bool:
    """Returns whether the archive has a content; a damaged one is put aside, to be fetched."""
    path = archive.path_of(file_id)
    if not path.exists():
        return False
    if file_digest(path)[:FILE_ID_LENGTH] == file_id:
        return True
    path.rename(path.with_name(f"{path.name}.damaged"))
    return False


def read_log(workspace: Workspace, source: str | None, last: int) -> dict[str, Any]:
    """Returns what was collected and what was refused, as one JSON-ready object."""
    workspace.require()
    if not workspace.ledger_file.exists():
        return {"collected": [], "refused": []}
    with Ledger(workspace.ledger_file) as ledger:
        journal = CollectionLog(ledger)
        return {"collected": journal.entries(source, last), "refused": journal.refusals(source)}
