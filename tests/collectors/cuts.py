"""Thousands of files over connections that are cut: ``python -m tests.collectors.cuts --files 10000``.

None may be lost, none doubled, none partial.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from blake3 import blake3

from collectors.archive import PARTIAL, Archive
from pipeline.collection.sources import source_of
from pipeline.config.source import Source as Settings
from tests.collectors.servers import SSHD, CutWire, ssh_server

SIZES = (0, 1, 300, 4_000, 40_000, 400_000)
WEIGHTS = (1, 1, 30, 40, 10, 1)
BIG = 6_000_000


def write_files(folder: Path, count: int, seed: int) -> dict[str, str]:
    """Writes files of mixed size in some folders; returns their digests by name."""
    shuffled = random.Random(seed)
    made = {}
    for number in range(count):
        size = BIG if number % 1000 == 500 else shuffled.choices(SIZES, WEIGHTS)[0]
        name = f"{number % 7}/cdr_{number:06d}.ber"
        octets = number.to_bytes(4, "big") + shuffled.randbytes(size)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(octets)
        made[name] = blake3(octets).hexdigest()
    return made


def pull(url: str, keys: dict[str, object], archive: Path, done: set[str]) -> dict[str, str]:
    """Takes what is not `done`, some hundred files at a time; returns digests by name."""
    source = source_of(
        Settings(name="node", url=url, tries=8, retry_seconds=0.02, **keys), Path("/")
    )
    got: dict[str, str] = {}
    try:
        offers = [offer for offer in source.look().offers if offer.name not in done]
        for start in range(0, len(offers), 500):
            work = [(source, offer) for offer in offers[start : start + 500]]
            taken, _ = Archive(archive).take_all(work, threads=8)
            for one in taken:
                assert one.offer.name not in got
                got[one.offer.name] = one.digest
    finally:
        source.close()
    return got


def check(archive: Path, made: dict[str, str], got: dict[str, str]) -> None:
    """Asserts that everything is there as it was, once, and nothing else is."""
    assert got == made
    kept = {path.name: path for path in archive.rglob("*") if path.is_file()}
    assert not [name for name in kept if name.startswith(PARTIAL)]
    assert set(kept) == {digest[:32] for digest in made.values()}
    for name, path in kept.items():
        assert blake3(path.read_bytes()).hexdigest()[:32] == name


def over_sftp(folder: Path, count: int, least: int, most: int) -> int:
    """Pulls files over SFTP through a wire that is cut; returns how often it was."""
    far, archive, keys = folder / "far", folder / "archive", folder / "keys"
    for place in (far, keys):
        place.mkdir()
    made = write_files(far, count, seed=7)
    with ssh_server(keys) as server:
        wire = CutWire(server.port, 11, least, most)
        trusted = server.trusts(wire.port, keys / "trusted")
        options: dict[str, object] = {"key_file": str(server.key), "known_hosts": str(trusted)}
        url = f"sftp://{server.user}@127.0.0.1:{wire.port}{far}"
        got: dict[str, str] = {}
        while len(got) < count:  # a file that was refused every time is offered again
            fresh = pull(url, options, archive, set(got))
            assert not fresh.keys() & got.keys()
            got |= fresh
        wire.close()
    check(archive, made, got)
    return wire.cuts


def main() -> None:
    """Reads the options, prints the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    given = options.parse_args()
    if SSHD is None:
        sys.exit("no OpenSSH server on this machine; install openssh-server")
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        cuts = over_sftp(Path(folder), given.files, 500_000, 8_000_000)
        seconds = time.monotonic() - begin
    print(f"{given.files} files in {seconds:.0f} s, {cuts} cuts: none lost, doubled or partial")  # noqa: T201


if __name__ == "__main__":
    os.umask(0o077)
    main()
