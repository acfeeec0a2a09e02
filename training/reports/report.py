"""One training as one page: what it is worth, how it went, where it still goes wrong, and what that rests on."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.progress import Progress, Steps
from indexer.statistics.calibration import Calibration, DistanceCutoff
from indexer.statistics.error_rates import ErrorRate
from indexer.vectors.projection import fit_tsne_map
from training.judging.report_data import EmbeddingSummary, ReportData, ReportPicture, RetrievalMistake
from training.reports.charts import SvgCurve, ThresholdMark, draw_curves, draw_distances, draw_legend, draw_plane
from training.reports.html import (
    render_columns,
    render_page,
    render_paragraph,
    render_picture,
    render_section,
    render_table,
)
from training.reports.record import RecordedChange, RecordedFigures, TrainingRecord, read_record

FMRS = (0.1, 0.01, 0.001)  # false-match rates in the table and in the histogram
MAX_LEGEND_CLASSES = 40  # classes in a legend
FIGURE_HEADINGS = ("", "P@1", "R-precision", "MAP@R", "hit@5")
FIGURE_MEANINGS = (
    "P@1: how often the nearest picture is of the same class. R-precision: the share of its class among the R nearest, "
    "R being the size of the class. MAP@R: the same, with early places counting more; the verdict rests on it. hit@5: "
    "how often at least one of the five nearest is of the class."
)


def render_report(checkpoint: Path) -> Steps[bytes]:
    """The page of the training that made a checkpoint; LookalikeError where its folder does not tell.

    Nothing is trained or embedded again. Pictures are read where they were; those that are gone are said to be.
    """
    record = read_record(checkpoint)
    yield Progress("report", 0, 1)
    test_data = record.report_data
    planes = (yield from _render_planes(test_data)) if test_data else ""
    parts = [
        render_paragraph(record.why, "lead"),
        render_paragraph(f"{record.source}."),
        render_section("Before and after", _render_before_and_after(record), render_paragraph(FIGURE_MEANINGS, "note")),
        render_section("What this rests on", *map(render_paragraph, _describe_basis(record))),
        render_section("How the training went", *map(render_paragraph, record.remarks), _draw_training_curves(record)),
    ]
    if test_data:
        parts += [
            *_render_distances(test_data, record.scope),
            render_section("The test pictures in the plane", planes),
            *_render_class_sections(test_data),
        ]
    else:
        parts.append(render_paragraph("An earlier version made this checkpoint, and kept no more of its test.", "note"))
    parts.append(
        render_section(
            "Settings", render_table(("setting", "value"), [*record.config.items(), *record.provenance.items()])
        )
    )
    return render_page(f"Training of {record.name}", parts)


def _render_before_and_after(record: TrainingRecord) -> str:
    rows = [_format_figures(one.model, one) for one in record.other_models]
    rows += [
        _format_figures(f"before: {record.before.model}", record.before),
        _format_figures(f"after: {record.after.model}", record.after),
    ]
    gains = [f"{new - old:+.3f}" for old, new in zip(record.before[1:], record.after[1:], strict=True)]
    rows.append(["change", *gains])
    rows.append(
        [
            f"95 % interval, over {record.map_at_r_change.resampling_unit}",
            _format_change_interval(record.p_at_1_change),
            "",
            _format_change_interval(record.map_at_r_change),
            "",
        ]
    )
    return render_table(FIGURE_HEADINGS, rows)


def _format_figures(name: str, figures: RecordedFigures) -> list[str]:
    return [name, *(f"{value:.3f}" for value in figures[1:])]


def _format_change_interval(change: RecordedChange) -> str:
    return f"{change.low:+.3f} to {change.high:+.3f}"


def _describe_basis(record: TrainingRecord) -> list[str]:
    parts = record.parts
    queries = (
        f"{record.queries:,} queries of {record.classes:,} classes" if record.scope else f"{record.queries:,} queries"
    )
    sentences = [
        f"The figures are of {queries} among {parts['test']:,} test pictures. The training learned from "
        f"{parts['train']:,} other pictures and chose its best epoch by {parts['validation']:,} more; no picture is in "
        "two of the three parts, and copies count as one picture.",
        f"The interval of the change was resampled over {record.map_at_r_change.resampling_unit}. Install is said "
        "only where all of it lies "
        "above 0.",
    ]
    if record.unreadable:
        sentences.append(f"{record.unreadable:,} pictures could not be read and took no part.")
    return sentences


def _draw_training_curves(record: TrainingRecord) -> str:
    losses = [(epoch.epoch, epoch.loss) for epoch in record.epochs if epoch.loss is not None]
    heads = [(epoch.epoch, epoch.score.head) for epoch in record.epochs if epoch.score.head is not None]
    backbones = [(epoch.epoch, epoch.score.backbone) for epoch in record.epochs]
    mismatch_distances = [
        (epoch.epoch, epoch.negative_distance) for epoch in record.epochs if epoch.negative_distance is not None
    ]
    match_distances = [
        (epoch.epoch, epoch.positive_distance) for epoch in record.epochs if epoch.positive_distance is not None
    ]
    active = [(epoch.epoch, epoch.active) for epoch in record.epochs if epoch.active is not None]
    spread = [(epoch.epoch, epoch.spread) for epoch in record.epochs]
    scores = [SvgCurve("head", heads)] if heads else []
    scores.append(SvgCurve("backbone", backbones))
    epoch_note = (
        f"epoch {record.best_epoch} was taken" if record.best_epoch else "none was taken: the model is as it was"
    )
    return render_columns(
        ("Loss", draw_curves([SvgCurve("loss", losses)], "epoch", "loss")),
        (f"Validation: {epoch_note}", draw_curves(scores, "epoch", "MAP@R")),
        (
            "Mean distances in a batch",
            draw_curves(
                [SvgCurve("matches", match_distances), SvgCurve("mismatches", mismatch_distances)], "epoch", "distance"
            ),
        ),
        (
            "Signs of a collapse: all active, no spread",
            draw_curves([SvgCurve("active", active), SvgCurve("spread", spread)], "epoch", "share"),
        ),
    )


def _render_distances(test_data: ReportData, scope: str) -> list[str]:
    """Histograms before and after on one scale, and the thresholds."""
    furthest = max(side.histogram.edges[-1] for side in (test_data.before, test_data.after))
    cutoffs = _select_cutoffs(test_data.calibration)
    marks = [ThresholdMark(f"{cutoff.fmr.value:.3g}", cutoff.distance) for cutoff in cutoffs]
    histograms = render_columns(
        (_caption_model("Before", test_data.before), draw_distances(test_data.before.histogram, [], furthest)),
        (_caption_model("After", test_data.after), draw_distances(test_data.after.histogram, marks, furthest)),
    )
    note = "The less the two overlap, the better same and different can be told apart by a distance."
    if marks:
        note += " Dashed: thresholds, named by the share of mismatched pairs that lie below."
    measured = test_data.calibration.describe_pairs() if test_data.calibration else ""
    return [
        render_section("Distances of matched and mismatched pairs", histograms, render_paragraph(note, "note")),
        render_section(
            "Thresholds after the training", _render_thresholds(cutoffs), *map(render_paragraph, (scope, measured))
        ),
    ]


def _caption_model(when: str, summary: EmbeddingSummary) -> str:
    error = "" if summary.eer is None else f", equal error rate {summary.eer:.1%}"
    return f"{when}: {summary.model}{error}"


def _select_cutoffs(calibration: Calibration | None) -> list[DistanceCutoff]:
    return [cutoff for cutoff in calibration.cutoffs if cutoff.fmr.value in FMRS] if calibration else []


def _render_thresholds(cutoffs: Sequence[DistanceCutoff]) -> str:
    heading = ("nearer than this counts as the same", "false matches", "matches missed")
    return render_table(
        heading, [(f"{one.distance:.3f}", _format_rate(one.fmr), _format_rate(one.fnmr)) for one in cutoffs]
    )


def _format_rate(rate: ErrorRate | None) -> str:
    return "" if rate is None else f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def _render_planes(test_data: ReportData) -> Steps[str]:
    """t-SNE before and after, with the colours of the classes."""
    planes = []
    for side in (test_data.before, test_data.after):
        values = np.array(side.drawn, np.float32).reshape(len(side.drawn), -1)
        points = yield from fit_tsne_map(values, jobs=os.cpu_count() or 1)
        planes.append(draw_plane(points.tolist(), test_data.codes))
    names = [(code, name) for code, name in enumerate(test_data.classes) if code in set(test_data.codes)]
    legend = draw_legend(names[:MAX_LEGEND_CLASSES]) + (
        render_paragraph(f"and {len(names) - MAX_LEGEND_CLASSES:,} more") if len(names) > MAX_LEGEND_CLASSES else ""
    )
    note = (
        f"{len(test_data.after.drawn):,} test pictures, arranged by t-SNE so that neighbours stay neighbours. "
        "Distances "
        "between clusters mean little."
    )
    return render_columns(("Before", planes[0]), ("After", planes[1])) + legend + render_paragraph(note, "note")


def _render_class_sections(test_data: ReportData) -> list[str]:
    classes = [
        [row.label, f"{row.photos:,}", *(f"{value:.3f}" for value in (*row.p_at_1, *row.map_at_r))]
        for row in test_data.per_class
    ]
    heading = ("class, the hardest first", "pictures", "P@1 before", "after", "MAP@R before", "after")
    more = f"{test_data.left_out:,} more classes, easier than these, are left out." if test_data.left_out else ""
    kinds = [[kind.label, kind.taken_for, f"{kind.queries:,}"] for kind in test_data.kinds]
    pictures = "".join(map(_render_mistake, test_data.mistakes))
    note = "Left the query, then its nearest, which is of another class, then its nearest of its own class."
    return [
        render_section("Each class", render_table(heading, classes), render_paragraph(more, "note")),
        render_section("What is taken for what", render_table(("class", "whose nearest is of", "queries"), kinds)),
        render_section("Hardest confusions", render_paragraph(note, "note"), f'<div class="pictures">{pictures}</div>')
        if pictures
        else "",
    ]


def _render_mistake(mistake: RetrievalMistake) -> str:
    captions: Sequence[tuple[ReportPicture, str]] = (
        (mistake.query, mistake.label),
        (mistake.nearest, f"{mistake.taken_for}, {mistake.distance:.3f}"),
        (mistake.nearest_match, f"{mistake.label}, {mistake.match_distance:.3f}"),
    )
    return "".join(render_picture(shown.path, shown.sha256, words) for shown, words in captions)
