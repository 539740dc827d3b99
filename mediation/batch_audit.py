"""Do the totals in a batch's trailer agree with its records? Findings are sentences on the file.

TD.57: the total charge is the sum of all charges of type 00 and of all CAMEL invocation fees that
are no refunds, severe errors included; refunds, tax and discounts have totals of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mediation.batch_facts import RECORDS, SEQUENCE, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mediation.batch_facts import BatchFacts
    from mediation.formats import Format


def declared_sequence(batches: Sequence[BatchFacts]) -> int | None:
    """Returns the running number of the first batch, None without one."""
    found = next((batch.values.get(SEQUENCE) for batch in batches), None)
    return found if isinstance(found, int) else None


def declared_records(batches: Sequence[BatchFacts]) -> int | None:
    """Returns how many records the batches declare, None unless one does."""
    found = [batch.values[RECORDS] for batch in batches if RECORDS in batch.values]
    return sum(int(count) for count in found) if found else None


def header_notes(batches: Sequence[BatchFacts]) -> tuple[str, ...]:
    """Returns what is wrong with batches, as far as headers and framing show it."""
    notes: list[str] = []
    for batch in batches:
        notes += batch.notes
        declared = batch.values.get(RECORDS)
        if declared is not None and declared != len(batch.records):
            notes.append(
                f"{batch.root}: declares {declared} records, {len(batch.records)} were found"
            )
    return tuple(notes)


@dataclass(slots=True)
class Total:
    """One total of a batch.

    Attributes:
        batch: The alternative of the outermost type, such as ``transferBatch``.
        name: The value that declares it; of codes without a meaning, their column.
        declared: What the trailer says, None if nothing.
        found: What the records sum up to, or how many events have such a code.
        codes: True if this counts codes that no table explains.
    """

    batch: str
    name: str
    declared: int | None
    found: int
    codes: bool = False


Totals = dict[str, Total]
"""Totals of a file or a part of it, by batch and name."""


def totals_of(
    cdr_format: Format, batches: Sequence[BatchFacts], sums: Mapping[int, Sums]
) -> Totals:
    """Returns what batches declare beside what some of their records sum up to.

    Args:
        cdr_format: The file's format.
        batches: The file's batches.
        sums: What the records sum up to, by batch.
    """
    rule = cdr_format.mapping.file
    totals: Totals = {}
    for number, batch in enumerate(batches if rule is not None else ()):
        found = sums.get(number, Sums({}, {}))
        for column, names in rule.totals.items() if rule is not None else ():
            above, below = found.amounts.get(column, (0, 0))
            for name, amount in zip(names, (above, -below), strict=False):
                said = batch.values.get(name)
                declared = said if isinstance(said, int) else None
                totals[f"{number} {name}"] = Total(batch.root, name, declared, amount)
        for column, count in sorted(found.unknown.items()):
            totals[f"{number} codes {column}"] = Total(batch.root, column, None, count, codes=True)
    return totals


def joined_totals(totals: Totals, others: Totals) -> Totals:
    """Returns the totals of two parts of one file."""
    joined = dict(totals)
    for key, other in others.items():
        before = joined.get(key)
        found = other.found + (0 if before is None else before.found)
        joined[key] = replace(other, found=found)
    return joined


def total_notes(totals: Totals) -> tuple[str, ...]:
    """Returns where totals and records disagree, and codes that no table explains."""
    notes: list[str] = []
    for total in totals.values():
        if total.codes:
            notes.append(
                f"{total.batch}: {total.found} events name a {total.name} that is not in the "
                "tables of the batch"
            )
        elif total.declared is None and total.found:
            notes.append(
                f"{total.batch}: declares no {total.name}, its records sum up to {total.found}"
            )
        elif total.declared is not None and total.declared != total.found:
            notes.append(
                f"{total.batch}: declares {total.name} {total.declared}, its records sum up to "
                f"{total.found}"
            )
    return tuple(notes)
