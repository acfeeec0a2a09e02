"""Labels given by hand suffice to identify by; strangers are refused at the stated rate; claims are verified."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.gallery import Gallery, NearestPhotos
from indexer.matching.identification import identify_label, identify_with_rule
from indexer.matching.identification_rule import IdentificationRuleCache, measure_rule
from indexer.matching.identity import enrol_photos, verify_label
from indexer.matching.label_model import LABEL_SETTING, CohortMembers, LabelModel, examine_labels, fit_label_map
from indexer.progress import drain
from indexer.vectors.class_metric import MetricSetting
from tests.support.commands import Tell
from tests.support.embedders import Tiny, nearest_by_loop
from tests.support.trees import paint, snapshot
from tests.support.vectors import open_filled

pytestmark = pytest.mark.usefixtures("engine")

CLASSES, CLASS_SIZE = 12, 30


def make_classes(spread: float = 0.8, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors (CLASSES * CLASS_SIZE, 192) about random centres, class after class."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CLASSES, 192)).repeat(CLASS_SIZE, axis=0)
    vectors = centres + spread * random.standard_normal(centres.shape)
    unit: NDArray[np.float16] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    return unit


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Library]:
    """Photos of CLASSES classes: ids 1 to CLASS_SIZE are class 0, and so on; none is labelled or seen by the model."""
    with open_filled(tmp_path / "x.library", make_classes()) as library:
        yield library


def list_class_ids(number: int) -> list[int]:
    """The ids of a class."""
    return list(range(1 + number * CLASS_SIZE, 1 + (number + 1) * CLASS_SIZE))


def label_classes(library: Library, numbers: range, count: int = CLASS_SIZE) -> None:
    for number in numbers:
        library.annotations.set_label(list_class_ids(number)[:count], f"class {number}")


# identify


def test_rule_is_kept_until_labels_or_the_library_change(filled: Library) -> None:
    label_classes(filled, range(6))
    rules = IdentificationRuleCache()
    first = rules.get_rule(filled)
    assert rules.get_rule(filled) is first
    assert identify_with_rule(first, 7) == identify_label(filled, 7)
    with Library.open(filled.folder) as reopened:
        label_classes(reopened, range(6, 8))
    second = rules.get_rule(filled)
    assert len(second.gallery.names) == 8
    assert rules.get_rule(filled) is second
    with Library.open(filled.folder) as again:
        assert rules.get_rule(again).gallery.library is again


def test_known_are_named_and_strangers_unknown_as_often_as_is_said(filled: Library) -> None:
    label_classes(filled, range(8), CLASS_SIZE // 2)
    rule = measure_rule(filled)
    threshold = rule.select_threshold(photo=1)
    known = [
        (identify_with_rule(rule, photo), number)
        for number in range(8)
        for photo in list_class_ids(number)[CLASS_SIZE // 2 :: 5]
    ]
    unknown = [identify_with_rule(rule, photo) for number in range(8, CLASSES) for photo in list_class_ids(number)[::5]]
    assert np.mean([result.label == f"class {number}" for result, number in known]) > 0.9
    assert threshold.fmr is not None
    assert threshold.fmr.value == pytest.approx(5 / 120, abs=1e-9)  # (5 + 1/2) / 121 is the most below 0.05
    assert np.mean([result.label is not None for result in unknown]) <= threshold.fmr.high
    assert "120 photos whose label was left out, of 8 labels" in threshold.measured
    assert threshold.identified is not None
    assert threshold.identified.low < np.mean([result.label is not None for result, _ in known]) <= 1
    assert min(result.confidence or 0 for result, _ in known) > max(result.confidence or 1 for result in unknown)


def test_few_labelled_photos_answer_as_many_do(filled: Library) -> None:
    label_classes(filled, range(8), 3)
    rule = measure_rule(filled)
    answers = [identify_with_rule(rule, list_class_ids(number)[20]) for number in range(CLASSES)]
    assert [answer.label for answer in answers[:8]] == [f"class {number}" for number in range(8)]
    assert sum(answer.label is not None for answer in answers[8:]) <= 1
    assert all(answer.best for answer in answers)
    assert "24 photos whose label was left out, of 8 labels" in rule.by_ratio.measured


def test_the_first_label_of_all_is_a_guess(filled: Library) -> None:
    filled.annotations.set_label(list_class_ids(0)[:2], "class 0")
    assert identify_label(filled, list_class_ids(0)[5]).best == "class 0"
    filled.annotations.set_label(list_class_ids(0)[1:2], None)
    alone = identify_label(filled, list_class_ids(0)[0])
    assert (alone.label, alone.best, alone.alternatives) == (None, None, [])


def test_a_label_can_be_found_by_from_one_photo(filled: Library) -> None:
    label_classes(filled, range(5), 1)
    result = identify_label(filled, list_class_ids(3)[7], max_fmr=0.5)
    assert result.label == "class 3"
    assert result.alternatives[0].label == "class 3"
    assert result.fmr is not None
    assert "random photos without a label, all counted as wrong" in result.measured
    assert identify_label(filled, list_class_ids(9)[0], max_fmr=0.01 * 3).label is None


def test_photo_does_not_vote_for_itself(filled: Library) -> None:
    label_classes(filled, range(5))
    filled.annotations.set_label([list_class_ids(3)[7]], "class 4")
    assert identify_label(filled, list_class_ids(3)[7]).alternatives[0].label == "class 3"


def test_vote_counts_the_nearest_most() -> None:
    nearest = NearestPhotos(np.array([[7, 2, 2, 5, -1]]), np.array([[0.1, 0.4, 0.5, 0.9, np.inf]]))
    # Three vote; the fourth, at 0.9, would count nothing: weights 0.8, 0.5 and 0.4.
    votes = nearest.count_votes(0, 3)
    assert [vote.code for vote in votes] == [2, 7]
    assert [vote.share for vote in votes] == pytest.approx([0.9 / 1.7, 0.8 / 1.7])
    assert [vote.distance for vote in votes] == pytest.approx([0.45, 0.1])
    assert NearestPhotos(np.array([[1, 0]]), np.array([[0.5, 0.5]])).count_votes(0, 5)[0].code == 1
    assert NearestPhotos(np.array([[-1]]), np.array([[np.inf]])).count_votes(0, 5) == []
    assert NearestPhotos(np.array([[-1]]), np.array([[np.inf]])).pick_winners(5).distances.tolist() == [np.inf]


@pytest.mark.parametrize(("block_rows", "count"), [(7, CLASS_SIZE), (8192, CLASS_SIZE), (7, 8), (8192, 8)])
def test_nearest_labelled_photos_are_what_a_plain_loop_finds(
    filled: Library, monkeypatch: pytest.MonkeyPatch, block_rows: int, count: int
) -> None:
    monkeypatch.setattr("indexer.matching.gallery.BLOCK_ROWS", block_rows)
    label_classes(filled, range(2, 9, 3), count)  # 8 photos of each class are so few that they are read one by one
    gallery = Gallery.from_library(filled)
    vectors = make_classes()
    queries = vectors[[0, 70, 200]].astype(np.float64)
    nearest = gallery.find_nearest(
        queries, 10, exclude_photos=np.array([1, 71, 201]), exclude_labels=np.array([-1, -1, 1])
    )
    for row, (excluded_photo, excluded_label) in enumerate(((1, None), (71, None), (201, "class 5"))):
        labels = filled.annotations.read_labels(filled.model_id)
        ids = [photo for photo, label in labels.items() if photo != excluded_photo and label != excluded_label]
        expected = nearest_by_loop(ids, vectors[np.array(ids) - 1], queries[row], 10)
        np.testing.assert_allclose(nearest.distances[row], expected.distances, rtol=0, atol=1e-7)
        assert [gallery.names[code] for code in nearest.codes[row]] == [labels[photo] for photo in expected.ids]


def test_identify_without_labels_is_refused_with_a_sentence(filled: Library) -> None:
    with pytest.raises(LookalikeError, match="No photo of the library has a label yet"):
        identify_label(filled, 1)


def test_rate_that_the_photos_cannot_show_is_refused(filled: Library) -> None:
    label_classes(filled, range(8))
    with pytest.raises(LookalikeError, match=r"240 photos that can be asked cannot show a false-match rate of 0\.001"):
        identify_label(filled, 1, max_fmr=0.001)
    with pytest.raises(LookalikeError, match="between 0 and 1"):
        identify_label(filled, 1, max_fmr=2)


@pytest.fixture
def noisy(tmp_path: Path) -> Iterator[Library]:
    """As `filled`, but with classes so wide that many photos are nearer to another label's mean than to their own."""
    with open_filled(tmp_path / "noisy.library", make_classes(spread=2.2)) as library:
        yield library


def test_photos_of_the_library_are_known_by_standing_out_of_those_without_a_label(noisy: Library) -> None:
    label_classes(noisy, range(8), 5)
    rule = measure_rule(noisy)
    assert rule.cohort is not None
    assert rule.cohort.threshold.identified is not None
    assert rule.by_ratio.identified is not None
    assert rule.cohort.threshold.identified.value > rule.by_ratio.identified.value
    answers = {
        photo: identify_with_rule(rule, photo) for number in range(CLASSES) for photo in list_class_ids(number)[5::5]
    }
    known = [answer.label == f"class {(photo - 1) // CLASS_SIZE}" for photo, answer in answers.items() if photo <= 240]
    by_ratio = [
        answer.best == f"class {(photo - 1) // CLASS_SIZE}" and (answer.ratio or 9) < (answer.threshold or 0)
        for photo, answer in answers.items()
        if photo <= 240
    ]
    strangers = [answer.label is not None for photo, answer in answers.items() if photo > 240]
    assert np.mean(known) > np.mean(by_ratio)
    assert rule.cohort.threshold.fmr is not None
    assert np.mean(strangers) <= rule.cohort.threshold.fmr.high
    assert "standard deviations or more; this picture:" in answers[6].describe_rule()


@pytest.mark.parametrize("setting", [None, LABEL_SETTING])
def test_standing_out_of_a_cohort_is_what_a_plain_loop_says(setting: MetricSetting | None) -> None:
    random = np.random.default_rng(3)
    vectors = random.standard_normal((20, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labelled, codes, cohort = vectors[:5], np.array([0, 0, 0, 1, 1]), vectors[5:18]
    metric = fit_label_map(labelled, codes, setting)
    model = LabelModel(np.stack([labelled[codes == code].sum(axis=0) for code in (0, 1)]), np.array([3, 2]), metric)
    asked, own_labels = np.concatenate([vectors[18:], labelled[1:2]]), np.array([-1, -1, 0])
    left_out = np.zeros((3, 13), np.bool_)
    left_out[1, 4:9] = left_out[2, 0] = True
    standings = model.compute_standings(asked, cohort, own_labels, left_out)

    def turn(vector: np.ndarray) -> np.ndarray:
        turned = vector if metric is None else (vector - cohort.mean(axis=0)) @ metric.matrix
        return np.asarray(turned / np.linalg.norm(turned))

    for row, vector in enumerate(asked):
        compared = cohort[~left_out[row]]
        for code in (0, 1):
            others = [
                one for one, its in zip(labelled, codes, strict=True) if its == code and not (one == vector).all()
            ]
            centre = turn(np.mean(others, axis=0))
            to_label = [centre @ turn(one) for one in cohort]
            to_vector = sorted((turn(vector) @ turn(one) for one in compared), reverse=True)[: len(compared) // 2]
            by_both = [(centre @ turn(vector) - np.mean(level)) / np.std(level) for level in (to_label, to_vector)]
            assert standings[row, code] == pytest.approx(np.mean(by_both), abs=1e-5)


def test_a_labelled_photo_is_not_asked_against_itself_nor_a_stranger_against_its_own_label() -> None:
    random = np.random.default_rng(4)
    vectors = random.standard_normal((24, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labelled, codes, unlabelled = vectors[:12], np.arange(12) % 4, vectors[12:]
    model = LabelModel(np.stack([labelled[codes == code].sum(axis=0) for code in range(4)]), np.full(4, 3), None)
    compared = CohortMembers.join_labelled(unlabelled, labelled, codes)
    exam = examine_labels(model, labelled, codes, None, compared)
    assert sorted(compared.rows.tolist()) == [-1] * 12 + list(range(12))
    for row in range(12):
        without_itself = np.concatenate([unlabelled, np.delete(labelled, row, axis=0)])
        others = codes != codes[row]
        without_label = np.concatenate([unlabelled, labelled[others]])
        # On the side of the labels the whole cohort counts, so both are asked with masks.
        to_labels = np.concatenate([unlabelled, labelled])
        for kept, own, doubt in (
            (without_itself, codes[row : row + 1], exam.known.doubts[row]),
            (without_label, None, exam.stranger_doubts[row]),
        ):
            is_left_out = ~(to_labels[:, None] == kept).all(axis=2).any(axis=1)
            standings = model.compute_standings(labelled[row : row + 1], to_labels, own, is_left_out[None])[0]
            standings[codes[row]] = standings[codes[row]] if own is not None else -np.inf
            assert doubt == pytest.approx(-standings.max())


def test_few_photos_without_a_label_are_no_cohort(filled: Library) -> None:
    label_classes(filled, range(11))
    label_classes(filled, range(11, 12), CLASS_SIZE // 2)
    assert measure_rule(filled).cohort is None


# a claimed label


def test_claim_is_judged_by_the_nearest_three_and_a_threshold_of_the_labels_own(filled: Library) -> None:
    label_classes(filled, range(8))
    stored, own_ids = make_classes().astype(float), list_class_ids(2)
    result = verify_label(filled, own_ids[0], "class 2")
    nearest = sorted(float(np.linalg.norm(stored[own_ids[0] - 1] - stored[photo - 1])) for photo in own_ids[1:])
    assert result.distance == pytest.approx(np.mean(nearest[:3]), abs=1e-7)
    assert (result.verdict, result.photos) == ("same", 3)
    assert result.fmr is not None
    assert result.fnmr is not None
    assert result.fmr.low <= result.fmr.value <= 0.05 <= result.fmr.high
    strangers = [verify_label(filled, photo, "class 2") for photo in list_class_ids(9)[::6] + list_class_ids(5)[::6]]
    assert [stranger.verdict for stranger in strangers] == ["different"] * 10
    assert all(stranger.threshold == result.threshold for stranger in strangers)


def test_claim_of_a_label_of_one_photo_says_what_it_cannot_know(filled: Library) -> None:
    label_classes(filled, range(8))
    filled.annotations.set_label([list_class_ids(9)[0]], "rare")
    result = verify_label(filled, list_class_ids(9)[1], "rare", max_fmr=0.05)
    assert (result.verdict, result.photos, result.fnmr) == ("same", 1, None)
    assert verify_label(filled, list_class_ids(10)[1], "rare").verdict == "not sure"


def test_claim_of_nothing_to_compare_with_is_refused(filled: Library) -> None:
    filled.annotations.set_label([1], "lonely")
    with pytest.raises(LookalikeError, match="the only photo with the label lonely"):
        verify_label(filled, 1, "lonely")
    with pytest.raises(LookalikeError, match="No photo of the library has the label nobody"):
        verify_label(filled, 1, "nobody")


# enrol


def test_claim_and_enrolment_take_either_spelling_of_a_label(filled: Library) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
    filled.annotations.set_label(list_class_ids(3), composed)
    filled.annotations.set_label(list_class_ids(4), "other")
    claimed = verify_label(filled, list_class_ids(3)[0], decomposed)
    assert claimed == verify_label(filled, list_class_ids(3)[0], composed)
    assert claimed.label == composed


def test_enrolled_are_the_contents_wherever_their_files_lie(library: Library, tmp_path: Path) -> None:
    paths = [paint(tmp_path / "tree" / f"{seed}.png", seed) for seed in range(4)]
    drain(index_library(library, [tmp_path / "tree"], Tiny()))
    outside = paint(tmp_path / "elsewhere.png", 2)
    before = snapshot(tmp_path / "tree")
    assert enrol_photos(library, " rex ", [paths[0], paths[0], outside]) == 2
    labels = library.annotations.read_labels(library.model_id)
    assert sorted(labels.values()) == ["rex", "rex"]
    assert {photo.path for photo in library.load_photos(list(labels))} == {bytes(paths[0]), bytes(paths[2])}
    assert snapshot(tmp_path / "tree") == before


def test_enrolment_is_all_or_nothing_and_says_what_to_do(library: Library, tmp_path: Path) -> None:
    inside = paint(tmp_path / "tree" / "1.png", 1)
    drain(index_library(library, [tmp_path / "tree"], Tiny()))
    stranger = paint(tmp_path / "stranger.png", 99)
    with pytest.raises(LookalikeError, match=r"stranger\.png is not in the library .* lookalike index FOLDER"):
        enrol_photos(library, "rex", [inside, stranger])
    with pytest.raises(LookalikeError, match="There is no file"):
        enrol_photos(library, "rex", [inside, tmp_path / "gone.png"])
    for label in ("", "  ", "two\nlines"):
        with pytest.raises(LookalikeError, match="A label is a word or a few"):
            enrol_photos(library, label, [inside])
    assert library.annotations.read_labels(library.model_id) == {}


# commands


def find_photo_path(folder: Path, name: str) -> Path:
    return folder / name[0] / f"{name[1:]}.png"


def test_verify_command_says_the_verdict_and_its_rates(home: Path, prepared: tuple[Path, Path], tell: Tell) -> None:
    first, second = find_photo_path(prepared[1], "a0000"), find_photo_path(prepared[1], "b0001")
    completed = tell(home, "verify", first, first, "--json")
    result = completed.result()
    assert (completed.code, result["result"], result["verdict"], result["distance"]) == (0, "verify", "same", 0)
    assert result["fmr"].keys() == result["fnmr"].keys() == {"value", "low", "high"}
    assert 0 < result["fmr"]["low"] < result["fmr"]["value"] < result["fmr"]["high"] < 1
    completed = tell(home, "verify", first, second)
    assert completed.code == 1
    assert "95 % interval" in completed.out
    assert "with 3 labels that the model was not trained on" in completed.out
    assert tell(home, "verify", first).code == 2
    assert tell(home, "verify", first, second, "--max-fmr", "0.00001").code == 2


def test_claim_and_identify_and_label_commands(home: Path, prepared: tuple[Path, Path], tell: Tell) -> None:
    path = find_photo_path(prepared[1], "a0000")
    claim = tell(home, "verify", path, "--label", "a", "--json")
    assert claim.code in (0, 1)
    assert claim.result().keys() >= {"label", "distance", "photos", "verdict", "threshold", "fmr", "fnmr", "measured"}
    identified = tell(home, "identify", path, "--json")
    assert identified.code == (0 if identified.result()["label"] else 1)
    assert {alternative["label"] for alternative in identified.result()["alternatives"]} <= {"a", "b", "c"}
    completed = tell(home, "label", "rex", path, "--json")
    assert (completed.code, completed.result()) == (0, {"result": "label", "label": "rex", "photos": 1})
    assert tell(home, "search", path, "-k", "1", "--json").result()["hits"][0]["label"] == "rex"
    refused = tell(home, "label", "rex", paint(home / "outside.png", 777))
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "Index its folder first" in refused.err
    assert json.loads(tell(home, "search", path, "-k", "2", "--json").out)["hits"][1]["label"] in "abc"
