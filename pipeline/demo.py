"""``python -m pipeline.demo``: the main job on the demo operator, with a summary to read.

Makes the workspace ``./demo`` from ``samples/`` the first time, then collects, decodes, rates and
bills what has arrived. A second time there is nothing to do and no byte changes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import console
from pipeline.errors import Exit, HuadanError
from pipeline.known import exit_code_of
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.batch.result import RunResult
    from pipeline.billing.bill import BillResult

FOLDER = Path("demo")


def main() -> None:
    """Runs the demo; ends with the exit code of what failed."""
    try:
        demo(FOLDER, console())
    except Exception as error:
        known = error.exit_code if isinstance(error, HuadanError) else exit_code_of(error)
        if known is None:
            raise
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 - the last word of a command
        sys.exit(int(known))


def demo(folder: Path, out: Console) -> None:
    """Makes the workspace if needed, runs and bills, and prints what came out.

    Raises:
        HuadanError: and the known errors of other rooms.
    """
    from pipeline import logs  # noqa: PLC0415 - so that the first words come at once
    from pipeline.operate import operate_bill, operate_run  # noqa: PLC0415
    from pipeline.progress import listening  # noqa: PLC0415

    begin = time.perf_counter()
    logs.set_up("warning", None, unmask=False)
    workspace = Workspace(folder.absolute())
    if not workspace.config_file.exists():
        from pipeline.shop import create  # noqa: PLC0415

        out.print(f"Making the workspace {folder} from samples/shop …")
        create(folder, traffic=True, progress=lambda text: out.print(f"{text} …"))
    with listening(wanted=True) as listener:
        run = operate_run(workspace, listener=listener)
        billed = operate_bill(workspace, listener=listener)
    if run.batch is None and billed.batch is None:
        out.print("Nothing to do: every file has been taken, and the cycle is billed.")
    else:
        _print(out, run, billed)
    _print_places(out, workspace, folder, billed)
    out.print(f"{time.perf_counter() - begin:.1f} s")
    if run.exit_code not in {Exit.DONE, Exit.SUSPENSE}:
        raise HuadanError("; ".join(run.refused))


def _print(out: Console, run: RunResult, billed: BillResult) -> None:
    from pipeline.batch.show import print_bill_run, print_run, print_times  # noqa: PLC0415

    print_run(out, run)
    print_bill_run(out, billed)
    if run.batch is not None:
        print_times(out, "Time of the run per stage, all threads", run.stage_seconds)
    if billed.batch is not None:
        print_times(out, "Time of the bill run per stage", billed.stage_seconds)


def _print_places(out: Console, workspace: Workspace, folder: Path, billed: BillResult) -> None:
    """Says where everything is; makes the example pages where they are missing."""
    page = workspace.reports / f"bill-{billed.cycle}.html"
    explained = workspace.reports / f"explain-{billed.cycle}.txt"
    if billed.batch is not None or not page.exists() or not explained.exists():
        from pipeline.example import write_examples  # noqa: PLC0415

        write_examples(workspace, billed.cycle, page, explained)
    out.print("\nLook at:")
    for what, where in (
        ("normalized records", f"{folder}/edr/cycle=*/*.parquet"),
        ("provisional rated records", f"{folder}/rated/cycle=*/*.parquet"),
        ("final rated records, bills", f"{folder}/billed/cycle=*/*/*.parquet"),
        ("suspense", f"{folder}/suspense/*.parquet"),
        ("balance sheet per file", f"{folder}/audit/*.parquet"),
        ("metrics", f"{folder}/reports/huadan.prom"),
        ("an example bill", f"{folder}/{page.relative_to(workspace.root)}"),
        ("why a charge is what it is", f"{folder}/{explained.relative_to(workspace.root)}"),
    ):
        out.print(f"  {what:<27} {where}")


if __name__ == "__main__":
    main()
