"""Photos that must not be parted are found by their content, and an exam that keeps them together is not fooled."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from indexer.photos.photo_traits import PhotoTraits, read_traits
from indexer.progress import drain
from indexer.statistics.metrics import DifferenceInterval, bootstrap_difference, measure_retrieval
from tests.support.burst_pictures import write_burst_folder
from training import stepped_run
from training.data.groups import group_photos
from training.data.labelled_folders import PhotoSample, number_labels, survey_folder
from training.data.split import split_samples
from training.settings.config import TrainConfig


@pytest.fixture(scope="module")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> list[PhotoSample]:
    """Ten classes of ten bursts of four frames, the classes drawn by lot."""
    folder = write_burst_folder(tmp_path_factory.mktemp("bursts") / "lot", classes=10, bursts=10)
    return list(drain(survey_folder(folder)).samples)


@pytest.fixture(scope="module")
def traits(bursts: list[PhotoSample]) -> dict[bytes, PhotoTraits]:
    return {sample.sha256: read_traits(Path(sample.path.decode()).read_bytes()) for sample in bursts}


def test_frames_of_a_burst_share_a_group_and_no_two_bursts_do(
    bursts: list[PhotoSample], traits: dict[bytes, PhotoTraits]
) -> None:
    groups = drain(group_photos(bursts, traits=traits))
    sizes = np.bincount(groups.numbers)
    assert len(sizes) == 100
    assert (sizes == 4).all()
    assert groups.near_copies == 400


def test_groups_do_not_depend_on_the_order_or_on_who_reads(
    bursts: list[PhotoSample], traits: dict[bytes, PhotoTraits]
) -> None:
    few = bursts[:60]
    given = drain(group_photos(few, traits=traits)).numbers
    turned = drain(group_photos(few[::-1])).numbers
    assert given.tolist() == turned[::-1].tolist()


def test_a_changed_or_vanished_file_is_alone(bursts: list[PhotoSample]) -> None:
    first, second = bursts[:2]
    changed = first._replace(sha256=hashlib.sha256(b"another").digest())
    gone = second._replace(path=b"/nowhere/x.jpg")
    assert len(set(drain(group_photos([changed, gone])).numbers.tolist())) == 2


@pytest.mark.long
def test_a_column_joins_what_pixels_do_not(bursts: list[PhotoSample], traits: dict[bytes, PhotoTraits]) -> None:
    plain = drain(group_photos(bursts, traits=traits)).numbers
    one, other = 0, int(np.flatnonzero(plain != plain[0])[0])
    column = {bursts[one].path: "person 7", bursts[other].path: "person 7"}
    joined = drain(group_photos(bursts, traits=traits, column=column))
    together = np.isin(plain, plain[[one, other]])
    assert len(set(joined.numbers[together].tolist())) == 1
    assert len(set(joined.numbers.tolist())) == len(set(plain.tolist())) - 1


def exam(bursts: list[PhotoSample], traits: dict[bytes, PhotoTraits], groups: np.ndarray | None) -> DifferenceInterval:
    """What a class metric that was fitted on the training part changes on the test part, MAP@R with its interval."""
    parts = split_samples(bursts, "images", groups)
    group_of = dict(zip((sample.sha256 for sample in bursts), range(400) if groups is None else groups, strict=True))
    numbers = np.array([group_of[sample.sha256] for sample in parts.test])
    train, test = (np.stack([embed(traits[sample.sha256]) for sample in part]) for part in (parts.train, parts.test))
    metric = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1).fit(train, number_labels(parts.train).labels)
    labels = number_labels(parts.test).labels
    before, after = (measure_retrieval(vectors, labels, groups=numbers) for vectors in (test, metric.transform(test)))
    assert before.rows.tolist() == after.rows.tolist()
    return bootstrap_difference(before.per_query_map_at_r, after.per_query_map_at_r, photo_groups=numbers[before.rows])


def embed(one: PhotoTraits) -> np.ndarray:
    values = one.colours.astype(np.float64).ravel() - 127.5
    unit: np.ndarray = values / np.linalg.norm(values)
    return unit


@pytest.mark.long
def test_labels_by_lot_look_learned_where_bursts_are_parted_and_not_where_they_are_not(
    bursts: list[PhotoSample], traits: dict[bytes, PhotoTraits]
) -> None:
    parted = exam(bursts, traits, None)
    together = exam(bursts, traits, drain(group_photos(bursts, traits=traits)).numbers)
    assert parted.low > 0.2
    assert together.low <= 0 <= together.high


@pytest.mark.long
def test_a_training_divides_a_folder_by_its_groups(bursts: list[PhotoSample], traits: dict[bytes, PhotoTraits]) -> None:
    folder = Path(bursts[0].path.decode()).parents[1]
    divided = drain(stepped_run._divide_source(folder, TrainConfig(), {}))
    numbers = drain(group_photos(bursts, traits=traits)).numbers.tolist()
    group_of = {sample.sha256: number for sample, number in zip(bursts, numbers, strict=True)}
    sides = [{group_of[sample.sha256] for sample in part} for part in divided.parts]
    assert sum(map(len, sides)) == len(set(numbers)) == 100
    assert divided.remarks[-1] == "400 photos in 100 groups: 400 near copies stay together."
