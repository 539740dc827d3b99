"""Takes what the sources offer into the archive, tells the ledger, and looks after originals."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collectors.archive import Archive
from collectors.errors import AccessError, SourceError
from collectors.names import shown_name
from pipeline.collection.log import CollectionLog, Refusal
from pipeline.commit import storage_error
from pipeline.errors import Exit
from pipeline.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collectors.model import Offer
    from collectors.source import Look, Source
    from pipeline.config.load import Config
    from pipeline.ledger.store import Ledger
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace

_PAST = {"move": "moved", "delete": "deleted"}

MOST_TRANSFERS = 64
"""Files that arrive at the same time, over all sources."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the sources offer that was not taken before."""

    new: list[tuple[Source, Offer]] = field(default_factory=list)
    """By source in the order that each source's rules ask for."""
    failed: list[SourceError] = field(default_factory=list)
    """Sources that could not be read; the others go on."""

    @property
    def bytes(self) -> int:
        """Returns the size of all new files."""
        return sum(offer.size for _, offer in self.new)


@dataclass(frozen=True, slots=True)
class Collected:
    """What was taken."""

    new: int = 0
    again: int = 0
    refused: tuple[str, ...] = ()
    """Files and sources that could not be read, with the reason."""
    exit_code: Exit = Exit.DONE
    """What a run that found nothing else to complain about ends with."""


def look(sources: Sequence[Source], ledger: Ledger) -> Found:
    """Lists all sources; what is known and still there becomes due to be moved or deleted.

    Raises:
        SourceError: no source at all can be used, and it is for people to change that.
    """
    found = Found()
    journal = CollectionLog(ledger)
    for source in sources:
        try:
            seen = _settled(source)
        except SourceError as error:
            found.failed.append(error)
            continue
        found.new.extend((source, offer) for offer in sort_out(source, seen, journal))
    if found.failed and len(found.failed) == len(sources) and not found.failed[0].temporary:
        raise found.failed[0]
    for failure in found.failed:
        log().error("source_failed", source=failure.source, place=failure.place, why=failure.what)
    return found


def sort_out(source: Source, seen: Look, journal: CollectionLog) -> list[Offer]:
    """Returns which offers to take now, first ones first; notes what a look told beside."""
    known, new = _split(seen.offers, journal.knows)
    if known and source.rules.after != "leave":
        journal.still_there(known)
    skipped = [Refusal(source.name, shown_name(s.name), s.why) for s in seen.skipped]
    _tell(journal.refuse(skipped))
    return source.rules.choose(new)


def still_new(found: Found, ledger: Ledger) -> Found:
    """Returns what nobody has taken since it was found."""
    journal = CollectionLog(ledger)
    new = [(source, offer) for source, offer in found.new if not journal.knows(offer)]
    return Found(new, found.failed)


def _settled(source: Source) -> Look:
    """Looks once; and again after a while if clocks disagree, as time alone settles nothing then."""
    seen = source.look()
    if seen.from_the_future:
        time.sleep(source.rules.settle_seconds)
        seen = source.look()
    return seen


def _split(offers: list[Offer], knows: Callable[[Offer], bool]) -> tuple[list[Offer], list[Offer]]:
    known: list[Offer] = []
    new: list[Offer] = []
    for offer in offers:
        (known if knows(offer) else new).append(offer)
    return known, new


def take(
    found: Found, workspace: Workspace, ledger: Ledger, threads: int, listener: Listener
) -> Collected:
    """Takes files into the archive and registers them together, in order of source and name.

    Several threads copy and hash; the result does not depend on which of them was first.

    Raises:
        DiskFullError: no space was left; what was complete is registered by the next run.
    """
    failed = tuple(str(error).split("\n", 1)[0] for error in found.failed)
    if not found.new:
        return Collected(refused=failed, exit_code=_exit_code(found, 0))
    sources = {source.name: source for source, _ in found.new}
    transfers = threads + sum(source.connections for source in sources.values())
    listener.stage("collect", len(found.new), "files")
    try:
        taken, refused = Archive(workspace.archive).take_all(
            found.new, min(transfers, MOST_TRANSFERS), lambda _: listener.advance(1)
        )
    except OSError as error:
        if told := storage_error(error, workspace.root):
            raise told from error
        raise
    taken.sort(key=lambda file: file.offer)
    new, again = ledger.register(taken)
    journal = CollectionLog(ledger)
    leave = frozenset(name for name, source in sources.items() if source.rules.after == "leave")
    journal.write(taken, leave)
    _tell(journal.refuse(Refusal(r.offer.source, r.offer.name, r.reason) for r in refused))
    log().info("collected", new=new, again=again, refused=len(refused))
    lines = tuple(f"{one.offer.source}/{one.offer.name}: {one.reason}" for one in refused)
    return Collected(new, again, failed + lines, _exit_code(found, len(refused)))


def _exit_code(found: Found, refused: int) -> Exit:
    """Returns CONFIGURATION if people must act, TEMPORARY if the next run may do, else DONE."""
    if any(not error.temporary for error in found.failed):
        return Exit.CONFIGURATION
    return Exit.TEMPORARY if found.failed or refused else Exit.DONE


def release(sources: Sequence[Source], ledger: Ledger) -> None:
    """Moves or deletes originals whose records are committed; what fails is left for the next run."""
    by_name = {source.name: source for source in sources}
    journal = CollectionLog(ledger)
    done: list[Offer] = []
    try:
        for offer in journal.due():
            source = by_name.get(offer.source)
            if source is None:
                continue  # taken out of huadan.toml: its originals are nobody's business
            try:
                source.release(offer)
            except (AccessError, OSError) as error:
                why = f"the original cannot be {_PAST[source.rules.after]}: {error}"
                _tell(journal.refuse([Refusal(offer.source, offer.name, why)]))
            else:
                done.append(offer)
    finally:
        journal.done(done)


def offered(config: Config, workspace: Workspace, ledger: Ledger | None) -> int | None:
    """Returns how many new files wait at the sources, None if one of them cannot be read."""
    from pipeline.collection.sources import opened  # noqa: PLC0415 - only for status

    journal = CollectionLog(ledger) if ledger is not None else None
    try:
        with opened(config, workspace.root) as sources:
            offers = [offer for source in sources for offer in source.look().offers]
    except SourceError:
        return None
    return sum(journal is None or not journal.knows(offer) for offer in offers)


def _tell(refusals: list[Refusal]) -> None:
    for one in refusals:
        log().error("file_refused", source=one.source, name=one.name, why=one.why)
