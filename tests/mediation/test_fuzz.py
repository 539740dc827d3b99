"""A short run of the fuzzer; the long one is ``python -m tests.mediation.fuzz``."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from mediation import formats
from mediation.decoder import decode_chunk
from tests.mediation.fuzz import Fuzz, run, total
from tests.mediation.fuzz_mutate import MUTATIONS, dissect
from tests.mediation.fuzz_records import clean_records
from tests.mediation.fuzz_world import Octets, conserved, file_of


def test_mutated_records_are_neither_lost_nor_fatal() -> None:
    found = run(33_000, seed=2, size=1_500)
    totals = total(found)
    assert totals.made == 33_000
    # A fuzzer that only ever makes rubbish, or never does, tests nothing.
    for name, one in found.items():
        settled = one.decoded + one.suspended + one.discarded
        assert (settled == one.made) or name in {"content_csv", "nokia_dx200"}
        assert one.decoded + one.discarded > one.made // 20, name
        assert one.suspended > one.made // 10, name


def test_the_fuzzer_notices_a_lost_record() -> None:
    fuzz = Fuzz("3gpp_cs", 1)
    pieces = [clean.octets for clean in fuzz.clean[:50]]
    file = file_of(fuzz.format.name, pieces)
    chunk = decode_chunk(file, range(50))
    conserved(file, chunk)
    lost = Octets(file.file_id, file.format_name, file.data, file.offsets[1:], file.lengths[1:])
    with pytest.raises(AssertionError):
        conserved(lost, chunk)


def test_a_read_behind_the_end_is_fatal() -> None:
    program = (
        "from tests.mediation.fuzz_world import Guarded\n"
        "place = Guarded(10).put(b'x' * 10)\n"
        "import ctypes\n"
        "ctypes.string_at(place.ctypes.data, 10)\n"
        "print('inside', flush=True)\n"
        "ctypes.string_at(place.ctypes.data, 11)\n"
        "print('behind', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode < 0
    assert done.stdout == "inside\n"


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_each_mutation_changes_something_now_and_then(mutate) -> None:  # noqa: ANN001
    rng = random.Random(3)
    record = next(clean_records(rng, formats.load("3gpp_cs"), 1))
    clean = dissect(record)
    assert clean.octets[clean.heads[0][0] :] == record
    made = {mutate(rng, clean) for _ in range(20)}
    assert made != {record} or mutate.__name__ == "as_it_is"
