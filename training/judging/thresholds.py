"""What a distance under the new model means, measured on classes that it was not trained on.

A threshold measured on the classes of the training fails on others: training has moved those apart and says nothing of
the rest. Only pairs of photos of classes kept out of the training count, from at least five of them; where there are
fewer, what can be measured is said to hold for the known classes only and does not go into the model's card. The photos
are those of the test; where they are too few those of validation too, which chose the best epoch, and that is said.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from indexer.models.network import Network
from indexer.progress import Steps
from indexer.statistics.calibration import WORST_FMR, Calibration, from_labels
from training.data.labelled_folders import Sample, has_labels, number
from training.data.split import Split
from training.judging.verdict import as_embedder, embed

LEAST_CLASSES = 5  # kept out of the training; fewer say little about others
FMRS = (0.1, 0.01, 0.001)  # shown, as far as the pairs can back them


class Thresholds(NamedTuple):
    """A calibration, whether it was measured on classes that the training did not know, and whether photos of
    validation are among them.
    """

    calibration: Calibration
    new_classes: bool
    validation: bool = False

    @property
    def scope(self) -> str:
        """For what it holds, in a sentence."""
        measured = self.calibration
        on = f"on {measured.photos:,} pictures of {measured.classes:,} classes"
        flattered = " Some of these chose the best epoch, which flatters them a little." if self.validation else ""
        if self.new_classes:
            return f"Thresholds were measured {on} that were not trained, and hold for new classes.{flattered}"
        return (
            f"Thresholds were measured {on}, fewer than {LEAST_CLASSES} of them new to the training: they hold for "
            f"known classes only.{flattered} For others use the purpose classes with enough of them that at least "
            f"{LEAST_CLASSES} can be kept out."
        )

    @property
    def card(self) -> dict[str, Any] | None:
        """What goes into the model's card: only what holds for any picture."""
        return self.calibration.fields() if self.new_classes else None

    def fields(self) -> dict[str, Any]:
        """Plain values for JSON."""
        cutoffs = [cutoff for cutoff in self.calibration.cutoffs if cutoff.fmr.value in FMRS]
        shown = [
            {"fmr": one.fmr.value, "fnmr": one.fnmr.value if one.fnmr else None, "distance": one.distance}
            for one in cutoffs
        ]
        return {"new_classes": self.new_classes, "scope": self.scope, "thresholds": shown}


def measure(network: Network, used: Split, tested: np.ndarray) -> Steps[Thresholds | None]:
    """Thresholds from the photos of the test with their embeddings (n, dim), where these do not suffice from those of
    validation too; None without classes.
    """
    if not has_labels(used.test):
        return None
    known = {sample.label for sample in used.train}
    measured = of_vectors(tested, used.test, known)
    asked = {sample.label for sample in used.test}
    backed = any(cutoff.fmr.value <= WORST_FMR for cutoff in measured.calibration.cutoffs)
    if backed and (measured.new_classes or asked <= known):
        return measured
    chosen = yield from embed("thresholds", used.validation, as_embedder(network, "fine-tuned"))
    both = of_vectors(np.concatenate([chosen.vectors, tested]), (*chosen.samples, *used.test), known)
    return both._replace(validation=True)


def of_vectors(vectors: np.ndarray, samples: Sequence[Sample], known: set[str]) -> Thresholds:
    """Thresholds from embeddings (n, dim) of photos that were not trained: of unknown classes where they suffice."""
    counts = Counter(sample.label for sample in samples if sample.label not in known)
    new_classes = sum(count > 1 for count in counts.values()) >= LEAST_CLASSES
    rows = [row for row, sample in enumerate(samples) if not new_classes or sample.label not in known]
    codes = number([samples[row] for row in rows]).labels
    measured = from_labels(vectors[rows], codes, source="checkpoint", new_labels=new_classes)
    return Thresholds(measured, new_classes)
