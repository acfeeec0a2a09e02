"""Does the converted form of a model give the embeddings that torch gives? Asked of real pictures at installation."""

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.errors import PhotoError
from indexer.models.card import Preprocessing, read_seen_hashes
from indexer.models.runtime import Agreement, Retrievals, Runner, RuntimeForm, fast_precision, open_form
from indexer.photos.decoding import decode
from indexer.photos.reading import content_hash, is_candidate, read_photo
from indexer.photos.samples import sample_folder
from indexer.statistics.metrics import retrieval

# FACTS 4: fp32 agrees to 1e-6; bf16 was measured at 0.9988 in the mean and 0.993 at worst.
LOWEST_COSINE = {"fp32": 0.9999, "bf16": 0.98}
LARGEST_DIFFERENCE = 1e-2  # of feature maps in fp32, relative to their largest value
PICTURES = 8
PATIENCE = 30.0  # seconds: a model that needs longer for the whole sample in fp32 is judged by cosines alone


class Check(NamedTuple):
    """Prepared pictures uint8 (n, size, size, 3), and what they are, in words."""

    batch: np.ndarray
    words: str


class Disagreement(Exception):
    """The converted form gives other numbers than torch; the text says by how much."""


def agreed(form: RuntimeForm, folder: Path, torch_runner: Runner, preprocessing: Preprocessing) -> RuntimeForm:
    """The form with its measured agreement and the fastest precision that agrees; Disagreement where fp32 does not."""
    check = check_pictures(preprocessing)
    truth = torch_runner.embed(check.batch)
    exact = open_form(folder, form, precision="fp32")
    lowest = lowest_cosine(truth, exact.embed(check.batch))
    few = check.batch[:2]  # a second number of pictures: the batch is dynamic
    difference = _difference(torch_runner.features(few), exact.features(few))
    if not (lowest >= LOWEST_COSINE["fp32"] and difference <= LARGEST_DIFFERENCE):
        raise Disagreement(f"converted, it disagrees with torch (cosine {lowest:.5f}, features {difference:.5f})")
    agreement = Agreement(check.words, len(check.batch), lowest)
    if fast_precision() == "fp32":
        return replace(form, agreement=agreement)
    quick = open_form(folder, form, precision="bf16")
    fast = cosines(truth, quick.embed(check.batch))
    precision = "bf16" if fast.min() >= LOWEST_COSINE["bf16"] else "fp32"
    agreement = replace(agreement, bf16=float(fast.min()), bf16_mean=float(fast.mean()))
    found = _found(exact, quick, preprocessing, frozenset(map(bytes, read_seen_hashes(folder))))
    return replace(form, precision=precision, agreement=replace(agreement, found=found))


def _found(exact: Runner, quick: Runner, preprocessing: Preprocessing, trained: frozenset[bytes]) -> Retrievals | None:
    """MAP@R on the bundled sample in both precisions, but the pictures that the model was trained on, by their hashes.

    None where too few are left to ask for each other, or it would take too long.
    """
    embedded: dict[str, list[np.ndarray]] = {"fp32": [], "bf16": []}
    labels: list[int] = []
    left_out, begun = 0, time.perf_counter()
    for number, folder in enumerate(_sample_classes()):
        paths = sorted(path for path in folder.iterdir() if is_candidate(path.name.encode()))
        new = [path for path in paths if content_hash(read_photo(path)) not in trained]
        left_out += len(paths) - len(new)
        if not (inputs := _prepared(new, preprocessing)):
            continue
        batch = np.stack(inputs)
        embedded["fp32"].append(exact.embed(batch))
        embedded["bf16"].append(quick.embed(batch))
        labels += [number] * len(batch)
        if time.perf_counter() - begun > PATIENCE * (number + 1) / len(_sample_classes()):
            return None
    if len(set(labels)) == len(labels):
        return None
    figures = {name: retrieval(np.concatenate(parts), labels).map_at_r for name, parts in embedded.items()}
    return Retrievals(len(labels), figures["fp32"], figures["bf16"], left_out)


def _prepared(paths: list[Path], preprocessing: Preprocessing) -> list[np.ndarray]:
    """The model's inputs of those of the files that are pictures."""
    pictures = []
    for path in paths:
        if is_candidate(path.name.encode()):
            with contextlib.suppress(PhotoError):
                pictures.append(preprocessing.prepare(decode(read_photo(path), preprocessing.short_side).image))
    return pictures


def lowest_cosine(first: np.ndarray, second: np.ndarray) -> float:
    """The lowest cosine between rows of the same number; NaN where a row is not finite."""
    return float(cosines(first, second).min())


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The cosines (n,) float64 between rows of the same number; NaN where a row is not finite."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    result: np.ndarray = (first * second).sum(axis=1) / np.maximum(lengths, 1e-30)
    return result


def check_pictures(preprocessing: Preprocessing) -> Check:
    """A few pictures of the bundled sample, one class each; drawn ones where there is no sample."""
    pictures = _prepared(_sample_pictures(), preprocessing)
    if len(pictures) >= 2:
        return Check(np.stack(pictures), "pictures of the bundled sample")
    return Check(np.stack([_drawn(seed, preprocessing.size) for seed in range(PICTURES)]), "drawn pictures")


def _sample_pictures() -> list[Path]:
    firsts: list[Path] = []
    for folder in _sample_classes():
        firsts += [path for path in sorted(folder.iterdir()) if is_candidate(path.name.encode())][:1]
    return firsts[:PICTURES]


def _sample_classes() -> list[Path]:
    return sorted(path for path in sample_folder().glob("*") if path.is_dir())


def _drawn(seed: int, size: int) -> np.ndarray:
    """A smooth colour field with a hard-edged block on it, uint8 (size, size, 3)."""
    rng = np.random.default_rng(seed)
    colours = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    picture = np.array(colours.resize((size, size), Image.Resampling.BICUBIC))
    top, left = rng.integers(0, size // 2, 2)
    picture[top : top + size // 3, left : left + size // 3] = rng.integers(0, 256, 3)
    return picture


def _difference(truth: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(truth - other).max() / max(float(np.abs(truth).max()), 1e-30))
