"""Structured logs: one event per file, batch or run; facts as fields; identifiers masked."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

from pipeline.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    import structlog
    from structlog.typing import FilteringBoundLogger

LEVELS = ("debug", "info", "warning", "error")
SHORTEST = 10**9
"""Whole numbers from here on may be somebody's: counts in logs are smaller."""


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
    return {key: _hidden(value) for key, value in event.items()}


def _hidden(value: Any) -> Any:  # noqa: ANN401 - whatever a log line carries
    """Returns a value with every number of a subscriber in it masked, however deep it stands."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= SHORTEST:
        return mask_text(str(value))
    if isinstance(value, dict):
        return {_hidden(key): _hidden(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_hidden(one) for one in value]
    if isinstance(value, BaseException):
        return mask_text(repr(value))
    return value


def set_up(level: str, file: Path | None, *, unmask: bool) -> None:
    """Sends logs to `file`, else to stderr: lines for people on a terminal, JSON otherwise."""
    import structlog  # noqa: PLC0415 - a tenth of a second, and most commands log nothing

    target: TextIO | None = None
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        target = file.open("a", encoding="utf-8")

    def logger(*_: object) -> structlog.PrintLogger:
        return structlog.PrintLogger(target or sys.stderr)

    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not unmask:
        processors.append(_masked)
    if file is None and sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        processors.append(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=logger,
        cache_logger_on_first_use=False,
    )


def log() -> FilteringBoundLogger:
    """Returns the logger; of commands without logging options it is masked, too, and on stderr."""
    import structlog  # noqa: PLC0415 - as above

    if not structlog.is_configured():
        set_up("info", None, unmask=False)
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
