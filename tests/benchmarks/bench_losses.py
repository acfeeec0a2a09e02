"""Our training loop against pytorch-metric-learning's own, on classes that neither has seen.

The network of the lecture notes from scratch, Fashion-MNIST, batches of 5 classes x 51 pictures, the semi-hard triplets
of Schroff et al. 2015 within a margin of 0.2. Theirs: MetricLossOnly with MPerClassSampler, TripletMarginMiner and
TripletMarginLoss; and once more on our batches, so that only miner and loss differ. Ours: `make_round_batches` and the
loss "triplet" with "semi-hard-all". Same start, pictures, steps and optimiser for each seed; times are of the loops
alone. Raw pixels stand beside.
"""

import argparse
import contextlib
import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pytorch_metric_learning import losses, miners, samplers, trainers
from pytorch_metric_learning.utils import common_functions as c_f
from torch import Tensor, nn
from torch.utils.data import Sampler, TensorDataset

from indexer.photos.samples import FASHION_CLASSES, write_fashion_mnist
from indexer.progress import drain
from indexer.statistics.metrics import bootstrap_difference, measure_retrieval
from training.data.sampler import make_round_batches
from training.losses.loss_value import LossOptions
from training.losses.losses import LOSSES

CLASSES, PHOTOS, MARGIN, RATE = 5, 51, 0.2, 1e-3
TARGET = 0.8  # of their wall time, at most


class PictureSet(NamedTuple):
    """Grey pictures (n, 1, 28, 28) float32 of 0 to 1, and their class numbers (n,)."""

    pixels: Tensor
    labels: NDArray[np.int64]


class LoopRun(NamedTuple):
    """Embeddings of the test pictures and the seconds that the loop took."""

    vectors: np.ndarray
    seconds: float


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--learn", type=int, default=1000, help="pictures of each class to learn from")
    options = parser.parse_args(arguments)
    logging.getLogger("PML").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as work:
        learn = load_pictures(Path(work) / "train", "train", FASHION_CLASSES[::2], options.learn)
        judge = load_pictures(Path(work) / "test", "test", FASHION_CLASSES[1::2], 200)
    pixels = measure_retrieval(judge.pixels.flatten(1).numpy(), judge.labels)
    print(f"raw pixels: MAP@R {pixels.map_at_r:.3f}")
    columns = [f"{name} {unit}" for unit in ("MAP@R", "s") for name in LOOPS]
    print(f"| seed | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|", flush=True)
    for loop in LOOPS.values():  # the first steps pay for what torch prepares
        loop(learn, judge, seed=0, epochs=1)
    _print_comparison([_run_loops(learn, judge, seed, options.epochs) for seed in range(options.seeds)], judge)


def load_pictures(folder: Path, part: str, classes: Sequence[str], per_class: int) -> PictureSet:
    """The first `per_class` pictures of each of the classes."""
    drain(write_fashion_mnist(folder, per_class=per_class, part=part))
    files = [sorted((folder / name).glob("*.png")) for name in classes]
    grey = np.stack([np.asarray(Image.open(path), np.float32) / 255 for of_class in files for path in of_class])
    return PictureSet(torch.from_numpy(grey[:, None]), np.repeat(np.arange(len(files)), [len(some) for some in files]))


def build_network(seed: int) -> nn.Module:
    """The network of the lecture notes (siamese networks, "Backbone network") without its dropout.

    Layers before a batch norm have no bias: its gradient is rounding error, from whose sign Adam would make a step.
    """
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for before, width in ((1, 8), (8, 16), (16, 32)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(32 * 9, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 32)]
    return nn.Sequential(*layers)


def train_ours(learn: PictureSet, judge: PictureSet, *, seed: int, epochs: int) -> LoopRun:
    """Train in a plain loop over our batches, with our loss and miner."""
    network = build_network(seed).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    loss = LOSSES["triplet"](LossOptions(MARGIN, "semi-hard-all", "active"))
    begun = time.perf_counter()
    for epoch in range(epochs):
        for rows in _make_our_batches(learn, seed, epoch):
            embeddings = nn.functional.normalize(network(learn.pixels[rows]), dim=1)
            optimiser.zero_grad()
            loss(embeddings, torch.from_numpy(learn.labels[rows])).loss.backward()
            optimiser.step()
    return LoopRun(_embed_pictures(network, judge), time.perf_counter() - begun)


def train_theirs(learn: PictureSet, judge: PictureSet, *, seed: int, epochs: int) -> LoopRun:
    """Train with their trainer, sampler, miner and loss."""
    size = CLASSES * PHOTOS
    c_f.NUMPY_RANDOM = np.random.RandomState(seed)
    sampler = samplers.MPerClassSampler(learn.labels, PHOTOS, size, length_before_new_iter=size * _count_steps(learn))
    return _train_by_trainer(learn, judge, sampler, seed=seed, epochs=epochs)


def train_theirs_on_our_batches(learn: PictureSet, judge: PictureSet, *, seed: int, epochs: int) -> LoopRun:
    """Train with their trainer, miner and loss on our batches."""
    return _train_by_trainer(learn, judge, OurBatches(learn, seed), seed=seed, epochs=epochs)


class OurBatches(Sampler[int]):
    """The rows of our batches one after the other, epoch by epoch."""

    def __init__(self, learn: PictureSet, seed: int) -> None:
        self.learn, self.seed, self.epoch = learn, seed, 0

    def __len__(self) -> int:
        return _count_steps(self.learn) * CLASSES * PHOTOS

    def __iter__(self) -> Iterator[int]:
        rows = np.concatenate(_make_our_batches(self.learn, self.seed, self.epoch))
        self.epoch += 1
        return iter(rows.tolist())


def _train_by_trainer(learn: PictureSet, judge: PictureSet, sampler: Any, *, seed: int, epochs: int) -> LoopRun:
    network = build_network(seed)
    trainer = trainers.MetricLossOnly(
        models={"trunk": network},
        optimizers={"trunk_optimizer": torch.optim.Adam(network.parameters(), lr=RATE)},
        batch_size=CLASSES * PHOTOS,
        loss_funcs={"metric_loss": losses.TripletMarginLoss(margin=MARGIN)},
        mining_funcs={"tuple_miner": miners.TripletMarginMiner(margin=MARGIN, type_of_triplets="semihard")},
        dataset=TensorDataset(learn.pixels, torch.from_numpy(learn.labels)),
        sampler=sampler,
        dataloader_num_workers=0,
        data_device=torch.device("cpu"),
    )
    begun = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        trainer.train(num_epochs=epochs)
    return LoopRun(_embed_pictures(network, judge), time.perf_counter() - begun)


LOOPS: dict[str, Callable[..., LoopRun]] = {
    "ours": train_ours,
    "theirs": train_theirs,
    "theirs on our batches": train_theirs_on_our_batches,
}


def _make_our_batches(learn: PictureSet, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Our batches of one epoch, full ones only, as theirs are."""
    return make_round_batches(learn.labels, classes=CLASSES, photos=PHOTOS, seed=seed, epoch=epoch)[
        : _count_steps(learn)
    ]


def _count_steps(learn: PictureSet) -> int:
    return len(learn.labels) // (CLASSES * PHOTOS)


def _embed_pictures(network: nn.Module, judge: PictureSet) -> np.ndarray:
    network.eval()
    with torch.inference_mode():
        vectors: np.ndarray = nn.functional.normalize(network(judge.pixels), dim=1).numpy()
    return vectors


def _run_loops(learn: PictureSet, judge: PictureSet, seed: int, epochs: int) -> dict[str, LoopRun]:
    """Run all loops, in an order that changes with the seed, and print their row."""
    names = list(LOOPS) if seed % 2 else list(LOOPS)[::-1]
    runs = {name: LOOPS[name](learn, judge, seed=seed, epochs=epochs) for name in names}
    figures = [f"{measure_retrieval(runs[name].vectors, judge.labels).map_at_r:.3f}" for name in LOOPS]
    seconds = [f"{runs[name].seconds:.1f}" for name in LOOPS]
    print(f"| {seed} | {' | '.join(figures + seconds)} |", flush=True)
    return runs


def _print_comparison(runs: list[dict[str, LoopRun]], judge: PictureSet) -> None:
    """Print ours less each of theirs, by each query's mean over the seeds, and the ratio of the seconds."""
    per_query = {
        name: np.mean([measure_retrieval(run[name].vectors, judge.labels).per_query_map_at_r for run in runs], axis=0)
        for name in LOOPS
    }
    for name in list(LOOPS)[1:]:
        change = bootstrap_difference(per_query[name], per_query["ours"])
        ratio = sum(run["ours"].seconds for run in runs) / sum(run[name].seconds for run in runs)
        print(
            f"MAP@R ours less {name} {change.mean:+.4f} (95 % over queries {change.low:+.4f} to {change.high:+.4f}): "
            f"{'not worse' if change.high >= 0 else 'WORSE'}; wall time {ratio:.2f} of {name}, target {TARGET} "
            f"{'reached' if ratio <= TARGET else 'MISSED'}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
