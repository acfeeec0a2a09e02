import hashlib
import json
import os

import numpy as np
import pytest

from indexer.statistics.metrics import DifferenceInterval, bootstrap_difference, measure_retrieval
from training.data.labelled_folders import PhotoSample, number_labels
from training.judging.examples import EXAMPLE_QUERIES, choose_examples
from training.judging.judged_models import (
    BaselineResult,
    MeasuredModel,
    TrainingVerdict,
    choose_units,
    describe_power,
    explain_verdict,
)
from training.judging.verdict import keep_pretrained


def samples(labels: str) -> list[PhotoSample]:
    return [
        PhotoSample(f"/{label}/{row}.png".encode(), hashlib.sha256(f"{label}{row}".encode()).digest(), label)
        for row, label in enumerate(labels)
    ]


SAME = DifferenceInterval(-0.01, 0.01, 0.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (DifferenceInterval(0.01, 0.05, 0.03), "the new model is better."),
        (DifferenceInterval(-0.01, 0.05, 0.02), "not clearly better"),
        (DifferenceInterval(0.0, 0.0, 0.0), "not clearly better"),
        (DifferenceInterval(-0.05, -0.01, -0.03), "the new model is worse"),
    ],
)
def test_the_reason_says_what_the_interval_says(change: DifferenceInterval, said: str) -> None:
    sentence = explain_verdict(change, SAME, "1,234 test pictures of 10 classes")
    assert said in sentence
    assert "1,234 test pictures of 10 classes" in sentence
    assert f"{change.mean:+.3f}" in sentence


def test_the_smallest_gain_that_so_many_pictures_show_is_said() -> None:
    assert "a gain of 0.143 in four of five cases" in describe_power(DifferenceInterval(-0.08, 0.12, 0.02))
    assert describe_power(DifferenceInterval(0.0, 0.0, 0.0)) == ""


def test_a_better_model_that_misses_the_first_hit_more_often_says_so() -> None:
    better, worse_first = DifferenceInterval(0.3, 0.5, 0.4), DifferenceInterval(-0.09, -0.03, -0.06)
    assert "P@1 changes by -0.060" in explain_verdict(better, worse_first, "10 pictures")
    assert "P@1" not in explain_verdict(better, SAME, "10 pictures")


def test_examples_show_the_nearest_under_both_models() -> None:
    line = samples("aabb")
    before = np.array([[0.0], [3.0], [1.0], [9.0]], np.float32)  # the nearest of 0 is 2, of another class
    after = np.array([[0.0], [1.0], [5.0], [6.0]], np.float32)
    found = {example.query: example for example in choose_examples(line, before, after)}
    first = found[line[0].path]
    assert first.before == tuple(line[row].path for row in (2, 1, 3))
    assert first.before_right == (False, True, False)
    assert first.after == tuple(line[row].path for row in (1, 2, 3))
    assert first.after_right == (True, False, False)
    assert first.matches == 1
    (grouped,) = [
        one for one in choose_examples(line, before, after, np.array([4, 4, 6, 7])) if one.query == first.query
    ]
    assert (grouped.before, grouped.after) == (tuple(line[row].path for row in (2, 3)),) * 2
    assert grouped.matches == 0


def test_examples_are_of_different_classes_and_chosen_by_content_alone() -> None:
    many = samples("abcdefg" * 4)
    vectors = np.random.default_rng(0).normal(size=(len(many), 4)).astype(np.float32)
    chosen = choose_examples(many, vectors, vectors)
    assert len(chosen) == EXAMPLE_QUERIES
    assert len({example.label for example in chosen}) == EXAMPLE_QUERIES
    turned = choose_examples(many[::-1], vectors[::-1], -vectors[::-1])
    assert [example.query for example in turned] == [example.query for example in chosen]


def test_paths_of_any_bytes_survive_json() -> None:
    odd = [sample._replace(path=b"/caf\xe9 " + sample.path) for sample in samples("ab")]
    fields = json.loads(json.dumps(choose_examples(odd, np.eye(2), np.eye(2))[0].fields()))
    assert os.fsencode(fields["query"]) in {sample.path for sample in odd}


def judged_over(classes: int, groups: np.ndarray | None = None, purpose: str = "images") -> TrainingVerdict:
    """The verdict on six pictures of each of so many classes, compared with themselves."""
    named = samples("".join(chr(ord("a") + number) * 6 for number in range(classes)))
    vectors = np.random.default_rng(0).normal(size=(len(named), 8)).astype(np.float32)
    labels = number_labels(named).labels
    row = MeasuredModel("pretrained", vectors, measure_retrieval(vectors, labels, groups=groups))
    return keep_pretrained(BaselineResult(tuple(named), labels, groups, (row,), row, None, ()), purpose)


def test_ten_classes_and_more_are_what_is_drawn_anew_fewer_are_not() -> None:
    assert judged_over(9).resampling_unit == "queries"
    assert judged_over(10).resampling_unit == "classes"
    assert judged_over(9, np.arange(54) // 2).resampling_unit == "groups of queries"


def test_for_new_classes_five_are_drawn_anew_in_an_interval_as_wide_as_so_few_allow() -> None:
    assert judged_over(5, purpose="classes").resampling_unit == "classes"
    assert judged_over(4, purpose="classes").resampling_unit == "queries"
    labels = np.repeat(np.arange(5), 40)
    gains = np.array([0.06, 0.05, 0.04, -0.03, -0.02])[labels]  # alike within a class, as gains are
    wide, narrow = (
        bootstrap_difference(np.zeros(200), gains, groups=units.numbers, level=units.level)
        for units in (choose_units(labels, None, purpose) for purpose in ("classes", "images"))
    )
    assert wide.low < 0 < narrow.low
    plain = bootstrap_difference(np.zeros(200), gains, groups=labels)
    assert wide.low < plain.low
    assert wide.high > plain.high


def test_a_training_that_found_nothing_changes_nothing_and_is_refused() -> None:
    judged = judged_over(10)
    assert judged.map_at_r_change == judged.p_at_1_change == (0, 0, 0)
    assert not judged.install
    assert "unchanged" in judged.why
    assert judged.after.figures == judged.before.figures
