"""A loaded model: from prepared pictures to unit-length embeddings and feature maps.

A model is installed once, which needs torch, and loaded anywhere, mostly without:

    installation.install_model   build or copy the weights -> convert -> check against torch -> folder/FINGERPRINT
    load_model (here)            card and runtime.json agree -> OpenVINO on the processor, torch on an accelerator

What a model is, is in `card`; its converted form in `runtime`, its torch form in `network`; the interface that the
rest of the program knows in `embedder`. Importing this module imports neither torch nor timm nor OpenVINO.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from indexer.errors import ModelError
from indexer.models.card import ModelCard, check_location, read_card
from indexer.models.runtime import ModelRunner, NotConverted, RuntimeForm, open_form, read_form
from indexer.own_process import describe_missing_package

# Pictures per forward pass. Small passes stay in the processor's cache: 3.4 ms a picture, not 3.9, and 170 MB less.
PASS_SIZES = {"openvino": 8, "torch": 32}


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model, an Embedder that gives feature maps too; threads may share it.

    `notice` is a sentence where its converted form could not be used, else empty.
    """

    card: ModelCard
    runtime: str
    precision: str
    runner: ModelRunner
    notice: str = ""

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The model's input of one picture, uint8 (size, size, 3)."""
        return self.card.preprocessing.prepare(image)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Unit-length embeddings float32 (n, dim) of prepared pictures uint8 (n, size, size, 3); n may be 0.

        A row that is not finite comes back as NaN: the caller lists that photo as failed.
        """
        parts = [self.runner.embed(part) for part in self._split_batch(batch)]
        return normalise_embeddings(np.concatenate(parts)) if parts else np.zeros((0, self.card.dim), np.float32)

    def compute_feature_maps(self, batch: np.ndarray) -> np.ndarray:
        """The backbone's last feature maps float32 (n, c, h, w) of prepared pictures; n is at least 1."""
        return np.ascontiguousarray(np.concatenate([self.runner.features(part) for part in self._split_batch(batch)]))

    def _split_batch(self, batch: np.ndarray) -> Iterator[np.ndarray]:
        """Parts of the batch for one forward pass each; ValueError where it is not as `prepare` makes it."""
        size = self.card.preprocessing.size
        if batch.dtype != np.uint8 or batch.shape[1:] != (size, size, 3):
            raise ValueError(f"expected uint8 (n, {size}, {size}, 3), got {batch.dtype} {batch.shape}")
        step = PASS_SIZES[self.runtime]
        for start in range(0, len(batch), step):
            yield np.ascontiguousarray(batch[start : start + step])


def normalise_embeddings(vectors: np.ndarray) -> np.ndarray:
    """The rows (n, dim) scaled to length 1, float32; rows of length 0 or of no finite length become NaN."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    usable = np.isfinite(lengths) & (lengths > 1e-6)
    return np.ascontiguousarray(np.where(usable, vectors / np.where(usable, lengths, 1), np.nan), dtype=np.float32)


def load_model(folder: Path, *, runtime: str = "auto", callers: int = 1) -> Model:
    """The installed model in `folder`, ready to embed in `callers` threads at once, which share the cores.

    `runtime` is "openvino", "torch", "auto" (torch where an accelerator works, else the converted form) or "query" (the
    converted form where there is one, so that a single picture does not wait for torch, else torch). ModelError where
    the model is missing or damaged; its subclass NotConverted where installing again makes the converted form anew.
    """
    card = read_card(folder)
    check_location(card, folder)
    if runtime == "torch":
        return _load_torch(card, folder)
    try:
        return _load_by_form(card, folder, runtime, callers)
    except NotConverted as error:
        if runtime != "query":
            raise
        notice = (
            f"{str(error).partition('. ')[0].rstrip('.')}: torch is used, until the next index run prepares it anew."
        )
        return replace(_load_torch(card, folder), notice=notice)


def _load_by_form(card: ModelCard, folder: Path, runtime: str, callers: int) -> Model:
    """The model as its `runtime.json` says, or on torch where `runtime` prefers an accelerator and one works."""
    form = read_form(folder, card)
    if runtime == "openvino":
        return _load_converted(card, folder, form, callers)
    if runtime not in ("auto", "query"):
        raise ModelError("There is no runtime named {runtime!r}. Choose auto, openvino or torch.", runtime=runtime)
    if form.runtime == "torch" or (runtime == "auto" and _accelerator_in_sight() and _accelerator_works()):
        return _load_torch(card, folder)
    return _load_converted(card, folder, form, callers)


def has_torch() -> bool:
    """Whether torch is installed, without which no network can be converted, and none runs on an accelerator."""
    try:
        return importlib.util.find_spec("torch") is not None
    except ModuleNotFoundError:
        return False


def import_network() -> Any:
    """The module `network`, imported only where there is work for it: torch takes 2.6 s.

    ModelError with what to install where torch or timm is missing.
    """
    try:
        from indexer.models import network  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModelError(describe_missing_package(error.name or "torch", "torch timm")) from error
    return network


def _load_converted(card: ModelCard, folder: Path, form: RuntimeForm, callers: int) -> Model:
    if form.runtime != "openvino":
        raise ModelError(
            "The model {name} runs on torch only: {why}. Choose --runtime torch.", name=card.name, why=form.why
        )
    runner = open_form(folder, form, callers)
    return Model(card, "openvino", runner.precision, runner)


def _load_torch(card: ModelCard, folder: Path) -> Model:
    network = import_network()
    network.tune_allocator()
    runner = network.make_runner(network.load_network(folder), network.find_accelerator() or "cpu")
    return Model(card, "torch", runner.precision, runner)


def _accelerator_in_sight() -> bool:
    """Whether the file system shows a driver of an accelerator; imports no torch."""
    if sys.platform == "darwin":
        return os.uname().machine == "arm64"
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").exists()
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd"))


def _accelerator_works() -> bool:
    """Whether torch can use an accelerator; imports torch where it is installed."""
    return has_torch() and import_network().find_accelerator() is not None
