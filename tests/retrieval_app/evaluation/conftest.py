"""A report as the command gives it, of a library of made-up embeddings, and the distances behind it."""

import math
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from safetensors.numpy import save_file

from indexer.library import Library
from retrieval_app.evaluation.evaluation_report import EvaluationReport, parse_report
from tests.support.commands import Tell
from tests.support.embedders import tiny_card, write_card
from tests.support.labelled_points import draw_classes
from tests.support.vectors import all_vectors, fill, give_labels


class MeasuredLibrary(NamedTuple):
    """A library's report, its folder, and the distances of its pairs of one label and of two, by a plain loop."""

    report: EvaluationReport
    folder: Path
    matched: list[float]
    mismatched: list[float]


@pytest.fixture
def measured(tmp_path: Path, tell: Tell) -> MeasuredLibrary:
    """60 photos of six labels."""
    vectors, codes = draw_classes(6, 10, seed=3)
    folder = tmp_path / "default.library"
    fill(folder, vectors.astype(np.float16), publish=False)
    write_card(folder / "models")
    weights = folder / "models" / tiny_card().fingerprint / "model.safetensors"
    save_file({"seen": np.zeros((0, 32), np.uint8)}, weights)
    with Library.open(folder) as library:
        library.store.models.activate_model(tiny_card().fingerprint)
        give_labels(library, codes)
        ids, stored = all_vectors(library)
    distances: dict[bool, list[float]] = {True: [], False: []}
    for one, other in combinations(range(len(ids)), 2):
        same = codes[ids[one] - 1] == codes[ids[other] - 1]
        distances[bool(same)].append(math.dist(stored[one].tolist(), stored[other].tolist()))
    said = tell(tmp_path, "evaluate", "--library", folder, "--json")
    return MeasuredLibrary(parse_report(said.result()), folder, distances[True], distances[False])
