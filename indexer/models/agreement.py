"""Checks at installation, on real pictures, that the converted form of a model gives the embeddings of torch."""

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.errors import PhotoError
from indexer.models.card import Preprocessing, read_seen_hashes
from indexer.models.runtime import (
    ModelRunner,
    RetrievalByPrecision,
    RuntimeForm,
    TorchAgreement,
    fast_precision,
    open_form,
)
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import content_hash, is_candidate, read_photo
from indexer.photos.samples import find_sample_folder
from indexer.statistics.metrics import measure_retrieval

# Measured: fp32 agrees to 1e-6; the cosine of bf16 is 0.9988 in the mean and 0.993 at worst.
LOWEST_COSINE = {"fp32": 0.9999, "bf16": 0.98}
LARGEST_DIFFERENCE = 1e-2  # of feature maps in fp32, relative to their largest value
PICTURE_COUNT = 8
# Of processor time, so that a loaded machine measures the same; a model that needs more is judged by cosines alone.
MAX_RETRIEVAL_SECONDS = 60.0


class CheckPictures(NamedTuple):
    """Prepared pictures uint8 (n, size, size, 3), and in words what they show."""

    batch: np.ndarray
    description: str


class RuntimeDisagreement(Exception):
    """The converted form gives other numbers than torch; the text says by how much."""


def check_agreement(
    form: RuntimeForm, folder: Path, torch_runner: ModelRunner, preprocessing: Preprocessing
) -> RuntimeForm:
    """The form with its measured agreement with torch and the fastest precision that agrees.

    Raises RuntimeDisagreement where not even fp32 agrees.
    """
    pictures = prepare_check_pictures(preprocessing)
    torch_embeddings = torch_runner.embed(pictures.batch)
    fp32_runner = open_form(folder, form, precision="fp32")
    lowest = compute_lowest_cosine(torch_embeddings, fp32_runner.embed(pictures.batch))
    first_pictures = pictures.batch[:2]  # a second number of pictures: the batch is dynamic
    difference = _compute_relative_difference(
        torch_runner.features(first_pictures), fp32_runner.features(first_pictures)
    )
    if not (lowest >= LOWEST_COSINE["fp32"] and difference <= LARGEST_DIFFERENCE):
        raise RuntimeDisagreement(
            f"converted, it disagrees with torch (cosine {lowest:.5f}, features {difference:.5f})"
        )
    agreement = TorchAgreement(pictures.description, len(pictures.batch), lowest)
    return _judge_bf16(replace(form, agreement=agreement), folder, pictures, torch_embeddings, preprocessing)


def check_fast_precision(form: RuntimeForm, folder: Path, preprocessing: Preprocessing) -> RuntimeForm:
    """The form prepared elsewhere, with the fastest precision that agrees on this processor; needs no torch.

    What was measured in bf16 stands; where it was not, bf16 is compared with fp32, which agrees with torch.
    """
    if form.runtime == "torch" or form.agreement is None or form.agreement.bf16 is not None:
        return form
    pictures = prepare_check_pictures(preprocessing)
    embeddings = open_form(folder, form, precision="fp32").embed(pictures.batch)
    return _judge_bf16(form, folder, pictures, embeddings, preprocessing)


def _judge_bf16(
    form: RuntimeForm, folder: Path, pictures: CheckPictures, embeddings: np.ndarray, preprocessing: Preprocessing
) -> RuntimeForm:
    """The form with bf16 where its embeddings of the pictures agree with the true ones (n, dim); else in fp32."""
    if fast_precision() == "fp32" or form.agreement is None:
        return form
    bf16_runner = open_form(folder, form, precision="bf16")
    bf16_cosines = compute_cosines(embeddings, bf16_runner.embed(pictures.batch))
    precision = "bf16" if bf16_cosines.min() >= LOWEST_COSINE["bf16"] else "fp32"
    agreement = replace(form.agreement, bf16=float(bf16_cosines.min()), bf16_mean=float(bf16_cosines.mean()))
    fp32_runner = open_form(folder, form, precision="fp32")
    precision_retrieval = _measure_retrieval(
        fp32_runner, bf16_runner, preprocessing, frozenset(map(bytes, read_seen_hashes(folder)))
    )
    return replace(form, precision=precision, agreement=replace(agreement, found=precision_retrieval))


def _measure_retrieval(
    fp32_runner: ModelRunner, bf16_runner: ModelRunner, preprocessing: Preprocessing, trained_hashes: frozenset[bytes]
) -> RetrievalByPrecision | None:
    """MAP@R on the bundled sample in fp32 and in bf16, without the pictures whose content hash is in `trained_hashes`.

    None where no class has two pictures left, or measuring takes more processor time than MAX_RETRIEVAL_SECONDS.
    """
    embeddings: dict[str, list[np.ndarray]] = {"fp32": [], "bf16": []}
    labels: list[int] = []
    left_out, start_time = 0, time.process_time()
    for number, folder in enumerate(_list_sample_classes()):
        paths = sorted(path for path in folder.iterdir() if is_candidate(path.name.encode()))
        unseen_paths = [path for path in paths if content_hash(read_photo(path)) not in trained_hashes]
        left_out += len(paths) - len(unseen_paths)
        if not (inputs := _prepare_pictures(unseen_paths, preprocessing)):
            continue
        batch = np.stack(inputs)
        embeddings["fp32"].append(fp32_runner.embed(batch))
        embeddings["bf16"].append(bf16_runner.embed(batch))
        labels += [number] * len(batch)
        if time.process_time() - start_time > MAX_RETRIEVAL_SECONDS * (number + 1) / len(_list_sample_classes()):
            return None
    if len(set(labels)) == len(labels):
        return None
    map_at_r = {name: measure_retrieval(np.concatenate(parts), labels).map_at_r for name, parts in embeddings.items()}
    return RetrievalByPrecision(len(labels), map_at_r["fp32"], map_at_r["bf16"], left_out)


def _prepare_pictures(paths: list[Path], preprocessing: Preprocessing) -> list[np.ndarray]:
    """The model's inputs uint8 (size, size, 3) of those files that can be read as pictures."""
    pictures = []
    for path in paths:
        if is_candidate(path.name.encode()):
            with contextlib.suppress(PhotoError):
                pictures.append(preprocessing.prepare(decode_photo(read_photo(path), preprocessing.short_side).image))
    return pictures


def compute_lowest_cosine(first: np.ndarray, second: np.ndarray) -> float:
    """The lowest cosine between row i of `first` and row i of `second`, both (n, dim); NaN where any is not finite."""
    return float(compute_cosines(first, second).min())


def compute_cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines (n,) float64 between row i of `first` and row i of `second`, both (n, dim); NaN for a row not finite."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    result: np.ndarray = (first * second).sum(axis=1) / np.maximum(lengths, 1e-30)
    return result


def prepare_check_pictures(preprocessing: Preprocessing) -> CheckPictures:
    """Up to PICTURE_COUNT pictures of the bundled sample, one of each class; drawn ones where there is no sample."""
    pictures = _prepare_pictures(_list_sample_pictures(), preprocessing)
    if len(pictures) >= 2:
        return CheckPictures(np.stack(pictures), "pictures of the bundled sample")
    return CheckPictures(
        np.stack([_draw_picture(seed, preprocessing.size) for seed in range(PICTURE_COUNT)]), "drawn pictures"
    )


def _list_sample_pictures() -> list[Path]:
    """The first picture of each class of the bundled sample, PICTURE_COUNT at most."""
    first_paths: list[Path] = []
    for folder in _list_sample_classes():
        first_paths += [path for path in sorted(folder.iterdir()) if is_candidate(path.name.encode())][:1]
    return first_paths[:PICTURE_COUNT]


def _list_sample_classes() -> list[Path]:
    return sorted(path for path in find_sample_folder().glob("*") if path.is_dir())


def _draw_picture(seed: int, size: int) -> np.ndarray:
    """A smooth colour field with a hard-edged block on it, uint8 (size, size, 3)."""
    rng = np.random.default_rng(seed)
    colours = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    picture = np.array(colours.resize((size, size), Image.Resampling.BICUBIC))
    top, left = rng.integers(0, size // 2, 2)
    picture[top : top + size // 3, left : left + size // 3] = rng.integers(0, 256, 3)
    return picture


def _compute_relative_difference(truth: np.ndarray, other: np.ndarray) -> float:
    """The greatest absolute difference, as a share of the greatest absolute value of `truth`."""
    return float(np.abs(truth - other).max() / max(float(np.abs(truth).max()), 1e-30))
