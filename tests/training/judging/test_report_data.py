import json
from pathlib import Path

import numpy as np
import pytest

from indexer.models.card import REPORT_DATA_FILE
from indexer.models.network import load_network
from indexer.statistics.metrics import measure_retrieval
from tests.support.quick_training import Trained
from training.data.labelled_folders import PhotoSample, number_labels
from training.judging.judged_models import MeasuredModel
from training.judging.report_data import (
    MAX_PER_CONFUSION,
    PLOTTED_PHOTOS,
    ReportData,
    collect_report_data,
    parse_report_data,
)


def samples_of(labels: str) -> list[PhotoSample]:
    return [PhotoSample(b"/%d.png" % row, row.to_bytes(32, "big"), label) for row, label in enumerate(labels)]


def insight_of(samples: list[PhotoSample], before: np.ndarray, after: np.ndarray) -> ReportData:
    labels = number_labels(samples).labels
    old, new = (
        MeasuredModel(name, one, measure_retrieval(one, labels)) for name, one in (("old", before), ("new", after))
    )
    return collect_report_data(samples, labels, old, new, None)


def test_the_worst_mistakes_come_first_with_the_nearest_of_both_classes() -> None:
    samples = samples_of("aaabbb")
    places = np.array([[0.0], [1.0], [9.1], [10.0], [9.0], [11.5]], np.float32)  # row 2 lies among the others
    found = insight_of(samples, places, places)
    worst = found.mistakes[0]
    assert (worst.label, worst.taken_for) == ("a", "b")
    assert (worst.query.path, worst.nearest.path, worst.nearest_match.path) == ("/2.png", "/4.png", "/1.png")
    assert worst.query.sha256 == samples[2].sha256.hex()
    assert worst.distance == pytest.approx(0.1, abs=1e-5)
    assert worst.match_distance == pytest.approx(8.1, abs=1e-5)
    gaps = [mistake.distance - mistake.match_distance for mistake in found.mistakes]
    assert gaps == sorted(gaps)


def test_mistakes_are_counted_by_kind_as_a_loop_over_all_pairs_counts_them() -> None:
    random = np.random.default_rng(3)
    samples = samples_of("".join(random.choice(list("abc"), 60)))
    places = random.normal(size=(60, 2)).astype(np.float32)
    found = insight_of(samples, places, places)
    counts: dict[tuple[str, str], int] = {}
    for query in range(60):
        others = [other for other in range(60) if other != query]
        nearest = min(others, key=lambda other: float(np.linalg.norm(places[query] - places[other])))
        if samples[nearest].label != samples[query].label:
            kind = (samples[query].label, samples[nearest].label)
            counts[kind] = counts.get(kind, 0) + 1
    assert {(kind.label, kind.taken_for): kind.queries for kind in found.kinds} == counts
    shown = [(mistake.label, mistake.taken_for) for mistake in found.mistakes]
    assert all(shown.count(kind) <= MAX_PER_CONFUSION for kind in shown)


def test_classes_are_ordered_by_how_hard_they_are_and_drawn_photos_keep_their_distances() -> None:
    samples = samples_of("aabbcc")
    after = np.array([[0.0, 0], [5, 0], [1, 0], [1.1, 0], [9, 9], [9, 9.1]], np.float32)
    found = insight_of(samples, after[::-1].copy(), after)
    assert [row.label for row in found.per_class] == ["a", "b", "c"]
    assert [row.p_at_1[1] for row in found.per_class] == [0.0, 1.0, 1.0]
    drawn = np.array(found.after.drawn)
    for left in range(6):
        for right in range(6):
            there = np.linalg.norm(after[left] - after[right])
            assert np.linalg.norm(drawn[left] - drawn[right]) == pytest.approx(there, abs=5e-3)


def test_what_was_written_beside_a_checkpoint_is_read_again_and_stays_small(trained: Trained) -> None:
    path = trained.result.checkpoint / REPORT_DATA_FILE
    kept = parse_report_data(json.loads(path.read_text()))
    assert path.stat().st_size < 1 << 19
    assert kept.after.model == trained.result.verdict.after.name
    assert sum(row.photos for row in kept.per_class) == len(trained.result.parts.test) <= PLOTTED_PHOTOS
    assert kept.calibration is not None
    assert len(kept.codes) == len(kept.before.drawn) == len(kept.after.drawn)
    assert json.loads(json.dumps(kept.fields())) == json.loads(path.read_text())


@pytest.mark.parametrize("key", ["before", "mistakes", "per_class", "calibration", "codes"])
def test_a_damaged_insight_is_refused(trained: Trained, key: str) -> None:
    fields = json.loads((trained.result.checkpoint / REPORT_DATA_FILE).read_text())
    for damage in ("text", 5, [[1]]):
        with pytest.raises(ValueError, match=r".+"):
            parse_report_data(fields | {key: damage})


def test_a_checkpoint_has_a_card_for_people_with_the_figures_of_the_verdict(trained: Trained, shapes: Path) -> None:
    said = (trained.result.checkpoint / "MODEL.md").read_text()
    assert f"{trained.result.verdict.after.figures.map_at_r:.3f}" in said
    assert f"{len(trained.result.parts.train):,} pictures to learn from" in said
    assert shapes.name in said
    for heading in ("For what", "Learned from", "Figures", "Limits"):
        assert f"## {heading}" in said
    assert load_network(trained.result.checkpoint).dim == trained.result.fit.network.dim
