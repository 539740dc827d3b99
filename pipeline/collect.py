"""Takes what the sources offer into the archive and tells the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.archive import Archive
from pipeline.commit import storage_error
from pipeline.logs import log

if TYPE_CHECKING:
    from collectors.model import Collector, Offer
    from pipeline.run import Job


@dataclass(frozen=True, slots=True)
class Collected:
    """What was taken."""

    new: int
    again: int
    refused: tuple[str, ...]


def collect(job: Job) -> Collected:
    """Takes new offers of all sources, in order of source and name.

    Files are hashed and copied by several threads, and registered together in order, so the result
    does not depend on which thread was first. Originals are released only after that.
    """
    known = job.ledger.arrived()
    offers: list[tuple[Collector, Offer]] = []
    left_over: list[tuple[Collector, Offer]] = []
    sources: list[Collector] = [*job.config.collectors(job.workspace.root)]
    for source in sources:
        for offer in source.offers():
            key = (offer.source, offer.name, offer.size, offer.mtime_ns)
            (left_over if key in known else offers).append((source, offer))
    for source, offer in left_over:  # a killed run had registered but not released it
        source.release(offer)
    if not offers:
        return Collected(0, 0, ())
    job.loading.begin()  # while files are hashed and copied
    job.listener.stage("collect", len(offers), "files")
    try:
        taken, refused = Archive(job.workspace.archive).take_all(
            offers, job.threads, lambda _: job.listener.advance(1)
        )
    except OSError as error:
        if told := storage_error(error, job.workspace.root):
            raise told from error
        raise
    new, again = job.ledger.register(taken)
    gone = {(one.offer.source, one.offer.name) for one in refused}
    for source, offer in offers:
        if (offer.source, offer.name) not in gone:
            source.release(offer)
    for one in refused:
        log().error("file_refused", source=one.offer.source, name=one.offer.name, why=one.reason)
    log().info("collected", new=new, again=again, refused=len(refused))
    return Collected(
        new, again, tuple(f"{one.offer.source}/{one.offer.name}: {one.reason}" for one in refused)
    )
