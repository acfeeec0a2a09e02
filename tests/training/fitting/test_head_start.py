"""What a head is before the first step: the class metric of the recipe instant, number by number."""

import numpy as np
import pytest
import torch

from indexer.errors import LookalikeError
from indexer.models.network import EmbeddingNetwork
from indexer.vectors.class_metric import fit_class_metric
from training.fitting.head_start import describe_head, start_head
from training.fitting.learner import compute_embeddings, create_start_network
from training.fitting.prior_metrics import PRIOR_METRICS
from training.settings.choices import PURPOSES
from training.settings.config import TrainConfig

LABELS = np.repeat(np.arange(4), 10)


def pooled_classes(dim: int) -> np.ndarray:
    """Pooled outputs (40, dim) of four classes that differ along few directions and scatter along many."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(4, dim)) * 0.5
    return (2 + centres[LABELS] + random.normal(size=(len(LABELS), dim))).astype(np.float32)


def begun(config: TrainConfig, pooled: np.ndarray) -> EmbeddingNetwork:
    network = create_start_network(config)
    start_head(network, config, LABELS, lambda rows: pooled[rows])
    return network


def embed(network: EmbeddingNetwork, pooled: np.ndarray) -> np.ndarray:
    head = compute_embeddings(network, pooled).head
    assert head is not None
    return head


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_instant_start_of_the_backbones_size_is_the_class_metric(purpose: str) -> None:
    pooled = pooled_classes(1280)
    config = TrainConfig(purpose=purpose, head_start="instant", dim=1280, image_size=32)
    units = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    expected = fit_class_metric(units, LABELS, PRIOR_METRICS[purpose]).transform(units)
    np.testing.assert_allclose(embed(begun(config, pooled), pooled), expected, atol=1e-5)


def test_a_smaller_instant_start_keeps_the_distances_of_the_class_metric() -> None:
    """Forty pictures span 39 directions around their mean: 40 numbers can hold all that differs, about."""
    pooled = pooled_classes(1280)
    wide, narrow = (
        embed(begun(TrainConfig(head_start="instant", dim=dim, image_size=32), pooled), pooled) for dim in (1280, 39)
    )
    np.testing.assert_allclose(narrow @ narrow.T, wide @ wide.T, atol=0.02)
    plain = embed(begun(TrainConfig(head_start="plain", dim=39, image_size=32), pooled), pooled)
    assert separate(narrow) > separate(plain) + 0.1


def separate(vectors: np.ndarray) -> float:
    """By how much the mean cosine within classes exceeds that between them."""
    cosines, same = vectors @ vectors.T, LABELS[:, None] == LABELS
    return float(cosines[same & ~np.eye(len(LABELS), dtype=bool)].mean() - cosines[~same].mean())


def test_what_an_instant_start_is_fitted_on_is_a_function_of_the_seed() -> None:
    pooled = pooled_classes(1280)
    config = TrainConfig(head_start="instant", dim=8, image_size=32)
    first, second = (begun(config, pooled) for _ in range(2))
    assert all(torch.equal(left, right) for left, right in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    ("settings", "instant"),
    [
        ({"recipe": "quick"}, True),
        ({"recipe": "quick", "purpose": "classes"}, False),
        ({"recipe": "quick", "purpose": "classes", "head_start": "instant"}, True),
        ({"recipe": "tail"}, False),
        ({"recipe": "full"}, False),
        ({"recipe": "full", "head_start": "instant"}, True),
        ({"recipe": "quick", "head_start": "plain"}, False),
        ({"recipe": "unlabelled", "head_start": "instant"}, False),
    ],
)
def test_new_pictures_with_the_recipe_quick_start_instantly(settings: dict[str, str], instant: bool) -> None:
    assert TrainConfig.from_dict(settings).starts_instantly == instant


def test_a_head_has_the_kind_and_size_that_its_start_needs() -> None:
    kinds = {start: describe_head(TrainConfig(head_start=start, dim=8), 16) for start in ("instant", "plain")}
    assert {start: head.kind for start, head in kinds.items() if head} == {"instant": "unit-linear", "plain": "linear"}
    assert describe_head(TrainConfig(recipe="full", purpose="classes"), 16) is None
    quick = describe_head(TrainConfig(recipe="quick", purpose="classes"), 16)
    assert quick is not None and quick.dim == 16
    with pytest.raises(LookalikeError, match="more than the 16 numbers"):
        describe_head(TrainConfig(dim=17), 16)
