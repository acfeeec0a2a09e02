"""The logistic curve is the most likely one, falls, and is never certain."""

import numpy as np
import pytest
from scipy.optimize import minimize

from indexer.statistics.logistic import fit_logistic_curve


def test_curve_is_what_a_general_optimiser_finds() -> None:
    random = np.random.default_rng(0)
    values, weights = random.random(200), random.random(200) + 0.5
    is_yes = random.random(200) < 1 / (1 + np.exp(8 * (values - 0.5)))
    yes, no = weights[is_yes].sum(), weights[~is_yes].sum()
    targets = np.where(is_yes, (yes + 1) / (yes + 2), 1 / (no + 2))

    def lose(parameters: np.ndarray) -> float:
        odds = parameters[0] + parameters[1] * values
        return float((weights * (np.logaddexp(0, odds) - targets * odds)).sum())

    expected = minimize(lose, np.zeros(2)).x
    curve = fit_logistic_curve(values, is_yes, weights)
    assert (curve.intercept, curve.slope) == pytest.approx(tuple(expected), rel=1e-2)


def test_few_or_contrary_answers_give_no_certainty() -> None:
    apart = fit_logistic_curve(np.array([0.1, 0.9]), np.array([True, False]), np.ones(2))
    assert 0.5 < apart.compute_probability(0.1) < 0.75
    contrary = fit_logistic_curve(np.array([0.1, 0.9]), np.array([False, True]), np.ones(2))
    assert contrary.compute_probability(0.1) == contrary.compute_probability(0.9) == 0.5
