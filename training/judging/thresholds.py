"""What a distance under the new model means, measured on classes that it was not trained on.

A threshold measured on the classes of the training fails on others: training has moved those apart, and others not. So
only pairs of photos of classes kept out of the training count, if there are at least five of these. With fewer, the
thresholds are said to hold for the known classes only and do not go into the model's card. The photos are those of the
test; where they are too few, those of validation are added, and the scope says that these chose the best epoch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from indexer.models.embedder import Embedder
from indexer.progress import Steps
from indexer.statistics.calibration import WORST_FMR, Calibration
from indexer.statistics.calibration_measurement import FoldVectors, calibrate_from_folds, calibrate_from_labels
from training.data.groups import number_groups
from training.data.labelled_folders import PhotoSample, has_labels, number_labels
from training.data.split import DataSplit
from training.judging.judged_models import embed_samples
from training.judging.out_of_fold import HeldOutFold, LabelledVectors
from training.judging.threshold_scope import MIN_NEW_CLASSES, ThresholdScope

FMRS = (0.1, 0.01, 0.001)  # false-match rates that are shown, where there are pairs enough to measure them


class CheckpointThresholds(NamedTuple):
    """A calibration, whether it was measured on classes that the training did not know, and whether photos of
    validation are among them.
    """

    calibration: Calibration
    new_classes: bool
    validation: bool = False

    @property
    def scope(self) -> str:
        """For what the thresholds hold, in sentences."""
        return self._scope_figures.describe()

    @property
    def _scope_figures(self) -> ThresholdScope:
        measured = self.calibration
        return ThresholdScope(measured.photos, measured.classes, self.new_classes, self.validation)

    @property
    def card_fields(self) -> dict[str, Any] | None:
        """The calibration as fields of the model's card; None where it holds for known classes only."""
        return self.calibration.fields() if self.new_classes else None

    def fields(self) -> dict[str, Any]:
        """The thresholds at FMRS and their scope, as plain values for JSON."""
        thresholds = [
            {
                "fmr": cutoff.fmr.value,
                "fnmr": cutoff.fnmr.value if cutoff.fnmr else None,
                "distance": cutoff.distance,
            }
            for cutoff in self.calibration.cutoffs
            if cutoff.fmr.value in FMRS
        ]
        return {"scope": self.scope, "thresholds": thresholds} | self._scope_figures._asdict()


def measure_thresholds(
    embedder: Embedder, parts: DataSplit, test_vectors: np.ndarray, groups: Mapping[bytes, int]
) -> Steps[CheckpointThresholds | None]:
    """Thresholds from the test photos with their embeddings (n, dim), and where these are too few from the validation
    photos too; None without classes. `groups`, by content hash, number photos whose pairs do not count.
    """
    if not has_labels(parts.test):
        return None
    trained_labels = {sample.label for sample in parts.train}
    measured = calibrate_thresholds(test_vectors, parts.test, trained_labels, groups)
    test_labels = {sample.label for sample in parts.test}
    is_backed = any(cutoff.fmr.value <= WORST_FMR for cutoff in measured.calibration.cutoffs)
    if is_backed and (measured.new_classes or test_labels <= trained_labels):
        return measured
    validation_embeddings = yield from embed_samples("thresholds", parts.validation, embedder)
    with_validation = calibrate_thresholds(
        np.concatenate([validation_embeddings.vectors, test_vectors]),
        (*validation_embeddings.samples, *parts.test),
        trained_labels,
        groups,
    )
    return with_validation._replace(validation=True)


def calibrate_thresholds(
    vectors: np.ndarray, samples: Sequence[PhotoSample], trained_labels: set[str], groups: Mapping[bytes, int]
) -> CheckpointThresholds:
    """Thresholds from embeddings (n, dim) of photos that were not trained: of classes that the training did not know,
    where there are MIN_NEW_CLASSES of these. Pairs within one of the `groups`, by content hash, are left out.
    """
    counts = Counter(sample.label for sample in samples if sample.label not in trained_labels)
    new_classes = sum(count > 1 for count in counts.values()) >= MIN_NEW_CLASSES
    rows = [row for row, sample in enumerate(samples) if not new_classes or sample.label not in trained_labels]
    chosen = [samples[row] for row in rows]
    codes, numbers = number_labels(chosen).labels, number_groups(chosen, groups)
    measured = calibrate_from_labels(vectors[rows], codes, groups=numbers, source="checkpoint", new_labels=new_classes)
    return CheckpointThresholds(measured, new_classes)


def measure_out_of_fold_thresholds(
    photos: LabelledVectors, purpose: str, held_out_folds: Sequence[HeldOutFold]
) -> CheckpointThresholds | None:
    """Thresholds from pairs of photos within each fold of an exam, under maps that were fitted without either.

    For the purpose classes whole classes were left out, so the rates hold for new ones. None where no fold has pairs.
    """
    folds = [
        FoldVectors(held_out.rows, held_out.metric.transform(photos.vectors[held_out.rows]))
        for held_out in held_out_folds
    ]
    if not folds:
        return None
    new_classes = purpose == "classes" and len(np.unique(photos.labels)) >= MIN_NEW_CLASSES
    measured = calibrate_from_folds(folds, photos.labels, groups=photos.groups, new_labels=new_classes)
    return CheckpointThresholds(measured, new_classes)
