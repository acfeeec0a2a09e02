"""What a library calibrates by: labels that are new to the model before known ones, present photos, labels of today."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.identification import identify_label
from indexer.matching.identity import verify_label
from indexer.models.card import hash_label
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.statistics.calibration import Calibration
from indexer.statistics.calibration_measurement import calibrate_from_labels
from tests.support.embedders import Tiny, tiny_card, write_card
from tests.support.trees import paint
from tests.support.vectors import fill, record_bursts

pytestmark = pytest.mark.usefixtures("engine")

CLASSES, CLASS_SIZE = 12, 20


def make_classes(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors (CLASSES * CLASS_SIZE, 192) about random centres, and label codes."""
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(CLASSES), CLASS_SIZE)
    vectors = random.standard_normal((CLASSES, 192))[codes] + 0.8 * random.standard_normal((len(codes), 192))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), codes


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Photo i + 1 has the label of code i; nothing says yet what the model was trained on."""
    vectors, codes = make_classes()
    fill(tmp_path / "x.library", vectors.astype(np.float16), publish=False)
    with Library.open(tmp_path / "x.library") as opened:
        for code in range(CLASSES):
            opened.annotations.set_label((np.flatnonzero(codes == code) + 1).tolist(), f"class {code}")
        record_training(opened, ())
        yield opened


def record_training(library: Library, numbers: Iterable[int], **card: object) -> None:
    """Let the model say that it was trained on the photos of these numbers from 0, and what else its card says."""
    hashes = b"".join(content_hash(str(number).encode()) for number in numbers)
    folder = library.models_folder / tiny_card().fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"seen": np.frombuffer(hashes, np.uint8).reshape(-1, 32)}, folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(card))


def list_numbers(*codes: int, count: int = CLASS_SIZE) -> list[int]:
    """Numbers of the first photos of these classes."""
    return [code * CLASS_SIZE + position for code in codes for position in range(count)]


def summarise_calibration(known: Calibration) -> tuple[str, int, int, bool]:
    return known.source, known.classes, known.photos, known.new_labels


def mark_missing(library: Library, ids: Iterable[int]) -> None:
    library.store.files.set_state(
        library.store.files.list_roots()[0].id, [b"%06d.jpg" % (id - 1) for id in ids], "missing"
    )


# known labels and new ones


def test_a_photo_whose_file_got_a_keyword_since_the_training_stays_one_of_the_training(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    trained, other = (paint(photos / name, seed) for seed, name in enumerate(("trained.png", "other.png")))
    with Library.create(tmp_path / "tagged.library") as library:
        write_card(library.models_folder)
        drain(index_library(library, [photos], Tiny()))
        library.store.models.activate_model(Tiny().card.fingerprint)
        known = content_hash(trained.read_bytes())
        folder = library.models_folder / Tiny().card.fingerprint
        save_file({"seen": np.frombuffer(known, np.uint8).reshape(-1, 32)}, folder / "model.safetensors")
        with Image.open(trained) as picture:
            words = PngInfo()
            words.add_text("Keywords", "holiday")
            picture.save(trained, pnginfo=words)
        drain(index_library(library, [photos], Tiny()))
        ids = [library.store.embeddings.find_photo_id(content_hash(path.read_bytes())) for path in (trained, other)]
        assert min(ids) > 0
        assert content_hash(trained.read_bytes()) != known
        unseen = library.calibration_source.mask_unseen_photos(library.model_fingerprint, np.array(ids))
        assert unseen.tolist() == [False, True]


def test_unseen_photos_of_trained_labels_speak_for_those_labels_only(library: Library) -> None:
    record_training(library, list_numbers(*range(CLASSES), count=CLASS_SIZE // 2))
    known = library.load_calibration()
    assert summarise_calibration(known) == ("labels", CLASSES, CLASSES * CLASS_SIZE // 2, False)
    assert known.scope == "known labels only: the model was trained on them"
    assert "on others of their labels, so the rates hold for known labels only" in known.describe_pairs()
    assert "as many other labels" not in known.describe_pairs()
    assert library.verify_pair(1, 2).scope == known.scope
    assert library.collect_info().scope == known.scope
    assert library.collect_info().measured == known.describe_pairs()


def test_pairs_of_frames_of_one_burst_count_for_nothing_and_are_told(library: Library) -> None:
    stored, codes = library.calibration_source.read_embeddings(np.arange(1, 241), library.model_id), make_classes()[1]
    plain, bursts = calibrate_from_labels(stored, codes), np.arange(CLASSES * CLASS_SIZE) // 4
    record_bursts(library, bursts)
    measured = library.load_calibration()
    expected = calibrate_from_labels(stored, codes, groups=bursts)
    assert replace(measured, cutoffs=()) == replace(expected, cutoffs=())
    assert [cutoff.distance for cutoff in measured.cutoffs] == [cutoff.distance for cutoff in expected.cutoffs]
    assert (measured.groups, measured.grouped_pairs) == (60, 60 * 6)  # five bursts of four frames in each class
    assert (measured.matched, measured.mismatched) == (plain.matched - 60 * 6, plain.mismatched)
    assert "(60 groups: 360 pairs of near copies or frames of one burst left out)" in measured.describe_pairs()
    assert "left out" not in plain.describe_pairs()
    assert Calibration.from_fields(json.loads(json.dumps(measured.fields()))) == measured


def test_five_labels_that_are_new_to_the_model_are_preferred(library: Library) -> None:
    record_training(library, list_numbers(*range(7), count=CLASS_SIZE // 2))
    known = library.load_calibration()
    assert summarise_calibration(known) == ("labels", 5, 5 * CLASS_SIZE, True)
    assert (known.scope, "that the model was not trained on" in known.describe_pairs()) == (
        "as many other labels",
        True,
    )
    chosen = library.calibration_source.select_labelled_photos(library.model_fingerprint, library.model_id)
    assert chosen.names == ["class 10", "class 11", "class 7", "class 8", "class 9"]


def test_four_new_labels_are_too_few_and_the_known_ones_are_said_to_be_known(library: Library) -> None:
    record_training(library, list_numbers(*range(8), count=CLASS_SIZE // 2))
    assert summarise_calibration(library.load_calibration()) == (
        "labels",
        CLASSES,
        8 * CLASS_SIZE // 2 + 4 * CLASS_SIZE,
        False,
    )


def test_a_new_label_of_one_photo_does_not_count(library: Library) -> None:
    record_training(library, list_numbers(*range(7), count=CLASS_SIZE // 2))
    library.annotations.set_label(range(7 * CLASS_SIZE + 2, 8 * CLASS_SIZE + 1), None)
    assert not library.load_calibration().new_labels


def test_labels_that_the_card_names_are_known_though_their_pictures_lie_elsewhere(library: Library) -> None:
    assert library.load_calibration().new_labels
    record_training(library, (), trained_labels=[hash_label(f"class {code}") for code in range(CLASSES)])
    library.store.models.set_setting("calibration", None)
    assert summarise_calibration(library.load_calibration()) == ("labels", CLASSES, CLASSES * CLASS_SIZE, False)
    for damaged in ("class 1", 5, [1, None], {"class 1": 1}):
        record_training(library, (), trained_labels=damaged)
        library.store.models.set_setting("calibration", None)
        assert library.load_calibration().new_labels


def test_new_labels_of_the_training_come_before_known_ones_of_the_library(library: Library) -> None:
    given = calibrate_from_labels(*make_classes(1), source="checkpoint")
    record_training(library, list_numbers(*range(CLASSES), count=CLASS_SIZE // 2), calibration=given.fields())
    assert library.load_calibration() == given
    record_training(library, (), calibration=given.fields())
    library.store.models.set_setting("calibration", None)
    assert library.load_calibration().source == "labels"


def test_identify_says_when_its_strangers_were_of_known_labels(library: Library) -> None:
    assert "the model was not trained on them" in identify_label(library, 1).measured
    record_training(library, list_numbers(*range(CLASSES), count=CLASS_SIZE // 2))
    assert "the rates hold for known labels only" in identify_label(library, 1).measured
    claim = verify_label(library, 1, "class 0", max_fmr=0.2)
    assert "the rates hold for known labels only" in claim.measured
    assert claim.fnmr is not None  # of the label's own unseen photos
    record_training(library, list_numbers(*range(6), count=CLASS_SIZE // 2))
    assert "of 6 labels; the model was not trained on them" in identify_label(library, 1).measured
    assert verify_label(library, 1, "class 0", max_fmr=0.2).fnmr is not None


def test_a_calibration_of_an_earlier_version_is_one_of_new_labels(library: Library) -> None:
    fields = json.loads(json.dumps(library.load_calibration().fields()))
    assert Calibration.from_fields({key: value for key, value in fields.items() if key != "new_labels"}).new_labels
    assert not Calibration.from_fields(fields | {"new_labels": False}).new_labels
    known = replace(library.load_calibration(), new_labels=False)
    assert Calibration.from_fields(json.loads(json.dumps(known.fields()))) == known


# labels of today


def move_to_folder(library: Library, number: int, label: str) -> None:
    """Let a file lie in the folder of a class."""
    library.store.files.set_labels(library.store.files.list_roots()[0].id, [(label, b"%06d.jpg" % number)])


def test_one_photo_that_changes_its_folder_is_noticed(library: Library) -> None:
    vectors, codes = make_classes()
    library.annotations.set_label(range(1, CLASSES * CLASS_SIZE + 1), None)
    for number, code in enumerate(codes.tolist()):
        move_to_folder(library, number, f"folder {code}")
    before = library.load_calibration()
    stamp = library.annotations.fingerprint_labels()
    move_to_folder(library, 3, "folder 5")
    assert library.annotations.fingerprint_labels() == stamp  # neither the names nor their number say so
    codes[3] = 5
    expected = calibrate_from_labels(vectors.astype(np.float16).astype(np.float32), codes)
    assert library.load_calibration().knots == expected.knots != before.knots


def test_what_was_kept_is_taken_again_while_its_photos_keep_their_labels(library: Library) -> None:
    library.load_calibration()
    stored = library.store.models.read_setting("calibration")
    assert isinstance(stored, dict)
    altered_fields = stored["fields"] | {"photos": 77}
    library.store.models.set_setting("calibration", stored | {"fields": altered_fields})
    assert library.load_calibration().photos == 77  # not measured again
    for damaged in ("1, 2", [1, "two"], None):
        library.store.models.set_setting("calibration", stored | {"fields": altered_fields, "photos": damaged})
        assert library.load_calibration().photos == CLASSES * CLASS_SIZE


# random photos


def draw_photos(library: Library) -> set[int]:
    return set(library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id).ids.tolist())


def test_photos_that_are_missing_are_not_drawn(library: Library) -> None:
    mark_missing(library, range(1, 101))
    assert draw_photos(library) == set(range(101, CLASSES * CLASS_SIZE + 1))


def test_large_libraries_are_drawn_from_until_enough_are_there(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.search.library_calibration.MAX_MEASURED_PHOTOS", 40)
    assert CLASSES * CLASS_SIZE > 2 * 40
    assert len(draw_photos(library)) == 40
    mark_missing(library, range(1, 121))
    record_training(library, range(120, 160))
    drawn_ids = draw_photos(library)
    assert len(drawn_ids) == 40  # of the 80 that are left: in one round, 40 of 240 draws would leave 13
    assert min(drawn_ids) > 160
    assert draw_photos(library) == drawn_ids
    mark_missing(library, range(1, CLASSES * CLASS_SIZE + 1))
    assert draw_photos(library) == set()
    assert library.load_calibration().source == "photos"
