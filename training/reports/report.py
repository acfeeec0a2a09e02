"""One training as one page: what it is worth, how it went, where it still goes wrong, and what that rests on."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.progress import Progress, Steps
from indexer.statistics.calibration import Calibration, Cutoff
from indexer.statistics.error_rates import Rate
from indexer.vectors.projection import tsne
from training.judging.report_data import Insight, Mistake, Shown, Side
from training.reports import charts as svg
from training.reports.html import beside, page, paragraph, picture, section, table
from training.reports.record import Change, Figures, Run, read_run

FMRS = (0.1, 0.01, 0.001)  # false-match rates in the table and in the histogram
NAMED = 40  # classes in a legend
FIGURES = ("", "P@1", "R-precision", "MAP@R", "hit@5")
MEANINGS = (
    "P@1: how often the nearest picture is of the same class. R-precision: the share of its class among the R nearest, "
    "R being the size of the class. MAP@R: the same, with early places counting more; the verdict rests on it. hit@5: "
    "how often at least one of the five nearest is of the class."
)


def report(checkpoint: Path) -> Steps[bytes]:
    """The page of the training that made a checkpoint; LookalikeError where its folder does not tell.

    Nothing is trained or embedded again. Pictures are read where they were; those that are gone are said to be.
    """
    run = read_run(checkpoint)
    yield Progress("report", 0, 1)
    seen = run.insight
    planes = (yield from _planes(seen)) if seen else ""
    parts = [
        paragraph(run.why, "lead"),
        paragraph(f"{run.source}."),
        section("Before and after", _before_and_after(run), paragraph(MEANINGS, "note")),
        section("What this rests on", *map(paragraph, _rests_on(run))),
        section("How the training went", *map(paragraph, run.remarks), _curves(run)),
    ]
    if seen:
        parts += [*_distances(seen, run.scope), section("The test pictures in the plane", planes), *_mistakes(seen)]
    else:
        parts.append(paragraph("An earlier version made this checkpoint, and kept no more of its test.", "note"))
    parts.append(section("Settings", table(("setting", "value"), [*run.config.items(), *run.about.items()])))
    return page(f"Training of {run.name}", parts)


def _before_and_after(run: Run) -> str:
    rows = [_row(one.model, one) for one in run.beside]
    rows += [_row(f"before: {run.before.model}", run.before), _row(f"after: {run.after.model}", run.after)]
    gains = [f"{new - old:+.3f}" for old, new in zip(run.before[1:], run.after[1:], strict=True)]
    rows.append(["change", *gains])
    rows.append([f"95 % interval, over {run.change.over}", _span(run.first), "", _span(run.change), ""])
    return table(FIGURES, rows)


def _row(name: str, figures: Figures) -> list[str]:
    return [name, *(f"{value:.3f}" for value in figures[1:])]


def _span(change: Change) -> str:
    return f"{change.low:+.3f} to {change.high:+.3f}"


def _rests_on(run: Run) -> list[str]:
    parts = run.parts
    asked = f"{run.queries:,} queries of {run.classes:,} classes" if run.scope else f"{run.queries:,} queries"
    sentences = [
        f"The figures are of {asked} among {parts['test']:,} test pictures. The training learned from "
        f"{parts['train']:,} other pictures and chose its best epoch by {parts['validation']:,} more; no picture is in "
        "two of the three parts, and copies count as one picture.",
        f"The interval of the change was resampled over {run.change.over}. Install is said only where all of it lies "
        "above 0.",
    ]
    if run.unreadable:
        sentences.append(f"{run.unreadable:,} pictures could not be read and took no part.")
    return sentences


def _curves(run: Run) -> str:
    losses = [(epoch.epoch, epoch.loss) for epoch in run.epochs if epoch.loss is not None]
    heads = [(epoch.epoch, epoch.score.head) for epoch in run.epochs if epoch.score.head is not None]
    backbones = [(epoch.epoch, epoch.score.backbone) for epoch in run.epochs]
    apart = [(epoch.epoch, epoch.negative_distance) for epoch in run.epochs if epoch.negative_distance is not None]
    near = [(epoch.epoch, epoch.positive_distance) for epoch in run.epochs if epoch.positive_distance is not None]
    active = [(epoch.epoch, epoch.active) for epoch in run.epochs if epoch.active is not None]
    spread = [(epoch.epoch, epoch.spread) for epoch in run.epochs]
    scores = [svg.Line("head", heads)] if heads else []
    scores.append(svg.Line("backbone", backbones))
    taken = f"epoch {run.best_epoch} was taken" if run.best_epoch else "none was taken: the model is as it was"
    return beside(
        ("Loss", svg.curves([svg.Line("loss", losses)], "epoch", "loss")),
        (f"Validation: {taken}", svg.curves(scores, "epoch", "MAP@R")),
        (
            "Mean distances in a batch",
            svg.curves([svg.Line("matches", near), svg.Line("mismatches", apart)], "epoch", "distance"),
        ),
        (
            "Signs of a collapse: all active, no spread",
            svg.curves([svg.Line("active", active), svg.Line("spread", spread)], "epoch", "share"),
        ),
    )


def _distances(seen: Insight, scope: str) -> list[str]:
    """Histograms before and after on one scale, and the thresholds."""
    furthest = max(side.histogram.edges[-1] for side in (seen.before, seen.after))
    cutoffs = _cutoffs(seen.calibration)
    marks = [svg.Mark(f"{cutoff.fmr.value:.3g}", cutoff.distance) for cutoff in cutoffs]
    drawn = beside(
        (_told("Before", seen.before), svg.distances(seen.before.histogram, [], furthest)),
        (_told("After", seen.after), svg.distances(seen.after.histogram, marks, furthest)),
    )
    note = "The less the two overlap, the better same and different can be told apart by a distance."
    if marks:
        note += " Dashed: thresholds, named by the share of mismatched pairs that lie below."
    measured = seen.calibration.measured() if seen.calibration else ""
    return [
        section("Distances of matched and mismatched pairs", drawn, paragraph(note, "note")),
        section("Thresholds after the training", _thresholds(cutoffs), *map(paragraph, (scope, measured))),
    ]


def _told(when: str, side: Side) -> str:
    error = "" if side.eer is None else f", equal error rate {side.eer:.1%}"
    return f"{when}: {side.model}{error}"


def _cutoffs(calibration: Calibration | None) -> list[Cutoff]:
    return [cutoff for cutoff in calibration.cutoffs if cutoff.fmr.value in FMRS] if calibration else []


def _thresholds(cutoffs: Sequence[Cutoff]) -> str:
    heading = ("nearer than this counts as the same", "false matches", "matches missed")
    return table(heading, [(f"{one.distance:.3f}", _rate(one.fmr), _rate(one.fnmr)) for one in cutoffs])


def _rate(rate: Rate | None) -> str:
    return "" if rate is None else f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def _planes(seen: Insight) -> Steps[str]:
    """t-SNE before and after, with the colours of the classes."""
    drawn = []
    for side in (seen.before, seen.after):
        values = np.array(side.drawn, np.float32).reshape(len(side.drawn), -1)
        points = yield from tsne(values, jobs=os.cpu_count() or 1)
        drawn.append(svg.plane(points.tolist(), seen.codes))
    names = [(code, name) for code, name in enumerate(seen.classes) if code in set(seen.codes)]
    legend = svg.legend(names[:NAMED]) + (paragraph(f"and {len(names) - NAMED:,} more") if len(names) > NAMED else "")
    note = (
        f"{len(seen.after.drawn):,} test pictures, arranged by t-SNE so that neighbours stay neighbours. Distances "
        "between clusters mean little."
    )
    return beside(("Before", drawn[0]), ("After", drawn[1])) + legend + paragraph(note, "note")


def _mistakes(seen: Insight) -> list[str]:
    classes = [
        [row.label, f"{row.photos:,}", *(f"{value:.3f}" for value in (*row.p_at_1, *row.map_at_r))]
        for row in seen.per_class
    ]
    heading = ("class, the hardest first", "pictures", "P@1 before", "after", "MAP@R before", "after")
    more = f"{seen.left_out:,} more classes, easier than these, are left out." if seen.left_out else ""
    kinds = [[kind.label, kind.taken_for, f"{kind.queries:,}"] for kind in seen.kinds]
    shown = "".join(map(_mistake, seen.mistakes))
    note = "Left the query, then its nearest, which is of another class, then its nearest of its own class."
    return [
        section("Each class", table(heading, classes), paragraph(more, "note")),
        section("What is taken for what", table(("class", "whose nearest is of", "queries"), kinds)),
        section("Hardest confusions", paragraph(note, "note"), f'<div class="pictures">{shown}</div>') if shown else "",
    ]


def _mistake(mistake: Mistake) -> str:
    captions: Sequence[tuple[Shown, str]] = (
        (mistake.query, mistake.label),
        (mistake.nearest, f"{mistake.taken_for}, {mistake.distance:.3f}"),
        (mistake.own, f"{mistake.label}, {mistake.own_distance:.3f}"),
    )
    return "".join(picture(shown.path, shown.sha256, words) for shown, words in captions)
