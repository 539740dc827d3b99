"""A fixed amount of integer work: how fast this core is right now."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def spin(rounds):
    """Returns a checksum of `rounds` (int64) steps of a 64-bit xorshift; no memory is touched."""
    state = 88172645463325252
    for _ in range(rounds):
        state ^= (state << 13) & 0x7FFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= (state << 17) & 0x7FFFFFFFFFFFFFFF
    return state
