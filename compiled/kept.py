"""How kernels that were compiled before are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

if TYPE_CHECKING:
    from numba.core.base import BaseContext


class Kept(FunctionCache):
    """The kept machine code of one kernel, read without waking numba's compiler.

    Before it reads any, numba's own cache has its compiler learn every function of Python and NumPy
    that it can translate: 0.2 s of each command that calls a kernel. Machine code needs none of that, only
    the runtime that counts references; what has to be compiled after all has the compiler learn them then.
    """

    def load_overload(self, sig: Any, target_context: BaseContext) -> Any:  # noqa: ANN401
        """Returns the kept result for argument types ``sig``, or None where none is good."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
