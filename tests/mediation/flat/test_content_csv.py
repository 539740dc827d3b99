"""The CSV format that comes with the package, against Python's own csv reader."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from decimal import Decimal

import numpy as np
import pytest

from mediation.errors import UnreadableFileError
from mediation.formats import load
from mediation.inspector import tag_tree

from .world import Found, decode

NAME = "content_csv"
HEADINGS = [
    "kind",
    "event",
    "msisdn",
    "imsi",
    "partner",
    "start",
    "item",
    "count",
    "volume_kb",
    "duration_s",
    "amount",
    "currency",
    "network",
    "result",
]
CHINA = dt.timezone(dt.timedelta(hours=8))
ITEMS = ("music", "clip", "picture", 'say "yes", please', "two\nlines", "铃声", "")


def make(count: int, seed: int = 1) -> list[dict[str, str]]:
    """Made-up events as cells of text."""
    rng = random.Random(seed)
    start = dt.datetime(2026, 10, 1, tzinfo=CHINA)
    return [
        {
            "kind": rng.choice(["content", "subscription", "message"]),
            "event": str(number + 1),
            "msisdn": f"8619910{rng.randrange(10**6):06d}",
            "imsi": f"46000{rng.randrange(10**10):010d}",
            "partner": rng.choice(["12590", "+4930123456", "01088888888", "game-shop", "-"]),
            "start": f"{start + dt.timedelta(seconds=rng.randrange(2 * 10**6)):%Y-%m-%d %H:%M:%S}",
            "item": rng.choice(ITEMS),
            "count": rng.choice(["1", "3", ""]),
            "volume_kb": f"{rng.randrange(10**6)}.{rng.randrange(10**3):03d}",
            "duration_s": f"{rng.randrange(7200)}.{rng.randrange(10)}",
            "amount": f"{rng.randrange(5000)}.{rng.randrange(100):02d}",
            "currency": rng.choice(["CNY", "EUR", "NULL"]),
            "network": rng.choice(["46000", "460-00", "310-410"]),
            "result": rng.choice(["ok", "aborted", "unheard of"]),
        }
        for number in range(count)
    ]


def total(events: list[dict[str, str]]) -> dict[str, str]:
    """The trailer of a file."""
    amount = sum(Decimal(event["amount"]) for event in events)
    return {"kind": "total", "event": str(len(events)), "amount": str(amount)}


def write(events: list[dict[str, str]], end: str = "\n") -> bytes:
    """A file with its line of names and, if it is among the events, its trailer."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADINGS, restval="", lineterminator=end)
    writer.writeheader()
    writer.writerows(events)
    return out.getvalue().encode()


def expected(event: dict[str, str]) -> dict[str, object]:
    """The EDR columns that an event should become."""
    cell = {name: "" if text in {"-", "NULL"} else text for name, text in event.items()}
    start = dt.datetime.fromisoformat(cell["start"]).replace(tzinfo=CHINA)
    digits = cell["partner"].lstrip("+")
    number = {"+4930123456": 4930123456, "01088888888": 861088888888}.get(cell["partner"])
    service = "sms" if cell["kind"] == "message" else "content"
    network = cell["network"].replace("-", "")
    duration = Decimal(cell["duration_s"])
    return {
        "record_type": "message" if cell["kind"] == "message" else "content",
        "service": {"clip": "video", "picture": "mms"}.get(cell["item"], service),
        "direction": "originating",
        "served_imsi": int(cell["imsi"]),
        "served_msisdn": int(cell["msisdn"]),
        "other_number": number,
        "other_text": None if number or not digits else cell["partner"],
        "start_time": int(start.timestamp()) * 10**6,
        "utc_offset": 480,
        "duration": int(duration) + int(duration != int(duration)),
        "uplink": 0,
        "downlink": int(Decimal(cell["volume_kb"]) * 1000),
        "events": int(cell["count"] or 1),
        "visited_network": f"{network[:3]}-{network[3:]}",
        "recording_entity": "content-platform",
        "call_reference": int(cell["event"]),
        "cause": {"ok": 0, "aborted": 4}.get(cell["result"]),
        "partner_charge": int(Decimal(cell["amount"]) * 10**6),
        "partner_currency": cell["currency"] or "CNY",
    }


def test_a_foreign_partner_is_known_by_what_stands_before_its_country_code() -> None:
    written = {
        "+4930123456": 4930123456,
        "004930123456": 4930123456,
        "4930123456": 864930123456,  # bare and as long as a number at home
        "8618810000001": 8618810000001,
        "447700900123": None,  # bare and too long for one: kept as text, never guessed
    }
    event = make(1)[0]
    events = [{**event, "partner": text} for text in written]
    rows = decode(write([*events, total(events)]), NAME).rows
    assert [row["other_number"] for row in rows] == list(written.values())
    assert rows[-1]["other_text"] == "447700900123"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_field_of_every_event(end: str) -> None:
    events = make(2000)
    data = write([*events, total(events)], end)
    found = decode(data, NAME)
    assert not found.suspense
    assert not found.notes
    assert found.cdr.declared_records == len(events)
    for event, row, (offset, length) in zip(events, found.rows, found.records, strict=True):
        values = expected(event)
        assert {name: row[name] for name in values} == values
        assert row["offset"] == offset
        assert row["container"] == 0
        text = io.StringIO(data[offset : offset + length].decode(), newline="")
        assert next(csv.reader(text)) == [event[name] for name in HEADINGS]


def test_rows_do_not_depend_on_chunks() -> None:
    events = make(500)
    data = write([*events, {**events[0], "event": "bad"}, total(events)])
    whole, pieces = decode(data, NAME), decode(data, NAME, records_per_chunk=37)
    assert pieces.rows == whole.rows
    assert pieces.suspense == whole.suspense
    assert len(whole.suspense) == 1


def test_inspector_names_the_fields_of_this_file() -> None:
    event = make(1)[0]
    order = HEADINGS[::-1]
    line = ",".join(event[name] if name != "item" else "clip" for name in order).encode()
    data = np.frombuffer(",".join(order).encode() + b"\n" + line, np.uint8)
    (node,) = tag_tree(line, load(NAME), len(data) - len(line), data)
    found = {child.name: child.value for child in node.children}
    assert not node.error
    assert (found["msisdn"], found["volume"]) == (event["msisdn"], event["volume_kb"])
    assert sum(child.length for child in node.children) + len(order) - 1 == len(line)


def test_wrong_trailer_is_noted() -> None:
    events = make(10)
    wrong = {**total(events), "event": "12", "amount": "1.5"}
    found = decode(write([*events, wrong]), NAME)
    amount = sum(Decimal(event["amount"]) for event in events)
    assert len(found.rows) == 10
    assert found.cdr.declared_records == 12
    count, summed = found.notes
    assert "declares 12 records; 10 were read" in count
    assert (
        f"declares 1.5 as sum of `amount`; the 10 records sum up to {amount.normalize():f}"
        in summed
    )


def test_a_trailer_moves_with_the_columns_of_its_file() -> None:
    events = make(7)
    for last, notes in ((total(events), 0), ({**total(events), "amount": "0.01"}, 1)):
        lines = csv.reader(io.StringIO(write([*events, last]).decode(), newline=""))
        moved = io.StringIO(newline="")
        csv.writer(moved).writerows(line[::-1] for line in lines)
        found = decode(moved.getvalue().encode(), NAME)
        assert len(found.rows) == len(events)
        assert found.cdr.declared_records == len(events)
        assert len(found.notes) == notes, found.notes


def test_a_trailer_of_its_own_width_stays_where_the_mapping_says() -> None:
    lines = write(make(3)).decode().splitlines()
    moved = [line.replace(",", ",,", 1) for line in lines]  # a column that nobody knows
    found = decode("\n".join([*moved, "total,4"]).encode(), NAME)
    assert found.cdr.declared_records == 4
    assert "declares 4 records; 3 were read" in found.notes[0]


@pytest.mark.parametrize("events", [3, 0])
def test_missing_trailer_is_noted(events: int) -> None:
    found = decode(write(make(events)), NAME)
    assert found.notes == ("there is no trailer: the file may be cut short",)


def test_files_behind_one_another_have_their_own_trailers() -> None:
    first, second = make(5), make(7, seed=2)
    lines = write([*second, total(second)]).split(b"\n", 1)[1]
    found = decode(write([*first, total(first)]) + lines, NAME)
    assert not found.notes
    assert found.cdr.declared_records == 12
    assert len(found.rows) == 12


def test_detected_by_its_names() -> None:
    events = make(50)
    found = decode(write([*events, total(events)]), None)
    assert found.cdr.format_name == NAME
    assert found.cdr.framing == "lines"
    assert any("first lines" in line for line in found.cdr.evidence)


@pytest.mark.parametrize(
    "data",
    [
        b"name,street,town\nno,such,columns\n",
        b"\x00\x01\x02\x03" * 100,
        bytes(range(256)) * 50,
        b"kind,event,msisdn\ncontent,x,y\n",
    ],
)
def test_other_files_are_not_taken_for_it(data: bytes) -> None:
    with pytest.raises(UnreadableFileError, match="unknown_format"):
        decode(data, None)


LINE = (
    "content,1,8619910000001,460001234567890,12590,2026-10-05 12:00:00,clip,1,2,3,4.50,CNY,46000,ok"
)


def one(column: str, value: bytes) -> Found:
    """A good line, one with another value in a column, and a good line."""
    cells = LINE.encode().split(b",")
    cells[HEADINGS.index(column)] = value
    lines = [",".join(HEADINGS).encode(), LINE.encode(), b",".join(cells), LINE.encode()]
    return decode(b"\n".join(lines), NAME)


@pytest.mark.parametrize(
    ("column", "value", "reason", "field"),
    [
        ("kind", b"present", "unknown_record_type", "kind"),
        ("event", b"12x", "invalid_digits", "event"),
        ("imsi", b"\x00460001234567890", "invalid_digits", "imsi"),
        ("msisdn", b"86199\xe2\x80\x8b1", "invalid_digits", "msisdn"),
        ("start", b"2026-02-30 12:00:00", "invalid_timestamp", "start"),
        ("start", b"2026-10-05 24:00:00", "invalid_timestamp", "start"),
        ("start", b"1999-10-05 12:00:00", "invalid_timestamp", "start"),
        ("start", b"05.10.2026 12:00", "invalid_timestamp", "start"),
        ("amount", b"4.5050505", "invalid_number", "amount"),
        ("amount", b"4,50", "wrong_field_count", None),
        ("amount", b"1E3", "invalid_number", "amount"),
        ("volume_kb", b"99999999999999999999", "invalid_number", "volume"),
        ("volume_kb", b"99999999999999999", "value_out_of_range", "volume"),
        ("count", b"9999999999", "value_out_of_range", "count"),
        ("network", b"460", "invalid_network", "network"),
        ("currency", b"\xff\xfe", "invalid_text", "currency"),
        ("currency", b"C\x00NY", "invalid_text", "currency"),
        ("item", b'"open', "bad_quote", None),
        ("item", b'"clip"s', "bad_quote", None),
        ("duration_s", b"-5", "duration_negative", "duration"),
    ],
)
def test_bad_values_suspend_their_line_only(
    column: str, value: bytes, reason: str, field: str | None
) -> None:
    found = one(column, value)
    assert len(found.rows) == 2
    (row,) = found.suspense
    assert (row["reason"], row["sub_reason"]) == (reason, field)
    assert row["raw"].startswith(value if column == "kind" else b"content,")
    assert value in row["raw"]
    assert row["detail"]


def test_short_line_blank_lines_and_comments() -> None:
    data = "\n".join([",".join(HEADINGS), "# a comment, with: commas", "", LINE, " \t", LINE[:40]])
    found = decode(data.encode(), NAME)
    assert len(found.rows) == 1
    assert [row["reason"] for row in found.suspense] == ["wrong_field_count"]
    assert found.cdr.filler_bytes > 0


def test_very_long_line_is_suspended_whole() -> None:
    data = ",".join(HEADINGS).encode() + b"\n" + b"x" * (3 << 20) + b"\n" + LINE.encode()
    found = decode(data, NAME)
    assert len(found.rows) == 1
    assert [(length, reason) for _, length, reason in found.unframed] == [
        (3 << 20, "record_too_long")
    ]


def test_binary_junk_in_a_declared_file_is_suspended() -> None:
    data = random.Random(1).randbytes(50_000)
    found = decode(data.replace(b"\x1f\x8b", b""), NAME)
    assert not found.rows
    assert any("names none" in note for note in found.notes)


def test_a_text_stays_on_its_line_and_moves_no_cursor() -> None:
    partner = "a\tb\u009b2J\u2028c"
    found = one("partner", f'"{partner}\r\n"'.encode())
    assert [row["other_text"] for row in found.rows][1] == "a\\x09b\\x9b2J\\u2028c\\x0d\\x0a"
    text = LINE.replace("12590", partner)
    (node,) = tag_tree(text.encode(), load(NAME), 0)
    assert "a\\x09b\\x9b2J\\u2028c" in {child.value for child in node.children}
