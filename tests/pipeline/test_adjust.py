"""``huadan adjust``: credit and debit notes from their entry to the bill."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from click.testing import CliRunner

from pipeline.batch.run import run
from pipeline.billing.adjust import Note, enter
from pipeline.billing.adjusting import add, listed, rerate_notes, take_back
from pipeline.billing.bill import bill
from pipeline.billing.rerate import _summary
from pipeline.cli.adjust import adjust
from pipeline.cli.status import status
from pipeline.errors import ReconciliationError, UsageError
from pipeline.ledger.store import Ledger
from pipeline.tariff.what_if import try_book
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.status import read_status
from pipeline.workspace import Workspace
from tests.pipeline.world import deliver, make_workspace, own_book, published

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-11-22T08:00:00+00:00"
CYCLE, NEXT = "2026-10", "2026-11"
TAX: dict[str, Any] = {"tax": "vat_basic", "gl_code": "4010", "reason": "ticket 4711"}


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Workspace:
    workspace = make_workspace(tmp_path_factory.mktemp("adjust") / "shop")
    own_book(workspace)
    deliver(workspace.root, sorted(traffic.rglob("msc1_*.ber"))[:3])
    run(workspace)
    bill(workspace, CYCLE)
    return workspace


@pytest.fixture
def shop(billed: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(billed.root, tmp_path / "shop", symlinks=True))


def lines(workspace: Workspace, cycle: str, kind: str) -> list[dict[str, Any]]:
    path = workspace.root / f"billed/cycle={cycle}/bill_lines/*.parquet"
    frame = pl.read_parquet(path, hive_partitioning=False)
    return frame.filter(pl.col("kind").cast(pl.String) == kind).to_dicts()


def test_a_note_stands_on_the_next_bill_once(shop: Workspace) -> None:
    line = lines(shop, CYCLE, "usage")[0]
    account, card = line["account_id"], line["subscriber_id"]
    before = published(shop.root)
    credit = add(shop, account, CYCLE, -12_500_000, item="Dropped calls", subscriber=card, **TAX)
    debit = add(shop, account, CYCLE, 3_000_000, **TAX)
    wrong = add(shop, account, CYCLE, 99_000_000, **TAX)
    assert take_back(shop, wrong.id) == wrong
    assert (credit.bill_cycle, credit.title) == (NEXT, "Credit note 1: Dropped calls")
    assert bill(shop, CYCLE).batch is None
    assert published(shop.root) == before

    result = bill(shop, NEXT)
    assert result.summary["adjustments"] == "-9.500000"
    found = sorted(lines(shop, NEXT, "adjustment"), key=lambda row: row["net"])
    assert [(row["item"], row["net"]) for row in found] == [
        ("Credit note 1: Dropped calls", Decimal("-12.50")),
        (debit.title, Decimal("3.00")),
    ]
    assert [row["subscriber_id"] for row in found] == [card, None]
    assert {(row["account_id"], str(row["service_from"])) for row in found} == {
        (account, "2026-10-01")
    }
    assert bill(shop, NEXT).batch is None
    states = {one["id"]: (one["billed"], bool(one["withdrawn"])) for one in listed(shop)}
    assert states == {
        1: (result.batch, False),
        2: (result.batch, False),
        3: (None, True),
    }
    with pytest.raises(UsageError, match="note 1 stands on the bill of 2026-11"):
        take_back(shop, 1)
    # The next note is for the bill after that.
    assert add(shop, account, CYCLE, 1, **TAX).bill_cycle == "2026-12"


def test_bills_that_have_notes_are_final(shop: Workspace) -> None:
    account = lines(shop, CYCLE, "usage")[0]["account_id"]
    note = add(shop, account, CYCLE, 1_000_000, **TAX)
    book = shop.root / "book/book.yaml"
    book.write_text(book.read_text() + "# edited\n")
    with pytest.raises(UsageError, match="the bills of 2026-10 are final: there are 1 credit"):
        bill(shop, CYCLE)
    take_back(shop, note.id)
    assert bill(shop, CYCLE).batch == "bill-2026-10-0002"


def test_what_comes_late_to_final_bills_is_entered_as_notes(shop: Workspace, traffic: Path) -> None:
    account = lines(shop, CYCLE, "usage")[0]["account_id"]
    add(shop, account, CYCLE, 1_000_000, **TAX)
    deliver(shop.root, sorted(traffic.rglob("msc2_*.ber"))[:1])
    run(shop)
    step = f"huadan adjust rerate {CYCLE} --reason TEXT"
    said = " ".join(CliRunner().invoke(status, ["-w", str(shop.root)]).output.split())
    assert f"out of date: batch-000002 brought events. Next: {step}" in said
    assert step in " ".join(try_book(shop, shop.root / "book", CYCLE).notes)
    entered = rerate_notes(shop, CYCLE, "came late")
    assert [one["outdated"] for one in read_status(shop)["bills"]] == [None]
    take_back(shop, entered[0].id)
    withdrawn = f"note {entered[0].id} was withdrawn"
    assert [one["outdated"] for one in read_status(shop)["bills"]] == [withdrawn]
    again = rerate_notes(shop, CYCLE, "after all")
    assert [one.amount for one in again] == [entered[0].amount]
    assert [one["outdated"] for one in read_status(shop)["bills"]] == [None]


def test_a_note_whose_tax_class_is_gone_is_told(shop: Workspace) -> None:
    account = lines(shop, CYCLE, "usage")[0]["account_id"]
    add(shop, account, CYCLE, 1_000_000, **TAX)
    for file in (shop.root / "book").rglob("*.yaml"):
        file.write_text(file.read_text().replace("vat_basic", "vat_plain"))
    words = "the tariff book has no tax class 'vat_basic', that of note 1"
    with pytest.raises(UsageError, match=words) as caught:
        bill(shop, NEXT)
    assert "it has: vat_plain, vat_added, no_tax" in str(caught.value.hint)
    # What rating anew comes to would be such notes, too: none is entered.
    with pytest.raises(UsageError, match="no tax class 'vat_basic', that of a note to A"):
        rerate_notes(shop, CYCLE, "another class")
    assert len(listed(shop)) == 1


def test_bills_that_have_notes_are_not_taken_back(shop: Workspace) -> None:
    account = lines(shop, CYCLE, "usage")[0]["account_id"]
    note = add(shop, account, CYCLE, 1_000_000, **TAX)
    before = published(shop.root)
    final = "the bills of 2026-10 are final: there are 1 credit or debit notes for it"
    with pytest.raises(UsageError, match=final) as caught:
        rollback(shop, "bill-2026-10-0001", NOW)
    assert "huadan adjust withdraw" in str(caught.value.hint)
    bill(shop, NEXT)
    with pytest.raises(UsageError, match=final) as caught:
        rollback(shop, "bill-2026-10-0001", NOW)
    assert "on the bills of 2026-11" in str(caught.value.hint)
    # The bill that the note stands on may be made again: the note stands on it again.
    rollback(shop, "bill-2026-11-0001", NOW)
    assert published(shop.root) == before
    take_back(shop, note.id)
    rollback(shop, "bill-2026-10-0001", NOW)
    assert not list(shop.root.glob("billed/**/*.parquet"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account": "A9"}, "account 'A9' has no bill in 2026-10"),
        ({"cycle": "2026-09"}, "cycle 2026-09 has not been billed"),
        ({"cycle": "October"}, "'October' is not a cycle"),
        ({"on": CYCLE}, "cycle 2026-10 cannot take the note: 2026-10 is billed"),
        ({"tax": "vat_basik"}, "the tariff book has no tax class 'vat_basik'"),
        ({"gl_code": "4011"}, "the tariff book has no G/L code '4011'"),
        ({"subscriber": "S9"}, "subscriber 'S9' is not on the bill of"),
        ({"reason": " "}, "a credit or debit note needs a reason"),
        ({"amount": 0}, "a note of 0 changes nothing"),
    ],
)
def test_a_note_that_makes_no_sense_is_refused(
    billed: Workspace, changes: dict[str, Any], words: str
) -> None:
    account = lines(billed, CYCLE, "usage")[0]["account_id"]
    given = {"account": account, "cycle": CYCLE, "amount": 1, **TAX, **changes}
    with pytest.raises(UsageError) as caught:
        add(billed, **given)
    assert str(caught.value).startswith(words)
    assert listed(billed) == []


def test_rating_anew_enters_the_difference_and_no_more(shop: Workspace) -> None:
    prices = shop.root / "book/prices.yaml"
    text = prices.read_text()
    dearer = text.replace("\nlong_distance_voice: {price: ", "\nlong_distance_voice: {price: 1")
    assert dearer != text
    prices.write_text(dearer)
    before = published(shop.root)
    wanted = try_book(shop, shop.root / "book", CYCLE)
    totals = {row["what"]: row["change"] for row in wanted.totals.to_dicts()}
    found = rerate_notes(shop, CYCLE, "prices were wrong")
    assert found
    assert published(shop.root) == before
    assert not list(shop.root.glob(".try-*"))
    change = totals["usage"] + totals["fees"] + totals["discounts"]
    assert sum(Decimal(one.amount).scaleb(-6) for one in found) == change
    by_account = {row["account_id"]: row["change"] for row in wanted.accounts.to_dicts()}
    assert {one.account for one in found} == {name for name, moved in by_account.items() if moved}
    assert rerate_notes(shop, CYCLE, "once more") == []
    prices.write_text(text)
    back = rerate_notes(shop, CYCLE, "they were right")
    assert sorted(-one.amount for one in back) == sorted(one.amount for one in found)


def test_bills_that_lack_a_note_are_not_committed(billed: Workspace) -> None:
    with pytest.raises(ReconciliationError, match="were entered, 0 are on the bills"):
        _summary([], 0, 0, Decimal("1.00"))
    assert billed.ledger_file.exists()


def test_the_commands(shop: Workspace) -> None:
    account = lines(shop, CYCLE, "usage")[0]["account_id"]
    here = ["-w", str(shop.root)]
    given = [account, "--cycle", CYCLE, "--tax", "vat_basic", "--gl-code", "4010"]
    runner = CliRunner()
    told = runner.invoke(
        adjust, ["add", *given, "--amount", "-12.50", "--reason", "why", "--json", *here]
    )
    assert json.loads(told.output)["title"] == "Credit note 1"
    assert "Sum of those in force: -12.500000" in runner.invoke(adjust, ["list", *here]).output
    assert runner.invoke(adjust, ["withdraw", "1", *here]).output == "Credit note 1 is withdrawn.\n"
    assert json.loads(runner.invoke(adjust, ["list", "--json", *here]).output)[0]["withdrawn"]
    wrong = runner.invoke(adjust, ["add", *given, "--amount", "12,5", "--reason", "why", *here])
    assert "'12,5' is not an amount" in str(wrong.exception)
    assert "No note." in runner.invoke(adjust, ["list", "--cycle", "2026-01", *here]).output


def test_notes_are_entered_all_or_none(tmp_path: Path) -> None:
    one = Note(0, "", "", "why", "A1", "", CYCLE, NEXT, "", 5, "vat", None, "4010")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(UsageError):
            enter(ledger, [one, Note(0, "", "", "", "A1", "", CYCLE, NEXT, "", 5, "", None, "")])
        assert [made.id for made in enter(ledger, [one, one])] == [1, 2]
