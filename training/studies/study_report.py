"""What came of a study: means with their intervals over seeds, as data, as a table and as a page. No torch."""

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer.paths import show_path
from indexer.progress import Steps
from indexer.statistics.metrics import Interval
from indexer.vectors.projection import tsne
from training.reports import charts as svg
from training.reports.html import beside, page, paragraph, section, table
from training.settings.config import TrainConfig

if TYPE_CHECKING:  # they bring torch
    from training.studies.trials import Entry, Study

# Student's t, 97.5 %, for 1 to 9 degrees of freedom: Fisher, Yates 1938, "Statistical Tables", table III.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
MOST_SEEDS = len(STUDENT) + 1
NAMED = 40  # classes in a legend
RULES = (  # of every study
    "All variants take the same steps on the same pictures; validation chooses among the epochs of each, and the test "
    "part is asked once. What is measured is always the embedding that was trained, even where the pretrained one was "
    "better."
)


def rules(base: TrainConfig) -> str:
    """What makes a study's variants comparable, and which of their weights are measured."""
    if base.interpolation == 1:
        return RULES
    share = "halfway" if base.interpolation == 0.5 else f"{base.interpolation:.0%} of the way"
    return f"{RULES} The weights that are chosen and measured lie {share} from the pretrained to the trained ones."


def over_seeds(values: Sequence[float]) -> Interval | None:
    """The mean of a figure over seeds with its 95 % interval by Student's t; None of fewer than two seeds.

    What the seed decides (weights at the start, order, views) is in it; another choice of pictures is not.
    """
    if len(values) < 2:
        return None
    mean = float(np.mean(values))
    half = STUDENT[len(values) - 2] * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean - half, mean + half, mean)


def gain(entry: "Entry", first: "Entry") -> Interval | None:
    """The change of MAP@R from the first variant to another, seed by seed."""
    if len(entry.map_at_r) != len(first.map_at_r):
        return None
    return over_seeds([new - old for new, old in zip(entry.map_at_r, first.map_at_r, strict=True)])


def fields(study: "Study") -> dict[str, Any]:
    """Plain values for JSON."""
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
        "config": study.base.to_dict(),
        "baselines": [_entry(entry) for entry in study.baselines],
        "entries": [_entry(entry) | {"gain": _plain(gain(entry, first))} for entry in study.entries],
    }


def _entry(entry: "Entry") -> dict[str, Any]:
    return {
        "name": entry.name,
        "p_at_1": entry.p_at_1,
        "r_precision": entry.r_precision,
        "map_at_r": entry.map_at_r,
        "interval": _plain(over_seeds(entry.map_at_r)),
        "eer": entry.side.eer if entry.side else None,
        "seconds": entry.seconds,
    }


def _plain(interval: Interval | None) -> dict[str, float] | None:
    return interval._asdict() if interval else None


HEADING = ("", "MAP@R", "95 % interval", "P@1", "R-prec.", "EER", "gain on the first", "seconds")


def rows(study: "Study") -> list[list[str]]:
    """The table under HEADING: the baselines, then the variants in their order."""
    first = study.entries[0]
    found = [_row(entry, None) for entry in study.baselines]
    return found + [_row(entry, gain(entry, first) if entry is not first else None) for entry in study.entries]


def _row(entry: "Entry", change: Interval | None) -> list[str]:
    interval = over_seeds(entry.map_at_r)
    return [
        entry.name,
        f"{np.mean(entry.map_at_r):.3f}",
        f"{interval.low:.3f} to {interval.high:.3f}" if interval else "",
        f"{np.mean(entry.p_at_1):.3f}",
        f"{np.mean(entry.r_precision):.3f}",
        f"{entry.side.eer:.3f}" if entry.side and entry.side.eer is not None else "",
        f"{change.low:+.3f} to {change.high:+.3f}" if change else "",
        f"{entry.seconds:.1f}",
    ]


def study_page(study: "Study") -> Steps[bytes]:
    """The study as a page that needs nothing else."""
    entries = (*study.baselines, *study.entries)
    estimates = []
    for entry in entries:
        interval = over_seeds(entry.map_at_r)
        ends = (interval.low, interval.high) if interval else (None, None)
        estimates.append(svg.Estimate(entry.name, float(np.mean(entry.map_at_r)), *ends))
    drawn = yield from _drawn(study, entries)
    parts = [
        paragraph(budget(study), "lead"),
        section("Figures", table(HEADING, rows(study)), paragraph(rules(study.base), "note")),
        section("MAP@R with intervals over seeds", svg.intervals(estimates, "MAP@R")),
        section("Distances of pairs, and the test pictures by t-SNE (first seed)", *drawn),
        section("Settings", table(("setting", "value"), [(name, f"{v}") for name, v in study.base.to_dict().items()])),
    ]
    return page(f"Study: {study.name}", parts)


def budget(study: "Study") -> str:
    """What each variant had, in a sentence."""
    lost = f" {study.unreadable:,} of their files could not be read." if study.unreadable else ""
    parts, epochs, folder = study.parts, study.base.epochs, show_path(bytes(study.folder.absolute()))
    return (
        f"{study.seeds} {'seed' if study.seeds == 1 else 'seeds'}, {epochs} {'epoch' if epochs == 1 else 'epochs'}, "
        f"{study.steps:,} steps in all, on {parts['train']:,} pictures of {folder}; validation by "
        f"{parts['validation']:,}, measured on {parts['test']:,} others of {study.classes:,} classes, for new "
        f"{study.base.purpose}.{lost}"
    )


def _drawn(study: "Study", entries: "Sequence[Entry]") -> Steps[list[str]]:
    parts = []
    furthest = max(entry.side.histogram.edges[-1] for entry in study.entries if entry.side)
    for entry in entries:
        if entry.side is None:
            continue
        values = np.array(entry.side.drawn, np.float32)
        points = yield from tsne(values, jobs=os.cpu_count() or 1)
        own = entry.side.histogram.edges[-1]
        histogram = svg.distances(entry.side.histogram, [], furthest if entry in study.entries else own)
        parts.append(beside((entry.name, histogram), (f"{entry.name}, t-SNE", svg.plane(points.tolist(), study.codes))))
    names = [(code, show_path(os.fsencode(study.names[code]))) for code in sorted(set(study.codes))]
    return [svg.legend(names[:NAMED]), *parts]
