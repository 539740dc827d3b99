"""``huadan adjust``: credit and debit notes for billed cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import (
    console,
    examples,
    json_option,
    log_options,
    print_json,
    workspace_option,
)

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

on_option = click.option(
    "--on", help="Cycle on whose bill it stands, YYYY-MM (default: the first that is not billed)."
)
reason_option = click.option("--reason", required=True, help="Why; kept with who and when.")


@click.group()
def adjust() -> None:
    """Credit and debit notes for billed cycles: lines of their own on a later bill."""


@adjust.command(
    epilog=examples(
        "huadan adjust add A0000001 --cycle 2026-10 --amount -12.50 --tax vat_basic --gl-code 4010"
        ' --reason "dropped calls, ticket 4711"',
        "huadan adjust add A0000001 --cycle 2026-10 --amount 3 --tax vat_basic --gl-code 4310"
        ' --text "SIM card" --subscriber S0000001 --reason "not charged in the shop"',
    )
)
@workspace_option
@click.argument("account")
@click.option("--cycle", required=True, help="The billed cycle that it is for, YYYY-MM.")
@click.option(
    "--amount", required=True, help="Less than 0: a credit. Without tax on top of prices."
)
@click.option("--tax", required=True, help="Tax class; the rate is that of the cycle.")
@click.option("--gl-code", required=True, help="Account of the general ledger.")
@reason_option
@click.option("--text", "item", default="", help="What the bill says beside the note's number.")
@click.option("--subscriber", default="", help="Card that it is about (default: whole account).")
@on_option
@json_option
def add(
    workspace: Workspace,
    *,
    account: str,
    cycle: str,
    amount: str,
    as_json: bool,
    **rest: Any,  # noqa: ANN401
) -> None:
    """Enter a credit or debit note; makes the bills of its cycle final."""
    from pipeline.billing import adjusting  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.errors import UsageError  # noqa: PLC0415
    from tariffs.cases_read import signed_amount  # noqa: PLC0415

    try:
        micros = signed_amount(amount)
    except ValueError as error:
        message = f"--amount: {error}"
        raise UsageError(message, "write -12.50 for a credit") from None
    note = adjusting.add(workspace, account, cycle, micros, **rest)
    if as_json:
        print_json(note.to_dict())
        return
    console().print(
        f"{note.title}, {note.to_dict()['amount']} to {account}, on the bill of {note.bill_cycle}.",
    )


@adjust.command(
    epilog=examples(
        'huadan adjust rerate 2026-10 --reason "roaming prices were wrong"',
        'huadan adjust rerate 2026-10 --on 2026-12 --reason "late records" --json',
    )
)
@workspace_option
@click.argument("cycle")
@reason_option
@on_option
@click.option("--threads", type=click.IntRange(1, 256), help="Worker threads.")
@json_option
@log_options
def rerate(
    workspace: Workspace,
    *,
    cycle: str,
    reason: str,
    on: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Rate and bill a billed cycle anew; enter what its bills should have been other than they are.

    The bills stay as they are. Each account gets a note for each subscriber, tax class and G/L code
    whose sum differs. A second time there is nothing to enter.
    """
    from pipeline.billing.adjusting import rerate_notes  # noqa: PLC0415 - heavy imports
    from pipeline.progress import listening  # noqa: PLC0415

    with listening(wanted=not as_json) as listener:
        found = rerate_notes(workspace, cycle, reason, on=on, threads=threads, listener=listener)
    if as_json:
        print_json([note.to_dict() for note in found])
        return
    _print([note.to_dict() for note in found], f"Notes entered for {cycle}")


@adjust.command(
    "list",
    epilog=examples(
        "huadan adjust list",
        "huadan adjust list --cycle 2026-10      for this cycle, or on its bills",
        "huadan adjust list --json",
    ),
)
@workspace_option
@click.option("--cycle", help="Only notes for this cycle, or on its bills, YYYY-MM.")
@json_option
def list_(workspace: Workspace, *, cycle: str | None, as_json: bool) -> None:
    """List the notes, with the bill run that they are in, and their sum."""
    from pipeline.billing.adjusting import listed  # noqa: PLC0415 - heavy imports

    found = listed(workspace, cycle)
    if as_json:
        print_json(found)
        return
    _print(found, "Credit and debit notes")


@adjust.command("withdraw", epilog=examples("huadan adjust withdraw 12"))
@workspace_option
@click.argument("number", type=click.IntRange(1))
def withdraw(workspace: Workspace, *, number: int) -> None:
    """Withdraw a note that stands on no bill yet."""
    from pipeline.billing.adjusting import take_back  # noqa: PLC0415 - heavy imports

    note = take_back(workspace, number)
    console().print(f"{note.title} is withdrawn.")


def _print(found: list[dict[str, Any]], title: str) -> None:
    """Prints notes with their sum."""
    from decimal import Decimal  # noqa: PLC0415 - as in each command

    from rich.table import Table  # noqa: PLC0415

    out = console()
    if not found:
        out.print("No note.")
        return
    table = Table(
        "note", "account", "for", "on", "amount", "tax", "G/L", "by", "reason", "state",
        title=title, title_justify="left",
    )  # fmt: skip
    table.columns[4].justify = "right"
    total = Decimal(0)
    for one in found:
        state = "withdrawn" if one["withdrawn"] else one.get("billed") or "open"
        total += 0 if one["withdrawn"] else Decimal(one["amount"])
        names = (
            "id",
            "account",
            "cycle",
            "bill_cycle",
            "amount",
            "tax",
            "gl_code",
            "who",
            "reason",
        )
        table.add_row(*(str(one[name]) for name in names), state)
    out.print(table)
    out.print(f"Sum of those in force: {total}")
