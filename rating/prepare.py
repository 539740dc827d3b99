"""Prepares a batch of EDRs for pricing: Arrow columns to flat arrays, guided and classified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.edr import DIRECTIONS, MISSING, SERVICES
from rating.kernels import guide as kernel
from rating.partner import partner_charges
from rating.places import cell_rows, filled, given_zones
from tariffs.compiled import DOMESTIC, HOME_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rating.room import Block
    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

    Keys = tuple[NDArray[np.uint64], NDArray[np.uint64]]

NO_OFFSET = -(2**15)
"""The switch wrote no offset: the book's clock is used."""
_NOTHING: Int32 = np.empty(0, np.int32)
_NO_CHARGES: Int64 = np.empty(0, np.int64)
MOST_EPOCHS = 1 << 16
"""Epochs of a book at most, as many as an event's packed word can tell apart."""


PREPARED_WORDS, PREPARED_ARRAYS = kernel.EVENT_WORDS + 2, 4
"""Words of memory that :func:`prepare` takes for each row, and arrays in all."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is guided and classified; nothing of it is in any balance yet.

    Attributes:
        edr: The batch as given; row numbers below are its rows.
        start: int64[n], UTC microseconds.
        event: int64[4 n], what pricing needs of each row (:mod:`rating.kernels.guide`).
        group: int32[n], charge group, 0 where nobody was found.
        status: int8[n], 0 where the event can be priced, else a key of ``rating.reasons.REASONS``.
        place: int64[n], ``period << 32 | class`` as far as known.
        high: uint64[n], high half of the record keys.
        low: uint64[n], low half.
        first_start: The least of ``start``, 0 if there are no rows.
        last_start: The greatest.
    """

    edr: pa.RecordBatch
    start: Int64
    event: Int64
    group: Int32
    status: Int8
    place: Int64
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    first_start: int
    last_start: int

    @property
    def n_rows(self) -> int:
        """Number of EDRs."""
        return len(self.start)


def class_arrays(book: CompiledBook) -> kernel.ClassArrays:
    """Returns the part of a book that classification reads.

    Raises:
        ValueError: If the book has more epochs or classes than an event's words can hold.
    """
    if len(book.epoch_start_us) > MOST_EPOCHS or book.n_classes >= 1 << 31:
        message = (
            f"the tariff book has {len(book.epoch_start_us):,} price dates and {book.n_classes:,} "
            f"classes; at most {MOST_EPOCHS:,} and {1 << 31:,} can be rated"
        )
        raise ValueError(message)
    sizes = (
        len(book.call_classes),
        len(book.zones),
        len(book.roaming_classes),
        len(book.plans),
        len(book.areas),
        *(
            book.roaming_classes.index(name) if name in book.roaming_classes else -1
            for name in (DOMESTIC, HOME_ZONE)
        ),
    )
    places = book.places
    return kernel.ClassArrays(
        book.usage_index,
        book.lpm_direct,
        book.lpm_child,
        book.lpm_value,
        book.zone_class,
        book.zone_area,
        book.epoch_start_us,
        book.rule_table,
        book.rule_of,
        book.rule_rum,
        places.cell_area,
        places.cell_home_zone,
        places.border_first,
        places.border_area,
        places.route,
        np.array(sizes, np.int64),
    )


def _prices_partners(book: CompiledBook) -> bool:
    """Tells whether a rule of the book measures the charge of a roaming partner."""
    return bool(np.any(book.rule_rum == kernel.PARTNER_CHARGE))


def edr_columns(edr: pa.RecordBatch, book: CompiledBook) -> kernel.EdrColumns:
    """Returns the columns of a batch as flat arrays; texts are looked up once per distinct text."""
    text, text_zone = _looked_up(edr.column("other_text"), book.short_codes, -1)
    network, network_class = _looked_up(edr.column("visited_network"), book.networks, 1)
    service, start = _coded(edr, "service", SERVICES), filled(edr, "start_time", 0)
    places = book.places
    return kernel.EdrColumns(
        service=service,
        direction=_coded(edr, "direction", DIRECTIONS),
        imsi=filled(edr, "served_imsi", MISSING),
        msisdn=filled(edr, "served_msisdn", MISSING),
        other=filled(edr, "other_number", MISSING),
        text=text,
        text_zone=text_zone,
        network=network,
        network_class=network_class,
        cell=cell_rows(edr, places) if places.has_cells else _NOTHING,
        named=given_zones(edr, places, service, start) if places.names_zones else _NOTHING,
        start=start,
        offset=filled(edr, "utc_offset", NO_OFFSET),
        duration=filled(edr, "duration", MISSING),
        uplink=filled(edr, "uplink", MISSING),
        downlink=filled(edr, "downlink", MISSING),
        events=filled(edr, "events", -1),
        partner=partner_charges(edr, book) if _prices_partners(book) else _NO_CHARGES,
    )


def prepare(
    edr: pa.RecordBatch,
    book: CompiledBook,
    classes: kernel.ClassArrays,
    guide: kernel.GuideArrays,
    keys: Keys | None,
    block: Block,
) -> Prepared:
    """Guides and classifies a batch; pure, so threads may prepare batches side by side.

    Args:
        edr: Rows of ``mediation.edr.EDR_SCHEMA``.
        book: The tariff book.
        classes: Its arrays (:func:`class_arrays`).
        guide: The subscribers' arrays.
        keys: Record keys (high, low) of ``mediation.duplicates.record_keys``; made here if None.
        block: Memory that is the batch's for as long as it lives; :data:`PREPARED_WORDS` of it for
            each row, cut into :data:`PREPARED_ARRAYS`.
    """
    columns = edr_columns(edr, book)
    n = edr.num_rows
    event = block.array(kernel.EVENT_WORDS * n, np.int64)
    group = block.array(n, np.int32)
    status = block.array(n, np.int8)
    place = block.array(n, np.int64)
    kernel.guide_and_classify(columns, guide, classes, event, group, status, place)
    rows = continued(edr)
    event[kernel.EVENT_WORDS * rows + 3] |= kernel.CONTINUES
    if keys is None:
        from mediation.duplicates import record_keys  # noqa: PLC0415  callers usually have them

        keys = record_keys(edr)
    start = columns.start
    first, last = (int(start.min()), int(start.max())) if n else (0, 0)
    return Prepared(edr, start, event, group, status, place, keys[0], keys[1], first, last)


def continued(edr: pa.RecordBatch) -> Int64:
    """Returns the rows that go on what another row began, int64.

    A later container of a session's record, and a later record of a session or of a call whose
    beginning is not there. Connect fee and minimum are due once, where it begins; the row alone says
    whether that is here, so it does not matter which of them is rated first, or whether all arrive.
    Sessions have a charging id; other records with several rows hold several events.
    """
    session, number = edr.column("charging_id"), edr.column("partial_sequence")
    later = edr.column("container").to_numpy() > 0
    if session.null_count:
        later &= session.is_valid().to_numpy(zero_copy_only=False)
    if number.null_count < len(number):
        later |= filled(edr, "partial_sequence", 0) > 1
    return np.flatnonzero(later)


def _coded(edr: pa.RecordBatch, name: str, names: tuple[str, ...]) -> Int8:
    """Returns the codes of a fixed vocabulary, whatever dictionary the batch carries."""
    column = edr.column(name)
    held = column.dictionary.to_pylist()
    codes: Int8 = column.indices.to_numpy(zero_copy_only=True)
    if tuple(held) == names:
        return codes
    unknown = [text for text in held if text not in names]
    if unknown:
        message = f"column {name!r} holds {unknown[0]!r}; allowed: {', '.join(names)}"
        raise ValueError(message)
    own: Int8 = np.array([names.index(text) for text in held], np.int8)[codes]
    return own


def _looked_up(
    column: pa.DictionaryArray, table: Mapping[str, int], unknown: int
) -> tuple[Int32, Int32]:
    """Returns (index by row, -1 for null; code by dictionary entry)."""
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices, pa.scalar(-1, indices.type))
    entries = column.dictionary.to_pylist()
    codes = np.array([table.get(text, unknown) for text in entries], np.int32)
    return indices.to_numpy(zero_copy_only=True), codes
