"""``huadan init``: a new workspace with the demo operator."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import examples, json_option, print_json


@click.command(
    epilog=examples(
        "huadan init shop                  the demo operator with its CDR files",
        "huadan init shop --no-traffic     without CDR files",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--traffic/--no-traffic", default=True, help="Put the demo's CDR files in.")
@json_option
def init(folder: Path, *, traffic: bool, as_json: bool) -> None:
    """Make a new workspace FOLDER from the demo operator.

    It holds a tariff book, subscribers, huadan.toml and the demo's CDR files; edit them to make
    it yours.
    """
    from pipeline.shop import create  # noqa: PLC0415 - heavy imports only when needed

    workspace = create(
        folder, traffic=traffic, progress=lambda text: click.echo(f"{text} …", err=True)
    )
    if as_json:
        print_json({"workspace": str(workspace.root)})
        return
    click.echo(f"{folder} is ready. Next: cd {folder} && huadan run && huadan bill")
