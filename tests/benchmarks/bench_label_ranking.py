"""Ranking by labels: what a few labels gain for their kinds, and what they cost the kinds without one.

Of some classes a few pictures each are labelled; all pictures without a label ask among each other, once under the
model alone and once under the labels' metric with several settings. Figures are MAP@R, means over draws, apart for
pictures of the labelled kinds and of all others. Last, the processor seconds of a ranking of 10,000 photos after a
label has changed, and of the next one.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.library import Library
from indexer.ranking.label_ranking import search_by_labels
from indexer.search.label_metric import LIVE_SETTING
from indexer.search.query import Query
from indexer.statistics.metrics import measure_retrieval
from indexer.vectors.class_metric import MetricSetting, fit_class_metric
from tests.benchmarks.bench_identify_few import embed_set
from tests.support.vectors import clustered, fill

SETTINGS = {
    "model alone": None,
    "live": LIVE_SETTING,
    "stretch 1": MetricSetting(0.3, 1.0),
    "stretch 3": MetricSetting(0.3, 3.0),
}
LABELLED = ((4, 3), (4, 6), (18, 4))  # classes, and pictures of each
PHOTOS, DIM, MOST_SECONDS = 10_000, 1280, 1.0


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=12)
    draws = parser.parse_args(arguments).draws
    with tempfile.TemporaryDirectory() as place:
        vectors, codes = embed_set("drawings", Path(place))
        print("| labelled | " + " | ".join(f"{name}: theirs, others" for name in SETTINGS) + " |")
        print("|---" * (1 + len(SETTINGS)) + "|")
        for classes, each in LABELLED:
            drawn = [measure_draw(vectors, codes, classes, each, seed) for seed in range(draws)]
            cells = [f"{theirs:.3f}, {others:.3f}" for theirs, others in np.mean(drawn, axis=0)]
            print(f"| {classes} x {each} | " + " | ".join(cells) + " |", flush=True)
        measure_seconds(Path(place) / "x.library")


def measure_draw(vectors: np.ndarray, codes: np.ndarray, classes: int, each: int, seed: int) -> np.ndarray:
    """MAP@R (settings, 2) of pictures without a label: of the labelled kinds, and of the others (nan without any)."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(codes.max() + 1)[:classes]
    labelled = np.concatenate([random.permutation(np.flatnonzero(codes == code))[:each] for code in chosen])
    rest = np.setdiff1d(np.arange(len(codes)), labelled)
    rows = []
    for setting in SETTINGS.values():
        mapped = vectors[rest]
        if setting is not None:
            mapped = fit_class_metric(vectors[labelled], codes[labelled], setting).transform(mapped)
        found = measure_retrieval(mapped.astype(np.float64), codes[rest])
        theirs = np.isin(codes[rest][found.rows], chosen)
        others = found.per_query_map_at_r[~theirs].mean() if not theirs.all() else np.nan
        rows.append((found.per_query_map_at_r[theirs].mean(), others))
    return np.array(rows)


def measure_seconds(folder: Path) -> None:
    """Print the processor seconds of rankings in a library of PHOTOS made-up embeddings, with ever more labels."""
    fill(folder, clustered(PHOTOS, dim=DIM))
    print("\n| labels | after a change of a label | the next ranking | target |\n|---|---|---|---|")
    with Library.open(folder) as library:
        library.search(Query((1,)))
        for photos, classes in ((23, 4), (300, 10), (PHOTOS, 25)):
            for code in range(classes):
                library.annotations.set_label(range(1 + code, photos + 1, classes), f"class {code}")
            seconds = []
            for photo in (1, 7):
                start = time.process_time()
                search_by_labels(library, Query((photo,)), k=200)
                seconds.append(f"{time.process_time() - start:.2f} s")
            print(f"| {photos:,} in {classes} | {' | '.join(seconds)} | {MOST_SECONDS:.0f} s |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
