"""Is the trained model better than what the user had? Measured on the test part only, which nothing else looks at.

"Before" is the pretrained backbone as it would be used without any training. It is measured at its own picture size
and at the size of the training, and the better of the two counts: the trained model has to beat that. Raw pixels are
measured too, as they show how hard the pictures are.

Where no two test pictures share a class, the task is to find each of them by another view of it. That says less than
labels would, and the sentence of the verdict says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from indexer.matching.label_model import LABEL_SETTING
from indexer.models.card import ModelCard
from indexer.models.embedder import Embedder
from indexer.models.model import Model
from indexer.models.network import EmbeddingNetwork, create_network, make_runner, replace_head
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from indexer.reports.raw_pixels import RawPixelEmbedder
from indexer.statistics.metrics import bootstrap_difference, measure_retrieval
from indexer.wording import tr
from training.data.augmentation import STRONG_VIEWS, draw_views
from training.data.groups import number_groups
from training.data.labelled_folders import PhotoSample, has_labels, number_labels, require_usable
from training.data.pictures import read_pictures
from training.fitting.learner import choose_device, describe_start, learns_statistics
from training.judging.examples import VerdictExample, choose_examples
from training.judging.identification_shares import IdentificationChange, measure_identification
from training.judging.judged_models import (
    BaselineResult,
    MeasuredModel,
    TrainingVerdict,
    choose_units,
    describe_nearest,
    describe_power,
    embed_samples,
    explain_verdict,
)
from training.judging.out_of_fold import LabelledVectors

VIEW_SEED = 2  # of the views that are queries, the same for every model
VIEW_BATCH = 64


def measure_baseline(
    samples: Sequence[PhotoSample], network: EmbeddingNetwork, groups: Mapping[bytes, int]
) -> Steps[BaselineResult]:
    """Measure raw pixels and the pretrained backbone on the test part; `network` is the one that training starts from.

    `groups`, by content hash, number near copies and frames of a burst, which are no matches of each other. Unreadable
    pictures are left out. LookalikeError where the rest are too few.
    """
    start = remove_head(network)
    name = f"{describe_start(start)} at {start.preprocessing.size} px"
    embedded = yield from embed_samples(name, samples, wrap_network(start, name))
    usable = embedded.samples
    require_usable(samples, usable, "judge by")
    numbers = number_groups(usable, groups) if has_labels(usable) else None
    start_model = wrap_network(start, name)
    training_size = own_size = yield from _measure_embeddings(name, usable, numbers, embedded.vectors, start_model)
    rows = [training_size]
    pretrained = create_network()
    is_usual = pretrained.name == start.name and not learns_statistics(start)
    if pretrained.preprocessing != start.preprocessing or not is_usual:
        name = f"pretrained at {pretrained.preprocessing.size} px, its own size"
        own_size = yield from measure_model(name, usable, numbers, wrap_network(pretrained, name))
        rows.append(own_size)
    rows.sort(key=lambda row: -row.figures.map_at_r)
    pixels = yield from _measure_pixels(usable, numbers)
    labels = _number_labels(usable)
    return BaselineResult(usable, labels, numbers, tuple(rows), own_size, pixels, embedded.unreadable)


def judge_network(baseline: BaselineResult, network: EmbeddingNetwork, purpose: str) -> Steps[TrainingVerdict]:
    """Measure the trained network on the test part and compare, query by query."""
    name = "fine-tuned"
    after = yield from measure_model(name, baseline.samples, baseline.groups, wrap_network(network, name))
    return _compare_models(baseline, baseline.pretrained[0], after, purpose)


def keep_pretrained(baseline: BaselineResult, purpose: str) -> TrainingVerdict:
    """The verdict where training found nothing better: the pretrained model compared with itself."""
    unchanged = baseline.own_size._replace(name="the pretrained model, unchanged")
    verdict = _compare_models(baseline, baseline.own_size, unchanged, purpose)
    why = (
        "No epoch of the training was better than the pretrained model on the validation pictures, so the new model is "
        "the pretrained one, unchanged. Keep the one you have, or train with more pictures."
    )
    return replace(verdict, why=why)


def _compare_models(
    baseline: BaselineResult, before: MeasuredModel, after: MeasuredModel, purpose: str
) -> TrainingVerdict:
    labelled = has_labels(baseline.samples)
    query_labels = baseline.labels[after.figures.rows]
    classes = len(np.unique(query_labels))
    groups = None if baseline.groups is None else baseline.groups[after.figures.rows]
    units = choose_units(query_labels, groups, purpose if labelled else "images")
    old, new = before.figures, after.figures
    map_at_r_change, p_at_1_change = (
        bootstrap_difference(earlier, later, groups=units.numbers, level=units.level)
        for earlier, later in (
            (old.per_query_map_at_r, new.per_query_map_at_r),
            (old.per_query_p_at_1, new.per_query_p_at_1),
        )
    )
    task = (
        f"test pictures of {classes:,} classes"
        if labelled
        else f"views of {len(baseline.samples):,} test pictures without classes"
    )
    measured = explain_verdict(map_at_r_change, p_at_1_change, f"{new.queries:,} {task}")
    return TrainingVerdict(
        before=before,
        after=after,
        map_at_r_change=map_at_r_change,
        p_at_1_change=p_at_1_change,
        resampling_unit=units.name if labelled else units.name.replace("classes", "pictures"),
        queries=new.queries,
        classes=classes,
        install=map_at_r_change.low > 0,
        why=" ".join(filter(None, (describe_nearest(old, new), measured, describe_power(map_at_r_change)))),
        examples=tuple(choose_examples(baseline.samples, before.vectors, after.vectors, baseline.groups))
        if labelled
        else (),
        identification=None if baseline.groups is None else _compare_identification(baseline, before, after),
    )


def _choose_examples(
    baseline: BaselineResult, before: MeasuredModel, after: MeasuredModel
) -> tuple[VerdictExample, ...]:
    return tuple(choose_examples(baseline.samples, before.vectors, after.vectors, baseline.groups))


def _compare_identification(
    baseline: BaselineResult, before: MeasuredModel, after: MeasuredModel
) -> IdentificationChange | None:
    """How well test photos are named and refused; a map of the labels helps a model that has not learned them."""
    assert baseline.groups is not None
    old = measure_identification(LabelledVectors(before.vectors, baseline.labels, baseline.groups), LABEL_SETTING)
    new = measure_identification(LabelledVectors(after.vectors, baseline.labels, baseline.groups), None)
    return IdentificationChange(old, new) if old and new else None


def measure_model(
    name: str, samples: Sequence[PhotoSample], groups: NDArray[np.int64] | None, embedder: Embedder
) -> Steps[MeasuredModel]:
    """Measure how well each sample finds the others of its class outside its group, or without classes the other view
    of it.

    LookalikeError where a sample cannot be embedded.
    """
    embedded = yield from embed_samples(name, samples, embedder)
    for path, why in embedded.unreadable:
        raise LookalikeError("{path} {why}: start the training again.", path=show_path(path), why=why)
    return (yield from _measure_embeddings(name, samples, groups, embedded.vectors, embedder))


def _measure_embeddings(
    name: str,
    samples: Sequence[PhotoSample],
    groups: NDArray[np.int64] | None,
    vectors: np.ndarray,
    embedder: Embedder,
) -> Steps[MeasuredModel]:
    if not has_labels(samples):
        vectors = np.concatenate([vectors, (yield from _embed_views(name, samples, embedder))])
    return MeasuredModel(name, vectors, measure_retrieval(vectors, _number_labels(samples), groups=groups))


def _number_labels(samples: Sequence[PhotoSample]) -> NDArray[np.int64]:
    """Classes as numbers (n,); without classes a number for each picture, and the same ones again for their views,
    (2 n,).
    """
    labels = number_labels(samples).labels
    return labels if has_labels(samples) else np.concatenate([labels, labels])


def _embed_views(name: str, samples: Sequence[PhotoSample], embedder: Embedder) -> Steps[np.ndarray]:
    """Embeddings (n, dim) of a view of each picture, which is the same for every model."""
    part = (yield from read_pictures(samples, embedder.card.preprocessing)).part
    random = torch.Generator().manual_seed(VIEW_SEED)
    vectors = []
    for start in range(0, len(samples), VIEW_BATCH):
        pixels = torch.from_numpy(part.load_batch(np.arange(start, min(start + VIEW_BATCH, len(samples)))))
        view_pixels = draw_views(pixels, random, STRONG_VIEWS).round().to(torch.uint8).numpy()
        vectors.append(embedder.embed(view_pixels))
        yield Progress("test", start + len(view_pixels), len(samples), tr("{name}, views", name=name))
    return np.concatenate(vectors)


def _measure_pixels(samples: Sequence[PhotoSample], groups: NDArray[np.int64] | None) -> Steps[MeasuredModel | None]:
    """Raw pixels as a model; None where a picture is all black, as its pixels have no unit vector."""
    try:
        return (yield from measure_model("raw pixels", samples, groups, RawPixelEmbedder()))
    except LookalikeError:
        return None


def remove_head(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """A network with the same backbone (shared, not copied), whose own output is the embedding."""
    return replace_head(network.cpu(), None)  # a network is checked on the processor when it is made


def wrap_network(network: EmbeddingNetwork, name: str) -> Model:
    """The network with its present weights as a model without a checkpoint; it moves to the training's device."""
    runner = make_runner(network, choose_device())
    card = ModelCard(
        name, network.name, network.dim, network.preprocessing, network.head_card, "0" * 64, "this training"
    )
    return Model(card, "torch", runner.precision, runner)
