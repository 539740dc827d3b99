"""A plan as people see it at an instant: as data, and as one self-contained HTML page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tariffs.offer import Matrix, OfferRow, Offers
from tariffs.words import (
    CALL_CLASS_WORDS,
    allowance_words,
    cap_words,
    day_words,
    discount_words,
    fee_words,
    some,
    usage_words,
)

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

    Named = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What a plan offers; fees and the like are (name for people, words, ``file:line``).

    Attributes:
        id: Plan id.
        name: Name for people.
        inherits: Base plan, None if there is none.
        overlays: Plans laid over it, the first uppermost.
        source: ``file:line``.
        book: Name of the book.
        digest: Digest of the book.
        currency: ISO 4217.
        day: The date that it is about.
        changes: Later dates on which something of the plan changes.
        matrices: Prices, a matrix for each usage.
    """

    id: str
    name: str
    inherits: str | None
    overlays: tuple[str, ...]
    source: str
    book: str
    digest: str
    currency: str
    day: str
    changes: tuple[str, ...]
    fees: Named
    allowances: Named
    discounts: Named
    caps: Named
    matrices: tuple[Matrix, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return asdict(self)


def plan_page(book: Book, compiled: CompiledBook, name: str, at: int) -> PlanPage:
    """Returns what a plan offers at an instant (UTC µs).

    Raises:
        KeyError: There is no such plan.
    """
    plan = book.plan(name)
    offers = Offers(book, compiled)
    chosen = [book.discounts[one] for one in plan.discounts]
    return PlanPage(
        id=plan.id,
        name=plan.name,
        inherits=plan.inherits,
        overlays=plan.overlays,
        source=str(plan.source),
        book=book.name,
        digest=book.digest,
        currency=book.currency,
        day=day_words(at, book.time_zone),
        changes=_changes(offers, name, at),
        fees=tuple((one.name, fee_words(one, at), str(one.source)) for one in plan.fees),
        allowances=tuple(
            (one.name, allowance_words(one, book, at), str(one.source)) for one in plan.allowances
        ),
        discounts=tuple(
            (one.title, discount_words(one, book, at), str(one.source)) for one in chosen
        ),
        caps=tuple((one.name, cap_words(one, book, at), str(one.source)) for one in plan.caps),
        matrices=tuple(offers.matrix(name, at)),
    )


def _changes(offers: Offers, plan: str, at: int) -> tuple[str, ...]:
    """Returns the dates after an instant from which the plan has other prices."""
    starts = [one for one in offers.compiled.epoch_start_us.tolist() if one > at]
    found = []
    before = offers.matrix(plan, at)
    for start in starts:
        now = offers.matrix(plan, start)
        if now != before:
            found.append(day_words(start, offers.book.time_zone))
        before = now
    return tuple(found)


def row_words(row: OfferRow) -> tuple[str, str]:
    """Returns the call classes and the zones of a row, in words.

    Data has no call class: its rows are told apart by data classes, which stand where zones do.
    """
    if row.whole:
        return "everything", ""
    classes = [CALL_CLASS_WORDS[name] for name in row.call_classes if name != "none"]
    zones = [zone.replace("_", " ") for zone in row.zones if zone != "none"]
    if classes:
        return ", ".join(classes), some(zones)
    return some([*zones, *["everything else"] * ("none" in row.zones)]), ""


def environment() -> Any:  # noqa: ANN401  jinja2 is imported only where a page is made
    """Returns the template environment: HTML is escaped, an unknown name is an error."""
    import jinja2  # noqa: PLC0415

    return jinja2.Environment(
        loader=jinja2.PackageLoader("tariffs", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_plan(page: PlanPage) -> str:
    """Returns the page as HTML: self-contained, good to print."""
    parts = (
        ("Fees", page.fees),
        ("Allowances", page.allowances),
        ("Discounts", page.discounts),
        ("Caps", page.caps),
    )
    text: str = (
        environment()
        .get_template("plan.html.j2")
        .render(
            page=page,
            parts=[part for part in parts if part[1]],
            usage_words=usage_words,
            row_words=row_words,
            places=lambda names: some(one.replace("_", " ") for one in names),
        )
    )
    return text
