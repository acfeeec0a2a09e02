"""Charts as SVG text, to stand inside an HTML page: no script, no font and no file from elsewhere.

All words are escaped: names of classes and models come from anywhere.
"""

import colorsys
import html
import math
from collections.abc import Sequence
from typing import NamedTuple

from indexer.statistics.detailed_metrics import Histogram

WIDTH, HEIGHT = 460, 240  # px
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 24, 40  # px around the plot
PLANE = 360  # px, the side of a picture in the plane
ROW, NAMES = 26, 190  # px: height of a row of intervals, room for its name
TICKS = 5
# Okabe, Ito 2008, "Color Universal Design": told apart by colour-blind readers too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7500", "#000000")
GOLDEN_ANGLE = 137.508  # degrees: hues of further classes, far apart whatever their number
QUIET, RULE = "#6b6b70", "#dcdcda"


class Line(NamedTuple):
    """A curve: what it shows, and its points from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


class Mark(NamedTuple):
    """A vertical line in a histogram, with a word on it."""

    name: str
    at: float


class Estimate(NamedTuple):
    """A value by name with its interval, where there is one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class _Frame(NamedTuple):
    """The data's range, drawn over so many px."""

    left: float
    right: float
    low: float
    high: float
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = LEFT

    def x(self, value: float) -> float:
        return self.margin + (value - self.left) / (self.right - self.left) * (self.width - self.margin - RIGHT)

    def y(self, value: float) -> float:
        return self.height - BOTTOM - (value - self.low) / (self.high - self.low) * (self.height - BOTTOM - TOP)


def colour(number: int) -> str:
    """The colour of a class, or of a curve, by its number."""
    if number < len(COLOURS):
        return COLOURS[number]
    channels = colorsys.hls_to_rgb(number * GOLDEN_ANGLE % 360 / 360, 0.45, 0.55)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def curves(lines: Sequence[Line], across: str, up: str) -> str:
    """Curves over whole numbers (epochs), from 0 upwards; points that are no number are left out."""
    kept = [line._replace(points=[point for point in line.points if math.isfinite(point[1])]) for line in lines]
    values = [point for line in kept for point in line.points]
    if not values:
        return ""
    across_values, up_values = zip(*values, strict=True)
    frame = _frame(min(across_values), max(across_values), min(0.0, *up_values), max(up_values))
    drawn = [_axes(frame, across, up, least=1.0)]
    for number, line in enumerate(kept):
        places = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in line.points)
        drawn.append(f'<polyline points="{places}" fill="none" stroke="{colour(number)}" stroke-width="2"/>')
        drawn += [_dot(frame.x(x), frame.y(y), 2.5, colour(number)) for x, y in line.points]
    return _svg(frame.width, frame.height, up, drawn) + _legend([line.name for line in kept])


def distances(counts: Histogram, marks: Sequence[Mark], furthest: float) -> str:
    """Matched and mismatched pairs by distance, each as shares of its kind, from 0 to `furthest`."""
    kinds = [[count / max(1, sum(kind)) for count in kind] for kind in (counts.matched, counts.mismatched)]
    frame = _frame(0.0, furthest, 0.0, max(max(kind) for kind in kinds))
    drawn = [_axes(frame, "distance", "share of the pairs")]
    for number, kind in enumerate(kinds):
        steps = _steps(frame, counts.edges, kind)
        drawn.append(f'<path d="{steps}" fill="{colour(number)}" fill-opacity="0.35" stroke="{colour(number)}"/>')
    drawn += [_mark(frame, mark) for mark in marks if mark.at <= furthest]
    return _svg(frame.width, frame.height, "pairs by distance", drawn) + _legend(["matched", "mismatched"])


def plane(points: Sequence[Sequence[float]], codes: Sequence[int]) -> str:
    """Points in the plane, coloured by code; all in one colour where there are none."""
    if not points:
        return ""
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    room = 8
    reach = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    scale = (PLANE - 2 * room) / reach
    known = list(codes) or [0] * len(points)
    drawn = [
        _dot(room + (x - min(xs)) * scale, room + (y - min(ys)) * scale, 2.6, colour(code))
        for x, y, code in zip(xs, ys, known, strict=False)
    ]
    height = 2 * room + math.ceil((max(ys) - min(ys)) * scale)
    return _svg(PLANE, height, "embeddings in the plane", drawn)


def intervals(estimates: Sequence[Estimate], across: str) -> str:
    """One row for each estimate: a dot, and its interval as a line."""
    ends = [end for one in estimates for end in (one.value, one.low, one.high) if end is not None]
    if not ends:
        return ""
    height = len(estimates) * ROW + TOP + BOTTOM
    room = 0.05 * (max(ends) - min(ends)) or 0.05
    frame = _Frame(min(ends) - room, max(ends) + room, 0.0, 1.0, 2 * WIDTH, height, NAMES)
    drawn = [_axes(frame, across, "", upwards=False)]
    for number, one in enumerate(estimates):
        y = TOP + (number + 0.5) * ROW
        drawn.append(f'<text x="{NAMES - 8}" y="{y + 4:.1f}" text-anchor="end">{html.escape(_short(one.name))}</text>')
        if one.low is not None and one.high is not None:
            drawn.append(_across(y, frame.x(one.low), frame.x(one.high), colour(0), 2))
        drawn.append(_dot(frame.x(one.value), y, 4, colour(0)))
    return _svg(frame.width, height, across, drawn)


def _short(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"


def _frame(left: float, right: float, low: float, high: float) -> _Frame:
    """Of a range that may be empty."""
    return _Frame(left, right if right > left else left + 1.0, low, high if high > low else low + 1.0)


def _ticks(low: float, high: float, least: float = 0.0) -> list[float]:
    """Round values between two others: 1, 2 or 5 times a power of ten apart, at least `least`, about TICKS of them."""
    rough = max((high - low) / TICKS, least)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _axes(frame: _Frame, across: str, up: str, *, upwards: bool = True, least: float = 0.0) -> str:
    bottom = frame.height - BOTTOM
    drawn = [_across(bottom, frame.margin, frame.width - RIGHT, QUIET)]
    for value in _ticks(frame.left, frame.right, least):
        x = frame.x(value)
        drawn += [
            f'<path d="M{x:.1f},{TOP}V{bottom}" stroke="{RULE}"/>',
            _text(x, bottom + 15, f"{value:.4g}", "middle"),
        ]
    for value in _ticks(frame.low, frame.high) if upwards else ():
        y = frame.y(value)
        drawn += [
            _across(y, frame.margin, frame.width - RIGHT, RULE),
            _text(frame.margin - 6, y + 4, f"{value:.4g}", "end"),
        ]
    drawn.append(_text((frame.margin + frame.width - RIGHT) / 2, frame.height - 6, across, "middle"))
    if up:
        drawn.append(_text(frame.margin, TOP - 9, up, "start"))
    return "".join(drawn)


def _steps(frame: _Frame, edges: Sequence[float], shares: Sequence[float]) -> str:
    """The outline of a histogram, closed along the axis."""
    parts = [f"M{frame.x(edges[0]):.1f},{frame.y(0):.1f}"]
    for left, right, share in zip(edges, edges[1:], shares, strict=False):
        parts.append(f"L{frame.x(left):.1f},{frame.y(share):.1f}L{frame.x(right):.1f},{frame.y(share):.1f}")
    return "".join(parts) + f"L{frame.x(edges[-1]):.1f},{frame.y(0):.1f}Z"


def _mark(frame: _Frame, mark: Mark) -> str:
    x = frame.x(mark.at)
    line = f'<path d="M{x:.1f},{TOP}V{frame.height - BOTTOM}" stroke="{QUIET}" stroke-dasharray="4 3"/>'
    return line + _text(x + 3, TOP + 10, mark.name, "start")


def _across(y: float, left: float, right: float, stroke: str, width: int = 1) -> str:
    return f'<path d="M{left:.1f},{y:.1f}H{right:.1f}" stroke="{stroke}" stroke-width="{width}"/>'


def _dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{QUIET}">{html.escape(words)}</text>'


def _svg(width: int, height: int, says: str, drawn: Sequence[str]) -> str:
    opening = f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{html.escape(says)}">'
    return opening + "".join(drawn) + "</svg>"


def _legend(names: Sequence[str]) -> str:
    return legend(list(enumerate(names)))


def legend(entries: Sequence[tuple[int, str]]) -> str:
    """Names beside their colours, by number."""
    spots = (f'<span><i style="background:{colour(number)}"></i>{html.escape(name)}</span>' for number, name in entries)
    return f'<p class="legend">{"".join(spots)}</p>'
