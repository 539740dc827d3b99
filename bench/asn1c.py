"""A decoder in C made by asn1c from the same ASN.1 module, where asn1c and a compiler are installed."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.formats import Format

MAIN = Path(__file__).with_name("asn1c_main.c")
TOOLS = ("asn1c", "gcc")
DECODER = "the decoder"
SKELETONS = Path("/usr/share/asn1c")
"""Where Debian's package keeps the sources that its generated code needs."""


class Asn1cError(RuntimeError):
    """asn1c or the compiler refused the module, or the decoder refused records; says what it said."""

    def __init__(self, step: str, said: str) -> None:
        last = "\n".join(said.strip().splitlines()[-6:])
        super().__init__(f"{step} failed:\n{last}")


@dataclass(frozen=True, slots=True)
class Asn1cDecoder:
    """A compiled decoder and the records it decodes."""

    program: Path
    records_file: Path
    records: int

    def run(self) -> None:
        """Decodes and frees every record once.

        Raises:
            Asn1cError: If it refuses a record: it would be measured on less work.
        """
        done = _run([str(self.program), str(self.records_file), "1"], DECODER)
        decoded, refused = (int(word) for word in done.split())
        if refused or decoded != self.records:
            raise Asn1cError(DECODER, f"{refused} of {self.records} records were refused")


def missing_tools() -> str:
    """Returns which tools are missing for this peer, empty if none are."""
    return " and ".join(tool for tool in TOOLS if shutil.which(tool) is None)


def build(described: Format, records: Iterable[bytes], folder: Path) -> Asn1cDecoder:
    """Makes a decoder with `gcc -O2` from a format's module.

    Args:
        described: The format.
        records: What it is to decode.
        folder: An empty folder to build in.

    Raises:
        Asn1cError: If asn1c or gcc cannot make it.
    """
    folder.mkdir(parents=True)
    modules = [str(path) for path in described.module_files]
    skeletons = ["-S", str(SKELETONS)] if SKELETONS.is_dir() else []
    _run(["asn1c", "-fcompound-names", *skeletons, *modules], "asn1c", folder)
    (folder / "converter-sample.c").unlink(missing_ok=True)
    sources = sorted(str(path) for path in folder.glob("*.c"))
    name = re.sub(r"[^A-Za-z0-9]", "_", described.record)
    program = folder / "decoder"
    defines = [f'-DROOT_HEADER="{described.record}.h"', f"-DROOT=asn_DEF_{name}"]
    flags = ["-O2", "-w", "-std=gnu11", "-I", str(folder)]
    _run(["gcc", *flags, *defines, str(MAIN), *sources, "-o", str(program), "-lm"], "gcc", folder)
    records_file = folder / "records"
    count = 0
    with records_file.open("wb") as out:
        for raw in records:
            out.write(struct.pack("=I", len(raw)) + raw)
            count += 1
    return Asn1cDecoder(program, records_file, count)


def _run(command: list[str], step: str, folder: Path | None = None) -> str:
    done = subprocess.run(  # noqa: S603 - tools found by name, arguments are our own
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Asn1cError(step, done.stderr or done.stdout)
    return done.stdout
