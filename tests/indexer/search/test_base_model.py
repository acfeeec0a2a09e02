"""An instant model has seen all labelled photos: figures come from photos asked under a map fitted without them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.library import Library
from indexer.matching.identification import identify_label, identify_with_rule
from indexer.matching.identification_rule import measure_rule
from indexer.matching.identity import verify_label
from indexer.search.base_model import BaseModel, HeadInverse
from indexer.statistics.calibration_measurement import FoldVectors, calibrate_from_folds
from indexer.statistics.cross_validation import assign_folds
from indexer.vectors.class_metric import fit_class_metric
from tests.support.embedders import tiny_card
from tests.support.instant_library import CLASSES, CODES, SETTING, make_vectors, use_instant_model, write_weights

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(params=[False, True], ids=["real labels", "labels by lot"])
def by_lot(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def library(tmp_path: Path, by_lot: bool) -> Iterator[Library]:
    fit = {**SETTING._asdict(), "purpose": "images"}
    with use_instant_model(tmp_path / "x.library", make_vectors(labels_by_lot=by_lot), **fit) as opened:
        yield opened


def test_the_base_is_found_with_the_setting_of_the_map(library: Library) -> None:
    base = library.store.models.find_model_id(tiny_card().fingerprint)
    assert library.find_base_model() == BaseModel(base, SETTING, "images")
    assert base != library.model_id


def test_calibration_is_that_of_maps_fitted_without_the_pair(library: Library, by_lot: bool) -> None:
    known = library.load_calibration()
    vectors = make_vectors(labels_by_lot=by_lot).astype(np.float32)
    label_codes = np.unique([f"class {code}" for code in CODES], return_inverse=True)[1]
    contents = [photo.sha256 for photo in library.load_photos(range(1, len(CODES) + 1))]
    groups = np.array([sorted(contents).index(sha256) for sha256 in contents])  # each alone, in the order of contents
    places = assign_folds(label_codes, groups, 5, 0)
    folds = []
    for number in range(5):
        inside = places == number
        metric = fit_class_metric(vectors[~inside], label_codes[~inside], SETTING)
        folds.append(FoldVectors(np.flatnonzero(inside), metric.transform(vectors[inside])))
    expected = calibrate_from_folds(folds, label_codes, source="labels", new_labels=False)
    assert (known.source, known.photos, known.new_labels) == ("labels", len(CODES), False)
    assert known.matched == expected.matched
    assert known.knots == expected.knots


@pytest.mark.long
def test_labels_by_lot_are_not_identified_though_the_map_has_learned_them(library: Library, by_lot: bool) -> None:
    rule = measure_rule(library).by_ratio
    assert f"{len(CODES)} photos whose label was left out, of {CLASSES} labels" in rule.measured
    assert rule.identified is not None
    answers = [identify_label(library, photo) for photo in range(1, len(CODES) + 1, 3)]
    right = np.mean([answer.best == f"class {code}" for answer, code in zip(answers, CODES[::3], strict=True)])
    if by_lot:
        assert rule.identified.value < 0.1
        assert right < 0.3  # 1 of 14 by chance, where the map itself would give nearly each photo its own label
    else:
        assert rule.identified.value > 0.8
        assert right > 0.9


def test_the_way_back_leads_to_the_vector_that_was_mapped() -> None:
    vectors = make_vectors(labels_by_lot=False).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    random = np.random.default_rng(1)
    mean, matrix = 0.3 * vectors[0], random.standard_normal((192, 192)) + 20 * np.eye(192)
    mapped = (vectors - mean) @ matrix
    mapped /= np.linalg.norm(mapped, axis=1, keepdims=True)
    assert np.allclose(HeadInverse(mean, np.linalg.inv(matrix)).recover_base(mapped), vectors, atol=1e-9)


def test_labels_are_asked_after_the_use_as_before_it(library: Library) -> None:
    after = measure_rule(library)
    answers = [identify_with_rule(after, photo) for photo in range(1, len(CODES) + 1)]
    stranger = library.embed_example(1)[::-1].copy()
    library.store.models.activate_model(tiny_card().fingerprint)
    before = measure_rule(library)
    assert after.by_ratio == before.by_ratio
    for photo, answer in enumerate(answers, 1):
        known = identify_with_rule(before, photo)
        assert (answer.label, answer.best, answer.ratio) == (known.label, known.best, known.ratio)
    assert after.way_back is not None
    outside = after.way_back.recover_base(stranger[None])
    assert np.linalg.norm(outside) == pytest.approx(1, abs=1e-6)


def test_a_claimed_label_is_verified_by_distances_out_of_fold(library: Library, by_lot: bool) -> None:
    claims = [verify_label(library, photo, f"class {CODES[photo - 1]}") for photo in range(1, len(CODES) + 1, 5)]
    false_claims = [verify_label(library, photo, "class 11") for photo in range(1, 81, 4)]
    assert all("Measured on 104 photos not of class" in claim.measured for claim in claims)
    assert all(claim.fnmr is not None for claim in claims)
    accepted = np.mean([claim.verdict == "same" for claim in claims])
    assert np.mean([claim.verdict == "same" for claim in false_claims]) <= 0.2
    assert accepted < 0.3 if by_lot else accepted > 0.7


@pytest.mark.parametrize("field", ["head", "setting", "embedding", "weights", "damage"])
def test_without_base_or_setting_it_is_a_model_like_any_other(tmp_path: Path, field: str) -> None:
    fit: dict[str, object] = {"shrinkage": "much" if field == "setting" else 0.3, "stretch": 3.0, "purpose": "images"}
    with use_instant_model(tmp_path / "x.library", make_vectors(labels_by_lot=False), **fit) as library:
        if field == "head":
            path = library.models_folder / tiny_card().fingerprint / "model.json"
            path.write_text(json.dumps({"format": 1}))
        if field == "weights":
            write_weights(library.models_folder / tiny_card().fingerprint, 1.5)
        if field == "damage":
            (library.models_folder / tiny_card().fingerprint / "model.safetensors").write_bytes(b"\x08")
        if field == "embedding":
            base = library.store.models.find_model_id(tiny_card().fingerprint)
            library.store.database.execute_statement("DELETE FROM embeddings WHERE photo = 1 AND model = ?", (base,))
        assert library.find_base_model() is None
        assert library.load_calibration().source == "photos"
