"""Fixed amounts of integer work: how fast this core is right now, and whether it is shared."""

from __future__ import annotations

from compiled.jit import njit


@njit(nogil=True, cache=True)
def spin(rounds):
    """Returns a checksum of `rounds` (int64) steps of a 64-bit xorshift; no memory is touched."""
    state = 88172645463325252
    for _ in range(rounds):
        state ^= (state << 13) & 0x7FFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= (state << 17) & 0x7FFFFFFFFFFFFFFF
    return state


@njit(nogil=True, cache=True)
def spin_wide(rounds):
    """Returns a checksum of `rounds` (int64) steps of eight sums that do not wait for each other.

    One chain of steps leaves most of a core's units idle and hardly notices a neighbour on the same
    core; eight chains fill them, and take up to twice as long beside one.
    """
    a = b = c = d = e = f = g = h = 1
    for step in range(rounds):
        a += step ^ b
        b ^= step + 3
        c += step ^ d
        d ^= step + 5
        e += step ^ f
        f ^= step * 3
        g += step ^ h
        h ^= step + 9
    return a + b + c + d + e + f + g + h
