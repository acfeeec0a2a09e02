"""The command that measures a model on a labelled folder."""

from indexer.models.card import read_seen_hashes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from indexer.cli.options import json_option, runtime_option, weights_option
from indexer.cli.terminal import emit, follow, say
from indexer.models import model
from indexer.models.card import ModelCard
from indexer.models.embedder import Embedder, defer_model
from indexer.models.installation import ModelChoice, choose, install, lock_installation
from indexer.models.raw_pixels import Pixels
from indexer.places import home
from indexer.progress import Progress, Steps
from indexer.reports.evaluation import Evaluation, evaluate
from indexer.wording import count_noun

FOLDER = click.Path(path_type=Path)


@click.command("evaluate")
@click.argument("folder", type=FOLDER)
@click.option(
    "--model", "name", help="A timm network's name, the folder of a checkpoint, or 'pixels' for the bare pictures."
)
@weights_option
@runtime_option
@click.option("--per-class", is_flag=True, help="Also the figures of each class.")
@json_option
def evaluate_command(
    *, folder: Path, name: str | None, weights: Path | None, runtime: str, per_class: bool, as_json: bool
) -> None:
    """Measure how well a model finds the pictures of the same class; the sub-folders of FOLDER are the classes."""
    with _standalone(name, weights, runtime, as_json=as_json) as (embedder, seen):
        result = follow(evaluate(folder, embedder, seen), as_json=as_json)
    if as_json:
        emit("evaluate", _evaluation_fields(result))
    else:
        _say_evaluation(embedder.card.name, result)
        if per_class:
            _say_classes(result)


@contextmanager
def _standalone(
    name: str | None, weights: Path | None, runtime: str, *, as_json: bool
) -> Iterator[tuple[Embedder, frozenset[bytes]]]:
    """A model outside any library, installed in the home folder, and the hashes it must not be judged by."""
    if name == "pixels":
        yield Pixels(), frozenset()
        return
    folder = home() / "models"
    choice = choose(name, weights)
    card = follow(_install(choice, folder), as_json=as_json)
    yield defer_model(card, folder, runtime), frozenset(map(bytes, read_seen_hashes(folder / card.fingerprint)))


def _install(choice: ModelChoice, folder: Path) -> Steps[ModelCard]:
    yield Progress("prepare", 0, 0)
    with lock_installation(folder):
        return (yield from install(choice, folder))


def _evaluation_fields(result: Evaluation) -> dict[str, Any]:
    figures = result.retrieval
    return {
        "queries": figures.queries,
        "photos": result.photos,
        "classes": result.classes,
        "alone": figures.alone,
        "copies": result.copies,
        "ambiguous": result.ambiguous,
        "seen": result.seen,
        "failed": len(result.failed),
        "p_at_1": figures.p_at_1,
        "r_precision": figures.r_precision,
        "map_at_r": figures.map_at_r,
        "mean_average_precision": result.mean_average_precision,
        "nmi": result.nmi,
        "hit_at_k": {str(k): value for k, value in figures.hit_at_k.items()},
        "eer": result.verification.eer,
        "thresholds": [threshold._asdict() for threshold in result.verification.thresholds],
        "roc": [point._asdict() for point in result.roc],
        "histogram": result.histogram._asdict(),
        "per_class": [
            {"label": result.names[one.code], "photos": one.photos, "p_at_1": one.p_at_1, "map_at_r": one.map_at_r}
            for one in result.per_class
        ],
    }


def _say_evaluation(name: str, result: Evaluation) -> None:
    figures = result.retrieval
    asked = count_noun(figures.queries, "query", "queries")
    say(f"{name} on {result.photos:,} photos of {count_noun(result.classes, 'class', 'classes')}, {asked}")
    hits = "  ".join(f"hit@{k} {value:.3f}" for k, value in figures.hit_at_k.items() if k > 1)
    say(f"P@1 {figures.p_at_1:.3f}  R-precision {figures.r_precision:.3f}  MAP@R {figures.map_at_r:.3f}  {hits}")
    say(f"mAP {result.mean_average_precision:.3f}  NMI {result.nmi:.3f}")
    if result.verification.eer is not None:
        say(f"Same or different: equal error rate {result.verification.eer:.3f}")
    for threshold in result.verification.thresholds:
        say(f"  wrong {threshold.fmr:.1%} of the time, misses {threshold.fnmr:.1%}: distance {threshold.distance:.3f}")
    left_out = {
        "alone in their class": figures.alone,
        "copies": result.copies,
        "in two classes": result.ambiguous,
        "seen in training": result.seen,
        "unreadable": len(result.failed),
    }
    parts = [f"{count:,} {why}" for why, count in left_out.items() if count]
    if parts:
        say(f"Left out: {', '.join(parts)}")


def _say_classes(result: Evaluation) -> None:
    """A table of the classes, the hardest first."""
    for one in sorted(result.per_class, key=lambda figures: figures.map_at_r):
        say(f"P@1 {one.p_at_1:.3f}  MAP@R {one.map_at_r:.3f}  {one.photos:>6,} photos  {result.names[one.code]}")


COMMANDS = [evaluate_command]
