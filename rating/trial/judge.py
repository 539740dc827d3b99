"""Compares what a test case came to with what it expects, and the kernels with the twin."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rating.billing.schema import TRANSFER
from rating.trial.run import OF_BILLS, kind_of, matches
from tariffs.cases_write import written
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rating.reference.steps import Charge
    from rating.trial.run import Left, Outcome, Row
    from tariffs.cases import Case, Expected
    from tariffs.compiled import CompiledBook

COLUMNS = {
    "subscriber": "subscriber_id",
    "account": "account_id",
    "discount": "discount_amount",
    "cap": "cap_reduction",
    "charge": "net",
    "charged": "charged_units",
}
"""Expectation → column of the rated record where the names differ."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """What came out has no such value; ``why`` says so."""

    why: str


RATED = Nothing("no, it is rated")
UNKNOWN = Nothing("nothing of that name")


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as expected.

    Attributes:
        case: Name of the case.
        file: File relative to the folder that holds the cases' folder.
        line: Line of the expectation, 1 first.
        what: Its name; ``twin: …`` where kernels and twin differ.
        expected: What was expected, as text.
        got: What came out, as text.
        place: The expectation, None where there is none to be updated.
        new: What an update writes in its place; None: nothing that fits there.
    """

    case: str
    file: str
    line: int
    what: str
    expected: str
    got: str
    place: Expected | None = None
    new: str | None = None


def judge(case: Case, out: Outcome, book: CompiledBook) -> list[Failure]:
    """Returns every expectation of a case that is not met."""
    found: list[Failure] = []
    for at, usage in enumerate(case.usages):
        found += _twin_differs(case, at, out, book)
        for one in usage.expect:
            found += _compared(case, one, _of_usage(one, at, out))
    for one in case.expect:
        whole = one.path[0] in {"left", "total", *OF_BILLS}
        value = _of_case(one, out) if whole else _of_usage(one, 0, out)
        found += _compared(case, one, value)
    return [*found, *_transfers_differ(case, out)]


def filled(at: int, out: Outcome) -> dict[str, str]:
    """Returns the expectations that an update writes where a usage has none."""
    row = out.rated[at]
    if row is None:
        return {"unrated": out.unrated[at] or "none"}
    texts = {"rule": str(row["rule"])}
    if row["allowance_units"]:
        texts["allowance_units"] = written(
            "quantity", (kind_of(row["rum"]), row["allowance_units"])
        )
    for name in ("connect_fee", "usage_charge", "discount", "cap"):
        amount = row[COLUMNS.get(name, name)]
        if amount and name != "usage_charge":
            texts[name] = written("amount", _micro(amount))
    return {**texts, "charge": written("amount", _micro(row["net"]))}


def _compared(case: Case, one: Expected, got: Any) -> Iterable[Failure]:  # noqa: ANN401  as kind says
    if got == one.value or (one.kind == "text" and _same(str(one.value), got)):
        return
    fits = not isinstance(got, Nothing) and one.kind != "rows"
    new = written(one.kind, got, one.written) if fits else None
    told = new if new is not None else got.why if isinstance(got, Nothing) else f"{got} lines"
    yield Failure(
        case.name, one.span.file, one.span.line + 1, one.name, one.written, told, one, new
    )


def _same(text: str, got: Any) -> bool:  # noqa: ANN401  whatever the column holds
    """Returns whether a column's value is what is written."""
    if got is None or text in {"", "none", "null"}:
        return got is None and text in {"", "none", "null"}
    if isinstance(got, bool):
        return text == ("yes" if got else "no")
    if isinstance(got, (int, Decimal)):
        try:
            return Decimal(text) == got
        except ArithmeticError:
            return False
    return text == str(got)


def _of_usage(one: Expected, at: int, out: Outcome) -> Any:  # noqa: ANN401  as the kind says
    """Returns what a usage came to, in the form in which it is expected."""
    key, row = str(one.path[0]), out.rated[at]
    if key == "unrated":
        return out.unrated[at] or RATED
    if key == "left":
        return _left(str(one.path[1]), out.left_after[at])
    if row is None:
        return Nothing(f"not rated: {out.unrated[at]}")
    if key == "allowances":
        name = str(one.path[1])
        named = [take for take in row["allowances"] if matches(name, take["allowance"], "")]
        return kind_of(row["rum"]), sum(take["units"] for take in named)
    return _of_row(key, one.kind, row)


def _of_row(key: str, kind: str, row: Row) -> Any:  # noqa: ANN401  as the kind says
    """Returns a value of a rated record."""
    if kind == "names":
        return tuple(row["discount"].split("+")) if row["discount"] else ()
    value = row[COLUMNS.get(key, key)]
    if kind == "amount":
        return Nothing("there is none") if value is None else _micro(value)
    return (kind_of(row["rum"]), value) if kind == "quantity" else value


def _of_case(one: Expected, out: Outcome) -> Any:  # noqa: ANN401  as the kind says
    """Returns what all usages together came to."""
    key = one.path[0]
    if key == "left":
        return _left(str(one.path[1]), out.left)
    if key == "total":
        return sum(_micro(row["net"]) for row in out.rated if row is not None)
    if key in {"bill", "bills"}:
        account, name = (out.account, *one.path[1:])[-2:]
        mine = [bill for bill in out.bills if bill["account_id"] == account]
        return mine[-1].get(str(name), UNKNOWN) if mine else Nothing("there is no bill")
    lines = [line for line in out.lines if line["account_id"] == out.account]
    if len(one.path) == 1:
        return len(lines)
    at = int(one.path[1])
    return lines[at].get(str(one.path[2]), UNKNOWN) if at < len(lines) else Nothing("no line")


def _left(name: str, left: Left) -> Any:  # noqa: ANN401  a quantity, or None
    """Returns what is left of the allowances that a name means."""
    found = [value for (full, owner), value in left.items() if matches(name, full, owner)]
    if not found:
        return UNKNOWN
    units = [FOREVER if units > FOREVER // 2 else units for _, units in found]
    return found[0][0], FOREVER if FOREVER in units else sum(units)


def _micro(amount: Decimal) -> int:
    return int(amount.scaleb(6))


def _twin_differs(case: Case, at: int, out: Outcome, book: CompiledBook) -> Iterator[Failure]:
    """Yields what the twin says otherwise than the kernels."""
    usage, row, charge = case.usages[at], out.rated[at], out.charges[at]

    def differs(what: str, twin: object, kernels: object) -> Failure:
        file, line = usage.source.file, usage.source.line
        return Failure(case.name, file, line, f"twin: {what}", str(twin), str(kernels))

    if row is None or charge is None:
        if out.unrated[at] != out.refused[at]:
            yield differs("unrated", out.refused[at], out.unrated[at])
        return
    for what, twin in _told(charge, book).items():
        if row[what] != twin:
            yield differs(what, twin, row[what])
    steps = sum((step.amount or Decimal(0) for step in charge.steps), Decimal(0))
    if steps != row["net"]:
        yield differs("sum of the steps", steps, row["net"])
    share = out.shares[at]
    payer = out.owners[at] if share is None else share.account
    if row["account_id"] != payer:
        yield differs("account_id", payer, row["account_id"])


def _transfers_differ(case: Case, out: Outcome) -> Iterator[Failure]:
    """Yields where what passes payers' limits is not what the twin says."""
    twin = sum(
        _micro(row["net"]) - share.amount
        for row, share in zip(out.rated, out.shares, strict=True)
        if row is not None and share is not None
    )
    moved = [_micro(line["net"]) for line in out.lines if line["kind"] == TRANSFER]
    kernels = sum(net for net in moved if net > 0)
    if (twin, 0) != (kernels, sum(moved)):
        file, line = case.source.file, case.source.line
        yield Failure(case.name, file, line, "twin: transfers", str(twin), str(kernels))


def _told(charge: Charge, book: CompiledBook) -> Row:
    """Returns the twin's charge by the columns of a rated record."""
    return {
        "band": book.bands[charge.band],
        "charged_units": charge.charged,
        "allowance_units": charge.covered,
        "connect_fee": charge.connect,
        "usage_charge": charge.usage,
        "discount_amount": charge.discount,
        "cap_reduction": charge.cap,
        "rounding": charge.rounding,
        "net": charge.net,
        "discount": "+".join(book.discounts[d] for d in charge.discounts) or None,
        "allowances": [
            {"allowance": book.allowances[grant.allowance], "units": units}
            for grant, units in charge.takes
        ],
    }
