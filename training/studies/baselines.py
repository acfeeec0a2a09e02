"""What a metric has to beat: raw pixels, PCA and LDA of them, the pretrained backbone, and a classifier's embedding.

All of them see the same pictures as the study's networks, and are asked about the same test part.
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from indexer.models.network import Network
from indexer.models.raw_pixels import Pixels
from indexer.vectors.projection import fit_pca
from training.data.labelled_folders import number
from training.data.pictures import Part
from training.fitting.learner import device
from training.fitting.recipes import Show
from training.settings.config import TrainConfig

Vectors = NDArray[np.floating]
PCA_OF_LDA = 64  # components that LDA is fitted on, as the notes do: fewer than there are pictures

Baseline = Callable[[Part, Part, int], Vectors]


def pixels(part: Part) -> Vectors:
    """Pictures as their pixels at 28 x 28, float32 (n, 2352) of unit length; an all black one is 0."""
    small = Pixels()
    read = [small.prepare(Image.fromarray(part.batch(np.array([row]))[0])) for row in range(len(part.samples))]
    known: Vectors = np.nan_to_num(small.embed(np.stack(read)))
    return known


def raw(learn: Part, test: Part, dim: int) -> Vectors:
    """The test pictures as they are."""
    return pixels(test)


def pca(learn: Part, test: Part, dim: int) -> Vectors:
    """As many principal components of the pixels as an embedding has numbers, fitted on the pictures to learn from."""
    known = pixels(learn)
    projected: Vectors = (pixels(test) - known.mean(axis=0)) @ fit_pca(known, dim)
    return projected


def lda(learn: Part, test: Part, dim: int) -> Vectors:
    """Fisher's discriminants of the pixels' components: at most one less than there are classes.

    Where no class has two different pictures, all directions spread alike: the discriminants are the classes' means.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: PLC0415  # 1 s, and only here

    known, labels = pixels(learn), number(learn.samples).labels
    components = fit_pca(known, min(PCA_OF_LDA, len(known) - 1))
    rows, asked = known @ components, pixels(test) @ components
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of classes of one picture: they add no spread
            found = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(rows, labels)
    except np.linalg.LinAlgError:
        means = np.stack([rows[labels == label].mean(axis=0) for label in np.unique(labels)])
        return np.asarray(asked @ fit_pca(means, len(means) - 1), np.float32)
    projected: Vectors = found.transform(asked)
    return projected


BASELINES: dict[str, Baseline] = {"raw pixels": raw, "PCA of the pixels": pca, "LDA of the pixels": lda}


class Classifier:
    """The network under a class layer, trained by cross-entropy; its embedding is what goes into that layer."""

    def __init__(self, network: Network, config: TrainConfig, show: Show, *, classes: int, steps: int) -> None:
        self.network = network
        self.show = show
        self.layer = nn.Linear(network.dim, classes).to(device())
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        every = [*weights, *self.layer.parameters()]
        self.optimiser = torch.optim.AdamW(every, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, max_lr=config.learning_rate, total_steps=max(steps, 2)
        )
        self.random = torch.Generator().manual_seed(config.seed)

    def step(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
        """One step on the pictures of some rows (n,) with labels (n,); the loss."""
        self.network.eval()
        pooled = self.show(rows, self.random).float()
        embedded = pooled if self.network.head is None else self.network.head(pooled)
        loss = nn.functional.cross_entropy(self.layer(embedded), torch.from_numpy(labels).to(device()))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        return float(loss.detach())
