"""What a verdict is made of: models with their figures, samples with their embeddings, and the sentences that say it.

No torch: a closed form is judged without it, and so is what it is compared with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.indexing.pipeline import embed_and_describe_files
from indexer.models.embedder import Embedder
from indexer.photos.photo_traits import PhotoTraits
from indexer.progress import Progress, Steps
from indexer.statistics.metrics import DifferenceInterval, RetrievalFigures, compute_least_gain, widen_level
from training.data.labelled_folders import PhotoSample, UnreadableFile
from training.judging.examples import VerdictExample
from training.judging.identification_shares import IdentificationChange
from training.judging.out_of_fold import LEAST_CLASSES_IN_FOLD, LEVEL

MIN_GROUPS = 10  # classes to resample over; fewer say little about the spread between classes


class MeasuredModel(NamedTuple):
    """One model on the test part: its name, its embeddings (n, dim), its figures."""

    name: str
    vectors: np.ndarray
    figures: RetrievalFigures

    def fields(self) -> dict[str, object]:
        """Name and figures as plain values for JSON."""
        return {
            "model": self.name,
            "p_at_1": self.figures.p_at_1,
            "r_precision": self.figures.r_precision,
            "map_at_r": self.figures.map_at_r,
            "hit_at_k": {str(k): value for k, value in self.figures.hit_at_k.items()},
        }


@dataclass(frozen=True, slots=True)
class TrainingVerdict:
    """What the test part says of a trained model.

    The changes of MAP@R, which decides, and of P@1 are after minus before; `resampling_unit` is what was resampled for
    their intervals. `why` is the verdict in sentences. `identification` is None where labels are too few for it.
    """

    before: MeasuredModel
    after: MeasuredModel
    map_at_r_change: DifferenceInterval
    p_at_1_change: DifferenceInterval
    resampling_unit: str
    queries: int
    classes: int
    install: bool
    why: str
    examples: tuple[VerdictExample, ...]
    identification: IdentificationChange | None = None


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """The readable test pictures and the models before any training.

    `labels` (n,) are the classes as numbers, (2 n,) where the queries are views; `groups` (n,) number what is no match
    of each other, near copies and frames of a burst, None where the queries are views. `pretrained` are all forms of
    the pretrained model that were measured, the best first, `own_size` is the one at its own picture size. `pixels` is
    None where raw pixels cannot be measured.
    """

    samples: tuple[PhotoSample, ...]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    pretrained: tuple[MeasuredModel, ...]
    own_size: MeasuredModel
    pixels: MeasuredModel | None
    unreadable: tuple[UnreadableFile, ...]


class EmbeddedSamples(NamedTuple):
    """Samples that could be embedded, their vectors (n, dim) float32, the files that could not, and of those that were
    read what tells which belong together, by content hash.
    """

    samples: tuple[PhotoSample, ...]
    vectors: np.ndarray
    unreadable: tuple[UnreadableFile, ...]
    traits: Mapping[bytes, PhotoTraits]


def embed_samples(name: str, samples: Sequence[PhotoSample], embedder: Embedder) -> Steps[EmbeddedSamples]:
    """Embed samples from their files; `name` is the note of the progress."""
    usable: list[PhotoSample] = []
    vectors: list[np.ndarray] = []
    unreadable: list[UnreadableFile] = []
    traits: dict[bytes, PhotoTraits] = {}
    done = 0
    for batch in embed_and_describe_files([sample.path for sample in samples], embedder, lambda sha256: True):
        for sample, result in zip(samples[done:], batch, strict=False):
            if result.vector is None or result.sha256 != sample.sha256:
                unreadable.append(UnreadableFile(sample.path, result.reason or "has changed since the training began"))
            else:
                usable.append(sample._replace(pixel_sha256=result.pixel_sha256 or b""))
                vectors.append(result.vector)
                traits |= {sample.sha256: result.traits} if result.traits else {}
        done += len(batch)
        yield Progress("test", done, len(samples), name)
    stacked = np.stack(vectors) if vectors else np.zeros((0, embedder.card.dim), np.float32)
    return EmbeddedSamples(tuple(usable), stacked, tuple(unreadable), traits)


class ResampledUnits(NamedTuple):
    """What an interval is over: units (queries,), their name, and the level of percentiles that makes one of 95 %."""

    numbers: NDArray[np.int64]
    name: str
    level: float


def choose_units(labels: NDArray[np.int64], groups: NDArray[np.int64] | None, purpose: str) -> ResampledUnits:
    """Whole classes of queries with labels (queries,), or where these are few single queries, or groups (queries,).

    For new classes, which those asked stand for, five are enough, in an interval so much wider.
    """
    classes = len(np.unique(labels))
    if purpose == "classes" and classes >= LEAST_CLASSES_IN_FOLD:
        return ResampledUnits(labels, "classes", widen_level(classes, LEVEL))
    if classes >= MIN_GROUPS:
        return ResampledUnits(labels, "classes", LEVEL)
    numbers = np.arange(len(labels)) if groups is None else groups
    return ResampledUnits(numbers, name_resampling_unit(groups), LEVEL)


def name_resampling_unit(groups: NDArray[np.int64] | None) -> str:
    """What is resampled where classes are few: single queries, or the groups (queries,) that some of them share."""
    return "queries" if groups is None or len(np.unique(groups)) == len(groups) else "groups of queries"


def explain_verdict(
    map_at_r_change: DifferenceInterval,
    p_at_1_change: DifferenceInterval,
    task: str,
    unseen: str = " that the training never saw",
) -> str:
    """The verdict in words. A loss can gather each class and lose order within: then P@1 falls while MAP@R rises."""
    measured = f"On {task}{unseen}, MAP@R changes by {_format_change(map_at_r_change)}"
    if map_at_r_change.high < 0:
        return f"{measured}: the new model is worse. Keep the one you have."
    if map_at_r_change.low <= 0:
        return f"{measured}: that is not clearly better. Keep the one you have, or train with more pictures."
    if p_at_1_change.high < 0:
        caution = f"But the very nearest picture is right less often: P@1 changes by {_format_change(p_at_1_change)}."
        return f"{measured}: the new model is better at gathering a class. {caution}"
    return f"{measured}: the new model is better."


def describe_power(change: DifferenceInterval) -> str:
    """The smallest gain that so many pictures could have shown, in a sentence; "" where nothing has changed."""
    least = compute_least_gain(change)
    if not least:
        return ""
    return f"So many pictures show a gain of {least:.3f} in four of five cases, and a smaller one less often."


def describe_nearest(before: RetrievalFigures, after: RetrievalFigures) -> str:
    """How many queries had one of their class as the nearest picture, before and after, in a sentence."""
    old, new = (round(figures.p_at_1 * figures.queries) for figures in (before, after))
    return (
        f"Of {after.queries:,} pictures that it had not seen, the nearest was right for {old:,} before and for "
        f"{new:,} now."
    )


def _format_change(change: DifferenceInterval) -> str:
    return f"{change.mean:+.3f} (95 % interval {change.low:+.3f} to {change.high:+.3f})"
