"""One bill as one HTML page: self-contained, made for people, good to print.

What is printed is the ``amount`` of the bill's lines, which adds up to the total; the page only
sums lines and puts them into words. Phone numbers are masked unless asked otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from mediation.edr import MISSING, SERVICES
from rating.billing.schema import ADJUSTMENT, DISCOUNT, FEE, ROUNDING, TAX, TRANSFER, USAGE
from rating.billing.wording import (
    amount_text,
    masked_number,
    plain_number,
    quantity_text,
    rate_text,
    title,
)
from rating.cycles import cycle_bounds, first_day, last_day
from tariffs.compiled import CALL_CLASSES, FOREVER
from tariffs.words import CALL_CLASS_WORDS, SERVICE_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pyarrow as pa

    from rating.subscribers import Subscribers
    from tariffs.model import Book

    Row = dict[str, Any]

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")
_DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class PageNames:
    """What a page needs to call things by their names.

    Attributes:
        operator: Who sends the bill.
        numbers: Subscriber id → E.164 number, for those who have one.
        plans: Plan id → its name for people.
        allowances: Allowance → its name for people.
        masked: Whether the middle of phone numbers is hidden.
    """

    operator: str
    numbers: Mapping[str, int]
    plans: Mapping[str, str]
    allowances: Mapping[str, str]
    masked: bool = True


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of usage lines that are shown in one row."""

    events: int = 0
    quantity: int = 0
    allowance_units: int = 0
    reduction: Decimal = _NOTHING
    amount: Decimal = _NOTHING
    rum: str | None = ""

    def plus(self, line: Row) -> _Sums:
        """Returns the sums with a line added; quantities only where all measure the same."""
        rum = line["rum"] if self.rum in {"", line["rum"]} else None
        return replace(
            self,
            events=self.events + line["events"],
            quantity=self.quantity + line["quantity"],
            allowance_units=self.allowance_units + line["allowance_units"],
            reduction=self.reduction + line["discount_amount"] + line["cap_reduction"],
            amount=self.amount + line["amount"],
            rum=rum,
        )

    def shown(self) -> _Sums:
        """Returns the sums with discounts as they are printed, to 0.01; the amount stays."""
        return replace(self, reduction=self.reduction.quantize(_CENT, ROUND_HALF_UP))

    def row(self, name: str, style: str) -> dict[str, str]:
        """Returns the cells of the row."""
        covered = _units(self.allowance_units, self.rum) if self.allowance_units else ""
        return {
            "name": name,
            "style": style,
            "count": f"{self.events:,}",
            "used": _units(self.quantity, self.rum),
            "covered": covered,
            "price": _amount(self.amount + self.reduction),
            "discount": _amount(-self.reduction) if self.reduction else "",
            "amount": _amount(self.amount),
        }


def page_names(
    book: Book, subscribers: Subscribers, cycle: str, *, masked: bool = True
) -> PageNames:
    """Returns the names of a book and its subscribers, as they are at the end of a cycle."""
    _, end = cycle_bounds(cycle, book.time_zone)
    ids = subscribers.names.to_pylist()
    current = (subscribers.valid_from < end) & (subscribers.msisdn != MISSING)
    # Periods are ordered by subscriber and time: the last one that began in the cycle stays.
    numbers = {
        ids[subscriber]: number
        for subscriber, number in zip(
            subscribers.subscriber[current].tolist(),
            subscribers.msisdn[current].tolist(),
            strict=True,
        )
    }
    return PageNames(
        operator=book.name,
        numbers=numbers,
        plans={plan.id: plan.name for plan in book.plans},
        # An inherited allowance is named after the plan that wrote it, which is one of these.
        allowances={
            f"{plan.id}/{allowance.id}": allowance.name
            for plan in (*book.plans, *book.templates)
            for allowance in plan.allowances
        },
        masked=masked,
    )


def render_bill(
    account_id: str, bills: pa.Table, lines: pa.Table, balances: pa.Table, names: PageNames
) -> str:
    """Returns the page of an account's bill.

    Args:
        account_id: The account.
        bills: BILL_SCHEMA; must hold exactly one bill of the account.
        lines: BILL_LINE_SCHEMA, with the lines of that bill.
        balances: BALANCE_SCHEMA of the cycle.
        names: Names for people.

    Raises:
        LookupError: If there is no bill, or more than one, of the account.
    """
    found = bills.filter(pc.equal(bills["account_id"].cast("string"), account_id)).to_pylist()
    if len(found) != 1:
        message = f"{len(found)} bills of account {account_id!r} in the table; one is needed"
        raise LookupError(message)
    bill = found[0]
    chosen = lines.filter(pc.equal(lines["bill_number"], bill["bill_number"]))
    rows = sorted(chosen.to_pylist(), key=lambda row: row["line"])
    groups = {row["charge_group"] for row in rows if row["charge_group"] is not None}
    group_column = balances["charge_group"].cast("string")
    mine = [
        row
        for row in balances.filter(pc.is_in(group_column, _text_set(groups))).to_pylist()
        if row["shared"] or row["subscriber_id"] in {line["subscriber_id"] for line in rows}
    ]
    page = environment().get_template("bill.html.j2")
    text: str = page.render(
        bill=_head(bill, names),
        cards=_cards(rows, names),
        allowances=_allowances(mine, names),
        summary=_summary(rows),
    )
    return text


def _text_set(names: Iterable[str]) -> pa.Array:
    """Returns names as a value set of ``is_in``."""
    import pyarrow as pa  # noqa: PLC0415  only for typing elsewhere in this module

    return pa.array(sorted(names), pa.string())


def environment() -> Any:  # noqa: ANN401  jinja2 is imported only when a page is made
    """Returns the template environment: HTML is escaped, an unknown name is an error."""
    import jinja2  # noqa: PLC0415

    return jinja2.Environment(
        loader=jinja2.PackageLoader("rating", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _amount(amount: Decimal) -> str:
    """Returns an amount for the page, with a real minus sign."""
    return amount_text(amount).replace("-", "\N{MINUS SIGN}")


def _units(quantity: int, rum: str | None, *, binary: bool = False) -> str:
    """Returns a quantity in words; nothing where different metrics were added."""
    return quantity_text(quantity, rum, binary=binary) if rum else ""


def _head(bill: Row, names: PageNames) -> dict[str, str]:
    """Returns the head of the page."""
    first = first_day(bill["cycle"])
    last = last_day(bill["cycle"]) - timedelta(days=1)
    return {
        "operator": names.operator,
        "account": bill["account_id"],
        "number": bill["bill_number"],
        "month": f"{first:%B %Y}",
        "period": f"{first:%Y-%m-%d} {_DASH} {last:%Y-%m-%d}",
        "currency": bill["currency"],
        "total": _amount(bill["total"]),
        "tax": _amount(bill["tax_amount"]),
        "events": f"{bill['events']:,}",
        "book": bill["book_digest"][:12],
        "subscribers": bill["subscribers_digest"][:12],
    }


def _cards(rows: list[Row], names: PageNames) -> list[Row]:
    """Returns one section per subscriber, in the order of the lines."""
    show: Callable[[int | None], str] = masked_number if names.masked else plain_number
    cards = []
    shown = [row for row in rows if row["kind"] in {FEE, USAGE, TRANSFER, DISCOUNT, ADJUSTMENT}]
    for subscriber in dict.fromkeys(row["subscriber_id"] for row in shown):
        mine = [row for row in shown if row["subscriber_id"] == subscriber]
        plans = dict.fromkeys(row["plan"] for row in mine if row["plan"])
        about = ", ".join(names.plans.get(plan, title(plan)) for plan in plans)
        cards.append(
            {
                "number": show(names.numbers.get(subscriber)) or subscriber or "Whole account",
                "about": " · ".join(filter(None, (about, subscriber))),
                "fees": [
                    *(_fee(row, names) for row in mine if row["kind"] == FEE),
                    *(_transfer(row) for row in mine if row["kind"] == TRANSFER),
                    *_discounts(mine),
                    *(_note(row) for row in mine if row["kind"] == ADJUSTMENT),
                ],
                "usage": list(_usage([row for row in mine if row["kind"] == USAGE])),
                "words": _card_words(subscriber, mine),
                "fees_head": "Fees and discounts" if _has(mine, DISCOUNT) else "Fees",
                "total": _amount(sum((row["amount"] for row in mine), _NOTHING)),
            }
        )
    return cards


def _has(rows: list[Row], kind: str) -> bool:
    """Tells whether one of the lines is of a kind."""
    return any(row["kind"] == kind for row in rows)


def _card_words(subscriber: str | None, rows: list[Row]) -> str:
    """Returns what a section's sum is of."""
    if subscriber is None:
        return "Fees and discounts of the whole account"
    return "Fees and usage of this card" if _has(rows, USAGE) else "Fees of this card; no usage"


def _fee(row: Row, names: PageNames) -> dict[str, str]:
    """Returns the cells of a fee."""
    days = (row["service_to"] - row["service_from"]).days
    plan = names.plans.get(row["plan"], title(row["plan"] or ""))
    service = SERVICE_WORDS[row["service"]] if row["service"] else ""
    return {
        "name": ": ".join(filter(None, (plan, row["item"], service))),
        "about": f"{_period(row)}, {days} {'day' if days == 1 else 'days'}",
        "amount": _amount(row["amount"]),
    }


def _transfer(row: Row) -> dict[str, str]:
    """Returns the cells of what is above the limit of who pays."""
    about = (
        "paid by the card's own account" if row["amount"] < 0 else "not paid by the other account"
    )
    return {
        "name": f"{row['item']}, above the limit",
        "about": about,
        "amount": _amount(row["amount"]),
    }


def _note(row: Row) -> dict[str, str]:
    """Returns the cells of a credit or debit note."""
    return {
        "name": row["item"],
        "about": f"for {row['service_from']:%B %Y}",
        "amount": _amount(row["amount"]),
    }


def _discounts(rows: list[Row]) -> Iterable[dict[str, str]]:
    """Yields the cells of discounts on the bill, the lines of all tax classes together."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row["kind"] == DISCOUNT:
            sums[row["item"]] = sums.get(row["item"], _NOTHING) + row["amount"]
    for item, amount in sums.items():
        yield {"name": item, "about": "", "amount": _amount(amount)}


def _period(row: Row) -> str:
    """Returns the first and the last day of a line."""
    last = row["service_to"] - timedelta(days=1)
    if last == row["service_from"]:
        return f"{last:%d %b}"
    return f"{row['service_from']:%d %b} {_DASH} {last:%d %b}"


def _usage(rows: list[Row]) -> Iterable[dict[str, str]]:
    """Yields a row per service, and under it one per call class and place."""
    for service in SERVICES:
        mine = [row for row in rows if row["service"] == service]
        if not mine:
            continue
        total = _Sums()
        details: dict[tuple[int, str], _Sums] = {}
        for row in mine:
            total = total.plus(row)
            key = (CALL_CLASSES.index(row["call_class"]), row["roaming"])
            details[key] = details.get(key, _Sums()).plus(row)
        details = {key: sums.shown() for key, sums in details.items()}
        reduction = sum((sums.reduction for sums in details.values()), _NOTHING)
        yield replace(total, reduction=reduction).row(SERVICE_WORDS[service], "service")
        if list(details) == [(0, "home")]:
            continue
        for (call_class, roaming), sums in sorted(details.items(), key=_home_first):
            words = CALL_CLASS_WORDS[CALL_CLASSES[call_class]]
            place = "" if roaming == "home" else f"roaming {title(roaming)}"
            yield sums.row(", ".join(filter(None, (words, place))) or "at home", "detail")


def _home_first(item: tuple[tuple[int, str], _Sums]) -> tuple[bool, str, int]:
    """Orders details: at home before roaming, then by call class."""
    (call_class, roaming), _ = item
    return roaming != "home", roaming, call_class


def _allowances(balances: list[Row], names: PageNames) -> list[Row]:
    """Returns the allowances with their bars."""
    show: Callable[[int | None], str] = masked_number if names.masked else plain_number
    several = len({row["subscriber_id"] for row in balances if not row["shared"]}) > 1
    rows = []
    for row in balances:
        unlimited = row["given"] >= FOREVER
        owner = show(names.numbers.get(row["subscriber_id"])) or row["subscriber_id"]
        whose = "shared" if row["shared"] else owner if several else ""
        share = 0 if unlimited or not row["given"] else 100 * row["used"] // row["given"]
        # In the units in which it was given: 10 GiB of a plan, 10 GB of a pack.
        binary = bool(row["given"] % 2**20 == 0 and row["given"] % 10**6)
        used, rest = (_units(row[name], row["rum"], binary=binary) for name in ("used", "left"))
        left = "unlimited" if unlimited else f"{rest} left"
        name = names.allowances.get(row["allowance"], title(row["allowance"]))
        rows.append(
            {
                "name": ", ".join(filter(None, (name, whose))),
                "used": used,
                "left": left,
                "share": share,
            }
        )
    return rows


def _whole_cycle(row: Row) -> bool:
    """Tells whether a line is for all days of its cycle."""
    cycle = row["cycle"]
    return bool(row["service_from"] == first_day(cycle) and row["service_to"] == last_day(cycle))


def _tax(row: Row, *, whole: bool) -> dict[str, str]:
    """Returns the cells of a tax line, with its days where the rate changed in the cycle."""
    rate = rate_text(row["tax_rate"])
    contained = not row["net"] and row["tax_amount"]
    about = ["" if whole else _period(row)]
    about.append(f"included in prices: {_amount(row['tax_amount'])}" if contained else "")
    return {
        "name": f"Tax {row['tax']}, {rate}" if row["tax_rate"] else f"Tax {row['tax']}",
        "about": "; ".join(filter(None, about)),
        "amount": "" if contained else _amount(row["amount"]),
    }


def _summary(rows: list[Row]) -> list[dict[str, str]]:
    """Returns the rows that add up to the total; tax that prices include is told, not added."""

    def printed(*kinds: str) -> Decimal:
        return sum((row["amount"] for row in rows if row["kind"] in kinds), _NOTHING)

    parts = [("Fees", printed(FEE)), ("Usage", printed(USAGE))]
    parts += [("Above limits of who pays", printed(TRANSFER)), ("Discounts", printed(DISCOUNT))]
    parts.append(("Credit and debit notes", printed(ADJUSTMENT)))
    out = [
        {"name": name, "about": "", "amount": _amount(amount)}
        for name, amount in parts
        if amount or name in {"Fees", "Usage"}
    ]
    out += [_tax(row, whole=_whole_cycle(row)) for row in rows if row["kind"] == TAX]
    rounding = printed(ROUNDING)
    if rounding:
        out.append({"name": "Rounding", "about": "", "amount": _amount(rounding)})
    return out
