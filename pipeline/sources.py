"""The sources of huadan.toml as objects that can be looked at."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from collectors.local import LocalStore
from collectors.retry import Retry
from collectors.rules import Rules
from collectors.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collectors.model import Store
    from pipeline.config import Config
    from pipeline.config_source import Source as Settings


@contextmanager
def opened(config: Config, root: Path) -> Iterator[list[Source]]:
    """Gives the sources in order of name; their connections end with the block."""
    with ExitStack() as stack:
        sources = [
            source_of(settings, root)
            for settings in sorted(config.source, key=lambda settings: settings.name)
        ]
        for source in sources:
            stack.callback(source.close)
        yield sources


def source_of(settings: Settings, root: Path) -> Source:
    """Returns a source; it connects when it is first used."""
    rules = Rules(
        include=settings.include,
        exclude=settings.exclude,
        marker=settings.marker,
        settle_seconds=settings.settle_seconds,
        sequence=re.compile(settings.sequence) if settings.sequence else None,
        order=settings.order,
        maximum=settings.maximum,
        after=settings.after,
        move_to=settings.move_to,
    )
    local = settings.kind == "local"
    return Source(
        settings.name,
        _store(settings, root),
        rules,
        Retry(1 if local else settings.tries, settings.retry_seconds),
        0 if local else settings.connections,
    )


def _store(settings: Settings, root: Path) -> Store:
    """Returns the store of a source; libraries of other kinds are not imported."""
    return LocalStore(root / settings.folder, settings.take)
