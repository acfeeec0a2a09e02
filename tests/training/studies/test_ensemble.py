import numpy as np
import pytest

from indexer.errors import LookalikeError
from training.data.labelled_folders import PhotoSample
from training.data.split import DataSplit
from training.studies.ensemble import copy_parts, fold_classes, join_embeddings


def samples_of(classes: int, photos: int, start: int = 0) -> tuple[PhotoSample, ...]:
    return tuple(
        PhotoSample(b"%d-%d" % (label, photo), b"%d %d" % (label, photo), f"class-{label}")
        for label in range(start, start + classes)
        for photo in range(photos)
    )


def parts_of(classes: int) -> DataSplit:
    return DataSplit(samples_of(classes, 3), samples_of(2, 2, classes), samples_of(3, 4, classes + 2))


def labels_in(samples: tuple[PhotoSample, ...]) -> set[str]:
    return {sample.label for sample in samples}


def test_folds_hold_out_every_class_once_and_never_share_one_with_what_is_learned() -> None:
    parts = parts_of(9)
    made = fold_classes(parts, 4)
    assert len(made) == 4
    for part in made:
        assert not labels_in(part.train) & labels_in(part.validation)
        assert set(part.train) | set(part.validation) == set(parts.train + parts.validation)
        assert len(labels_in(part.validation)) >= 2
        assert part.test == parts.test
    assert sorted(label for part in made for label in labels_in(part.validation)) == sorted(
        labels_in(parts.train + parts.validation)
    )


def test_too_few_classes_for_the_folds_are_refused() -> None:
    with pytest.raises(
        LookalikeError, match="4 folds take 8 classes of two pictures or more to learn from; there are 6"
    ):
        fold_classes(parts_of(4), 4)


def test_copies_are_the_same_photos() -> None:
    parts = parts_of(3)
    assert copy_parts(parts, 3) == (parts, parts, parts)


def test_classes_of_one_photo_are_learned_from_by_every_member() -> None:
    parts = parts_of(9)
    alone = PhotoSample(b"alone", b"alone", "alone")
    for part in fold_classes(parts._replace(train=(*parts.train, alone)), 4):
        assert alone in part.train
    with pytest.raises(LookalikeError, match=r"4 folds take 8 classes of two .*; there are 7"):
        fold_classes(parts_of(5)._replace(validation=(alone, *samples_of(2, 2, 5))), 4)


def test_joined_members_are_measured_by_the_mean_of_their_squared_distances() -> None:
    random = np.random.default_rng(0)
    vectors = [random.normal(size=(15, dim)).astype(np.float32) for dim in (2, 3)]
    vectors = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in vectors]
    whole = join_embeddings(vectors)
    squared = [np.square(one[:, None] - one[None, :]).sum(axis=2) for one in vectors]
    table = np.square(whole[:, None] - whole[None, :]).sum(axis=2)
    np.testing.assert_allclose(table, (squared[0] + squared[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-6)
