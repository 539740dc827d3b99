from __future__ import annotations

import io

from rich.table import Table

from pipeline.batch.money import Charged, Money
from pipeline.batch.result import RunResult
from pipeline.batch.sheet import Sheet
from pipeline.batch.show import _money
from pipeline.errors import Exit
from pipeline.whole_tables import WholeTables


def printed(table: Table, width: int) -> list[str]:
    out = WholeTables(file=io.StringIO(), width=width)
    out.print(table)
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_figures_are_whole_on_a_narrow_terminal() -> None:
    table = Table("what", *"abcd")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("a text of several words", *["1,234,567.89"] * 4)
    text = printed(table, 40)
    assert "".join(text).count("1,234,567.89") == 4
    assert len(text[3]) > 40


def test_what_is_printed_is_no_markup() -> None:
    table = Table("what", "got")
    table.add_row("prices.yaml:100:", "[friends, gold10]")
    text = "".join(printed(table, 80))
    assert "prices.yaml:100:" in text
    assert "[friends, gold10]" in text
    out = WholeTables(file=io.StringIO(), width=80)
    out.print("prices.yaml:100: warning: No rule uses the price [eu].", style="yellow")
    line = out.file.getvalue()  # type: ignore[attr-defined]
    assert line == "prices.yaml:100: warning: No rule uses the price [eu].\n"


def test_words_are_wrapped_before_a_table_runs_over_the_edge() -> None:
    table = Table("what", "sum")
    table.columns[1].justify = "right"
    table.add_row("a text of several words", "1,234,567.89")
    text = printed(table, 30)
    assert "1,234,567.89" in "".join(text)
    assert max(map(len, text)) <= 30


def test_charges_are_by_plan_and_service_or_by_each_where_that_is_too_wide() -> None:
    money = Money()
    money.charged |= {
        (service, plan): Charged(1, 28_954_321_000_000)
        for service in ("voice", "data", "sms", "content")
        for plan in ("easy", "family_156")
    }
    money.charged["supplementary", "easy"] = Charged(3)
    result = RunResult(None, {}, Sheet(), money, (), (), {}, 1.0, Exit.DONE, "CNY")
    (whole,) = _money(WholeTables(width=120), result)
    heads = [column.header for column in whole.columns]
    assert heads == ["plan", "content", "data", "sms", "voice", "sum"]
    narrow = _money(WholeTables(width=60), result)
    texts = ["\n".join(printed(table, 60)) for table in narrow]
    assert "115,817,284.00" in texts[0]
    assert "57,908,642.00" in texts[1]
    assert all("231,634,568.00" in text for text in texts)
    assert not any("supplementary" in text or "…" in text for text in texts)
