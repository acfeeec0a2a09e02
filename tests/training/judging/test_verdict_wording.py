"""The verdict in plain words: each outcome has its sentence, and older records are read too."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.training_child import said
from training.judging.record import RecordedChange, TrainingRecord, parse_record
from training.judging.verdict_wording import describe_change, describe_matches, describe_meaning, describe_nearest

PICTURES = [Path(f"{number}.png") for number in range(7)]


def record(*, install: bool = True, **changes: Any) -> TrainingRecord:
    return replace(parse_record(said(Path("checkpoint"), PICTURES, install=install)), **changes)


def change(low: float, mean: float, high: float) -> RecordedChange:
    return RecordedChange(mean, low, high, "queries")


UP, UNSURE, FLAT, DOWN = (
    change(0.02, 0.1, 0.2),
    change(-0.1, 0.02, 0.2),
    change(-0.1, -0.02, 0.1),
    change(-0.2, -0.1, -0.02),
)


def test_the_change_is_told_with_what_the_verdict_rests_on() -> None:
    better = describe_change(record(map_at_r_change=UP, p_at_1_change=UP, least_gain=0.05))
    assert better == "MAP@R changes by +0.100 (95 % interval +0.020 to +0.200), over 12 pictures."
    worse_first = describe_change(record(map_at_r_change=UP, p_at_1_change=DOWN))
    assert worse_first == f"{better} P@1 changes by -0.100 (95 % interval -0.200 to -0.020)."
    unsure = describe_change(record(map_at_r_change=UNSURE, p_at_1_change=UP, least_gain=0.05))
    assert unsure.endswith("So many pictures show a gain of 0.050 in four of five cases, and a smaller one less often.")


@pytest.mark.parametrize(("new", "held"), [(True, "and hold for new classes."), (False, "known classes only.")])
def test_the_scope_of_thresholds_is_worded_where_it_is_read(new: bool, held: str) -> None:
    fields = said(Path("checkpoint"), PICTURES, install=True)
    assert parse_record(fields).scope == fields["thresholds"]["scope"]  # of an older version
    figures = {"photos": 1234, "classes": 7, "new_classes": new, "validation": True}
    fields["thresholds"] = {"scope": "stored", "thresholds": [], **figures}
    scope = parse_record(fields).scope
    assert scope.startswith("Thresholds were measured on 1,234 pictures of 7 classes")
    assert held in scope and "chose the best epoch" in scope


@pytest.mark.parametrize(
    ("install", "gathered", "nearest", "meaning"),
    [
        (True, UP, UP, "That is clearly better."),
        (True, UP, UNSURE, "That is clearly better."),
        (True, UP, FLAT, "The nearest is right about as often, but"),
        (True, UP, DOWN, "Pictures of a kind lie closer together, but the very nearest is right less often."),
        (False, UP, UP, "That is hardly better: not worth a change."),
        (False, UNSURE, UP, "That can be luck: it takes more pictures to tell."),
        (False, FLAT, FLAT, "That is no better"),
        (False, DOWN, DOWN, "That is worse: keep the model you have."),
    ],
)
def test_each_outcome_has_its_sentence(
    install: bool, gathered: RecordedChange, nearest: RecordedChange, meaning: str
) -> None:
    outcome = record(install=install, map_at_r_change=gathered, p_at_1_change=nearest)
    assert describe_meaning(outcome).startswith(meaning)


def test_a_training_that_learned_nothing_says_so_and_an_instant_one_has_no_epochs() -> None:
    assert "the new model is the old one" in describe_meaning(record(install=False, best_epoch=0))
    instant = record(best_epoch=0, parts={"train": 40, "validation": 0, "test": 0})
    assert describe_meaning(instant) == "That is clearly better."


def test_the_nearest_are_counted_in_pictures() -> None:
    outcome = record()
    assert describe_nearest(outcome).endswith(
        "Of 12 pictures that it had not seen, the nearest was right for 5 before and for 6 now."
    )
    perfect = replace(outcome, after=outcome.after._replace(p_at_1=1.0))
    assert describe_nearest(perfect).endswith("for 5 before and for all of them now.")


def test_of_a_small_class_no_more_is_asked_than_there_is() -> None:
    fields = said(Path("checkpoint"), PICTURES, install=True)
    outcome = parse_record(fields)
    assert describe_matches("after", outcome.examples) == "After: 15 of the 15 there are"
    for example in fields["examples"]:
        example.pop("matches", None)  # a record of an earlier version
    older = parse_record(fields)
    assert describe_matches("after", older.examples) == "After: 15 of 25 of the query's class"
