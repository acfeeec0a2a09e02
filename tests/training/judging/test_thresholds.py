"""Thresholds from classes that were not trained hold on fresh ones; those from trained classes do not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.models.card import hash_label
from indexer.statistics.calibration import Calibration
from indexer.statistics.metrics import find_threshold, measure_pair_distances
from tests.support.labelled_shapes import write_classes
from tests.support.quick_training import QUICK, run_to_end
from training.data.labelled_folders import PhotoSample, number_labels
from training.judging.thresholds import calibrate_thresholds

DIM, PHOTOS = 96, 12


def pictures(classes: range, rng: np.random.Generator) -> tuple[np.ndarray, list[PhotoSample]]:
    """Vectors about a centre for each class, and their samples."""
    centres = rng.normal(size=(len(classes), 1, DIM))
    vectors = (centres + 0.8 * rng.normal(size=(len(classes), PHOTOS, DIM))).reshape(-1, DIM)
    names = [f"class {number}" for number in classes for _ in range(PHOTOS)]
    return vectors, [PhotoSample(b"/x", str(row).encode(), name) for row, name in enumerate(names)]


def trained(vectors: np.ndarray, samples: list[PhotoSample]) -> np.ndarray:
    """A head (DIM, classes) trained until it knows its classes by heart: least squares to one axis for each class."""
    labels = number_labels(samples).labels
    weights: np.ndarray = np.linalg.lstsq(vectors, np.eye(labels.max() + 1)[labels], rcond=None)[0]
    return weights


def unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def false_matches(vectors: np.ndarray, samples: list[PhotoSample], distance: float) -> float:
    """The share of mismatched pairs nearer than the distance, by a plain loop over all pairs."""
    labels, near, pairs = number_labels(samples).labels, 0, 0
    for row in range(len(vectors)):
        others = labels[row + 1 :] != labels[row]
        away = np.linalg.norm(vectors[row + 1 :][others] - vectors[row], axis=1)
        near, pairs = near + int((away < distance).sum()), pairs + len(away)
    return near / pairs


def test_thresholds_of_classes_kept_out_hold_where_those_of_trained_classes_fail() -> None:
    promised, held, failed = 0.05, [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        learn, kept_out, fresh = (pictures(part, rng) for part in (range(40), range(40, 60), range(60, 100)))
        head = trained(*learn)
        known = {sample.label for sample in learn[1]}
        measured = calibrate_thresholds(unit(kept_out[0] @ head), kept_out[1], known, {})
        assert measured.new_classes
        cutoff = measured.calibration.choose_cutoff(promised)
        by_heart = find_threshold(
            measure_pair_distances(unit(learn[0] @ head), number_labels(learn[1]).labels), promised
        )
        new = unit(fresh[0] @ head)
        held.append(false_matches(new, fresh[1], cutoff.distance))
        failed.append(false_matches(new, fresh[1], by_heart.distance))
        assert cutoff.fmr.low <= held[-1] <= cutoff.fmr.high
    assert max(abs(rate - promised) for rate in held) < 0.02
    assert min(failed) > 3 * promised


@pytest.mark.parametrize(("kept_out", "new"), [(4, False), (5, True)])
def test_fewer_than_five_classes_kept_out_speak_for_known_classes_only(kept_out: int, new: bool) -> None:
    vectors, samples = pictures(range(12), np.random.default_rng(0))
    known = {f"class {number}" for number in range(12 - kept_out)}
    measured = calibrate_thresholds(unit(vectors), samples, known, {})
    assert measured.new_classes is new
    assert measured.calibration.classes == (5 if new else 12)
    assert ("known classes only" in measured.scope) is not new
    assert (measured.card_fields is None) is not new


def test_a_class_of_one_photo_has_no_matched_pair_and_does_not_count() -> None:
    vectors, samples = pictures(range(6), np.random.default_rng(0))
    once = [row for row, sample in enumerate(samples) if sample.label != "class 5" or row % PHOTOS == 0]
    measured = calibrate_thresholds(unit(vectors[once]), [samples[row] for row in once], {"class 0"}, {})
    assert not measured.new_classes


@pytest.mark.parametrize(
    ("purpose", "classes", "photos", "flattered"),
    [
        ("classes", 15, 4, True),  # three classes of the test and two of validation
        pytest.param(
            "classes", 25, 4, True, marks=pytest.mark.long
        ),  # five classes of the test, whose 160 mismatched pairs back no rate of a tenth
        pytest.param("classes", 25, 7, False, marks=pytest.mark.long),
        pytest.param("images", 6, 30, False, marks=pytest.mark.long),
        ("images", 3, 8, True),
    ],
)
def test_photos_that_chose_the_epoch_count_only_where_those_of_the_test_are_too_few(
    tmp_path: Path, purpose: str, classes: int, photos: int, flattered: bool
) -> None:
    folder = write_classes(tmp_path / "shapes", classes, photos)
    config = replace(QUICK, purpose=purpose, recipe="quick", epochs=1)
    result = run_to_end(config, folder, tmp_path / "out").result
    assert result.thresholds is not None
    assert result.thresholds.new_classes is (purpose == "classes")
    measured = result.parts.test + (result.parts.validation if flattered else ())
    assert result.thresholds.calibration.photos == len(measured)
    assert ("chose the best epoch" in result.thresholds.scope) is flattered


def test_they_travel_with_the_checkpoint(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 15, 6)
    config = replace(QUICK, purpose="classes", recipe="quick", epochs=1)
    result = run_to_end(config, folder, tmp_path / "out").result
    assert result.thresholds is not None
    assert result.thresholds.new_classes
    card = json.loads((tmp_path / "out" / "model.json").read_text())
    assert Calibration.from_fields(card["calibration"]) == result.thresholds.calibration
    learnt = {sample.label for sample in result.parts.train + result.parts.validation}
    assert card["trained_labels"] == sorted(map(hash_label, learnt))
    assert 0 < len(learnt) < 15
    story = json.loads((tmp_path / "out" / "training.json").read_text())
    assert story["thresholds"]["new_classes"] is True
