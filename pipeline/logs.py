"""Structured logs: one event per file, batch or run; facts as fields; identifiers masked."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from pipeline.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

LEVELS = ("debug", "info", "warning", "error")


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
    return {
        key: mask_text(value) if isinstance(value, str) else value for key, value in event.items()
    }


def set_up(level: str, file: Path | None, *, unmask: bool) -> None:
    """Sends logs to `file`, else to stderr: lines for people on a terminal, JSON otherwise."""
    target: TextIO | None = None
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
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
    """Returns the logger."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
