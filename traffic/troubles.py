"""Troubles planted into the sample files, each with what must become of it.

The octets are changed with `traffic.tlv`, which shares no code with the decoder. An outcome says
how many records end where; `destination` is one of rated (zero-rated included), suspended,
duplicate, discarded; `stage` and `reason` are those of the suspense table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from traffic import tlv
from traffic.clock import DAY_SECONDS, Span
from traffic.digits import INTERNATIONAL
from traffic.encode import encode_events
from traffic.network import HOME_OFFSET, NETWORKS, OTHER_PREFIX, SOURCES
from traffic.parts import plant_parts
from traffic.places import plant_places
from traffic.running import count_planted, lose_records
from traffic.table import COLUMN, KINDS, TEXT, Events, new_values, no_containers

if TYPE_CHECKING:
    from collections.abc import Callable

    from traffic.draft import Draft
    from traffic.population import Population

MO_CALL, MO_SMS, PGW = "a0", "a6", "bf4f"
REPEATED: Final = 25
"""Records that are sent again in another file."""

UNKNOWN_IMSI: Final = 460_009_999_999_999
UNKNOWN_MSISDN: Final = 8_619_999_999_999


@dataclass(frozen=True, slots=True)
class Planted:
    """A trouble in the drafts; `records` are indexes that later become offsets."""

    kind: str
    draft: Draft
    records: tuple[int, ...]
    expected: dict[str, Any]
    note: str
    facts: dict[str, Any]

    def entry(self) -> dict[str, Any]:
        """Returns the trouble as it stands in `troubles.yaml`, once the draft was written."""
        places = [{"record": index, "offset": self.draft.offsets[index]} for index in self.records]
        return {
            "kind": self.kind,
            "file": self.draft.name,
            "note": self.note,
            **self.facts,
            **({"records": places} if places else {}),
            "expected": self.expected,
        }


class Planter:
    """Plants each trouble into its file."""

    def __init__(self, drafts: list[Draft], people: Population, caller: int) -> None:
        """Takes the drafts, and the row of the subscriber who makes the planted calls."""
        self.drafts = {(draft.source, draft.plan.sequence): draft for draft in drafts}
        self.people = people
        self.caller = caller
        self.planted: list[Planted] = []

    def plant(self) -> list[Planted]:
        """Changes the drafts and returns what was done, in the order of the list of troubles."""
        # Records are inserted first: what comes later addresses records by their index.
        self._unknown_subscriber()
        self._over_midnight()
        self._over_time_band()
        self._zero_seconds()
        plant_places(self)
        plant_parts(self)
        count_planted(self)
        lose_records(self)
        self._repeated_records()
        self._cut_records()
        self._impossible_date()
        self._unknown_tags()
        self._indefinite_lengths()
        self._filler()
        self._gap()
        return self.planted

    def file(self, source: str, number: int) -> Draft:
        """Returns a source's draft by its running count."""
        return self.drafts[source, number]

    def last(self, source: str) -> Draft:
        """Returns a source's last draft."""
        return self.drafts[max(key for key in self.drafts if key[0] == source)]

    def _free(self, draft: Draft, tag: str) -> int:
        """Returns the first record of a kind behind the middle that no trouble touches yet."""
        touched = {index for one in self.planted if one.draft is draft for index in one.records}
        middle = len(draft.records) // 2
        index = draft.find(tag, middle)
        while index in touched:
            index = draft.find(tag, index + 1)
        return index

    def add(
        self,
        kind: str,
        draft: Draft,
        records: tuple[int, ...],
        note: str,
        facts: dict[str, Any] | None = None,
        /,
        **expected: object,
    ) -> None:
        """Notes a trouble and what must become of it."""
        self.planted.append(Planted(kind, draft, records, dict(expected), note, facts or {}))

    def insert(self, draft: Draft, record: bytes, tag: str = MO_CALL) -> int:
        """Puts a record before one of its kind; returns its index."""
        # Behind what was inserted before, whose index must not move.
        index = self._free(draft, tag)
        draft.records.insert(index, record)
        return index

    def call(self, answer: int, duration: int, **other: int) -> tuple[bytes, dict[str, Any]]:
        """Returns a call of the planted caller to another operator's mobile, and its facts."""
        number = OTHER_PREFIX * 100_000_000 + 10_123_456
        values = new_values(1)
        for name, value in {
            "imsi": int(self.people.imsi[self.caller]),
            "imei": 350_000_000_000_017,
            "msisdn": int(self.people.msisdn[self.caller]),
            "called": number << 12 | 13 << 8 | INTERNATIONAL,
            "seizure": answer - 8,
            "answer": answer,
            "release": answer + duration,
            "offset": HOME_OFFSET,
            "duration": duration,
            "cause": 0,
            "reference": 0x0000_7000 + len(self.planted),
            "trunk_out": TEXT["OMOB01"],
            "plmn": NETWORKS[0].plmn,
            "lac": 0x1001,
            "cell": 77,
            **other,
        }.items():
            values[COLUMN[name]] = value
        msisdn = int(values[COLUMN["msisdn"], 0])
        values[COLUMN["msisdn"]] = msisdn << 12 | 13 << 8 | INTERNATIONAL
        values[COLUMN["entity"]] = SOURCES[0].address << 12 | 13 << 8 | INTERNATIONAL
        kind = np.full(1, KINDS.index("moCallRecord"), np.int8)
        (record,) = encode_events(Events(kind, values, *no_containers(1)))
        facts = {
            "served_msisdn": msisdn,
            "other_number": number,
            "start_time": datetime.fromtimestamp(answer, UTC).isoformat(),
            "duration": duration,
        }
        return record, facts

    def evening(self, span: Span, seconds: int) -> int:
        """Returns a time of day (seconds from midnight) on a day that lies in a file's span."""
        day = (span.start + HOME_OFFSET * 60) // DAY_SECONDS + 1
        return day * DAY_SECONDS - HOME_OFFSET * 60 + seconds

    def _unknown_subscriber(self) -> None:
        draft = self.file("msc1", 6)
        when = self.evening(draft.plan.span, 10 * 3_600)
        record, facts = self.call(when, 61, imsi=UNKNOWN_IMSI, msisdn=UNKNOWN_MSISDN)
        index = self.insert(draft, record)
        self.add(
            "unknown_subscriber",
            draft,
            (index,),
            "A call of a number and an IMSI that no subscriber has",
            facts,
            destination="suspended",
            stage="guide",
            reason="unknown_subscriber",
            records=1,
        )

    def _over_midnight(self) -> None:
        draft = self.file("msc1", 7)
        record, facts = self.call(self.evening(draft.plan.span, 23 * 3_600 + 50 * 60), 1_200)
        index = self.insert(draft, record)
        self.add(
            "call_over_midnight",
            draft,
            (index,),
            "Twenty minutes from 23:50 to 00:10",
            facts,
            destination="rated",
            records=1,
        )

    def _over_time_band(self) -> None:
        draft = self.file("msc1", 7)
        record, facts = self.call(self.evening(draft.plan.span, 22 * 3_600 + 57 * 60), 600)
        index = self.insert(draft, record)
        self.add(
            "call_over_time_band",
            draft,
            (index,),
            "Ten minutes from 22:57 to 23:07; the night of plan night_owl begins at 23:00",
            facts,
            destination="rated",
            records=1,
        )

    def _zero_seconds(self) -> None:
        draft = self.file("msc1", 8)
        record, facts = self.call(self.evening(draft.plan.span, 12 * 3_600), 0)
        index = self.insert(draft, record)
        self.add(
            "zero_seconds",
            draft,
            (index,),
            "A call that was answered and released within the same second",
            facts,
            destination="rated",
            records=1,
            net="0.000000",
        )

    def _repeated_records(self) -> None:
        first, second = self.file("msc3", 4), self.file("msc3", 7)
        picked = [
            index for index, record in enumerate(first.records) if record[:1] in {b"\xa0", b"\xa6"}
        ][-REPEATED:]
        start = len(second.records)
        second.records += [first.records[index] for index in picked]
        self.add(
            "repeated_records",
            second,
            tuple(range(start, start + len(picked))),
            "Records that another file holds too; whichever is read second is the duplicate",
            {"other_file": first.name, "other_records": picked},
            destination="duplicate",
            records=len(picked),
        )

    def _cut_records(self) -> None:
        draft = self.file("msc2", 4)
        index = self._free(draft, MO_CALL)
        where = "the next record follows at once"
        self._cut(draft, index, where, "frame", "inside_inconsistent")
        draft = self.file("pgw2", 3)
        index = self._free(draft, PGW)
        self._cut(draft, index, "its record header has the shorter length", "decode", "truncated")
        draft = self.file("msc3", 9)
        index = len(draft.records) - 1
        self._cut(draft, index, "the file ends there", "frame", "length_past_end")

    def _cut(self, draft: Draft, index: int, where: str, stage: str, reason: str) -> None:
        whole = draft.records[index]
        draft.records[index] = whole[: len(whole) * 6 // 10]
        self.add(
            "cut_record",
            draft,
            (index,),
            f"A record cut off after six tenths; {where}",
            {"length": len(draft.records[index])},
            destination="suspended",
            stage=stage,
            reason=reason,
            records=1,
        )

    def _impossible_date(self) -> None:
        draft = self.file("msc1", 2)
        index = self._free(draft, MO_CALL)
        record, _ = tlv.parse(draft.records[index])
        wrong = bytes.fromhex("26133212607a")

        def change(part: tlv.Tlv) -> tlv.Tlv:
            if part.tag in {b"\x96", b"\x97"}:
                return replace(part, contents=wrong + part.contents[6:])
            return part

        draft.records[index] = _map(record, change).octets()
        self.add(
            "impossible_date",
            draft,
            (index,),
            "Month 13, day 32, and a second that is no BCD",
            destination="suspended",
            stage="normalize",
            reason="invalid_timestamp",
            records=1,
        )

    def _unknown_tags(self) -> None:
        draft = self.file("msc1", 5)
        inside = tlv.Tlv(tlv.tag_octets(3), b"\x01\x02")
        unknown = (
            tlv.Tlv(tlv.tag_octets(132), b"vendor"),
            tlv.Tlv(tlv.tag_octets(4_141, constructed=True), parts=(inside, inside)),
            tlv.Tlv(b"\xdf\x81\x05", b"\x00\x00\x00\x00"),
        )
        self._edit(
            "unknown_tag",
            draft,
            unknown,
            "A field that the format does not know amid the SET",
            lambda record, extra: replace(
                record, parts=(*(record.parts or ())[:5], extra, *(record.parts or ())[5:])
            ),
        )

    def _indefinite_lengths(self) -> None:
        draft = self.file("msc3", 2)

        def outer(record: tlv.Tlv, _: tlv.Tlv) -> tlv.Tlv:
            return replace(record, indefinite=True)

        def nested(part: tlv.Tlv) -> tlv.Tlv:
            if part.parts is None:
                return part
            return replace(_map(part, nested), indefinite=True)

        def every(record: tlv.Tlv, _: tlv.Tlv) -> tlv.Tlv:
            return nested(record)

        def only_inner(record: tlv.Tlv, _: tlv.Tlv) -> tlv.Tlv:
            return _map(record, nested)

        none = (tlv.Tlv(b"\x80"),) * 2
        note = "Indefinite lengths"
        self._edit("indefinite_length", draft, none, f"{note} of the record", outer)
        self._edit("indefinite_length", draft, none, f"{note} of the parts in it", only_inner)
        self._edit("indefinite_length", draft, none, f"{note} of the record and its parts", every)
        gateway = self.file("pgw1", 2)
        self._edit(
            "indefinite_length",
            gateway,
            none,
            f"{note} of the record and its containers",
            every,
            PGW,
        )

    def _edit(
        self,
        kind: str,
        draft: Draft,
        extras: tuple[tlv.Tlv, ...],
        note: str,
        change: Callable[[tlv.Tlv, tlv.Tlv], tlv.Tlv],
        tag: str = MO_CALL,
    ) -> None:
        """Changes one untouched record for each extra; all of them are read as if unchanged."""
        indexes: list[int] = []
        index = self._free(draft, tag) - 1
        for extra in extras:
            index = draft.find(tag, index + 1)
            record, _ = tlv.parse(draft.records[index])
            draft.records[index] = change(record, extra).octets()
            indexes.append(index)
        self.add(
            kind,
            draft,
            tuple(indexes),
            note,
            destination="rated",
            records=len(indexes),
            same_as_unchanged=True,
        )

    def _filler(self) -> None:
        for number, octet in ((2, 0x00), (3, 0xFF)):
            draft = self.file("msc2", number)
            draft.filler = octet
            self.add(
                "filler",
                draft,
                (),
                f"Blocks of 2,048 octets, padded with {octet:02X}",
                {"filler": octet},
                records_suspended=0,
            )

    def _gap(self) -> None:
        missing = 6
        for (source, sequence), draft in self.drafts.items():
            if source == "msc2" and sequence >= missing:
                draft.sequence = sequence + 1
        draft = self.file("msc2", missing)
        self.add(
            "sequence_gap",
            draft,
            (),
            f"File {missing} of msc2 never arrived",
            {"source": "msc2"},
            missing_sequences=[missing],
        )


def _map(record: tlv.Tlv, change: Callable[[tlv.Tlv], tlv.Tlv]) -> tlv.Tlv:
    """Returns the element with each of its parts changed."""
    return replace(record, parts=tuple(change(part) for part in record.parts or ()))
