"""Plots of report pages as inline SVG: no script, no font and no picture from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLOURS: Final = ("#0f5c6e", "#e08e45", "#7a9e7e", "#8d6a9f", "#c8553d", "#5b8fb9", "#b0a160")
WIDTH: Final = 720
BAR: Final = 22
LABEL: Final = 190
VALUE: Final = 110
HEIGHT: Final = 190
LEFT: Final = 62
BOTTOM: Final = 26
RIGHT: Final = 22
TOP: Final = 10


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Returns horizontal bars.

    Args:
        rows: Name, value, and the value as it is shown.
    """
    most = max((abs(value) for _, value, _ in rows), default=0) or 1
    room = WIDTH - LABEL - VALUE
    parts = []
    for at, (name, value, shown) in enumerate(rows):
        y = at * (BAR + 6)
        length = max(round(room * abs(value) / most, 1), 1 if value else 0)
        parts.append(
            f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{length}" height="{BAR}" rx="3"'
            f' fill="{COLOURS[0]}"/>'
            f'<text x="{LABEL + length + 8}" y="{y + 15}" class="value">{escape(shown)}</text>'
        )
    return _svg(len(rows) * (BAR + 6), parts)


def columns(names: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Returns stacked columns over time, with a legend.

    Args:
        names: What stands below each column; empty texts leave a tick out.
        series: Values by name of the series, each as long as `names`.
    """
    totals = [sum(values[at] for values in series.values()) for at in range(len(names))]
    top = _round_up(max(totals, default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    base = TOP + HEIGHT
    parts = [_line(base - HEIGHT * part / 4, top * part / 4) for part in range(5)]
    floor = [float(base)] * len(names)
    for number, values in enumerate(series.values()):
        colour = COLOURS[number % len(COLOURS)]
        for at, value in enumerate(values):
            if not value:
                continue
            height = HEIGHT * value / top
            floor[at] -= height
            parts.append(
                f'<rect x="{LEFT + at * step + step * 0.12:.1f}" y="{floor[at]:.1f}"'
                f' width="{step * 0.76:.1f}" height="{height:.1f}" fill="{colour}"/>'
            )
    for at, name in enumerate(names):
        if name:
            x = LEFT + (at + 0.5) * step
            parts.append(
                f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle">{escape(name)}</text>'
            )
    x = LEFT
    for number, name in enumerate(series):
        y = base + BOTTOM + 14
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<rect x="{x}" y="{y - 10}" width="11" height="11" rx="2" fill="{colour}"/>'
            f'<text x="{x + 16}" y="{y}">{escape(name)}</text>'
        )
        x += 34 + 7 * len(name)
    return _svg(base + BOTTOM + 22, parts)


def _line(y: float, value: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>'
    )


def _svg(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )


def _round_up(value: float) -> float:
    """Returns the next of 1, 2, 4, 5, 8 times a power of ten."""
    if value <= 0:
        return 1
    power = 1.0
    while power * 10 < value:
        power *= 10
    return next((power * step for step in (1, 2, 4, 5, 8) if power * step >= value), power * 10)


def short(value: float) -> str:
    """Returns a number with three digits and a unit prefix."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
