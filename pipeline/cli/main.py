"""``huadan``: finds its commands by name, so that ``--help`` loads nothing heavy."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from pipeline.errors import Exit, HuadanError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoints

COMMANDS: Final[dict[str, str]] = {
    "run": "pipeline.cli.run:run",
    "watch": "pipeline.cli.watch:watch",
    "collect": "pipeline.cli.collect:collect",
    "bill": "pipeline.cli.bill:bill",
    "adjust": "pipeline.cli.adjust:adjust",
    "status": "pipeline.cli.status:status",
    "alarms": "pipeline.cli.alarms:alarms",
    "explain": "pipeline.cli.explain:explain",
    "show": "pipeline.cli.show:show",
    "decode": "pipeline.cli.decode:decode",
    "format": "pipeline.cli.format:format_",
    "suspense": "pipeline.cli.suspense:suspense",
    "report": "pipeline.cli.report:report",
    "audit": "pipeline.cli.audit:audit",
    "export": "pipeline.cli.export:export",
    "tariff": "pipeline.cli.tariff:tariff",
    "gaps": "pipeline.cli.gaps:gaps",
    "ledger": "pipeline.cli.ledger:ledger",
    "rollback": "pipeline.cli.ledger:rollback",
    "backup": "pipeline.cli.backup:backup",
    "restore": "pipeline.cli.backup:restore",
    "generate": "pipeline.cli.generate:generate",
    "init": "pipeline.cli.init:init",
}
"""Command → module and attribute."""

OWNER_ONLY: Final = 0o077
"""Mode bits that files and folders of ours do not get."""

PLUGINS = "huadan.commands"
"""Entry point group of commands that live above this package."""


class ReaderGoneError(Exception):
    """Whoever read our output has closed the pipe."""


def _plugged() -> EntryPoints:
    """Returns commands of other packages; what reads them takes a tenth of a second to import."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    return entry_points(group=PLUGINS)


class LazyGroup(click.Group):
    """Loads a command's module when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns our commands in working order, then plugged-in ones by name."""
        del ctx
        plugged = {point.name for point in _plugged()} - COMMANDS.keys()
        return [*COMMANDS, *sorted(plugged)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command, or None if there is none of this name."""
        del ctx
        if target := COMMANDS.get(cmd_name):
            module, attribute = target.split(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        for point in _plugged().select(name=cmd_name):
            plugged: click.Command = point.load()
            return plugged
        return None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command returns
        """Runs the command; click would make a failure of a closed pipe."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command, or says which name is nearest."""
        if args and self.get_command(ctx, args[0]) is None:
            from pipeline.nearest import nearest  # noqa: PLC0415 - only for a mistake

            ctx.fail(f"no command {args[0]!r}; {nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `huadan init shop && cd shop && huadan run && huadan bill`.",
)
@click.version_option(package_name="huadan", prog_name="huadan")
def huadan() -> None:
    """Turns the files that switches write into rated records and bills."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line: known errors become one red message and their exit code.

    What it writes is for its owner only, and no number of a subscriber stands in an error.
    """
    before = os.umask(OWNER_ONLY)
    try:
        _main(arguments)
    finally:
        os.umask(before)


def script() -> NoReturn:
    """Runs the command line and leaves at once.

    To take the interpreter apart, with compiled kernels and the tables of a run, costs half a
    second and gives nobody anything: what is to stay is committed, and the system frees the rest.
    """
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    else:
        code = Exit.DONE
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody reads any more
    except OSError as error:
        click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
        code = Exit.FAILED
    os._exit(code if isinstance(code, int) else Exit.FAILED)


def _main(arguments: Sequence[str] | None) -> None:
    try:
        code = huadan.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="huadan",
            standalone_mode=False,
        )
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        from pipeline.masking import mask_text  # noqa: PLC0415 - only for a mistake

        error.message = mask_text(error.message)  # type: ignore[misc]  # what `show` prints
        error.show()
        sys.exit(Exit.CONFIGURATION)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped; nothing of this command was published.", err=True)
        sys.exit(130)
    except ReaderGoneError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.DONE)
    except Exception as error:  # noqa: BLE001 - printed without numbers
        from pipeline.known import exit_code_of  # noqa: PLC0415 - only for a mistake
        from pipeline.masking import mask_text  # noqa: PLC0415

        known = error.exit_code if isinstance(error, HuadanError) else exit_code_of(error)
        if known is None:
            import traceback  # noqa: PLC0415

            click.echo(mask_text(traceback.format_exc()), err=True)
            sys.exit(int(Exit.FAILED))
        click.echo(click.style(f"Error: {mask_text(str(error))}", fg="red"), err=True)
        sys.exit(int(known))
    sys.exit(code if isinstance(code, int) else Exit.DONE)


if __name__ == "__main__":
    script()
