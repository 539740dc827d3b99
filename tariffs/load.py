"""Loads a tariff book from its folder; everything that is wrong is told at once.

Each file is read once: the digest is over the bytes that were parsed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tariffs.cells import Cell, compose
from tariffs.context import Context
from tariffs.decks import read_networks, read_numbers, read_short_codes, read_zones
from tariffs.decks_places import FILES as PLACE_FILES
from tariffs.decks_places import read_data_classes, read_places
from tariffs.errors import BookError, Problem, Source, nearest
from tariffs.exchange import FILE as RATES
from tariffs.exchange import read_exchange_rates
from tariffs.model import Book, NumberDeck, Plan
from tariffs.read_bill import read_bill
from tariffs.read_discounts import read_discounts
from tariffs.read_head import read_head
from tariffs.read_options import read_options
from tariffs.read_plans import read_plans
from tariffs.read_prices import read_prices
from tariffs.read_time import read_calendar, read_time_models
from tariffs.read_wholesale import FILE as WHOLESALE
from tariffs.read_wholesale import read_wholesale
from tariffs.snapshot import read_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED_FILES = ("book.yaml", "zones.csv", "numbers.csv", "networks.csv")
OPTIONAL_FILES = (
    "bill.yaml",
    "calendar.yaml",
    "time_models.yaml",
    "prices.yaml",
    "short_codes.csv",
    RATES,
    WHOLESALE,
    *PLACE_FILES,
)
FOLDERS = ("plans", "discounts", "options", "prices")
NOT_PART = ("tests",)
"""Folders beside the tariff: they neither change the digest nor what is compiled."""


def load_book(folder: Path | str) -> Book:
    """Returns the tariff book of a folder.

    Args:
        folder: Holds ``book.yaml``, ``plans/*.yaml``, the CSV tables and so on.

    Raises:
        BookError: The folder is not a book, or anything in it is wrong; ``problems`` has all.
    """
    files = _read_files(Path(folder))
    context = Context()
    if not _read_names(files, context):
        # Without the names, everything else would look wrong too.
        raise BookError(str(folder), context.problems.found)
    numbers, short_codes, networks = _read_decks(files, context)
    places = read_places(files, context.data_classes, context)
    wholesale = read_wholesale(files[WHOLESALE], networks, context) if WHOLESALE in files else ()
    plans = _read_priced(files, context)
    bill = _composer(files, context)("bill.yaml")
    names = [plan.id for plan in plans if not plan.template]
    on_bills = read_bill(bill, names, context) if bill else ((), (), ())
    if context.problems.found:
        raise BookError(str(folder), context.problems.found)
    head = context.head
    return Book(
        folder=str(folder),
        digest=digest_of(files),
        name=head.name,
        currency=head.currency,
        exchange=context.exchange,
        time_zone=head.zone.key,
        country_code=head.country_code,
        valid_from_us=head.valid_from_us,
        areas=tuple(head.areas),
        tiers=tuple(head.tiers),
        roaming_classes=tuple(head.roaming_classes),
        event_rounding=head.event_rounding,
        line_rounding=head.line_rounding,
        bill_rounding=head.bill_rounding,
        taxes=tuple(head.taxes.values()),
        gl_codes=head.gl_codes,
        services=head.services,
        day_types=tuple(context.day_types),
        special_days=context.special_days,
        bands=tuple(context.bands),
        time_models=tuple(context.time_models.values()),
        zones=tuple(context.zones.values()),
        numbers=numbers,
        short_codes=short_codes,
        networks=networks,
        places=places,
        prices=context.prices,
        discounts=context.discounts,
        plans=tuple(plan for plan in plans if not plan.template),
        templates=tuple(plan for plan in plans if plan.template),
        options=tuple(context.options[name] for name in sorted(context.options)),
        bill_discounts=on_bills[0],
        commitments=on_bills[1],
        payments=on_bills[2],
        wholesale=wholesale,
    )


def _read_names(files: dict[str, bytes], context: Context) -> bool:
    """Reads what everything else refers to; returns False where one of the files is no YAML."""
    readers = (
        ("book.yaml", read_head),
        ("calendar.yaml", read_calendar),
        ("time_models.yaml", read_time_models),
    )
    yaml_cell = _composer(files, context)
    cells = [(yaml_cell(name), read) for name, read in readers if name in files]
    for cell, read in cells:
        if cell is not None:
            read(cell, context)
    readable = all(cell is not None for cell, _ in cells)
    if readable:
        read_zones("zones.csv", files["zones.csv"], context)
        if RATES in files:
            read_exchange_rates(files[RATES], context)
        if "data_classes.csv" in files:
            data = files["data_classes.csv"]
            context.data_classes = read_data_classes("data_classes.csv", data, context)
    return readable


def _read_priced(files: dict[str, bytes], context: Context) -> list[Plan]:
    """Reads prices, discounts and the plans that use them."""
    yaml_cell = _composer(files, context)
    for name in [name for name in files if name == "prices.yaml" or name.startswith("prices/")]:
        if (cell := yaml_cell(name)) is not None:
            context.prices |= read_prices(cell, context, name, context.prices)
    for name in [name for name in files if name.startswith("discounts/")]:
        if (cell := yaml_cell(name)) is not None:
            read_discounts(cell, context)
    for name in [name for name in files if name.startswith("options/")]:
        if (cell := yaml_cell(name)) is not None:
            read_options(cell, context)
    plan_files = [name for name in files if name.startswith("plans/")]
    cells = {Path(name).stem: yaml_cell(name) for name in plan_files}
    for stem in sorted(cells.keys() & context.options.keys()):
        context.problems.add(
            context.options[stem].source,
            f"The option {stem!r} has the name of a plan.",
            "Give it another: both give allowances, and these must be told apart.",
        )
    plans = read_plans({stem: cell for stem, cell in cells.items() if cell}, context)
    if not plan_files:
        context.problems.add(Source("plans", 1), "No plan.", "Write plans/<id>.yaml.")
    return plans


def digest_of(files: dict[str, bytes]) -> str:
    """Returns SHA-256 over names, lengths and bytes of the files, in order of name, hex."""
    total = hashlib.sha256()
    for name in sorted(files):
        data = files[name]
        total.update(f"{name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def _read_files(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of the book's files by relative name, in order of name."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise BookError(
            str(folder), [Problem(".", 1, f"{folder} {what}.", "Give the book's folder.")]
        )
    try:
        # as it is at one moment: a book that is being edited is seen before or after, never half
        files = read_snapshot(lambda: _parts(folder)[0])
    except OSError as error:
        place = Path(error.filename).name if error.filename else "."
        why = error.strerror or str(error)
        raise BookError(str(folder), [Problem(place, 1, f"Cannot be read: {why}.")]) from error
    allowed = (*REQUIRED_FILES, *OPTIONAL_FILES, *(f"{one}/*.yaml" for one in FOLDERS))
    problems = [
        Problem(name, 1, "Not a file of a tariff book.", nearest(name, allowed))
        for name in _parts(folder)[1]
    ]
    problems += [
        Problem(name, 1, "The file is missing.", "A tariff book needs it.")
        for name in REQUIRED_FILES
        if name not in files
    ]
    if problems:
        raise BookError(str(folder), problems)
    return files


def _parts(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Returns the book's files by relative name, in order, and the names that do not belong."""
    root = folder.resolve()  # a folder that is swapped by its link is read on one side
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*")}
    files: dict[str, Path] = {}
    foreign: list[str] = []
    for name, path in sorted(found.items()):
        top, _, rest = name.partition("/")
        if path.is_dir() or top in NOT_PART or path.suffix == ".md" or "/." in f"/{name}":
            continue
        if _belongs(top, rest):
            files[name] = path
        else:
            foreign.append(name)
    return files, foreign


def _belongs(top: str, rest: str) -> bool:
    if not rest:
        return top in (*REQUIRED_FILES, *OPTIONAL_FILES)
    return top in FOLDERS and rest.endswith(".yaml") and "/" not in rest


def _composer(files: dict[str, bytes], context: Context) -> Callable[[str], Cell | None]:
    def compose_file(name: str) -> Cell | None:
        return compose(name, files[name], context.problems) if name in files else None

    return compose_file


def _read_decks(
    files: dict[str, bytes], context: Context
) -> tuple[NumberDeck, dict[str, int], dict[str, int]]:
    numbers = read_numbers("numbers.csv", files["numbers.csv"], context)
    codes: dict[str, int] = {}
    if "short_codes.csv" in files:
        codes = read_short_codes("short_codes.csv", files["short_codes.csv"], context)
    return numbers, codes, read_networks("networks.csv", files["networks.csv"], context)
