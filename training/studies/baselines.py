"""What a learned metric has to beat: raw pixels, their PCA and LDA, the pretrained backbone, a classifier's embedding.

All of them see the same pictures as the study's networks and are measured on the same test part.
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from indexer.models.network import EmbeddingNetwork
from indexer.reports.raw_pixels import RawPixelEmbedder
from indexer.vectors.projection import fit_pca
from training.data.labelled_folders import number_labels
from training.data.pictures import PicturePart
from training.fitting.learner import choose_device, learns_statistics, schedule_rates
from training.fitting.recipes import ComputeFeatures
from training.settings.config import TrainConfig

Vectors = NDArray[np.floating]
LDA_COMPONENTS = 64  # principal components that LDA is fitted on, as in the notes: fewer than there are pictures

BaselineFunction = Callable[[PicturePart, PicturePart, int], Vectors]


def flatten_pixels(part: PicturePart) -> Vectors:
    """The pixels of pictures at 28 x 28, float32 (n, 2352) of unit length; those of an all black picture are 0."""
    small = RawPixelEmbedder()
    prepared = [small.prepare(Image.fromarray(part.load_batch(np.array([row]))[0])) for row in range(len(part.samples))]
    vectors: Vectors = np.nan_to_num(small.embed(np.stack(prepared)))
    return vectors


def embed_raw_pixels(learn: PicturePart, test: PicturePart, dim: int) -> Vectors:
    """The pixels of the test pictures, float32 (n, 2352)."""
    return flatten_pixels(test)


def embed_with_pca(learn: PicturePart, test: PicturePart, dim: int) -> Vectors:
    """The first `dim` principal components of the test pixels, (n, dim), fitted on the pictures to learn from."""
    train_pixels = flatten_pixels(learn)
    projected: Vectors = (flatten_pixels(test) - train_pixels.mean(axis=0)) @ fit_pca(train_pixels, dim)
    return projected


def embed_with_lda(learn: PicturePart, test: PicturePart, dim: int) -> Vectors:
    """Fisher's discriminants of the test pixels' components, (n, m), with m less than the number of classes.

    Where no class has two different pictures, there is no spread within classes, and the discriminants are the
    principal components of the classes' means.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: PLC0415  # 1 s, and only here

    train_pixels, labels = flatten_pixels(learn), number_labels(learn.samples).labels
    components = fit_pca(train_pixels, min(LDA_COMPONENTS, len(train_pixels) - 1))
    train_features, test_features = train_pixels @ components, flatten_pixels(test) @ components
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of classes of one picture: they add no spread
            discriminants = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(train_features, labels)
    except np.linalg.LinAlgError:
        means = np.stack([train_features[labels == label].mean(axis=0) for label in np.unique(labels)])
        return np.asarray(test_features @ fit_pca(means, len(means) - 1), np.float32)
    projected: Vectors = discriminants.transform(test_features)
    return projected


BASELINES: dict[str, BaselineFunction] = {
    "raw pixels": embed_raw_pixels,
    "PCA of the pixels": embed_with_pca,
    "LDA of the pixels": embed_with_lda,
}


class ClassifierLearner:
    """A network under a class layer, trained by cross-entropy; its embedding is the input of that layer."""

    def __init__(
        self,
        network: EmbeddingNetwork,
        config: TrainConfig,
        compute_features: ComputeFeatures,
        *,
        classes: int,
        steps: int,
    ) -> None:
        self.network = network
        self.compute_features = compute_features
        self.layer = nn.Linear(network.dim, classes).to(choose_device())
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        parameters = [*weights, *self.layer.parameters()]
        self.optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.schedule = schedule_rates(self.optimiser, steps)
        self.random = torch.Generator().manual_seed(config.seed)

    def take_step(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
        """Take one step on the pictures of rows (n,) with labels (n,), and return its loss."""
        self.network.train(learns_statistics(self.network))
        pooled = self.compute_features(rows, self.random).float()
        embedded = pooled if self.network.head is None else self.network.head(pooled)
        loss = nn.functional.cross_entropy(self.layer(embedded), torch.from_numpy(labels).to(choose_device()))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        return float(loss.detach())
