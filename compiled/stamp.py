"""Which compiled kernels are still good: those whose room has not changed a kernel since.

A compiled kernel holds its helpers' code and the constants that it imports. numba compares only the
kernel's own file, so after an update a kernel may call an old helper with new arguments, and the
process dies. Here a kernel is stale when anything changed in the kernels of its room or of the rooms below.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

ROOT: Final = Path(__file__).parent.parent
OURS: Final = Path(__file__).parent.name
BELOW: Final[dict[str, tuple[str, ...]]] = {
    "rating": ("tariffs",),
    "bench": ("rating", "tariffs"),
}
"""Rooms to the other rooms whose kernels theirs use."""


def kernel_files(room: str) -> list[Path]:
    """Returns the files that a kernel of a room may hold code of, sorted."""
    found = [*(ROOT / OURS).glob("*.py")]
    for one in (room, *BELOW.get(room, ())):
        found += (ROOT / one).glob("kernels/*.py")
        found += (ROOT / one).glob("*/kernels/*.py")
    return sorted(found)


@cache
def room_stamp(room: str) -> str:
    """Returns the digest of the sources that a room's kernels are made of."""
    digest = hashlib.sha256()
    for path in kernel_files(room):
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class Stamped:
    """A place for compiled kernels that knows which of them are stale."""

    _py_file: str

    def get_source_stamp(self) -> str:
        """Returns what a compiled kernel is good for; numba compiles anew where it has changed."""
        room = Path(self._py_file).relative_to(ROOT).parts[0]
        return room_stamp(room)


class Provided(Stamped, UserProvidedCacheLocator):
    """The folder that ``NUMBA_CACHE_DIR`` names."""


class InTree(Stamped, InTreeCacheLocator):
    """Beside the sources, where that can be written."""


class UserWide(Stamped, UserWideCacheLocator):
    """The user's cache folder."""


LOCATORS: Final = ",".join(f"{__name__}.{kind.__name__}" for kind in (Provided, InTree, UserWide))
"""As numba's configuration names them, in the order in which they are tried."""
