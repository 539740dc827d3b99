"""Reads published bills."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.nearest import nearest
from rating.billing.page import page_names, render_bill
from rating.billing.schema import BILL_LINE_SCHEMA, BILL_SCHEMA
from rating.billing.wording import amount_text, quantity_text, rate_text, title
from rating.schema import BALANCE_SCHEMA
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class BillReader:
    """The bills of one cycle."""

    workspace: Workspace
    cycle: str
    paths: dict[str, list[str]]
    """Table → published files."""

    @classmethod
    def open(cls, workspace: Workspace, cycle: str | None) -> BillReader:
        """Returns a reader of a cycle, the latest billed one if None.

        Raises:
            UsageError: the cycle has not been billed.
        """
        workspace.require()
        billed: list[str] = []
        paths: dict[str, list[str]] = {}
        if workspace.ledger_file.exists():
            with Ledger(workspace.ledger_file) as ledger:
                billed = sorted({batch.cycle or "" for batch in ledger.batches("bill")})
                chosen = cycle or (billed[-1] if billed else "")
                for output in ledger.outputs(f"billed/cycle={chosen}/"):
                    paths.setdefault(output.path.split("/")[2], []).append(output.path)
        if not paths:
            message = f"cycle {cycle} has not been billed" if cycle else "nothing has been billed"
            raise UsageError(message, f"billed: {', '.join(billed)}" if billed else "huadan bill")
        return cls(workspace, chosen, paths)

    def table(self, name: str, account: str | None = None) -> pa.Table:
        """Returns one of the billed tables, all of it or one account's rows."""
        wanted = None if account is None else [("account_id", "==", account)]
        tables = [
            pq.read_table(self.workspace.root / path, filters=wanted)
            for path in self.paths.get(name, [])
        ]
        if not tables:
            return BALANCE_SCHEMA.empty_table()
        return pa.concat_tables(tables).unify_dictionaries()

    def largest(self, count: int) -> list[dict[str, Any]]:
        """Returns the largest bills."""
        bills = self.table("bills").select(["account_id", "bill_number", "events", "total"])
        order = [("total", "descending"), ("bill_number", "ascending")]
        rows: list[dict[str, Any]] = bills.sort_by(order).slice(0, count).to_pylist()
        return rows

    def one(self, account: str) -> dict[str, Any]:
        """Returns a bill and its lines.

        Raises:
            UsageError: the account has no bill, or one of an earlier version.
        """
        bills = self.table("bills", account)
        if not bills.num_rows:
            names = pc.unique(self.table("bills").column("account_id").cast(pa.string()))
            close = nearest(account, names.to_pylist()).split(" allowed:")[0]
            message = f"account {account!r} has no bill in {self.cycle}"
            raise UsageError(message, close if "?" in close else "huadan show bill lists some")
        lines = self.table("bill_lines", account)
        for found, schema in ((bills, BILL_SCHEMA), (lines, BILL_LINE_SCHEMA)):
            if missing := [name for name in schema.names if name not in found.column_names]:
                message = (
                    f"{self.cycle} was billed by an earlier version: no {missing[0]!r} in its bills"
                )
                raise UsageError(message, f"bill it again: huadan bill --cycle {self.cycle}")
        return {
            "bill": bills.to_pylist()[0],
            "lines": sorted(lines.to_pylist(), key=operator.itemgetter("line")),
        }

    def page(self, account: str, *, unmask: bool) -> str:
        """Returns the bill as a page."""
        self.one(account)
        config = load_config(self.workspace)
        book = load_book(self.workspace.root / config.paths.book)
        subscribers = load_subscribers(
            self.workspace.root / config.paths.subscribers, compile_book(book)
        )
        return render_bill(
            account,
            self.table("bills", account),
            self.table("bill_lines", account),
            self.table("balances"),
            page_names(book, subscribers, self.cycle, masked=not unmask),
        )

    def print(self, out: Console, account: str) -> None:
        """Prints a bill for people."""
        from rich.table import Table  # noqa: PLC0415 - only a terminal needs it

        found = self.one(account)
        head = found["bill"]
        several = len({line["subscriber_id"] for line in found["lines"]} - {None}) > 1
        who = ["subscriber"] if several else []
        table = Table(
            "line", *who, "what", "events", "used", "gross", "reduced", "net",
            title=f"Bill {head['bill_number']} of {account}, {self.cycle}",
            title_justify="left",
        )  # fmt: skip
        for column in table.columns[2 + several :]:
            column.justify = "right"
        for line in found["lines"]:
            words = [title(line["item"])]
            words += [line[key] for key in ("zone", "roaming") if line[key] not in {None, "none"}]
            if line["kind"] == "tax":
                words += [f"{rate_text(line['tax_rate'])} from {line['service_from']}"]
                if not line["net"]:
                    words += [f"{amount_text(line['tax_amount'])} contained in the prices"]
            reduced = line["discount_amount"] + line["cap_reduction"]
            table.add_row(
                str(line["line"]),
                *([line["subscriber_id"] or ""] if several else []),
                ", ".join(words),
                f"{line['events']:,}" if line["events"] else "",
                quantity_text(line["quantity"], line["rum"]) if line["rum"] else "",
                amount_text(line["gross"]),
                amount_text(-reduced) if reduced else "",
                amount_text(line["net"]),
            )
        out.print(table)
        out.print(
            f"Net {amount_text(head['net'])}, tax {amount_text(head['tax_amount'])},"
            f" to pay {head['currency']} {amount_text(head['total'])}"
        )
