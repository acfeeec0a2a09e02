"""The built-in model in 8 bits against fp32: whether it may be a model of its own, "built-in, fast". NNCF must be there
(`pip install nncf`, on Linux with a virtual environment of its own).

Forms: all layers in 8 bits; with weights of 7 bits, whose products no processor cuts off; the same with layers at both
ends in fp32. Calibrated on clip art of other topics and on windows of natural scenes, none of which is asked.

Sets: the bundled drawings and photographs, clip art, Fashion-MNIST. Changes of MAP@R are in points, with 95 % intervals
over classes; *taught* is the mean over draws of what recipe instant finds among pictures kept away. Near copies are
those of `bench_near_copies`, found by the model alone among drawings and photographs. Speed is that of the processor
for one picture in a whole index run at 640 x 480, fp32 and 8 bits taking turns. Equal numbers are asked of a child
that may use no instruction beyond AVX2.
"""

import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.agreement import compute_cosines
from indexer.models.card import read_card
from indexer.models.embedder import NETWORK_CALLERS
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import Model, load_model
from indexer.models.prepared import copy_model
from indexer.models.runtime import BIN_FILE, XML_FILE, fast_precision, import_openvino, read_form, write_form
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from indexer.progress import drain
from indexer.statistics.metrics import bootstrap_difference, measure_retrieval
from tests.benchmarks import sets
from tests.benchmarks.bench_instant import SPLITS, measure_gain
from tests.benchmarks.bench_letterbox import cut_windows, load_scenes
from tests.benchmarks.bench_near_copies import CHANGES
from training.judging.out_of_fold import LabelledVectors


class QuantisedForm(NamedTuple):
    """Whether weights have 7 bits, not 8, and how many layers at each end stay in fp32."""

    narrow: bool = True
    first: int = 0
    last: int = 0


FORMS = {
    "8 bits": QuantisedForm(narrow=False),
    "7-bit weights": QuantisedForm(),
    "7-bit weights, first and last layer fp32": QuantisedForm(first=1, last=1),
    "7-bit weights, eight first and two last layers fp32": QuantisedForm(first=8, last=2),
}
CALIBRATED, SCENE_WINDOWS = 300, 180  # pictures, and those of them that show scenes
TIMED_PHOTOS, TIMED_TURNS = 300, 3
ASKED_COPIES = 100
EQUAL_PICTURES = 48
MOST_LOST, MOST_COPIES_LOST, LEAST_FASTER, LEAST_COSINE = 0.5, 1.0, 1.6, 0.9999
EMBED = """
import sys
import numpy as np
from pathlib import Path
from indexer.models.model import load_model
np.save(sys.argv[3], load_model(Path(sys.argv[1]), runtime="openvino").embed(np.load(sys.argv[2])))
"""


class PreparedSet(NamedTuple):
    """Model inputs uint8 (n, size, size, 3) and class numbers (n,)."""

    batch: np.ndarray
    codes: np.ndarray


class FormFigures(NamedTuple):
    """What a form loses against fp32 at worst, in points of MAP@R plain and taught and of near copies, how many times
    as fast a run is, and its lowest cosine to itself without newer instructions."""

    plain: float
    taught: float
    copies: float
    faster: float
    equal: float


def main() -> None:
    try:
        nncf = importlib.import_module("nncf")
    except ModuleNotFoundError:
        print("left out: NNCF is not installed (pip install nncf)")
        return
    if not sets.CLIPART.is_dir():
        print("left out: Debian's package openclipart-png is not installed")
        return
    with tempfile.TemporaryDirectory() as work:
        base = install_base(Path(work))
        asked = {name: prepare_set(list_files(Path(work)), load_model(base)) for name, list_files in ASKED.items()}
        calibration = prepare_calibration(load_model(base))
        for name, wanted in FORMS.items():
            form = quantise(nncf, base, Path(work) / name / base.name, calibration, wanted)
            judge(name, measure_form(base, form, asked, Path(work)))


def install_base(work: Path) -> Path:
    """The folder of the default model, to be computed in fp32 whatever the processor has."""
    folder = work / "models" / drain(install_model(ModelChoice(), work / "models")).fingerprint
    write_form(replace(read_form(folder, read_card(folder)), precision="fp32"), folder)
    processor = "has" if fast_precision() == "bf16" else "has no"
    print(f"This processor {processor} bf16; fp32 is asked of it, and on processors with bf16 no 8 bits are wanted.")
    return folder


def prepare_set(files: list[tuple[Path, str]], model: Model) -> PreparedSet:
    codes = np.unique([label for _, label in files], return_inverse=True)[1]
    return PreparedSet(np.stack([prepare_file(path, model) for path, _ in files]), codes)


def prepare_file(path: Path, model: Model) -> np.ndarray:
    return model.prepare(decode_photo(read_photo(path), model.card.preprocessing.short_side).image)


def prepare_calibration(model: Model) -> np.ndarray:
    """Model inputs (n, size, size, 3) in mixed order: windows of scenes, and clip art of topics that no set has."""
    windows = cut_windows(load_scenes(), np.random.default_rng(3)).pictures[:SCENE_WINDOWS]
    drawings = sorted({*sets.CLIPART.rglob("*.png")} - sets.list_bundled_originals())
    others = [path for path in drawings if not {*path.parts} & {*sets.TOPICS}]
    chosen = [others[place] for place in np.random.default_rng(0).permutation(len(others))]
    inputs = [model.prepare(window) for window in windows]
    small = (path for path in chosen if path.stat().st_size < 200_000)
    inputs += [prepare_file(path, model) for path, _ in zip(small, range(CALIBRATED - len(inputs)), strict=False)]
    return np.stack(inputs)[np.random.default_rng(1).permutation(len(inputs))]


def quantise(nncf: Any, base: Path, folder: Path, calibration: np.ndarray, wanted: QuantisedForm) -> Path:
    """The default model with a quantised form in `folder`.

    It keeps the fingerprint of the base, so it is never put into a library of other vectors.
    """
    form = read_form(base, read_card(base))
    network = import_openvino().Core().read_model(base / XML_FILE)
    layers = [node for node in network.get_ordered_ops() if node.get_type_name() in ("Convolution", "GroupConvolution")]
    kept = [node.get_friendly_name() for node in layers[: wanted.first] + layers[len(layers) - wanted.last :]]
    parameters = importlib.import_module("nncf.quantization.advanced_parameters")
    overflow = parameters.OverflowFix.ENABLE if wanted.narrow else parameters.OverflowFix.FIRST_LAYER
    quantised = nncf.quantize(
        network,
        nncf.Dataset([picture[None] for picture in calibration]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=kept),
        advanced_parameters=parameters.AdvancedQuantizationParameters(overflow_fix=overflow),
    )
    folder.mkdir(parents=True)
    copy_model(base, form, folder)
    import_openvino().save_model(quantised, folder / XML_FILE, compress_to_fp16=False)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (XML_FILE, BIN_FILE)}
    write_form(replace(form, files=files), folder)
    return folder


def measure_form(base: Path, form: Path, asked: dict[str, PreparedSet], work: Path) -> FormFigures:
    """Print the figures of a form beside those of fp32, set by set; returns the worst."""
    models = [load_model(folder, runtime="openvino") for folder in (base, form)]
    print(f"\n{form.parent.name}\n| set | pictures | fp32 MAP@R | change | taught | change | cosine, mean (lowest) |")
    print("|---|---|---|---|---|---|---|")
    plain, taught = [], []
    for name, part in asked.items():
        first, second = (model.embed(part.batch) for model in models)
        before, after = (measure_retrieval(vectors, part.codes) for vectors in (first, second))
        change = bootstrap_difference(
            before.per_query_map_at_r, after.per_query_map_at_r, groups=part.codes[before.rows]
        )
        learned = [measure_taught(vectors, part.codes) for vectors in (first, second)]
        cosines = compute_cosines(first, second)
        plain.append(100 * change.mean)
        taught.append(100 * (learned[1] - learned[0]))
        print(
            f"| {name} | {len(part.codes)} | {100 * before.map_at_r:.1f} | {100 * change.mean:+.1f} "
            f"({100 * change.low:+.1f} to {100 * change.high:+.1f}) | {100 * learned[0]:.1f} | {taught[-1]:+.1f} | "
            f"{cosines.mean():.3f} ({cosines.min():.2f}) |",
            flush=True,
        )
    copies = [100 * measure_copies(model) for model in models]
    print(f"near copies found by the model alone: {copies[0]:.1f} % in fp32, {copies[1]:.1f} %", flush=True)
    return FormFigures(
        min(plain), min(taught), copies[1] - copies[0], measure_speed(base, form, work), measure_equality(form, asked)
    )


def measure_taught(vectors: np.ndarray, codes: np.ndarray) -> float:
    """MAP@R among pictures kept away, in the mean over draws, when recipe instant has learnt from the others."""
    photos = LabelledVectors(vectors, codes.astype(np.int64), np.arange(len(codes)))
    return float(np.mean([measure_gain(photos, "images", seed).map_after for seed in range(SPLITS)]))


def measure_copies(model: Model) -> float:
    """The share of changed copies of drawings and photographs whose nearest picture is their original."""
    paths = [path for list_files in COPIED for path, _ in list_files(Path())]
    pictures = [decode_photo(read_photo(path), model.card.preprocessing.short_side).image for path in paths]
    known = model.embed(np.stack([model.prepare(picture) for picture in pictures]))
    rows = np.random.default_rng(0).permutation(len(pictures))[:ASKED_COPIES]
    hits = []
    for change in CHANGES.values():
        copies = [change(pictures[row].convert("RGB"), np.random.default_rng(row)) for row in rows]
        vectors = model.embed(np.stack([model.prepare(copy) for copy in copies]))
        hits.append(((vectors @ known.T).argmax(axis=1) == rows).mean())
    return float(np.mean(hits))


def measure_speed(base: Path, form: Path, work: Path) -> float:
    """How many times the processor time of an index run in 8 bits one in fp32 takes, at 640 x 480; the median turn."""
    photos = work / "photos"
    if not photos.exists():
        save_photos(photos)
    turns = [[time_run(folder, photos) for folder in (base, form)] for _ in range(TIMED_TURNS)]
    fp32, quantised = np.median(turns, axis=0) / TIMED_PHOTOS * 1000
    print(f"a run at 640 x 480: {fp32:.1f} ms of the processor a picture in fp32, {quantised:.1f} ms", flush=True)
    return float(np.median([slow / fast for slow, fast in turns]))


def save_photos(folder: Path) -> None:
    """Save TIMED_PHOTOS different photographs of 640 x 480 pixels."""
    folder.mkdir()
    paths = [path for path, _ in sets.list_photographs(folder)]
    for number in range(TIMED_PHOTOS):
        picture = decode_photo(read_photo(paths[number % len(paths)]), 480).image.convert("RGB")
        turned = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number >= len(paths) else picture
        turned.resize((640, 480)).save(folder / f"{number:04d}.jpg", quality=90)


def time_run(model_folder: Path, photos: Path) -> float:
    """Seconds of the processor of an index run into a fresh library, all threads together."""
    with tempfile.TemporaryDirectory() as work, Library.create(Path(work) / "x.library") as library:
        model = load_model(model_folder, runtime="openvino", callers=NETWORK_CALLERS)
        start = time.process_time()
        drain(index_library(library, [photos], model))
        return time.process_time() - start


def measure_equality(form: Path, asked: dict[str, PreparedSet]) -> float:
    """The lowest cosine between embeddings here and those of a child that has no instructions beyond AVX2."""
    batch = np.concatenate([part.batch[: EQUAL_PICTURES // len(asked)] for part in asked.values()])
    with tempfile.TemporaryDirectory() as work:
        given, answer = Path(work) / "batch.npy", Path(work) / "vectors.npy"
        np.save(given, batch)
        words = [sys.executable, "-c", EMBED, str(form), str(given), str(answer)]
        subprocess.run(words, env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}, check=True)
        old = np.load(answer)
    return float(compute_cosines(load_model(form, runtime="openvino").embed(batch), old).min())


def judge(name: str, found: FormFigures) -> None:
    """Print each figure beside its target."""
    rows = (
        ("MAP@R, worst set", f"{found.plain:+.1f}", f">= {-MOST_LOST}", found.plain >= -MOST_LOST),
        ("MAP@R taught, worst set", f"{found.taught:+.1f}", f">= {-MOST_LOST}", found.taught >= -MOST_LOST),
        ("near copies", f"{found.copies:+.1f}", f">= {-MOST_COPIES_LOST}", found.copies >= -MOST_COPIES_LOST),
        ("times as fast, whole run", f"{found.faster:.2f}", f">= {LEAST_FASTER}", found.faster >= LEAST_FASTER),
        ("cosine with and without VNNI", f"{found.equal:.4f}", f">= {LEAST_COSINE}", found.equal >= LEAST_COSINE),
    )
    for words, figure, target, reached in rows:
        print(f"{name}: {words} {figure}, target {target} {'reached' if reached else 'missed'}")
    verdict = "may be offered" if all(reached for *_, reached in rows) else "refused by these figures"
    print(f"{name}: {verdict}", flush=True)


ASKED: dict[str, Callable[[Path], list[tuple[Path, str]]]] = {
    "drawings": sets.list_drawings,
    "photographs": sets.list_photographs,
    "clip art": sets.list_clip_art,
    "Fashion-MNIST": sets.list_fashion,
}
COPIED = (sets.list_drawings, sets.list_photographs)

if __name__ == "__main__":
    main()
