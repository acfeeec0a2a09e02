"""What words find among the bundled drawings and photographs: the classes whose names are known words.

    python -m tests.benchmarks.bench_words [FOLDER]

P@10 (target: at least 0.65), the most that it can be where a class has fewer than ten pictures, mean average precision
and chance; then precision and recall of the photos that a search lists, which is cut where they are unlikely. The words
above the classes in the tree are asked too, as "animal" above "birds" and "cats": the second figure is over all words
that ten pictures or more show. FOLDER is another folder of class folders. Then how long a word takes in 100,000 photos
(target: 0.1 s for a word once the embeddings are read), with made-up embeddings, in seconds of the processor, all
threads together.
"""

import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.paths import find_assets_folder
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain
from indexer.ranking.known_words import load_word_tree
from indexer.ranking.word_ranking import WordIndex, parse_word_query
from tests.support.vectors import ROOT, clustered, outcome

TARGET = 0.65
PHOTOS, BLOCK, MOST_SECONDS = 100_000, 5_000, 0.1
NEXT_WORDS = ("dog", "flower", "boat", "fruit", "car")


class WordFigures(NamedTuple):
    """Of a label that is a known word: P@10 and the most it can be, average precision, its share of the photos, and
    precision and recall of what a search lists."""

    p_at_10: float
    most: float
    average_precision: float
    chance: float
    precision: float
    recall: float


def measure_words(library: Library) -> dict[str, WordFigures]:
    """The figures of each label that is a known word."""
    index, rows = WordIndex(library), {}
    labels = library.annotations.read_labels(library.model_id)
    for label in sorted(set(labels.values())):
        words = label.replace("_", " ")
        try:
            hits = index.rank_photos(parse_word_query(words, ""), len(labels)).hits
        except LookalikeError:
            continue
        right = np.array([hit.photo.label == label for hit in hits], float)
        found = np.cumsum(right) / np.arange(1, len(right) + 1)
        count = sum(other == label for other in labels.values())
        listed = [hit.photo.label == label for hit in index.answer_words((words, ""), len(labels)).hits]
        precision, recall = float(np.mean(listed)) if listed else 0.0, sum(listed) / count
        rows[label] = WordFigures(
            float(right[:10].mean()),
            min(count, 10) / 10,
            float((found * right).sum() / count),
            count / len(labels),
            precision,
            recall,
        )
    return rows


def measure_wide_words(library: Library) -> dict[str, float]:
    """P@10 of each known word that at least ten photos show, those above two labels or more in the tree among them.

    Photos whose label is no known word count neither way, as nobody says what they show; of words above the same
    labels the first is asked.
    """
    labels, tree, index = library.annotations.read_labels(library.model_id), load_word_tree(), WordIndex(library)
    known: dict[str, frozenset[int]] = {}
    for label in sorted(set(labels.values())):
        with suppress(LookalikeError):
            words = tree.parse_words(label.replace("_", " "))
            known[label] = frozenset(number for word in words for number in word.classes)
    right = {frozenset({label}): label.replace("_", " ") for label in known}
    for word, classes in tree.classes_by_word.items():
        below = frozenset(label for label, own in known.items() if own <= classes)
        if len(below) > 1 and not any(own & classes and label not in below for label, own in known.items()):
            right.setdefault(below, word)
    figures = {}
    for below, word in right.items():
        if sum(label in below for label in labels.values()) >= 10:
            hits = index.rank_photos(parse_word_query(word, ""), len(labels)).hits
            ranked = [hit.photo.label for hit in hits if hit.photo.label in known]
            figures[word] = float(np.mean([label in below for label in ranked[:10]]))
    return figures


class WordSeconds(NamedTuple):
    """Processor seconds: of the first question, which reads all embeddings, of other words (median), of those again."""

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
            start_time = time.process_time()
            index.rank_photos(parse_word_query(word, ""), 50)
            seconds.append(time.process_time() - start_time)
    new, again = seconds[1 : 1 + len(NEXT_WORDS)], seconds[1 + len(NEXT_WORDS) :]
    return WordSeconds(seconds[0], float(np.median(new)), float(np.median(again)))


def main(folder: Path | None = None) -> None:
    """Print the figures of each word and their means, of the folder or of the bundled pictures, and the seconds."""
    for one in (folder,) if folder else (find_sample_folder(), find_assets_folder() / "photographs"):
        print_words(one)
    with tempfile.TemporaryDirectory() as work:
        seconds = measure_seconds(Path(work) / "many.library")
    verdict = "reached" if seconds.new <= MOST_SECONDS else "missed"
    print(
        f"{PHOTOS:,} photos, processor: the first word {seconds.first:.1f} s, another {seconds.new:.3f} s "
        f"(target {MOST_SECONDS} s: {verdict}), one that was asked before {seconds.again:.3f} s"
    )


def print_words(folder: Path) -> None:
    """Index the folder with the built-in model; print the figures of each word, and their means beside the target."""
    with tempfile.TemporaryDirectory() as work, Library.create(Path(work) / "x.library") as library:
        card = drain(install_model(ModelChoice(), library.models_folder))
        drain(index_library(library, (folder,), load_model(library.models_folder / card.fingerprint), labelled=True))
        rows, wide = measure_words(library), measure_wide_words(library)
    print(f"{folder.name:<16} {'P@10':>9} {'at most':>9} {'mAP':>9} {'chance':>9} {'precision':>9} {'recall':>9}")
    for label, figures in rows.items():
        print(f"{label:<16} " + " ".join(f"{figure:>9.3f}" for figure in figures))
    means = WordFigures(*np.mean([*rows.values()], axis=0).tolist())
    verdict = "reached" if means.p_at_10 >= TARGET else "missed"
    print(
        f"{len(rows)} words of {folder.name}: P@10 {means.p_at_10:.3f} (target {TARGET}: {verdict}; at most "
        f"{means.most:.3f}, reached of that {means.p_at_10 / means.most:.3f}), "
        f"mAP {means.average_precision:.3f}, chance {means.chance:.3f}; listed: precision "
        f"{means.precision:.3f}, recall {means.recall:.3f}",
        flush=True,
    )
    mean = float(np.mean([*wide.values()]))
    verdict = "reached" if mean >= TARGET else "missed"
    each = ", ".join(f"{word} {figure:.1f}" for word, figure in wide.items())
    print(f"{len(wide)} words that ten pictures show: P@10 {mean:.3f} (target {TARGET}: {verdict}): {each}", flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
