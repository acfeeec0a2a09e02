"""Charts as SVG, to stand inside an HTML page: no script, no font and no file from elsewhere.

They are written as text, number by number: a plotting library would bring fonts of its own and scripts or styles that
the page's content-security policy forbids. All words are escaped: names of classes and models come from anywhere.
"""

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from indexer.reports.palette import pick_class_colour
from indexer.statistics.detailed_metrics import DistanceHistogram

WIDTH, HEIGHT = 460, 240  # px
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 24, 40  # px around the plot
PLANE_SIDE = 360  # px, the side of a picture in the plane
ROW_HEIGHT, NAME_WIDTH = 26, 190  # px: height of a row of intervals, room for its name
TICK_COUNT = 5
MUTED_COLOUR, GRID_COLOUR = "#6b6b70", "#dcdcda"


class SvgChart(NamedTuple):
    """A chart as an SVG element, and what its colours stand for: the number of each colour and a name."""

    svg: Markup
    legend: tuple[tuple[int, str], ...] = ()


class SvgCurve(NamedTuple):
    """A curve: what it shows, and its points (x, y) from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


class ThresholdMark(NamedTuple):
    """A vertical line in a histogram, with a word on it."""

    name: str
    distance: float


class IntervalEstimate(NamedTuple):
    """A value with its name and the ends of its interval, None where it has none."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class _PlotFrame(NamedTuple):
    """The data's range in both directions, the size of the chart in px, and the px left of its plot."""

    left: float
    right: float
    low: float
    high: float
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = LEFT

    def to_x(self, value: float) -> float:
        return self.margin + (value - self.left) / (self.right - self.left) * (self.width - self.margin - RIGHT)

    def to_y(self, value: float) -> float:
        return self.height - BOTTOM - (value - self.low) / (self.high - self.low) * (self.height - BOTTOM - TOP)


def draw_curves(lines: Sequence[SvgCurve], x_title: str, y_title: str) -> SvgChart | None:
    """Curves over whole numbers (epochs), from 0 upwards, without points that are no number; None if none is left."""
    finite_lines = [line._replace(points=[point for point in line.points if math.isfinite(point[1])]) for line in lines]
    values = [point for line in finite_lines for point in line.points]
    if not values:
        return None
    across_values, up_values = zip(*values, strict=True)
    frame = _fit_frame(min(across_values), max(across_values), min(0.0, *up_values), max(up_values))
    elements = [_draw_axes(frame, x_title, y_title, min_step=1.0)]
    for number, line in enumerate(finite_lines):
        colour = pick_class_colour(number)
        places = " ".join(f"{frame.to_x(x):.1f},{frame.to_y(y):.1f}" for x, y in line.points)
        elements.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>')
        elements += [_draw_dot(frame.to_x(x), frame.to_y(y), 2.5, colour) for x, y in line.points]
    svg = _wrap_svg(frame.width, frame.height, y_title, elements)
    return SvgChart(svg, tuple(enumerate(line.name for line in finite_lines)))


def draw_distances(counts: DistanceHistogram, marks: Sequence[ThresholdMark], furthest: float) -> SvgChart:
    """Matched and mismatched pairs by distance, each as shares of its kind, from 0 to `furthest`."""
    kinds = [[count / max(1, sum(kind)) for count in kind] for kind in (counts.matched, counts.mismatched)]
    frame = _fit_frame(0.0, furthest, 0.0, max(max(kind) for kind in kinds))
    elements = [_draw_axes(frame, "distance", "share of the pairs")]
    for number, kind in enumerate(kinds):
        colour = pick_class_colour(number)
        steps = _outline_histogram(frame, counts.edges, kind)
        elements.append(f'<path d="{steps}" fill="{colour}" fill-opacity="0.35" stroke="{colour}"/>')
    elements += [_draw_mark(frame, mark) for mark in marks if mark.distance <= furthest]
    svg = _wrap_svg(frame.width, frame.height, "pairs by distance", elements)
    return SvgChart(svg, ((0, "matched"), (1, "mismatched")))


def draw_plane(points: Sequence[Sequence[float]], codes: Sequence[int]) -> SvgChart | None:
    """Points (x, y) in the plane, coloured by code, all in one colour without codes; None without points."""
    if not points:
        return None
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    room = 8
    reach = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    scale = (PLANE_SIDE - 2 * room) / reach
    point_codes = list(codes) or [0] * len(points)
    elements = [
        _draw_dot(room + (x - min(xs)) * scale, room + (y - min(ys)) * scale, 2.6, pick_class_colour(code))
        for x, y, code in zip(xs, ys, point_codes, strict=False)
    ]
    height = 2 * room + math.ceil((max(ys) - min(ys)) * scale)
    return SvgChart(_wrap_svg(PLANE_SIDE, height, "embeddings in the plane", elements))


def draw_intervals(estimates: Sequence[IntervalEstimate], x_title: str) -> SvgChart | None:
    """One row for each estimate, a dot and its interval as a line; None without estimates."""
    ends = [end for row in estimates for end in (row.value, row.low, row.high) if end is not None]
    if not ends:
        return None
    height = len(estimates) * ROW_HEIGHT + TOP + BOTTOM
    room = 0.05 * (max(ends) - min(ends)) or 0.05
    frame = _PlotFrame(min(ends) - room, max(ends) + room, 0.0, 1.0, 2 * WIDTH, height, NAME_WIDTH)
    elements = [_draw_axes(frame, x_title, "", show_y_axis=False)]
    for number, estimate in enumerate(estimates):
        y = TOP + (number + 0.5) * ROW_HEIGHT
        name = html.escape(_shorten_name(estimate.name))
        elements.append(f'<text x="{NAME_WIDTH - 8}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
        if estimate.low is not None and estimate.high is not None:
            left, right = frame.to_x(estimate.low), frame.to_x(estimate.high)
            elements.append(_draw_horizontal(y, left, right, pick_class_colour(0), 2))
        elements.append(_draw_dot(frame.to_x(estimate.value), y, 4, pick_class_colour(0)))
    return SvgChart(_wrap_svg(frame.width, height, x_title, elements))


def _shorten_name(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"


def _fit_frame(left: float, right: float, low: float, high: float) -> _PlotFrame:
    """The frame of a range; an empty one is made 1 wide."""
    return _PlotFrame(left, right if right > left else left + 1.0, low, high if high > low else low + 1.0)


def _place_ticks(low: float, high: float, min_step: float = 0.0) -> list[float]:
    """About TICK_COUNT round values from `low` to `high`: 1, 2 or 5 times a power of ten apart, at least `min_step`."""
    rough = max((high - low) / TICK_COUNT, min_step)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _draw_axes(
    frame: _PlotFrame, x_title: str, y_title: str, *, show_y_axis: bool = True, min_step: float = 0.0
) -> str:
    bottom = frame.height - BOTTOM
    elements = [_draw_horizontal(bottom, frame.margin, frame.width - RIGHT, MUTED_COLOUR)]
    for value in _place_ticks(frame.left, frame.right, min_step):
        x = frame.to_x(value)
        elements += [
            f'<path d="M{x:.1f},{TOP}V{bottom}" stroke="{GRID_COLOUR}"/>',
            _draw_text(x, bottom + 15, f"{value:.4g}", "middle"),
        ]
    for value in _place_ticks(frame.low, frame.high) if show_y_axis else ():
        y = frame.to_y(value)
        elements += [
            _draw_horizontal(y, frame.margin, frame.width - RIGHT, GRID_COLOUR),
            _draw_text(frame.margin - 6, y + 4, f"{value:.4g}", "end"),
        ]
    elements.append(_draw_text((frame.margin + frame.width - RIGHT) / 2, frame.height - 6, x_title, "middle"))
    if y_title:
        elements.append(_draw_text(frame.margin, TOP - 9, y_title, "start"))
    return "".join(elements)


def _outline_histogram(frame: _PlotFrame, edges: Sequence[float], shares: Sequence[float]) -> str:
    """The outline of a histogram, closed along the axis."""
    parts = [f"M{frame.to_x(edges[0]):.1f},{frame.to_y(0):.1f}"]
    for left, right, share in zip(edges, edges[1:], shares, strict=False):
        parts.append(f"L{frame.to_x(left):.1f},{frame.to_y(share):.1f}L{frame.to_x(right):.1f},{frame.to_y(share):.1f}")
    return "".join(parts) + f"L{frame.to_x(edges[-1]):.1f},{frame.to_y(0):.1f}Z"


def _draw_mark(frame: _PlotFrame, mark: ThresholdMark) -> str:
    x = frame.to_x(mark.distance)
    line = f'<path d="M{x:.1f},{TOP}V{frame.height - BOTTOM}" stroke="{MUTED_COLOUR}" stroke-dasharray="4 3"/>'
    return line + _draw_text(x + 3, TOP + 10, mark.name, "start")


def _draw_horizontal(y: float, left: float, right: float, stroke: str, width: int = 1) -> str:
    return f'<path d="M{left:.1f},{y:.1f}H{right:.1f}" stroke="{stroke}" stroke-width="{width}"/>'


def _draw_dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"/>'


def _draw_text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{MUTED_COLOUR}">{html.escape(words)}</text>'


def _wrap_svg(width: int, height: int, description: str, elements: Sequence[str]) -> Markup:
    opening = f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{html.escape(description)}">'
    return Markup(opening + "".join(elements) + "</svg>")
