"""After the last step the head may be fitted anew: it is what it says, and only taken where validation agrees."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.models.network import load_network
from indexer.progress import drain
from indexer.vectors.class_metric import fit_class_metric
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import QUICK
from training import train
from training.fitting.head_refit import REFIT_METRICS, refit_head
from training.fitting.learner import create_start_network
from training.fitting.recipes import FeatureSource, ValidationFeatures
from training.judging.record import read_record
from training.settings.config import TrainConfig

LABELS = np.repeat(np.arange(4), 12)


def make_source(labels: np.ndarray) -> FeatureSource:
    """Pooled outputs (48, 1280) of four classes of unlike scatter, half of them to choose by."""
    random = np.random.default_rng(0)
    spread = np.geomspace(2, 0.05, 1280)
    centres = random.normal(size=(4, 1280)) * 0.3
    learn, choose = (
        (3 + centres[LABELS] + random.normal(size=(48, 1280)) * spread).astype(np.float32) for _ in range(2)
    )
    return FeatureSource(
        labels,
        lambda rows, random: pytest.fail("no view is needed"),
        lambda rows: learn[rows],
        lambda: ValidationFeatures(choose, LABELS),
    )


def test_the_new_head_is_the_best_of_the_class_metrics_on_the_validation_part() -> None:
    config = TrainConfig(recipe="full", dim=1280, image_size=32)
    source, queries = make_source(LABELS), np.ones(48, np.bool_)
    found = refit_head(create_start_network(config), config, source, queries)
    assert found is not None
    learn, choose = source.compute_plain_features(np.arange(48)), source.compute_validation().pooled
    learn, choose = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (learn, choose))
    scores = [rank(fit_class_metric(learn, LABELS, setting).transform(choose)) for setting in REFIT_METRICS]
    assert found.map_at_r == pytest.approx(max(scores), abs=1e-3)
    assert found.map_at_r > rank(choose)


def rank(vectors: np.ndarray) -> float:
    """MAP@R by its definition, a loop over queries and ranks."""
    figures = []
    for row, vector in enumerate(vectors):
        others = [(float(((vector - other) ** 2).sum()), at) for at, other in enumerate(vectors) if at != row]
        hits = [LABELS[at] == LABELS[row] for _, at in sorted(others)[:11]]
        figures.append(sum(hit * (sum(hits[: at + 1]) / (at + 1)) for at, hit in enumerate(hits)) / 11)
    return float(np.mean(figures))


def test_the_new_head_has_the_numbers_that_were_asked_for() -> None:
    config = TrainConfig(recipe="full", dim=16, image_size=32)
    found = refit_head(create_start_network(config), config, make_source(LABELS), np.ones(48, np.bool_))
    assert found is not None
    assert (found.network.dim, found.network.head_card and found.network.head_card.kind) == (16, "unit-linear")


def test_pictures_that_give_no_class_metric_leave_the_head_alone() -> None:
    config = TrainConfig(recipe="full", dim=16, image_size=32)
    alone = make_source(np.arange(48))
    assert refit_head(create_start_network(config), config, alone, np.ones(48, np.bool_)) is None


@pytest.mark.parametrize(
    ("settings", "refits"),
    [
        ({"recipe": "full"}, True),
        ({"recipe": "tail"}, True),
        ({"recipe": "quick"}, False),
        ({"recipe": "unlabelled"}, False),
        ({"recipe": "full", "purpose": "classes"}, False),
        ({"recipe": "full", "dim": 0}, False),
        ({"recipe": "full", "head_refit": "never"}, False),
    ],
)
def test_where_the_backbone_is_trained_for_new_pictures_the_head_is_refitted(
    settings: dict[str, str | int], refits: bool
) -> None:
    assert TrainConfig.from_dict(settings).refits_head == refits


def test_what_is_written_is_the_refitted_network_and_the_record_says_so(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 4, 12)
    config = replace(QUICK, recipe="full", epochs=1, learning_rate=1e-4, head_refit="auto")
    result = drain(train(config, folder, tmp_path / "out"))
    assert result.fit.refit.startswith("The head was fitted anew on the trained network: validation MAP@R ")
    network, record = load_network(tmp_path / "out"), read_record(tmp_path / "out")
    assert network.head_card is not None
    assert (network.head_card.kind, network.dim) == ("unit-linear", QUICK.dim)
    assert result.fit.refit in record.remarks
    assert result.fit.embedding == record.embedding == "head"
