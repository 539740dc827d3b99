"""Do the totals in a batch's trailer agree with its records? Findings are sentences on the file.

TD.57: the total charge is the sum of all charges of type 00 and of all CAMEL invocation fees that
are no refunds, severe errors included; refunds, tax and discounts have totals of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.batch_facts import RECORDS, SEQUENCE
from mediation.resolve import Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def joined_sums(parts: Iterable[Mapping[int, Sums]]) -> dict[int, Sums]:
    """Returns the sums of a whole file from those of its chunks, by batch."""
    whole: dict[int, Sums] = {}
    for part in parts:
        for number, sums in part.items():
            total = whole.setdefault(number, Sums({}, {}))
            for column, (above, below) in sums.amounts.items():
                before = total.amounts.get(column, (0, 0))
                total.amounts[column] = (before[0] + above, before[1] + below)
            for column, count in sums.unknown.items():
                total.unknown[column] = total.unknown.get(column, 0) + count
    return whole


def sum_notes(
    cdr_format: Format, batches: Sequence[BatchFacts], sums: Mapping[int, Sums]
) -> tuple[str, ...]:
    """Returns where totals and records disagree, and codes that no table explains.

    Args:
        cdr_format: The file's format.
        batches: What its batches declare.
        sums: What their records sum up to, by batch, of the whole file.
    """
    rule = cdr_format.mapping.file
    if rule is None:
        return ()
    notes: list[str] = []
    for number, batch in enumerate(batches):
        found = sums.get(number, Sums({}, {}))
        for column, names in rule.totals.items():
            amounts = found.amounts.get(column, (0, 0))
            for name, amount in zip(names, (amounts[0], -amounts[1]), strict=False):
                notes += _compared(batch, name, amount)
        notes += [
            f"{batch.root}: {count} events name a {column} that is not in the tables of the batch"
            for column, count in sorted(found.unknown.items())
        ]
    return tuple(notes)


def _compared(batch: BatchFacts, name: str, amount: int) -> list[str]:
    declared = batch.values.get(name)
    if declared is None:
        if amount == 0:
            return []
        return [f"{batch.root}: declares no {name}, its records sum up to {amount}"]
    if declared == amount:
        return []
    return [f"{batch.root}: declares {name} {declared}, its records sum up to {amount}"]
