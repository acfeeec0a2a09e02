"""What a library calibrates by: labels that are new to the model before known ones, present photos, labels of today."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.library import Library
from indexer.matching.identity import identify_label, verify_label
from indexer.models.card import hash_label
from indexer.photos.reading import content_hash
from indexer.statistics.calibration import Calibration, calibrate_from_labels
from tests.support.embedders import tiny_card
from tests.support.vectors import fill

CLASSES, EACH = 12, 20


def in_classes(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors (CLASSES * EACH, 192) about random centres, and label codes."""
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(CLASSES), EACH)
    vectors = random.standard_normal((CLASSES, 192))[codes] + 0.8 * random.standard_normal((len(codes), 192))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), codes


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Photo i + 1 has the label of code i; nothing says yet what the model was trained on."""
    vectors, codes = in_classes()
    fill(tmp_path / "x.library", vectors.astype(np.float16), publish=False)
    with Library.open(tmp_path / "x.library") as opened:
        for code in range(CLASSES):
            opened.annotations.set_label((np.flatnonzero(codes == code) + 1).tolist(), f"class {code}")
        train(opened, ())
        yield opened


def train(library: Library, numbers: Iterable[int], **card: object) -> None:
    """Let the model say that it was trained on the photos of these numbers from 0, and what else its card says."""
    hashes = b"".join(content_hash(str(number).encode()) for number in numbers)
    place = library.models_folder / tiny_card().fingerprint
    place.mkdir(parents=True, exist_ok=True)
    save_file({"seen": np.frombuffer(hashes, np.uint8).reshape(-1, 32)}, place / "model.safetensors")
    (place / "model.json").write_text(json.dumps(card))


def of(*codes: int, each: int = EACH) -> list[int]:
    """Numbers of the first photos of these classes."""
    return [code * EACH + place for code in codes for place in range(each)]


def labels_of(known: Calibration) -> tuple[str, int, int, bool]:
    return known.source, known.classes, known.photos, known.new_labels


def missing(library: Library, ids: Iterable[int]) -> None:
    library.store.files.set_state(
        library.store.files.list_roots()[0].id, [b"%06d.jpg" % (id - 1) for id in ids], "missing"
    )


# known labels and new ones


def test_unseen_photos_of_trained_labels_speak_for_those_labels_only(library: Library) -> None:
    train(library, of(*range(CLASSES), each=EACH // 2))
    known = library.load_calibration()
    assert labels_of(known) == ("labels", CLASSES, CLASSES * EACH // 2, False)
    assert known.scope == "known labels only: the model was trained on them"
    assert "on others of their labels, so the rates hold for known labels only" in known.describe_pairs()
    assert "as many other labels" not in known.describe_pairs()
    assert library.verify_pair(1, 2).scope == known.scope
    assert library.collect_info().scope == known.scope
    assert library.collect_info().measured == known.describe_pairs()


def test_five_labels_that_are_new_to_the_model_are_preferred(library: Library) -> None:
    train(library, of(*range(7), each=EACH // 2))
    known = library.load_calibration()
    assert labels_of(known) == ("labels", 5, 5 * EACH, True)
    assert (known.scope, "that the model was not trained on" in known.describe_pairs()) == (
        "as many other labels",
        True,
    )
    chosen = library.calibration_source.select_labelled_photos(library.model_fingerprint, library.model_id)
    assert chosen.names == ["class 10", "class 11", "class 7", "class 8", "class 9"]


def test_four_new_labels_are_too_few_and_the_known_ones_are_said_to_be_known(library: Library) -> None:
    train(library, of(*range(8), each=EACH // 2))
    assert labels_of(library.load_calibration()) == ("labels", CLASSES, 8 * EACH // 2 + 4 * EACH, False)


def test_a_new_label_of_one_photo_does_not_count(library: Library) -> None:
    train(library, of(*range(7), each=EACH // 2))
    library.annotations.set_label(range(7 * EACH + 2, 8 * EACH + 1), None)
    assert not library.load_calibration().new_labels


def test_labels_that_the_card_names_are_known_though_their_pictures_lie_elsewhere(library: Library) -> None:
    assert library.load_calibration().new_labels
    train(library, (), trained_labels=[hash_label(f"class {code}") for code in range(CLASSES)])
    library.store.models.set_setting("calibration", None)
    assert labels_of(library.load_calibration()) == ("labels", CLASSES, CLASSES * EACH, False)
    for damaged in ("class 1", 5, [1, None], {"class 1": 1}):
        train(library, (), trained_labels=damaged)
        library.store.models.set_setting("calibration", None)
        assert library.load_calibration().new_labels


def test_new_labels_of_the_training_come_before_known_ones_of_the_library(library: Library) -> None:
    given = calibrate_from_labels(*in_classes(1), source="checkpoint")
    train(library, of(*range(CLASSES), each=EACH // 2), calibration=given.fields())
    assert library.load_calibration() == given
    train(library, (), calibration=given.fields())
    library.store.models.set_setting("calibration", None)
    assert library.load_calibration().source == "labels"


def test_identify_says_when_its_strangers_were_of_known_labels(library: Library) -> None:
    assert "the model was not trained on them" in identify_label(library, 1).measured
    train(library, of(*range(CLASSES), each=EACH // 2))
    assert "the rates hold for known labels only" in identify_label(library, 1).measured
    claim = verify_label(library, 1, "class 0", max_fmr=0.2)
    assert "the rates hold for known labels only" in claim.measured
    assert claim.fnmr is not None  # of the label's own unseen photos
    train(library, of(*range(6), each=EACH // 2))
    assert "of 6 labels; the model was not trained on them" in identify_label(library, 1).measured
    assert verify_label(library, 1, "class 0", max_fmr=0.2).fnmr is not None


def test_a_calibration_of_an_earlier_version_is_one_of_new_labels(library: Library) -> None:
    fields = json.loads(json.dumps(library.load_calibration().fields()))
    assert Calibration.from_fields({key: value for key, value in fields.items() if key != "new_labels"}).new_labels
    assert not Calibration.from_fields(fields | {"new_labels": False}).new_labels
    known = replace(library.load_calibration(), new_labels=False)
    assert Calibration.from_fields(json.loads(json.dumps(known.fields()))) == known


# labels of today


def put(library: Library, number: int, label: str) -> None:
    """Let a file lie in the folder of a class."""
    library.store.files.set_labels(library.store.files.list_roots()[0].id, [(label, b"%06d.jpg" % number)])


def test_one_photo_that_changes_its_folder_is_noticed(library: Library) -> None:
    vectors, codes = in_classes()
    library.annotations.set_label(range(1, CLASSES * EACH + 1), None)
    for number, code in enumerate(codes.tolist()):
        put(library, number, f"folder {code}")
    before = library.load_calibration()
    stamp = library.annotations.fingerprint_labels()
    put(library, 3, "folder 5")
    assert library.annotations.fingerprint_labels() == stamp  # neither the names nor their number say so
    codes[3] = 5
    expected = calibrate_from_labels(vectors.astype(np.float16).astype(np.float32), codes)
    assert library.load_calibration().knots == expected.knots != before.knots


def test_what_was_kept_is_taken_again_while_its_photos_keep_their_labels(library: Library) -> None:
    library.load_calibration()
    kept = library.store.models.read_setting("calibration")
    assert isinstance(kept, dict)
    shown = kept["fields"] | {"photos": 77}
    library.store.models.set_setting("calibration", kept | {"fields": shown})
    assert library.load_calibration().photos == 77  # not measured again
    for damaged in ("1, 2", [1, "two"], None):
        library.store.models.set_setting("calibration", kept | {"fields": shown, "photos": damaged})
        assert library.load_calibration().photos == CLASSES * EACH


# random photos


def drawn(library: Library) -> set[int]:
    return set(library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id).ids.tolist())


def test_photos_that_are_missing_are_not_drawn(library: Library) -> None:
    missing(library, range(1, 101))
    assert drawn(library) == set(range(101, CLASSES * EACH + 1))


def test_large_libraries_are_drawn_from_until_enough_are_there(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.search.library_calibration.MAX_MEASURED_PHOTOS", 40)
    assert CLASSES * EACH > 2 * 40
    assert len(drawn(library)) == 40
    missing(library, range(1, 121))
    train(library, range(120, 160))
    found = drawn(library)
    assert len(found) == 40  # of the 80 that are left: in one round, 40 of 240 draws would leave 13
    assert min(found) > 160
    assert drawn(library) == found
    missing(library, range(1, CLASSES * EACH + 1))
    assert drawn(library) == set()
    assert library.load_calibration().source == "photos"
