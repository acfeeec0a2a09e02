"""How well *What is it?* names photos and refuses strangers, before and after: out of fold on all labelled photos.

One photo of each group is asked, so that no frame of a burst is named by another. As in a library
(`indexer.matching.identification_rule`): each is asked as a known one under a map of the labels that was fitted
without it, and as a stranger under one fitted without its label; the threshold is that of strangers at a rate of 0.05.
"""

from typing import NamedTuple

import numpy as np

from indexer.matching.identification_rule import find_doubt_threshold
from indexer.matching.label_model import MOST_ASKED_PHOTOS, LabelModel, examine_labels
from indexer.statistics.calibration_measurement import sample_by_class
from indexer.vectors.class_metric import MetricSetting
from training.judging.out_of_fold import LabelledVectors


class IdentificationShares(NamedTuple):
    """Shares (0 to 1): `identified` of the `photos` that got their own label, `refused` of them as strangers."""

    identified: float
    refused: float
    photos: int


class IdentificationChange(NamedTuple):
    """The shares under the model before and under the new one."""

    before: IdentificationShares
    after: IdentificationShares


def measure_identification(photos: LabelledVectors, setting: MetricSetting | None) -> IdentificationShares | None:
    """The shares of photos under a map of the labels with this setting, None for none; None where labels are too few.

    Of more than 1,500 photos so many are asked, as evenly over the labels as possible.
    """
    photos = photos.take(np.unique(photos.groups, return_index=True)[1])
    photos = photos.take(sample_by_class(photos.labels, MOST_ASKED_PHOTOS))
    codes = np.unique(photos.labels, return_inverse=True)[1].astype(np.int64)
    counts = np.bincount(codes)
    sums = np.zeros((len(counts), photos.vectors.shape[1]))
    np.add.at(sums, codes, photos.vectors)
    exam = examine_labels(LabelModel(sums, counts, None), photos.vectors, codes, setting)
    strangers = exam.stranger_doubts[np.isfinite(exam.stranger_doubts)]
    threshold = find_doubt_threshold(strangers, None)
    if threshold is None or not exam.has_others.any():
        return None
    is_named = (exam.known.codes == codes) & (exam.known.doubts < threshold)
    named = float(is_named[exam.has_others].mean())
    return IdentificationShares(named, float((strangers >= threshold).mean()), int(exam.has_others.sum()))
