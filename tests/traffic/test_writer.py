from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings

from traffic import tlv
from traffic.digits import INTERNATIONAL, MISSING, UNKNOWN
from traffic.encode import FORMAT_OF_KIND, ROOT_TYPES, encode_events, record_values, specification
from traffic.layout import LAYOUTS
from traffic.program import template, write_events
from traffic.table import COLUMN, CONTAINER_COLUMN, CONTAINER_COLUMNS, KINDS, TEXTS, Events

_NUMBERS = ("msisdn", "calling", "called", "entity")
_TIMES = ("seizure", "answer", "release", "first", "last", "report")
_OPTIONAL = (
    "answer",
    "cause",
    "trunk_in",
    "trunk_out",
    "plmn",
    "sequence",
    "service_id",
    "calling",
)
_TEXTS = ("trunk_in", "trunk_out", "apn")
_OCTETS = {"plmn": 3, "lac": 2, "cell": 2, "reference": 4, "service_code": 1, "clock": 2}
_COUNTERS = ("duration", "charging_id", "local_sequence", "uplink", "downlink", "usage", "cause")

integers = st.one_of(
    st.sampled_from([0, 1, 127, 128, 255, 256, 32_767, 32_768, 2**31, 2**32 - 1, 2**62]),
    st.integers(0, 2**63 - 1),
)
numbers = st.integers(1, 15).flatmap(
    lambda count: st.tuples(st.integers(0, 10**count - 1), st.just(count))
)


@st.composite
def one_event(draw: st.DrawFn) -> Events:  # noqa: C901 - one line a column
    kind = draw(st.sampled_from(KINDS))
    event = template(kind)
    containers = draw(st.integers(0, 5)) if "GW" in kind else 0
    rows = np.repeat(event.containers, containers, axis=1)
    tables = [(COLUMN, event.values, 0)]
    tables += [(CONTAINER_COLUMN, rows, index) for index in range(containers)]
    for names, values, index in tables:
        for name, column in names.items():
            if name in _NUMBERS:
                digits, count = draw(numbers)
                octet = draw(st.sampled_from([INTERNATIONAL, UNKNOWN]))
                value = digits << 12 | count << 8 | octet
            elif name in _TIMES:
                value = draw(st.integers(200_000, 4_000_000_000))
            elif name == "offset":
                value = draw(st.integers(-12 * 60, 14 * 60))
            elif name in _TEXTS:
                value = draw(st.integers(0, len(TEXTS) - 1))
            elif name in _COUNTERS:
                value = draw(integers)
            elif name in {"imsi", "imei"}:
                value = draw(st.integers(0, 10**15 - 1))
            elif name in _OCTETS:
                value = draw(st.integers(0, 256 ** _OCTETS[name] - 1))
            elif name == "action":
                value = draw(st.integers(0, 4))
            else:
                value = draw(st.integers(0, 2**31))
            if name in _OPTIONAL and kind != "sGWRecord" and draw(st.booleans()):
                # The location information of a gateway has no optional parts.
                value = MISSING if name != "plmn" or kind != "pGWRecord" else value
            values[column, index] = value
    return Events(
        event.kind, event.values, rows, event.container_first, np.full(1, containers, np.int64)
    )


@given(event=one_event())
@example(event=template("moCallRecord"))
@settings(deadline=None, max_examples=60)
def test_fast_writer_writes_what_asn1tools_writes(event: Events) -> None:
    octets, starts = write_events(event)
    assert octets.tobytes() == b"".join(encode_events(event))
    assert starts.tolist() == [0]


@pytest.mark.parametrize("format_name", ["3gpp_cs", "3gpp_ps"])
def test_both_writers_agree_on_a_scenario(some_events: dict[str, Events], format_name: str) -> None:
    events = some_events[format_name]
    records = list(encode_events(events))
    octets, starts = write_events(events)
    assert octets.tobytes() == b"".join(records)
    assert starts.tolist() == np.cumsum([0, *map(len, records)])[:-1].tolist()


@pytest.mark.parametrize("format_name", ["3gpp_cs", "3gpp_ps"])
def test_asn1tools_reads_the_values_back(some_events: dict[str, Events], format_name: str) -> None:
    events = some_events[format_name]
    octets, starts = write_events(events)
    data = octets.tobytes()
    compiled = specification(format_name)
    ends = [*starts.tolist()[1:], len(data)]
    for start, end, (kind, value) in zip(starts.tolist(), ends, record_values(events), strict=True):
        assert FORMAT_OF_KIND[kind] == format_name
        read = compiled.decode(ROOT_TYPES[format_name], data[start:end])
        assert read == (kind, value)


def test_record_headers_stand_before_each_record(some_events: dict[str, Events]) -> None:
    events = some_events["3gpp_ps"]
    head = b"\xe9\x27\x07"
    octets, starts = write_events(events, record_head=head)
    data = octets.tobytes()
    ends = [*(starts[1:] - 5).tolist(), len(data)]
    for start, end in zip(starts.tolist(), ends, strict=True):
        assert data[start - 3 : start] == head
        assert int.from_bytes(data[start - 5 : start - 3], "big") == end - start


@pytest.mark.parametrize("kind", KINDS)
def test_layouts_stand_in_the_order_of_their_tags(kind: str) -> None:
    (octets,) = encode_events(template(kind))
    record, end = tlv.parse(octets)
    assert end == len(octets)
    assert len(record.parts or ()) == len(LAYOUTS[kind])
    tags = [part.tag for part in record.parts or ()]
    keys = [(len(tag), tag[-1] & 127 if len(tag) > 1 else tag[0] & 31) for tag in tags]
    assert keys == sorted(keys)


def test_container_columns_end_with_their_offset() -> None:
    # The encoder tells container rows from record rows by their width.
    assert len(CONTAINER_COLUMNS) != len(COLUMN)
