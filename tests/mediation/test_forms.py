"""Every form that BER allows for the same record gives the same rows, in every 3GPP format."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mediation import formats
from mediation.decoder import decode_chunk
from mediation.validation import RuleSet
from tests.mediation.cdr_records import memory, random_records, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.formats.schema import Element

FORMATS = ["3gpp_cs", "3gpp_ps", "3gpp_ims", "3gpp_chf"]
BY_PLACE = ("container", "container_sequence", "offset")
UNKNOWN = bytes.fromhex("9f817f03c0ffee bf817e80300380010100 00 df8f7f01ff".replace(" ", ""))


@dataclass
class Tlv:
    """An element: its tag octets and schema, its content or what is inside."""

    tag: bytes
    element: Element | None
    content: bytes
    inside: list[Tlv] | None

    def octets(self, body: Callable[[Tlv, list[bytes]], bytes]) -> bytes:
        """Returns the element again; `body` puts tag, length and parts of a constructed one."""
        if self.inside is None:
            return wrap(self.tag, self.content)
        return body(self, [part.octets(body) for part in self.inside])


def parse(octets: bytes, known: tuple[Element, ...]) -> list[Tlv]:
    """Returns the elements of definite lengths that stand one behind the other."""
    found = []
    while octets:
        size = 1
        if octets[0] & 31 == 31:
            size = next(place for place in range(1, 9) if octets[place] < 128) + 1
        tag, rest = octets[:size], octets[size:]
        number = octets[0] & 31
        if size > 1:
            number = 0
            for octet in tag[1:]:
                number = number << 7 | octet & 127
        head = 1 if rest[0] < 128 else 1 + (rest[0] & 127)
        length = rest[0] if head == 1 else int.from_bytes(rest[1:head], "big")
        key = (octets[0] >> 6, number)
        element = next((e for e in known if (e.tag_class, e.tag_number) == key), None)
        content = rest[head : head + length]
        children = element.children if element else ()
        inside = parse(content, children) if octets[0] & 32 else None
        found.append(Tlv(tag, element, content, inside))
        octets = rest[head + length :]
    return found


def indefinite(tlv: Tlv, parts: list[bytes]) -> bytes:
    return tlv.tag + b"\x80" + b"".join(parts) + b"\0\0"


def long_lengths(tlv: Tlv, parts: list[bytes]) -> bytes:
    content = b"".join(parts)
    return tlv.tag + b"\x84" + len(content).to_bytes(4, "big") + content


def with_unknown_tags(tlv: Tlv, parts: list[bytes]) -> bytes:
    return wrap(tlv.tag, b"".join(UNKNOWN + part for part in parts) + UNKNOWN)


def sets_turned(tlv: Tlv, parts: list[bytes]) -> bytes:
    if tlv.element is not None and tlv.element.kind == "SET":
        parts.reverse()
    return wrap(tlv.tag, b"".join(parts))


def rows(name: str, records: list[bytes]) -> list[dict[str, Any]]:
    chunk = decode_chunk(memory(name, records), range(len(records)), rules=RuleSet(()))
    assert set(chunk.suspense.column("reason").to_pylist()) <= {"missing_start_time"}
    found: list[dict[str, Any]] = chunk.edr.to_pylist()
    for row in found:
        for column in BY_PLACE:  # lists of a record change places when its SET is turned
            del row[column]
    return found


@pytest.mark.parametrize("form", [indefinite, long_lengths, with_unknown_tags, sets_turned])
@pytest.mark.parametrize("name", FORMATS)
def test_another_form_of_the_same_records(
    name: str, form: Callable[[Tlv, list[bytes]], bytes]
) -> None:
    schema = formats.load(name).schema
    rng = random.Random(5)
    records = random_records(name, 10 * len(schema), rng.randrange(100), share=0.7)
    again = [parse(record, schema)[0].octets(form) for record in records]
    assert again != records
    # The order of rows inside a record follows the order of its lists.
    plain, other = (sorted(rows(name, each), key=str) for each in (records, again))
    assert len(plain) > len(schema)
    assert other == plain
