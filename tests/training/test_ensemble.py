from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import LookalikeError
from indexer.metrics import retrieval
from indexer.progress import drain
from tests.quick_training import QUICK
from training.data import Sample, survey
from training.ensemble import DIVISIONS, class_folds, copies, joined, train_folds
from training.split import Split, split
from training.verdict import Row


def samples_of(classes: int, photos: int, start: int = 0) -> tuple[Sample, ...]:
    return tuple(
        Sample(b"%d-%d" % (label, photo), b"%d %d" % (label, photo), f"class-{label}")
        for label in range(start, start + classes)
        for photo in range(photos)
    )


def parts_of(classes: int) -> Split:
    return Split(samples_of(classes, 3), samples_of(2, 2, classes), samples_of(3, 4, classes + 2))


def labels_in(samples: tuple[Sample, ...]) -> set[str]:
    return {sample.label for sample in samples}


def test_folds_hold_out_every_class_once_and_never_share_one_with_what_is_learned() -> None:
    parts = parts_of(9)
    made = class_folds(parts, 4)
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
    with pytest.raises(LookalikeError, match="4 folds take 8 classes beside those of the test; there are 6"):
        class_folds(parts_of(4), 4)


def test_copies_are_the_same_photos() -> None:
    parts = parts_of(3)
    assert copies(parts, 3) == (parts, parts, parts)


def test_joined_members_are_measured_by_the_mean_of_their_squared_distances() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 5)
    vectors = [random.normal(size=(15, dim)).astype(np.float32) + labels[:, None] * 0.7 for dim in (2, 3)]
    vectors = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in vectors]
    rows = tuple(Row("member", one, retrieval(one, labels)) for one in vectors)
    found = joined(rows[0], rows, labels)
    squared = [np.square(one[:, None] - one[None, :]).sum(axis=2) for one in vectors]
    whole = found.concatenated.vectors
    table = np.square(whole[:, None] - whole[None, :]).sum(axis=2)
    np.testing.assert_allclose(table, (squared[0] + squared[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-6)
    alone = (rows[0].figures.map_at_r + rows[1].figures.map_at_r) / 2
    assert found.change.mean == pytest.approx(found.concatenated.figures.map_at_r - alone)
    assert found.over == "queries"


@pytest.mark.long
@pytest.mark.parametrize("kind", DIVISIONS)
def test_members_train_alone_and_are_measured_alone_and_together(kind: str, shapes: Path, tmp_path: Path) -> None:
    config = replace(QUICK, recipe="quick", dim=8, epochs=1)
    parts = split(drain(survey(shapes)).samples, "images")
    found = drain(train_folds(config, shapes, tmp_path / "out", DIVISIONS[kind](parts, 2)))
    assert [row.name for row in found.separated] == ["member 0", "member 1"]
    if kind == "copies":  # of known classes; for unknown ones a member may be the pretrained model, as it was
        assert not np.array_equal(found.separated[0].vectors, found.separated[1].vectors)
    width = sum(row.vectors.shape[1] for row in found.separated)
    assert found.concatenated.vectors.shape == (len(parts.test), width)
    assert (tmp_path / "out" / "member-1" / "model.json").is_file()
