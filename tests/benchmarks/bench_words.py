"""What words find: P@10 and mAP over the classes of the bundled sample whose names are known words, and by chance.

    python -m tests.benchmarks.bench_words [FOLDER]

Target: P@10 at least 0.65. FOLDER is another folder of class folders. Then how long a word takes in 100,000 photos
(target: 0.1 s for a word once the embeddings are read), with made-up embeddings.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain
from indexer.ranking.word_ranking import WordIndex, parse_word_query
from tests.support.vectors import ROOT, clustered, outcome

TARGET = 0.65
PHOTOS, BLOCK, MOST_SECONDS = 100_000, 5_000, 0.1
NEXT_WORDS = ("dog", "flower", "boat", "fruit", "car")


def measure_words(library: Library) -> list[tuple[str, float, float, float]]:
    """Of each label that is a known word: its name, P@10, average precision, and its share of the photos."""
    index, rows = WordIndex(library), []
    labels = library.annotations.read_labels(library.model_id)
    for label in sorted(set(labels.values())):
        try:
            query = parse_word_query(label.replace("_", " "), "")
        except LookalikeError:
            continue
        hits = index.rank_photos(query, len(labels)).hits
        right = np.array([hit.photo.label == label for hit in hits], float)
        found = np.cumsum(right) / np.arange(1, len(right) + 1)
        count = sum(other == label for other in labels.values())
        rows.append((label, right[:10].mean(), float((found * right).sum() / count), count / len(labels)))
    return rows


class WordSeconds(NamedTuple):
    """Seconds of the first question, which reads all embeddings, and the medians of other words, and of those again."""

    first: float
    new: float
    again: float


def measure_seconds(folder: Path, count: int = PHOTOS) -> WordSeconds:
    """How long questions by a word take in a library of so many photos."""
    with Library.create(folder) as library:
        card = drain(install_model(ModelChoice(), library.models_folder))
        model = library.store.models.add_model(card.fingerprint, card.name, card.dim)
        library.store.files.add_root(ROOT, labelled=False)
        root = library.store.files.list_roots()[0].id
        for start in range(0, count, BLOCK):
            vectors = clustered(BLOCK, dim=card.dim, seed=start)
            library.store.record_outcomes((outcome(root, start + n, vector) for n, vector in enumerate(vectors)), model)
        library.store.models.activate_model(card.fingerprint)
        index, seconds = WordIndex(library), []
        for word in ("bird", *NEXT_WORDS, *NEXT_WORDS):
            start_time = time.perf_counter()
            index.rank_photos(parse_word_query(word, ""), 50)
            seconds.append(time.perf_counter() - start_time)
    new, again = seconds[1 : 1 + len(NEXT_WORDS)], seconds[1 + len(NEXT_WORDS) :]
    return WordSeconds(seconds[0], float(np.median(new)), float(np.median(again)))


def main(folder: Path | None = None) -> None:
    """Index the folder, or the sample, with the built-in model; print the figures of each word and their means."""
    folder = folder or find_sample_folder()
    with tempfile.TemporaryDirectory() as work, Library.create(Path(work) / "x.library") as library:
        card = drain(install_model(ModelChoice(), library.models_folder))
        drain(index_library(library, (folder,), load_model(library.models_folder / card.fingerprint), labelled=True))
        rows = measure_words(library)
    print(f"{'word':<16} {'P@10':>6} {'mAP':>6} {'chance':>7}")
    for label, *figures in rows:
        print(f"{label:<16} " + " ".join(f"{figure:>6.3f}" for figure in figures))
    means = np.mean([figures for _, *figures in rows], axis=0)
    verdict = "reached" if means[0] >= TARGET else "missed"
    target = f"(target {TARGET}: {verdict})"
    print(f"{len(rows)} words: P@10 {means[0]:.3f} {target}, mAP {means[1]:.3f}, chance {means[2]:.3f}")
    with tempfile.TemporaryDirectory() as work:
        seconds = measure_seconds(Path(work) / "many.library")
    verdict = "reached" if seconds.new <= MOST_SECONDS else "missed"
    print(
        f"{PHOTOS:,} photos: the first word {seconds.first:.1f} s, another {seconds.new:.3f} s "
        f"(target {MOST_SECONDS} s: {verdict}), one that was asked before {seconds.again:.3f} s"
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
