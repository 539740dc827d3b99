"""Options that commands share, and what they turn into."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

LEVELS = ("debug", "info", "warning", "error")
MOST_ROWS = 1_000_000_000
ROWS = click.IntRange(1, MOST_ROWS)
"""How many rows to show; what reads them could not count beyond int64."""


def workspace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--workspace``; the command gets a :class:`Workspace`."""

    @click.option(
        "-w",
        "--workspace",
        "workspace_folder",
        type=click.Path(path_type=Path),
        default=Path(),
        envvar="HUADAN_WORKSPACE",
        help="Workspace folder (default: here, or $HUADAN_WORKSPACE).",
    )
    @functools.wraps(function)
    def wrapped(workspace_folder: Path, **rest: Any) -> Any:  # noqa: ANN401 - passes options through
        workspace = Workspace(workspace_folder.absolute())
        try:
            return function(workspace=workspace, **rest)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            from pipeline.upkeep.damage import damage_behind  # noqa: PLC0415 - only for a failure

            if (damage := damage_behind(workspace, error)) is not None:
                raise damage from error
            raise

    return wrapped


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--json``; the command gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")(
        function
    )


def unmask_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--unmask``; the command gets `unmask`, and who used it is noted."""

    @click.option("--unmask", is_flag=True, help="Show numbers in full; noted in the access log.")
    @functools.wraps(function)
    def wrapped(*, unmask: bool, **rest: Any) -> Any:  # noqa: ANN401 - passes options through
        if unmask:
            from pipeline.upkeep.access import note_access  # noqa: PLC0415 - only where it is asked for

            context = click.get_current_context()
            note_access(context.params.get("workspace_folder"), context.command_path, sys.argv[1:])
        return function(unmask=unmask, **rest)

    return wrapped


def log_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--log-level`` and ``--log-file``, and sets logging up before the command."""

    @click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        default=None,
        help="Least level to log (default: warning on a terminal, else info).",
    )
    @click.option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Append logs to a file instead of stderr.",
    )
    @functools.wraps(function)
    def wrapped(log_level: str | None, log_file: Path | None, **rest: Any) -> Any:  # noqa: ANN401 - passes options through
        from pipeline import logs  # noqa: PLC0415 - structlog costs time that --help must not

        level = log_level or ("warning" if sys.stderr.isatty() and log_file is None else "info")
        logs.set_up(level, log_file, unmask=bool(rest.get("unmask")))
        return function(**rest)

    return wrapped


def print_json(data: Any) -> None:  # noqa: ANN401 - anything that JSON can say
    """Prints one JSON value; decimals and paths as text."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def console() -> Console:
    """Returns the console for tables on stdout."""
    # rich costs time that --help must not
    from pipeline.whole_tables import WholeTables  # noqa: PLC0415

    wide = None if sys.stdout.isatty() else 160  # a pipe has no width of its own
    return WholeTables(highlight=False, width=wide)


def examples(*lines: str) -> str:
    r"""Returns an epilog that shows examples as they are typed.

    ``\b`` keeps click from wrapping them.
    """
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
