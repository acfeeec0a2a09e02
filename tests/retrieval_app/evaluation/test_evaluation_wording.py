"""What the page says in sentences."""

from typing import Any

import pytest

from retrieval_app.evaluation.evaluation_wording import describe_comparison, describe_scope
from tests.retrieval_app.evaluation.conftest import MeasuredLibrary


def test_what_was_measured_and_left_out_is_said(measured: MeasuredLibrary) -> None:
    report = measured.report
    assert "60 labelled photos of 6 labels, under tiny." in describe_scope(report)
    drawn = describe_scope(report._replace(labelled=90_000, seen=1_000))
    assert "drawn evenly over the labels out of 89,000" in drawn
    assert "1,000 photos that the model has learned from are left out." in drawn
    folds = describe_scope(report._replace(seen=60, out_of_fold=True))
    assert "fitted without it" in folds
    assert "left out" not in folds


@pytest.mark.parametrize(
    ("verdict", "words"), [("better", "better than"), ("worse", "worse than"), ("no clear difference", "neither")]
)
def test_a_comparison_is_said_by_labels_where_there_are_any(verdict: str, words: str) -> None:
    side = {"name": "a", "copies_found": 0.9, "label_found": 0.7, "map_at_r": 0.4}
    fields: dict[str, Any] = {"before": side, "after": side | {"name": "b"}, "agreement": 0.62, "verdict": verdict}
    said = describe_comparison(fields | {"change": {"mean": 0.051, "low": -0.002, "high": 0.1}})
    assert f"b finds labels {words}" in said
    assert "+0.051" in said
    assert "6.2 are the same" in said
    assert "b finds 90 % of them" in describe_comparison(fields | {"change": None})
