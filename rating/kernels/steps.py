"""How a piece of an event runs through the steps of its price; compiled into the pricing kernel."""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined
from rating.kernels.arrays import FIRST_STEP, FLAT_STEP, PRICE_STEPS, STEP_WORDS, VOLUME
from rating.kernels.machine import divided, u

LARGEST_AMOUNT = 10**18 - 1
SMALL = 1 << 29
"""Two factors below it make a product below LARGEST_AMOUNT."""
FEW_STEPS = 8
"""Up to so many steps are looked at one after the other; more are guessed, then halved."""
EVEN_BELOW = 1 << 46
"""Where the last of many steps begins at most for a guess: times the most steps it fits a word."""
_LOW = (1 << 32) - 1


@inlined
def _narrowed(line, step, last, units):
    """Returns (step, last) closer around the step at ``units``: many steps are mostly even ones.

    Where they are, one look finds what halving finds in many, each of them a coin toss.
    """
    top = line[u(last)]
    if units >= top:
        return last, last
    if top >= EVEN_BELOW:
        return step, last
    steps = (last - step) // STEP_WORDS
    guess = step + np.int64(u(units * steps) // u(top)) * STEP_WORDS
    around = FEW_STEPS // 2 * STEP_WORDS
    low = max(guess - around, step)
    high = min(guess + around, last)
    if line[u(low)] <= units:
        step = low
    else:
        last = low
    if line[u(high)] > units:
        last = min(high, last)
    else:
        step = max(high, step)
    return step, last


@inlined
def step_at(line, step, last, units):
    """Returns the last step that begins at or before ``units``."""
    if last - step > FEW_STEPS * STEP_WORDS:
        step, last = _narrowed(line, step, last, units)
    while last - step > FEW_STEPS * STEP_WORDS:
        middle = step + (last - step) // (2 * STEP_WORDS) * STEP_WORDS
        if line[u(middle)] <= units:
            step = middle
        else:
            last = middle
    while step < last and line[u(step + STEP_WORDS)] <= units:
        step += STEP_WORDS
    return step


@inlined
def walk(book, price, entering, piece, position, priced, usage):
    """Prices a piece through the steps; returns (position, units priced so far, usage).

    Args:
        book: PriceArrays.
        price: First word of the price.
        entering: Whether the event comes to this price here: a flat step is due.
        piece: (first unit after the piece, first unit after all that a flat step covers).
        position: First unit to price.
        priced: Units priced before: where the steps stand.
        usage: Charge before; beyond LARGEST_AMOUNT afterwards if it overflows.
    """
    cut, end = piece
    line = book.price_line
    step = price + FIRST_STEP
    head = line[u(price + 1)]
    last = step + STEP_WORDS * ((head & PRICE_STEPS) - 1)
    if step < last:
        if head & VOLUME:
            step = step_at(line, step, last, priced + end - position)
            last = step
        else:
            step = step_at(line, step, last, priced)
    while position < cut:
        places = line[u(step + 2)]
        beat = places & _LOW
        size = book.divisor[u(beat)]
        beats = divided(cut - position + size - 1, book.divisor, beat)
        if step < last:
            room = line[u(step + STEP_WORDS)] - priced + size - 1
            beats = min(beats, divided(room, book.divisor, beat))
        units = beats * size
        whole = beats
        part = np.int64(0)
        per = np.int64(1)
        if places >> 32 != beat:
            if places >> 32 == FLAT_STEP:
                units = end - position
                if step < last:
                    units = min(units, line[u(step + STEP_WORDS)] - priced)
                begins = head & VOLUME == 0 and priced == line[u(step)]
                whole = np.int64(entering or begins)
            else:
                per = book.divisor[u(places >> 32)]
                whole = divided(units, book.divisor, places >> 32)
                part = units - whole * per
        amount = line[u(step + 1)]
        if amount | whole >= SMALL and whole > 0 and amount > LARGEST_AMOUNT // whole:
            usage = np.int64(LARGEST_AMOUNT + 1)
            break
        if part > 0:
            part *= amount
            extra = divided(part, book.divisor, places >> 32)
            part -= extra * per
            usage += extra + (part >= per - part)
        usage += amount * whole
        if usage > LARGEST_AMOUNT:
            break
        priced += units
        position += units
        while step < last and line[u(step + STEP_WORDS)] <= priced:
            step += STEP_WORDS
            entering = True
    return position, priced, usage
