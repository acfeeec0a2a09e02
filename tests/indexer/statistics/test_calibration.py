"""A distance means what is said of it: probabilities come true, rates hold on other classes, rarities count pairs."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy import stats

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.matching.identification import identify_label
from indexer.matching.identity import verify_label
from indexer.models.card import read_card, read_json, serialise_card
from indexer.models.installation import install_model, parse_model_choice
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.search.query import Query
from indexer.statistics.calibration import Calibration
from indexer.statistics.calibration_measurement import calibrate_from_labels, calibrate_from_photos, sample_by_class
from indexer.statistics.detailed_metrics import compute_roc
from indexer.statistics.error_rates import PHOTO_GROUPS, estimate_error_rate, estimate_rates_by_unit
from indexer.statistics.metrics import measure_pair_distances
from indexer.vectors.distances import compute_distance_table
from tests.support.embedders import tiny_card
from tests.support.vectors import fill


def of_classes(
    classes: int, photos: int, *, seed: int = 0, dim: int = 192
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors of classes about centres that lie unevenly near each other, and label codes."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((classes, 6)) @ random.standard_normal((6, 192))
    codes = np.repeat(np.arange(classes), photos)
    vectors = centres[codes] + 3.0 * random.standard_normal((len(codes), 192))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), codes


def all_pairs(vectors: NDArray[np.float32], codes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Distances of all pairs one by one, and whether they match."""
    rows = [(a, b) for a in range(len(codes)) for b in range(a)]
    distances = [math.dist(vectors[a].astype(float), vectors[b].astype(float)) for a, b in rows]
    return np.array(distances), np.array([codes[a] == codes[b] for a, b in rows])


def give_labels(library: Library, codes: NDArray[np.int64]) -> None:
    """Photo i + 1 gets the label of code i."""
    for code in np.unique(codes).tolist():
        library.annotations.set_label((np.flatnonzero(codes == code) + 1).tolist(), f"class {code}")


# probabilities


def test_probability_falls_with_the_distance_and_comes_true_on_other_photos() -> None:
    vectors, codes = of_classes(12, 40)
    half = np.arange(len(codes)) % 2 == 0
    known = calibrate_from_labels(vectors[half], codes[half])
    steps = [known.interpret_distance(distance).probability or 0.0 for distance in np.linspace(0, 2, 50)]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > 0.9
    assert steps[-1] < 0.05
    distances, same = all_pairs(vectors[~half][::2], codes[~half][::2])
    said = np.array([known.interpret_distance(distance).probability for distance in distances])
    for low, high in ((0, 0.05), (0.05, 0.5), (0.5, 1)):
        there = (said >= low) & (said < high)
        assert there.sum() > 20
        assert abs(said[there].mean() - same[there].mean()) < 0.1


def test_prior_is_the_share_of_matched_pairs() -> None:
    vectors, codes = of_classes(5, 20)
    distances, same = all_pairs(vectors, codes)
    assert calibrate_from_labels(vectors, codes).prior == pytest.approx(same.mean(), abs=1e-12)
    # Matched pairs ten times rarer: the odds at a distance that both kinds have are ten times lower.
    prior = float(same.mean())
    rarer = calibrate_from_labels(vectors, codes, prior=prior / 10)
    middle = float(np.median(distances[same]))
    odds = [
        p / (1 - p)
        for p in (
            one.interpret_distance(middle).probability or 0 for one in (calibrate_from_labels(vectors, codes), rarer)
        )
    ]
    assert 6 < odds[0] / odds[1] < 16


# cut-offs


def test_cutoff_keeps_its_rate_on_the_pairs_it_was_measured_on() -> None:
    vectors, codes = of_classes(8, 15)
    known = calibrate_from_labels(vectors, codes)
    distances, same = all_pairs(vectors, codes)
    assert len(known.cutoffs) > 10
    for cutoff in known.cutoffs:
        assert (distances[~same] < cutoff.distance).mean() == pytest.approx(cutoff.fmr.value, abs=2 / (~same).sum())
        assert cutoff.fnmr is not None
        assert (distances[same] >= cutoff.distance).mean() == pytest.approx(cutoff.fnmr.value, abs=2 / same.sum())
        assert cutoff.fmr.low < cutoff.fmr.value < cutoff.fmr.high
        assert cutoff.fnmr.low <= cutoff.fnmr.value <= cutoff.fnmr.high


def test_intervals_hold_the_rates_of_other_classes() -> None:
    held = narrow = 0
    for seed in range(60):
        vectors, codes = of_classes(12, 12, seed=seed)
        measured = np.isin(codes, np.random.default_rng(seed).permutation(12)[:6])
        cutoff = calibrate_from_labels(vectors[measured], codes[measured]).choose_cutoff(0.05)
        others, kinds = vectors[~measured], codes[~measured]
        rate = float((compute_distance_table(others, others) < cutoff.distance)[kinds[:, None] != kinds].mean())
        held += cutoff.fmr.low <= rate <= cutoff.fmr.high
        # As if pairs were independent: the binomial interval of the same share.
        pairs = int((kinds[:, None] != kinds).sum()) // 2
        spread = 1.96 * math.sqrt(0.05 * 0.95 / pairs)
        narrow += abs(rate - 0.05) <= spread
    assert held >= 54  # 0.9 of 60
    assert narrow < 40  # the harness sees an interval that is too narrow


def test_pairs_tied_at_the_edge_stay_out() -> None:
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 64)))[0]
    codes = np.repeat(np.arange(8), 8)
    vectors = turned[codes]  # all mismatched pairs are sqrt(2) apart, but for rounding
    known = calibrate_from_labels(vectors, codes)
    assert len(known.cutoffs) > 10
    for cutoff in known.cutoffs:
        assert math.sqrt(2) - 1e-6 < cutoff.distance < min(math.dist(turned[0], turned[k]) for k in range(1, 8))
        assert cutoff.fmr.low == 0 < cutoff.fmr.value <= cutoff.fmr.high
        assert cutoff.fnmr is not None
        assert cutoff.fnmr.value == 0


def test_every_command_takes_a_pair_at_the_edge_for_a_stranger(tmp_path: Path) -> None:
    signs = np.array([[(-1) ** (a & b).bit_count() for a in range(64)] for b in range(1, 9)])  # Walsh's functions
    codes = np.repeat(np.arange(8), 8)
    vectors = np.zeros((64, 192), np.float16)
    vectors[:, :64] = signs[codes] / 8  # exactly representable, and 2 are exactly sqrt(2) apart
    fill(tmp_path / "x.library", vectors)
    with_model(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        assert library.verify_pair(1, 9, max_fmr=0.2).distance == pytest.approx(math.sqrt(2), abs=1e-12)
        assert library.verify_pair(1, 9, max_fmr=0.2).verdict != "same"
        assert library.verify_pair(1, 2, max_fmr=0.2).verdict == "same"
        for edge in (library.find_max_distance(0.2), np.nextafter(math.sqrt(2), 0)):
            hits = library.search(Query((1,)), k=64, max_distance=edge).hits
            assert {hit.photo.label for hit in hits} == {"class 0"}
        assert len(library.search(Query((1,)), k=64, max_distance=1.4143).hits) == 64
        library.annotations.set_label([1], "class 1")  # as if it were one: its own are out of reach
        assert identify_label(library, 1, max_fmr=0.2).label == "class 0"
        assert verify_label(library, 1, "class 2", max_fmr=0.2).verdict != "same"
        points = compute_roc(measure_pair_distances(vectors, codes))
        assert all(point.fmr == 0 for point in points if point.distance <= math.sqrt(2) - 1e-6)
        assert points[-1].fmr == 1


def test_search_keeps_below_the_cutoff_what_verify_calls_the_same(tmp_path: Path) -> None:
    vectors, codes = of_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    with_model(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        known, edge = library.load_calibration(), library.search(Query((1,)), k=20).hits[10].distance
        tied = tuple(cut._replace(distance=edge) for cut in known.cutoffs)  # one hit lies exactly at the cut-off
        library.calibration_source._calibration = replace(known, cutoffs=tied)
        assert (
            library.calibration_source.get_calibration(library.model_fingerprint, library.model_id)
            .choose_cutoff(0.05)
            .distance
            == edge
        )
        kept = library.search(Query((1,)), k=120, max_distance=library.find_max_distance(0.05)).hits
        same = [photo for photo in range(1, 121) if library.verify_pair(1, photo, max_fmr=0.05).verdict == "same"]
        assert sorted(hit.photo.id for hit in kept) == same
        assert len(kept) == 10


def test_two_units_say_nothing_about_a_third() -> None:
    (rate,) = estimate_rates_by_unit(
        np.array([[[0.0], [3.0]], [[0.0], [0.0]]]), np.array([[0.0, 10.0], [0.0, 0.0]]), for_other_units=True
    )
    assert rate == (0.3, 0.0, 1.0)


@pytest.mark.parametrize("photos", [4, 20, 200])
def test_no_error_among_few_is_not_taken_for_never(photos: int) -> None:
    codes = np.zeros(photos, np.int64)
    none = estimate_error_rate(np.zeros(photos, np.bool_), codes)
    units = min(photos, PHOTO_GROUPS)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high >= stats.binomtest(0, units).proportion_ci(0.95).high - 1e-9
    every = estimate_error_rate(np.ones(photos, np.bool_), codes)
    assert every.value == every.high == 1.0
    assert every.low == pytest.approx(1 - none.high)


def test_shares_of_very_many_classes_need_little_memory() -> None:
    codes = np.arange(100_000) // 2
    rate = estimate_error_rate(codes % 10 == 0, codes)
    assert rate.low < rate.value == 0.1 < rate.high


def test_few_classes_are_said_to_be_known_ones_only() -> None:
    assert "these labels only" in calibrate_from_labels(*of_classes(3, 30)).describe_pairs()
    assert "as many other labels" in calibrate_from_labels(*of_classes(6, 30)).describe_pairs()


def test_rate_that_the_pairs_cannot_show_is_refused() -> None:
    known = calibrate_from_labels(*of_classes(5, 10))  # 1,000 mismatched pairs
    assert known.choose_cutoff(0.03).fmr.value == 0.03
    with pytest.raises(LookalikeError, match=r"1,000 pairs at hand cannot show .* 0\.001; the least they can is 0\.03"):
        known.choose_cutoff(0.001)
    assert known.choose_cutoff() == known.choose_cutoff(0.03)  # the default is what comes nearest
    for wrong in (0, 1, -1, math.nan):
        with pytest.raises(LookalikeError, match="between 0 and 1"):
            known.choose_cutoff(wrong)


@pytest.mark.parametrize("codes", [[0, 0, 0], [0, 1, 2], [0]])
def test_pairs_of_one_kind_calibrate_nothing(codes: list[int]) -> None:
    known = calibrate_from_labels(np.eye(3, 8, dtype=np.float32)[: len(codes)], np.array(codes))
    assert (known.knots, known.cutoffs, known.different_from) == ((), (), None)
    assert known.judge_distance(0.5).verdict == "not sure"


def test_sample_takes_from_every_class_and_leaves_matched_pairs() -> None:
    codes = np.concatenate([np.zeros(5000, np.int64), np.arange(1, 1001).repeat(4)])
    rows = sample_by_class(codes, 400)
    counts = np.unique(codes[rows], return_counts=True)[1]
    assert len(rows) == 400
    assert set(counts.tolist()) == {4}
    few = sample_by_class(np.repeat([0, 1], [5000, 30]), 100)
    assert sorted(np.unique(np.repeat([0, 1], [5000, 30])[few], return_counts=True)[1].tolist()) == [30, 70]


# rarity


def test_rarity_counts_the_pairs_that_are_as_close() -> None:
    vectors, codes = of_classes(6, 20)
    distances, _ = all_pairs(vectors, codes)
    known = calibrate_from_photos(vectors)
    for share in (0.003, 0.02, 0.1, 0.5):
        distance = float(np.quantile(distances, share))
        assert known.interpret_distance(distance).rarity == pytest.approx(1 / (distances <= distance).mean(), rel=0.05)
    assert known.interpret_distance(0.0).rarity == known.max_rarity == len(distances)
    assert known.interpret_distance(2.0).rarity == 1
    cutoff = known.choose_cutoff(0.05)
    assert (distances < cutoff.distance).mean() == pytest.approx(0.05, abs=1e-3)
    assert cutoff.fnmr is None


# verdicts


def test_verdict_is_same_below_the_threshold_and_different_beyond_what_matches() -> None:
    known = calibrate_from_labels(*of_classes(6, 20))
    cutoff = known.choose_cutoff(0.05)
    assert known.different_from is not None
    near, far = sorted((cutoff.distance, known.different_from))
    assert known.judge_distance(np.nextafter(cutoff.distance, 0), 0.05).verdict == "same"
    assert known.judge_distance(far, 0.05).verdict == "different"
    between = replace(known, different_from=cutoff.distance + 0.1)
    assert between.judge_distance(cutoff.distance + 0.05, 0.05).verdict == "not sure"
    assert near <= far


def test_nothing_is_called_the_same_unasked_where_that_would_often_be_wrong() -> None:
    known = calibrate_from_labels(*of_classes(6, 20))
    loose = replace(known, cutoffs=tuple(cut._replace(fmr=cut.fmr._replace(value=0.2)) for cut in known.cutoffs))
    assert known.judge_distance(1e-3).verdict == "same"
    assert loose.judge_distance(1e-3).verdict == "not sure"
    assert loose.judge_distance(1e-3, 0.3).verdict == "same"  # as asked


def test_without_labels_nothing_is_called_different() -> None:
    known = calibrate_from_photos(of_classes(6, 20)[0])
    assert known.judge_distance(0.0).verdict == "same"
    assert known.judge_distance(1.9).verdict == "not sure"
    assert "not known" in known.judge_distance(1.9).measured


# kept


def test_calibration_comes_back_from_json_as_it_was() -> None:
    for known in (calibrate_from_labels(*of_classes(6, 20)), calibrate_from_photos(of_classes(6, 20)[0])):
        assert Calibration.from_fields(json.loads(json.dumps(known.fields()))) == known


def test_anything_else_is_no_calibration() -> None:
    fields = json.loads(json.dumps(calibrate_from_labels(*of_classes(6, 20)).fields()))
    wrong: list[object] = [None, [], {}, fields | {"source": "guess"}, fields | {"knots": [[1, 2], [0, 1]]}]
    wrong += [fields | {"cutoffs": [[1.0, 2.0]]}, fields | {"photos": "many"}]
    for one in wrong:
        with pytest.raises(ValueError, match=r"."):
            Calibration.from_fields(one)


def with_model(folder: Path, seen: NDArray[np.uint8] | None = None, **card: object) -> None:
    """A model folder that says what the model was trained on, and what else its card says."""
    place = folder / "models" / tiny_card().fingerprint
    place.mkdir(parents=True)
    save_file({"seen": np.zeros((0, 32), np.uint8) if seen is None else seen}, place / "model.safetensors")
    (place / "model.json").write_text(json.dumps(card))


def test_hits_carry_the_probability_of_labels_and_without_labels_the_rarity(tmp_path: Path) -> None:
    vectors, codes = of_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    with_model(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        hits = library.search(Query((1,)), k=30).hits
        assert hits[0].probability == 1  # the photo itself
        assert all(hit.probability is None and hit.rarity for hit in hits[1:])
        rarities = [hit.rarity or 0 for hit in hits]
        assert rarities == sorted(rarities, reverse=True)
        give_labels(library, codes)
        hits = library.search(Query((1,)), k=30).hits
        assert [hit.probability for hit in hits] == [
            library.load_calibration().interpret_distance(hit.distance)[0] for hit in hits
        ]
        assert all(hit.rarity is None for hit in hits)
        assert library.find_max_distance(0.05) == np.nextafter(
            library.load_calibration().choose_cutoff(0.05).distance, 0
        )


def test_what_the_model_has_seen_calibrates_nothing(tmp_path: Path) -> None:
    vectors, codes = of_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    seen = [content_hash(str(number).encode()) for number in np.flatnonzero(codes < 3)]
    with_model(tmp_path / "x.library", np.frombuffer(b"".join(seen), np.uint8).reshape(-1, 32))
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        known = library.load_calibration()
        assert (known.source, known.classes, known.photos) == ("labels", 3, 60)
        library.annotations.set_label(range(1, 121), None)
        known = library.load_calibration()
        assert (known.source, known.photos, known.mismatched) == ("photos", 60, 60 * 59 // 2)
        drawn = library.calibration_source.draw_random_photos(library.model_fingerprint, library.model_id)
        assert not set(drawn.ids.tolist()) & set((np.flatnonzero(codes < 3) + 1).tolist())


def test_checkpoints_own_figures_are_used_where_labels_are_missing(tmp_path: Path) -> None:
    vectors, codes = of_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    given = calibrate_from_labels(*of_classes(6, 20, seed=1), source="checkpoint")
    with_model(tmp_path / "x.library", calibration=given.fields())
    with Library.open(tmp_path / "x.library") as library:
        assert library.load_calibration() == given
        give_labels(library, codes)
        assert library.load_calibration().source == "labels"


@pytest.mark.long
def test_checkpoints_calibration_is_installed_with_it(installed_model: Path, tmp_path: Path) -> None:
    given = calibrate_from_labels(*of_classes(6, 20), source="checkpoint")
    checkpoint = Path(shutil.copytree(installed_model, tmp_path / "checkpoint"))
    (checkpoint / "model.json").write_bytes(serialise_card(read_card(checkpoint), given.fields()))
    card = drain(install_model(parse_model_choice(str(checkpoint), None), tmp_path / "models"))
    assert card == read_card(checkpoint)
    installed = read_json(tmp_path / "models" / card.fingerprint / "model.json")
    assert Calibration.from_fields(installed["calibration"]) == given


def test_calibration_is_measured_once_and_again_when_labels_change(tmp_path: Path) -> None:
    vectors, codes = of_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    with_model(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        first = library.load_calibration()
        assert library.load_calibration() is first
        kept = library.store.models.read_setting("calibration")
        library.store.models.set_setting("something", 1)
        assert library.load_calibration() == first
    with Library.open(tmp_path / "x.library") as again:
        assert again.load_calibration() == first
        assert again.store.models.read_setting("calibration") == kept
        again.annotations.set_label([1], "class 5")
        assert again.load_calibration() != first


def test_verify_compares_pictures_by_their_exact_distance(tmp_path: Path) -> None:
    vectors, codes = of_classes(6, 20)
    fill(tmp_path / "x.library", vectors.astype(np.float16))
    with_model(tmp_path / "x.library")
    with Library.open(tmp_path / "x.library") as library:
        give_labels(library, codes)
        stored = vectors.astype(np.float16).astype(float)
        for other in (1, 2, 30, 100):
            found = library.verify_pair(1, other, max_fmr=0.05)
            assert found.distance == pytest.approx(math.dist(stored[0], stored[other - 1]), abs=1e-12)
            assert found == library.load_calibration().judge_distance(found.distance, 0.05)
        assert library.verify_pair(1, 1).verdict == "same"


@pytest.mark.parametrize("labelled", [True, False])
def test_same_content_is_the_same_with_certainty_whatever_was_measured(labelled: bool) -> None:
    vectors, codes = np.random.default_rng(0).standard_normal((40, 8)), np.repeat(np.arange(10), 4)
    known = calibrate_from_labels(vectors, codes) if labelled else calibrate_from_photos(vectors)
    assert known.judge_distance(0.0).probability == 1
    assert known.judge_distance(0.0).verdict == "same"
    assert known.interpret_distance(1e-3).probability != 1
