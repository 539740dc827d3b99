"""Unpacking files: gzip, zstd and zip, one after the other, into a scratch file.

What a file is packed with is told by its first octets, or declared by its source. A packed file
cannot fill the disk: unpacking ends at a limit.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from mediation.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MAGICS: Final = {
    "gzip": (b"\x1f\x8b",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes([octet]) + b"\x2a\x4d\x18" for octet in range(80, 96))),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
}
"""First octets by packing. Sources: RFC 1952, RFC 8878 (3.1.1 and 3.1.2), APPNOTE.TXT (4.3)."""

OTHERS: Final = {
    "xz": b"\xfd7zXZ\0",
    "bzip2": b"BZh",
    "compress": b"\x1f\x9d\x90",
    "7z": b"7z\xbc\xaf\x27\x1c",
}
"""First octets of packings that are not read. No record and no line of a CDR file begins so."""

MAGIC_OCTETS: Final = 6
COPY_OCTETS: Final = 1 << 20
MAX_LAYERS: Final = 4
FETCH: Final = "fetch the file again"


def packing_of(path: Path) -> str | None:
    """Returns what a file is packed with by its first octets, None if it is not packed."""
    with path.open("rb") as file:
        begins = file.read(MAGIC_OCTETS)
    return next((name for name, magics in MAGICS.items() if begins.startswith(magics)), None)


def other_packing_of(path: Path) -> str | None:
    """Returns what a file is packed with that is not read, None if it is nothing that is known."""
    with path.open("rb") as file:
        begins = file.read(MAGIC_OCTETS)
    return next((name for name, magic in OTHERS.items() if begins.startswith(magic)), None)


def unpack(
    path: Path, target: Path, declared: Sequence[str], limit: int
) -> tuple[Path, tuple[str, ...]]:
    """Unpacks a file as often as it is packed.

    Args:
        path: The file.
        target: Where an unpacked copy goes; the caller removes it.
        declared: Packings that the source declares, from the outside in; empty to look at the file.
        limit: Octets at which unpacking stops.

    Returns:
        The file that is not packed (``path`` itself or ``target``), and what was unpacked.

    Raises:
        UnreadableFileError: If the file is missing, damaged, larger than the limit, an archive of
            several files, not packed as declared, or packed with what is not read.
        OSError: If ``target`` cannot be written.
    """
    layers: list[str] = []
    source, other = path, target.with_suffix(".layer")
    try:
        while True:
            packing = _packing(path, source)
            _check(path, packing, declared, len(layers))
            if packing is None or (declared and len(layers) == len(declared)):
                _check_other(path, source)
                return source, tuple(layers)
            _copy(path, PACKINGS[packing](path, source), target, other, limit)
            source = target
            layers.append(packing)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        other.unlink(missing_ok=True)


def _check(path: Path, packing: str | None, declared: Sequence[str], layer: int) -> None:
    """Raises if a file is not packed as declared, or too often."""
    if layer < len(declared) and packing != declared[layer]:
        detail = (
            f"its source declares {declared[layer]} and it begins as {packing or 'no packed file'}: "
            f"correct `framing` of the source, or {FETCH}"
        )
        raise UnreadableFileError(path, "not_packed_as_declared", detail)
    if not declared and packing is not None and layer == MAX_LAYERS:
        detail = f"it is packed more than {MAX_LAYERS} times: unpack it before collecting"
        raise UnreadableFileError(path, "unpacked_too_large", detail)


def _check_other(path: Path, source: Path) -> None:
    """Raises if a file is packed with what is not read: its octets would pass for damaged records."""
    packing = other_packing_of(source)
    if packing is not None:
        detail = (
            f"it is packed with {packing}, which is not read: unpack it before collecting, or have "
            "it packed with gzip, zstd or zip"
        )
        raise UnreadableFileError(path, "packing_not_read", detail)


def _packing(path: Path, source: Path) -> str | None:
    try:
        return packing_of(source)
    except FileNotFoundError as error:
        raise UnreadableFileError(path, "missing_file", "there is no such file") from error
    except (PermissionError, IsADirectoryError) as error:
        raise UnreadableFileError(
            path, "not_permitted", f"{error.strerror}: give the user that runs huadan read access"
        ) from error


def _copy(path: Path, pieces: Iterator[bytes], target: Path, other: Path, limit: int) -> None:
    """Writes the pieces beside ``target``, which may be what they are read from, and swaps."""
    written = 0
    with other.open("wb") as plain:
        for piece in pieces:
            written += len(piece)
            if written > limit:
                detail = f"it unpacks to more than {limit} octets: raise max_unpacked_octets"
                raise UnreadableFileError(path, "unpacked_too_large", detail)
            plain.write(piece)
    other.replace(target)


def _gzip(path: Path, source: Path) -> Iterator[bytes]:
    read = 0
    with gzip.open(source, "rb") as packed:
        while True:
            try:
                # read() would lose, and not count, what is good before a fault.
                piece = packed.read1(COPY_OCTETS)
            except EOFError as error:
                detail = f"the gzip stream ends after {read} unpacked octets without its trailer: {FETCH}"
                raise UnreadableFileError(path, "truncated_gzip", detail) from error
            except (gzip.BadGzipFile, zlib.error) as error:
                detail = f"{error}, after {read} unpacked octets: {FETCH}"
                raise UnreadableFileError(path, "corrupt_gzip", detail) from error
            if not piece:
                return
            read += len(piece)
            yield piece


def _zstd(path: Path, source: Path) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - its codec serves few files

    read = 0
    with pa.OSFile(str(source)) as file, pa.CompressedInputStream(file, "zstd") as packed:
        while True:
            try:
                piece = packed.read(COPY_OCTETS)
            except OSError as error:
                cut = "Truncated" in str(error)
                detail = f"{error}, after {read} unpacked octets: {FETCH}"
                reason = "truncated_zstd" if cut else "corrupt_zstd"
                raise UnreadableFileError(path, reason, detail) from error
            if not piece:
                return
            read += len(piece)
            yield piece


def _zip(path: Path, source: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) != 1:
                detail = (
                    f"the zip archive holds {len(members)} files, and a CDR file is one: unpack it "
                    "before collecting, so that each file has its own place in the ledger"
                )
                raise UnreadableFileError(path, "not_one_member", detail)
            with archive.open(members[0]) as packed:
                while piece := packed.read(COPY_OCTETS):
                    yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        detail = f"the zip archive is damaged ({error or 'it ends too soon'}): {FETCH}"
        raise UnreadableFileError(path, "corrupt_zip", detail) from error
    except (RuntimeError, NotImplementedError) as error:
        detail = f"the zip archive cannot be read ({error}): have it written without a password"
        raise UnreadableFileError(path, "corrupt_zip", detail) from error


PACKINGS: Final[dict[str, Callable[[Path, Path], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "zstd": _zstd,
    "zip": _zip,
}
