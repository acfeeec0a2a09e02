import pytest

from training.fitting.history import Epoch, ValidationScore, describe_collapse, find_best_epoch


def epoch(number: int, *, head: float | None = None, backbone: float = 0.5) -> Epoch:
    return Epoch(number, 0.1, 0.2, 0.5, 1.0, ValidationScore(head, backbone), float(number), 0.5)


def trained(loss: float, active: float, near: float, far: float) -> Epoch:
    return Epoch(1, loss, active, near, far, ValidationScore(None, 0.5), 1.0, 0.5)


@pytest.mark.parametrize(
    ("score", "embedding", "figure"),
    [
        (ValidationScore(0.6, 0.5), "head", 0.6),
        (ValidationScore(0.5, 0.6), "backbone", 0.6),
        (ValidationScore(0.5, 0.5), "backbone", 0.5),
        (ValidationScore(None, 0.4), "backbone", 0.4),
    ],
)
def test_the_better_embedding_is_chosen(score: ValidationScore, embedding: str, figure: float) -> None:
    assert (score.embedding, score.best_map_at_r) == (embedding, figure)


def test_the_best_epoch_may_use_either_embedding_and_the_earliest_of_equals_wins() -> None:
    epochs = [epoch(0, backbone=0.5), epoch(1, head=0.7), epoch(2, backbone=0.7), epoch(3, head=0.6)]
    assert find_best_epoch(epochs).epoch == 1


def test_before_the_first_step_only_the_model_as_it_was_can_be_chosen() -> None:
    epochs = [epoch(0, head=0.9, backbone=0.5), epoch(1, head=0.4, backbone=0.45)]
    assert find_best_epoch(epochs).epoch == 0
    assert (find_best_epoch(epochs).embedding, find_best_epoch(epochs).map_at_r) == ("backbone", 0.5)
    assert find_best_epoch([*epochs, epoch(2, head=0.6, backbone=0.1)]).embedding == "head"


def test_a_start_that_labels_taught_can_be_chosen_before_the_first_step() -> None:
    taught = epoch(0, head=0.9, backbone=0.5)._replace(taught_start=True)
    best = find_best_epoch([taught, epoch(1, head=0.8)])
    assert (best.epoch, best.embedding, best.map_at_r, best.changes_model) == (0, "head", 0.9, True)
    worse = epoch(0, head=0.4, backbone=0.5)._replace(taught_start=True)
    assert (worse.embedding, worse.map_at_r, worse.changes_model) == ("backbone", 0.5, False)
    assert not epoch(0, head=0.9)._replace(taught_start=False).changes_model
    assert Epoch.from_fields(taught.fields()) == taught


START = trained(0.15, 0.6, 0.6, 1.2)


def test_a_collapse_is_said() -> None:
    said = describe_collapse([epoch(0)._replace(loss=None), START, trained(0.2, 1.0, 0.01, 0.01)], 0.2)
    assert said.startswith("The training collapsed")
    assert "0.010" in said


@pytest.mark.parametrize(
    "last",
    [
        trained(0.1, 0.05, 0.3, 1.2),  # learns
        trained(0.2, 0.99, 0.6, 1.2),  # hard, but spread out
        trained(0.2, 0.30, 0.01, 0.5),  # near, but most comparisons are right
        trained(0.02, 1.0, 0.01, 0.01),  # near, but the loss is gone
    ],
)
def test_what_is_no_collapse_is_not_called_one(last: Epoch) -> None:
    assert describe_collapse([START, last], 0.2) == ""


def test_a_collapse_under_squared_distances_is_said_too() -> None:
    """Of ten pictures of each of ten classes in one point, Hadsell's loss is half of the share of mismatches."""
    assert describe_collapse([START, trained(0.45, 1.0, 0.01, 0.02)], 0.5 * 90 / 99)


def test_before_the_first_step_nothing_has_collapsed() -> None:
    assert describe_collapse([epoch(0)._replace(loss=None)], 0.2) == ""


def test_an_epoch_becomes_plain_values() -> None:
    fields = epoch(2, head=0.4).fields()
    assert fields["map_at_r_head"] == 0.4
    assert fields["map_at_r_backbone"] == 0.5
    assert "score" not in fields
