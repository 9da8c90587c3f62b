"""The plots of the report: inline SVG, legible at any width, in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 26, 10, 34
RATES = (1, 10, 100, 1000)  # MB/s, drawn as guide lines


def stage_bar(seconds: Sequence[float], longest: float) -> Markup:
    """Draw one file's time as a bar, a part for each stage, on the scale of the longest file."""
    scale = 100 / longest if longest > 0 else 0
    x = 0.0
    parts = []
    for number, each in enumerate(seconds):
        parts.append(f'<rect class="s{number}" x="{x:.2f}" width="{each * scale:.2f}" height="10"/>')
        x += each * scale
    drawn = "".join(parts)
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
    )


def throughput(files: Iterable[tuple[int, float]]) -> Markup:
    """Draw a dot for each file: its size across, its seconds up, both logarithmic, with lines of equal rate.

    Parameters
    ----------
    files
        Bytes and seconds of each file; files without either are left out.
    """
    points = [(math.log10(size), math.log10(seconds)) for size, seconds in files if size > 0 and seconds > 0]
    if not points:
        return Markup()
    x0, x1 = _decades([x for x, _ in points])
    y0, y1 = _decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM),
        )

    svg = [
        f'<svg class="scatter" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="scatter-title">',
        '<title id="scatter-title">Seconds against size of each file; lines of equal throughput</title>',
    ]
    for x in range(x0, x1 + 1):
        px, py = place(x, y0)
        svg.append(f'<path class="grid" d="M{px:.1f} {py:.1f}V{TOP}"/>')
        svg.append(f'<text x="{px:.1f}" y="{py + 14:.1f}" text-anchor="middle">{_bytes(x)}</text>')
    for y in range(y0, y1 + 1):
        px, py = place(x0, y)
        svg.append(f'<path class="grid" d="M{px:.1f} {py:.1f}H{WIDTH - RIGHT}"/>')
        svg.append(f'<text x="{px - 5:.1f}" y="{py + 4:.1f}" text-anchor="end">{10.0**y:g} s</text>')
    svg += [_rate_line(math.log10(rate) + 6, (x0, x1), (y0, y1), place, f"{rate:,} MB/s") for rate in RATES]
    dots = "".join("M{:.1f} {:.1f}h0".format(*place(*point)) for point in sorted(points))
    svg.append(f'<path class="dots" d="{dots}"/>')
    svg.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">size of the file</text></svg>')
    return Markup("".join(svg))  # noqa: S704 - numbers and our own words only


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low = math.floor(min(values))
    return low, max(low + 1, math.ceil(max(values)))


def _bytes(exponent: int) -> str:
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    return f"{10 ** (exponent % 3)} {units[min(exponent // 3, 5)]}"


def _rate_line(
    rate: float,
    across: tuple[int, int],
    up: tuple[int, int],
    place: Callable[[float, float], tuple[float, float]],
    label: str,
) -> str:
    """Draw the line on which size divided by seconds is ``10 ** rate`` bytes a second, as far as it is in view."""
    start, end = max(across[0], up[0] + rate), min(across[1], up[1] + rate)
    if end - start < 0.3:
        return ""
    (ax, ay), (bx, by) = place(start, start - rate), place(end, end - rate)
    return (
        f'<path class="rate" d="M{ax:.1f} {ay:.1f}L{bx:.1f} {by:.1f}"/>'
        f'<text class="rate-label" x="{bx - 4:.1f}" y="{by + 12:.1f}" text-anchor="end">{label}</text>'
    )
