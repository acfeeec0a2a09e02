"""One training as one page: what it is worth, how it went, where it still goes wrong, and what that rests on.

What stands where on the page is said in `templates/report.html.jinja`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.own_process import count_cores
from indexer.progress import Progress, Steps
from indexer.statistics.calibration import Calibration, DistanceCutoff
from indexer.statistics.error_rates import ErrorRate
from indexer.vectors.projection import fit_tsne_map
from training.fitting.history import Epoch
from training.judging.record import RecordedChange, RecordedFigures, TrainingRecord, read_record, read_report_data
from training.judging.report_data import EmbeddingSummary, ReportData, RetrievalMistake
from training.reports.charts import SvgChart, SvgCurve, ThresholdMark, draw_curves, draw_distances, draw_plane
from training.reports.html import PagePicture, load_picture, render_page

REPORT_FILE = "report.html"  # in the folder of the checkpoint, where no other place is named
FMRS = (0.1, 0.01, 0.001)  # false-match rates in the table and in the histogram
MAX_LEGEND_CLASSES = 40  # classes in a legend

TitledChart = tuple[str, SvgChart | None]


class _TestPart(NamedTuple):
    """What the page shows of the test part beyond its figures; numbers are formatted, rows are those of tables."""

    histograms: tuple[TitledChart, ...]
    thresholds: list[list[str]]
    threshold_notes: tuple[str, ...]
    planes: tuple[TitledChart, ...]
    legend: list[tuple[int, str]]
    more_classes: str
    plotted_photos: str
    classes: list[list[str]]
    left_out: str
    confusions: list[list[str]]
    pictures: list[PagePicture]


def render_report(checkpoint: Path) -> Steps[bytes]:
    """The page, as UTF-8, of the training that made a checkpoint; LookalikeError where its folder lacks the record.

    Nothing is trained or embedded again. Pictures are read where they were; those that are gone are said to be.
    """
    record, report_data = read_record(checkpoint), read_report_data(checkpoint)
    yield Progress("report", 0, 1)
    test_part = (yield from _describe_test_part(report_data, record.scope)) if report_data else None
    return render_page(
        "report.html.jinja",
        f"Training of {record.name}",
        record=record,
        figures=_format_before_and_after(record),
        basis=_describe_basis(record),
        curves=_draw_training_curves(record),
        test_part=test_part,
        settings=[*record.config.items(), *record.provenance.items()],
    )


def _format_before_and_after(record: TrainingRecord) -> list[list[str]]:
    pairs = zip(_list_figures(record.before), _list_figures(record.after), strict=True)
    gains = [f"{new - old:+.3f}" for old, new in pairs]
    p_at_1, map_at_r = _format_interval(record.p_at_1_change), _format_interval(record.map_at_r_change)
    others = [*([record.pixels] if record.pixels else []), *record.pretrained[1:]]
    return [
        *(_format_figures(figures.model, figures) for figures in others),
        _format_figures(f"before: {record.before.model}", record.before),
        _format_figures(f"after: {record.after.model}", record.after),
        ["change", *gains],
        [f"95 % interval, over {record.map_at_r_change.resampling_unit}", p_at_1, "", map_at_r, ""],
    ]


def _list_figures(figures: RecordedFigures) -> tuple[float, ...]:
    """The figures of a row: P@1, R-precision, MAP@R and hit@5."""
    return (figures.p_at_1, figures.r_precision, figures.map_at_r, figures.hit_rates[0])


def _format_figures(name: str, figures: RecordedFigures) -> list[str]:
    return [name, *(f"{value:.3f}" for value in _list_figures(figures))]


def _format_interval(change: RecordedChange) -> str:
    return f"{change.low:+.3f} to {change.high:+.3f}"


def _describe_basis(record: TrainingRecord) -> list[str]:
    parts = record.parts
    classes = f" of {record.classes:,} classes" if record.scope else ""
    divided = (
        f"The figures are of {record.queries:,} queries{classes} among {parts['test']:,} test pictures. The training "
        f"learned from {parts['train']:,} other pictures and chose its best epoch by {parts['validation']:,} more; no "
        "picture is in two of the three parts, and copies count as one picture."
    )
    out_of_fold = (
        f"The figures are of {record.queries:,} queries{classes}. Each was asked, among others left out, under a map "
        f"fitted without any of them; the map that is installed was fitted on all {parts['train']:,} pictures."
    )
    sentences = [
        out_of_fold if record.is_out_of_fold else divided,
        f"The interval of the change was resampled over {record.map_at_r_change.resampling_unit}. Install is said only "
        "where all of it lies above 0.",
    ]
    if record.unreadable:
        sentences.append(f"{len(record.unreadable):,} pictures could not be read and took no part.")
    return sentences


def _draw_training_curves(record: TrainingRecord) -> list[TitledChart]:
    def trace(name: str, measure: Callable[[Epoch], float | None]) -> SvgCurve:
        measured = ((epoch.epoch, measure(epoch)) for epoch in record.epochs)
        return SvgCurve(name, [(float(number), value) for number, value in measured if value is not None])

    head = trace("head", lambda epoch: epoch.score.head)
    scores = [*([head] if head.points else []), trace("backbone", lambda epoch: epoch.score.backbone)]
    distances = [
        trace("matches", lambda epoch: epoch.positive_distance),
        trace("mismatches", lambda epoch: epoch.negative_distance),
    ]
    collapse_signs = [trace("active", lambda epoch: epoch.active), trace("spread", lambda epoch: epoch.spread)]
    return [
        ("Loss", draw_curves([trace("loss", lambda epoch: epoch.loss)], "epoch", "loss")),
        (f"Validation: taken {record.epoch_note}", draw_curves(scores, "epoch", "MAP@R")),
        ("Mean distances in a batch", draw_curves(distances, "epoch", "distance")),
        ("Signs of a collapse: all active, no spread", draw_curves(collapse_signs, "epoch", "share")),
    ]


def _describe_test_part(data: ReportData, scope: str) -> Steps[_TestPart]:
    planes = yield from _draw_planes(data)
    cutoffs = _select_cutoffs(data.calibration)
    names = [(code, name) for code, name in enumerate(data.classes) if code in set(data.codes)]
    more_classes = len(names) - MAX_LEGEND_CLASSES
    return _TestPart(
        histograms=_draw_histograms(data, cutoffs),
        thresholds=[[f"{one.distance:.3f}", _format_rate(one.fmr), _format_rate(one.fnmr)] for one in cutoffs],
        threshold_notes=tuple(filter(None, (scope, data.calibration.describe_pairs() if data.calibration else ""))),
        planes=planes,
        legend=names[:MAX_LEGEND_CLASSES],
        more_classes=f"{more_classes:,}" if more_classes > 0 else "",
        plotted_photos=f"{len(data.after.drawn):,}",
        classes=_format_classes(data),
        left_out=f"{data.left_out:,} more classes, easier than these, are left out." if data.left_out else "",
        confusions=[[kind.label, kind.taken_for, f"{kind.queries:,}"] for kind in data.kinds],
        pictures=[picture for mistake in data.mistakes for picture in _load_mistake(mistake)],
    )


def _draw_planes(data: ReportData) -> Steps[tuple[TitledChart, ...]]:
    """The embeddings before and after by t-SNE, in the colours of the classes."""
    planes = []
    for summary in (data.before, data.after):
        values = np.array(summary.drawn, np.float32).reshape(len(summary.drawn), -1)
        points = yield from fit_tsne_map(values, jobs=count_cores())
        planes.append(draw_plane(points.tolist(), data.codes))
    return (("Before", planes[0]), ("After", planes[1]))


def _draw_histograms(data: ReportData, cutoffs: list[DistanceCutoff]) -> tuple[TitledChart, ...]:
    """Pairs by distance before and after, on one scale; the thresholds hold for the embedding after the training."""
    furthest = max(summary.histogram.edges[-1] for summary in (data.before, data.after))
    marks = [ThresholdMark(f"{cutoff.fmr.value:.3g}", cutoff.distance) for cutoff in cutoffs]
    return (
        (_caption_model("Before", data.before), draw_distances(data.before.histogram, [], furthest)),
        (_caption_model("After", data.after), draw_distances(data.after.histogram, marks, furthest)),
    )


def _caption_model(when: str, summary: EmbeddingSummary) -> str:
    error = "" if summary.eer is None else f", equal error rate {summary.eer:.1%}"
    return f"{when}: {summary.model}{error}"


def _select_cutoffs(calibration: Calibration | None) -> list[DistanceCutoff]:
    return [cutoff for cutoff in calibration.cutoffs if cutoff.fmr.value in FMRS] if calibration else []


def _format_rate(rate: ErrorRate | None) -> str:
    return "" if rate is None else f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def _format_classes(data: ReportData) -> list[list[str]]:
    return [
        [row.label, f"{row.photos:,}", *(f"{value:.3f}" for value in (*row.p_at_1, *row.map_at_r))]
        for row in data.per_class
    ]


def _load_mistake(mistake: RetrievalMistake) -> list[PagePicture]:
    """The query, its nearest picture and the nearest of its own class."""
    captions = (
        (mistake.query, mistake.label),
        (mistake.nearest, f"{mistake.taken_for}, {mistake.distance:.3f}"),
        (mistake.nearest_match, f"{mistake.label}, {mistake.match_distance:.3f}"),
    )
    return [load_picture(picture.path, picture.sha256, caption) for picture, caption in captions]
