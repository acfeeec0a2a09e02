"""The probability of a yes over a number, as a logistic curve, from few answers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEWTON_STEPS = 50
RIDGE = 1e-3  # keeps the curve finite where yes and no do not overlap


class LogisticCurve(NamedTuple):
    """P(yes | value) = 1 / (1 + exp(-(intercept + slope * value))); the slope is at most 0."""

    intercept: float
    slope: float

    def compute_probability(self, value: float) -> float:
        """The probability of a yes at this value."""
        return float(self.compute_probabilities(np.array(value)))

    def compute_probabilities(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of a yes at each value, in an array of the same shape."""
        shares: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(self.intercept + self.slope * values, -50, 50)))
        return shares


def fit_logistic_curve(
    values: NDArray[np.float64], is_yes: NDArray[np.bool_], weights: NDArray[np.float64]
) -> LogisticCurve:
    """The non-increasing logistic curve fitted to answers (n,) at values (n,) with weights (n,).

    Yes counts as (y + 1) / (y + 2), no as 1 / (n + 2), so few answers give no certainty: Platt 1999, "Probabilistic
    outputs for support vector machines", section 2.2. Without a falling trend it is the share of yes throughout.
    """
    yes, no = float(weights[is_yes].sum()), float(weights[~is_yes].sum())
    targets = np.where(is_yes, (yes + 1) / (yes + 2), 1 / (no + 2))
    middle, spread = float(values.mean()), float(values.std()) or 1.0
    columns = np.stack([np.ones(len(values)), (values - middle) / spread], axis=1)
    start = np.log((yes + 1) / (no + 1))
    parameters = np.array([start, 0.0])
    for _ in range(NEWTON_STEPS):
        shares = 1 / (1 + np.exp(-np.clip(columns @ parameters, -50, 50)))
        gradient = columns.T @ (weights * (targets - shares)) - RIDGE * parameters
        curvature = (columns * (weights * shares * (1 - shares))[:, None]).T @ columns + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        parameters += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    if parameters[1] > 0:
        return LogisticCurve(float(start), 0.0)
    slope = float(parameters[1]) / spread
    return LogisticCurve(float(parameters[0]) - slope * middle, slope)
