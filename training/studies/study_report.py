"""What came of a study: means over seeds with their intervals, as data, as a table and as a page. No torch."""

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer.own_process import count_cores
from indexer.paths import show_path
from indexer.places import name_library
from indexer.progress import Steps
from indexer.statistics.metrics import DifferenceInterval
from indexer.vectors.projection import fit_tsne_map
from training.data.sources import is_library
from training.reports.charts import IntervalEstimate, SvgChart, draw_distances, draw_intervals, draw_plane
from training.reports.html import render_page
from training.settings.config import TrainConfig
from training.studies.published_table import PUBLISHED_HEADING, PUBLISHED_ROWS, format_published

if TYPE_CHECKING:  # they bring torch
    from training.studies.feature_uses import FeatureUses
    from training.studies.pair_predictions import PairScore
    from training.studies.trials import StudyEntry, StudyResult

MAX_LEGEND_CLASSES = 40  # classes in a legend
COMMON_RULES = (
    "All variants take the same steps on the same pictures; validation chooses among the epochs of each, and the test "
    "part is asked once. What is measured is always the embedding that was trained, even where the pretrained one was "
    "better."
)


def describe_rules(base: TrainConfig) -> str:
    """In sentences, what makes the variants of a study comparable and which of their weights are measured."""
    if base.interpolation == 1:
        return COMMON_RULES
    share = "halfway" if base.interpolation == 0.5 else f"{base.interpolation:.0%} of the way"
    return (
        f"{COMMON_RULES} The weights that are chosen and measured lie {share} from the pretrained to the trained ones."
    )


def average_over_seeds(values: Sequence[float]) -> DifferenceInterval | None:
    """The mean of a figure over seeds with its 95 % interval by Student's t; None for fewer than two seeds.

    The interval covers what the seed decides (weights at the start, order, views), not another choice of pictures.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 (0.2 s, and `lookalike --help` needs no interval)

    if len(values) < 2:
        return None
    mean = float(np.mean(values))
    half_width = float(stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return DifferenceInterval(mean - half_width, mean + half_width, mean)


def measure_gain(entry: "StudyEntry", first: "StudyEntry") -> DifferenceInterval | None:
    """The mean change of MAP@R from the first variant to another, paired by seed, with its 95 % interval; None where
    there are not two common seeds.
    """
    if len(entry.map_at_r) != len(first.map_at_r):
        return None
    return average_over_seeds([new - old for new, old in zip(entry.map_at_r, first.map_at_r, strict=True)])


def study_to_dict(study: "StudyResult") -> dict[str, Any]:
    """The study as plain values for JSON."""
    first = study.entries[0]
    return {
        "study": study.name,
        "folder": show_path(bytes(study.folder.absolute())),
        "purpose": study.base.purpose,
        "seeds": study.seeds,
        "epochs": study.base.epochs,
        "steps": study.steps,
        "parts": study.parts,
        "classes": study.classes,
        "unreadable": study.unreadable,
        "grouping": study.grouping,
        "pairs": [pair._asdict() for pair in study.pairs.pairs],
        "published": [row._asdict() for row in PUBLISHED_ROWS] if study.name == "table" else [],
        "config": study.base.to_dict(),
        "baselines": [_entry_to_dict(entry) for entry in study.baselines],
        "entries": [
            _entry_to_dict(entry) | {"gain": _interval_to_dict(measure_gain(entry, first))} for entry in study.entries
        ],
    }


def _entry_to_dict(entry: "StudyEntry") -> dict[str, Any]:
    return {
        "name": entry.name,
        "p_at_1": entry.p_at_1,
        "r_precision": entry.r_precision,
        "map_at_r": entry.map_at_r,
        "interval": _interval_to_dict(average_over_seeds(entry.map_at_r)),
        "eer": entry.summary.eer if entry.summary else None,
        "seconds": entry.seconds,
        "pairs": [score._asdict() for score in entry.pair_scores],
        "uses": _uses_to_dict(entry.uses) if entry.uses else None,
    }


def _uses_to_dict(uses: "FeatureUses") -> dict[str, Any]:
    clusters = {"kmeans": uses.kmeans._asdict(), "density": uses.density._asdict()}
    return {"svm": uses.svm, "neighbours": uses.neighbours} | clusters


USES_HEADING = ("", "SVM", "5 neighbours", "k-means NMI", "purity", "HDBSCAN NMI", "purity")


def format_uses(study: "StudyResult") -> list[list[str]]:
    """The rows of a table under USES_HEADING, of all entries whose other uses were measured."""
    rows = []
    for entry in (*study.baselines, *study.entries):
        if entry.uses:
            named = ("" if share is None else f"{share:.3f}" for share in (entry.uses.svm, entry.uses.neighbours))
            grouped = (f"{value:.3f}" for value in (*entry.uses.kmeans, *entry.uses.density))
            rows.append([entry.name, *named, *grouped])
    return rows


def _interval_to_dict(interval: DifferenceInterval | None) -> dict[str, float] | None:
    return interval._asdict() if interval else None


TABLE_HEADING = ("", "MAP@R", "95 % interval", "P@1", "R-prec.", "EER", "gain on the first", "seconds")


def format_rows(study: "StudyResult") -> list[list[str]]:
    """The rows of the table under TABLE_HEADING: the baselines, then the variants in their order."""
    first = study.entries[0]
    formatted = [_format_row(entry, None) for entry in study.baselines]
    return formatted + [
        _format_row(entry, measure_gain(entry, first) if entry is not first else None) for entry in study.entries
    ]


def _format_row(entry: "StudyEntry", change: DifferenceInterval | None) -> list[str]:
    interval = average_over_seeds(entry.map_at_r)
    return [
        entry.name,
        f"{np.mean(entry.map_at_r):.3f}",
        f"{interval.low:.3f} to {interval.high:.3f}" if interval else "",
        f"{np.mean(entry.p_at_1):.3f}",
        f"{np.mean(entry.r_precision):.3f}",
        f"{entry.summary.eer:.3f}" if entry.summary and entry.summary.eer is not None else "",
        f"{change.low:+.3f} to {change.high:+.3f}" if change else "",
        f"{entry.seconds:.1f}",
    ]


def render_study(study: "StudyResult") -> Steps[bytes]:
    """The study as a page of HTML that needs nothing else."""
    entries = (*study.baselines, *study.entries)
    embedding_charts = yield from _draw_embeddings(study, entries)
    names = [(code, show_path(os.fsencode(study.names[code]))) for code in sorted(set(study.codes))]
    return render_page(
        "study.html.jinja",
        f"Study: {study.name}",
        budget=describe_budget(study),
        heading=TABLE_HEADING,
        rows=format_rows(study),
        rules=describe_rules(study.base),
        intervals=draw_intervals([_estimate_map_at_r(entry) for entry in entries], "MAP@R"),
        legend=names[:MAX_LEGEND_CLASSES],
        embedding_charts=embedding_charts,
        settings=list(study.base.to_dict().items()),
        pair_pictures=study.pairs.addresses,
        predictions=_tabulate_predictions(study, entries),
        uses_heading=USES_HEADING,
        uses=format_uses(study),
        published_heading=PUBLISHED_HEADING,
        published=format_published() if study.name == "table" else [],
    )


def _tabulate_predictions(study: "StudyResult", entries: "Sequence[StudyEntry]") -> list[list[str]]:
    """Under each pair of pictures whether it matches, and what every entry with embeddings says of it."""
    scored = [entry for entry in entries if entry.pair_scores]
    if not scored:
        return []
    rows = [["the truth", *("same" if pair.same else "different" for pair in study.pairs.pairs)]]
    return rows + [[entry.name, *map(_format_prediction, entry.pair_scores)] for entry in scored]


def _format_prediction(score: "PairScore") -> str:
    answer = "" if score.probability is None else f" ({score.probability:.2f})"
    return f"{score.distance:.2f}{answer}"


def _estimate_map_at_r(entry: "StudyEntry") -> IntervalEstimate:
    interval = average_over_seeds(entry.map_at_r)
    ends = (interval.low, interval.high) if interval else (None, None)
    return IntervalEstimate(entry.name, float(np.mean(entry.map_at_r)), *ends)


def describe_budget(study: "StudyResult") -> str:
    """What each variant was given, in a sentence: seeds, epochs, steps and pictures."""
    unreadable_note = f" {study.unreadable:,} of their files could not be read." if study.unreadable else ""
    parts, epochs, folder = study.parts, study.base.epochs, show_path(bytes(study.folder.absolute()))
    folder = f"the library {name_library(study.folder)}" if is_library(study.folder) else folder
    return (
        f"{study.seeds} {'seed' if study.seeds == 1 else 'seeds'}, {epochs} {'epoch' if epochs == 1 else 'epochs'}, "
        f"{study.steps:,} steps in all, on {parts['train']:,} pictures of {folder}; validation by "
        f"{parts['validation']:,}, measured on {parts['test']:,} others of {study.classes:,} classes, for new "
        f"{study.base.purpose}.{unreadable_note} {study.grouping}"
    )


def _draw_embeddings(
    study: "StudyResult", entries: "Sequence[StudyEntry]"
) -> Steps[list[list[tuple[str, SvgChart | None]]]]:
    """For each entry with embeddings: its pairs by distance, the variants on one scale, and its test pictures."""
    charts = []
    furthest = max(entry.summary.histogram.edges[-1] for entry in study.entries if entry.summary)
    for entry in entries:
        if entry.summary is None:
            continue
        points = yield from fit_tsne_map(np.array(entry.summary.drawn, np.float32), jobs=count_cores())
        right_edge = furthest if entry in study.entries else entry.summary.histogram.edges[-1]
        histogram = draw_distances(entry.summary.histogram, [], right_edge)
        plane = draw_plane(points.tolist(), study.codes)
        charts.append([(entry.name, histogram), (f"{entry.name}, t-SNE", plane)])
    return charts
