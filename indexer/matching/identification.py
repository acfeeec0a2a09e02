"""What is it: the label of a picture, or *unknown*, and how sure that is; from the first label on, without training.

A rule decides that (`identification_rule`), which is measured once for any number of pictures.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.library import Library
from indexer.matching.gallery import LABEL_NEIGHBOURS
from indexer.matching.identification_rule import VOTING_PHOTOS, AskedLabels, IdentificationRule, measure_rule
from indexer.matching.label_model import find_nearest_labels
from indexer.search.examples import find_photo_id
from indexer.search.query import QueryExample
from indexer.statistics.error_rates import ErrorRate
from indexer.statistics.likeness import LIKELY, SAME, count_of_hundred, name_probability
from indexer.wording import tr

ORDERED_PER_BLOCK = 2_048  # photos that are put in order by doubt, read at a time


class LabelAlternative(NamedTuple):
    """Another near label: its share of the vote (0 to 1), the mean distance (0 to 2) to its nearest photos, and what
    that means.
    """

    label: str
    vote: float
    distance: float
    probability: float | None
    rarity: float | None = None


class IdentificationResult(NamedTuple):
    """The label of a picture, None for unknown, with error rates at the threshold.

    `alternatives` begin with the `best` label, None where there is none. `ratio` is the distance to it by that to the
    next label's: a picture is known below `threshold`. `identified` is the share of photos of known labels that get
    their own label, `confidence` the probability (0 to 1) that the best label is right, if the picture is as likely of
    a known label as not; each is None where nothing says so.

    Where `standing` is a number, that decides and not the ratio: how many standard deviations a photo of the library
    stands out of others by its best label; it is known from `least_standing` on.
    """

    label: str | None
    threshold: float | None
    fmr: ErrorRate | None
    identified: ErrorRate | None
    alternatives: list[LabelAlternative]
    measured: str
    best: str | None = None
    ratio: float | None = None
    confidence: float | None = None
    standing: float | None = None
    least_standing: float | None = None

    def describe_rule(self) -> str:
        """What counts as known, and how this picture stands to that, in a sentence; "" where nothing can be told."""
        if self.standing is not None and self.least_standing is not None:
            return tr(
                "Known is what stands out of other photos by {least:.2f} standard deviations or more; this picture: "
                "{own:.2f}.",
                least=self.least_standing,
                own=self.standing,
            )
        if self.threshold is None:
            return ""
        return tr(
            "Known is what is less than {threshold:.3f} times as far from its label as from the next one{this}.",
            threshold=self.threshold,
            this="" if self.ratio is None else tr("; this picture: {ratio:.3f}", ratio=self.ratio),
        )


def identify_label(
    library: Library, image: QueryExample, *, k: int = VOTING_PHOTOS, max_fmr: float | None = None
) -> IdentificationResult:
    """The label of a picture, or unknown where its nearest label stands out no more than it does for pictures of other
    things.

    Raises LookalikeError where nothing is labelled, the picture cannot be read, or `max_fmr` cannot be shown.
    """
    return identify_with_rule(measure_rule(library, k=k, max_fmr=max_fmr), image)


def identify_with_rule(rule: IdentificationRule, image: QueryExample) -> IdentificationResult:
    """The label of a picture, or unknown. Raises LookalikeError where the picture cannot be read."""
    library = rule.gallery.library
    photo = find_photo_id(image, library.store)
    vector = library.embed_example(image).astype(np.float64)
    asked = _prepare_question(rule, vector, photo)
    distances = asked.model.compute_distances(asked.vector, asked.own_label)
    ratio = float(find_nearest_labels(distances).doubts[0])
    threshold, doubt, nearness, standing = rule.select_threshold(photo), ratio, -distances[0], None
    if rule.cohort is not None and photo:
        others = rule.cohort.vectors[rule.cohort.ids != photo]
        nearness = asked.model.compute_standings(asked.vector, others, asked.own_label)[0]
        standing = float(nearness.max())
        doubt = -standing
    alternatives = _list_alternatives(rule, vector, photo, nearness)
    result = IdentificationResult(
        None, rule.by_ratio.value, threshold.fmr, threshold.identified, alternatives, threshold.measured
    )
    if not alternatives:
        return result
    best = alternatives[0].label
    return result._replace(
        label=best if threshold.value is not None and doubt < threshold.value else None,
        best=best,
        ratio=ratio,
        confidence=None if threshold.curve is None else threshold.curve.compute_probability(doubt),
        standing=standing,
        least_standing=None if standing is None or threshold.value is None else -threshold.value,
    )


def order_by_doubt(rule: IdentificationRule, photo_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The unlabelled photos, ids (n,), those first of which a label teaches most: whose two nearest labels are almost
    equally near. Photos that have no embedding are left out.

    That is the smallest margin (Scheffer, Decomain, Wrobel 2001, "Active hidden Markov models for information
    extraction"), by the ratio of the two distances.
    """
    library, last = rule.gallery.library, 0
    ids, doubts = [np.empty(0, np.int64)], [np.empty(0)]
    read_embeddings = partial(library.store.embeddings.read_embeddings, library.model_id, limit=ORDERED_PER_BLOCK)
    while len((part := read_embeddings(last)).seqs):
        last, is_asked = int(part.seqs[-1]), np.isin(part.ids, photo_ids)
        vectors = part.values[is_asked].astype(np.float64)
        asked = vectors if rule.way_back is None else rule.way_back.recover_base(vectors)
        ids.append(part.ids[is_asked])
        doubts.append(find_nearest_labels(rule.model.compute_distances(asked)).doubts)
    ordered: NDArray[np.int64] = np.concatenate(ids)[np.argsort(-np.concatenate(doubts), kind="stable")]
    return ordered


def describe_identity(found: IdentificationResult) -> str:
    """The answer in one sentence for people: 'Likely disc: of 100 such answers 83 are right.'"""
    if found.label is None:
        unknown = tr("Unknown: nothing here is near enough.")
        return tr("{unknown} The nearest is {label}.", unknown=unknown, label=found.best) if found.best else unknown
    if found.confidence is None:
        return f"{found.label}."
    level = name_probability(found.confidence)
    template = {
        SAME: tr("{label}: of 100 such answers {right} are right."),
        LIKELY: tr("Likely {label}: of 100 such answers {right} are right."),
    }.get(level, tr("Perhaps {label}: of 100 such answers {right} are right."))
    return template.format(label=found.label, right=count_of_hundred(found.confidence))


def _prepare_question(rule: IdentificationRule, vector: NDArray[np.float64], photo: int) -> AskedLabels:
    """The model to be asked about an embedding (dim,), fitted without it where it is one of a labelled photo."""
    if rule.held_out is not None and (rule.held_out.ids == photo).any():
        return rule.held_out.ask(photo)
    own = rule.gallery.codes[rule.gallery.ids == photo]
    asked = vector[None] if rule.way_back is None else rule.way_back.recover_base(vector[None])
    return AskedLabels(rule.model, asked, own if len(own) else None)


def _list_alternatives(
    rule: IdentificationRule, vector: np.ndarray, photo: int, nearness: np.ndarray
) -> list[LabelAlternative]:
    """The label that is nearest, by the nearness (labels,), then others that the k nearest photos vote for."""
    if not np.isfinite(nearness).any():
        return []
    gallery = rule.gallery
    exclude = np.array([photo])
    votes = {
        vote.code: vote for vote in gallery.find_nearest(vector[None], exclude_photos=exclude).count_votes(0, rule.k)
    }
    best = int(nearness.argmax())
    interpret_distance = gallery.library.load_calibration().interpret_distance
    alternatives = []
    for code in sorted({best, *votes}, key=lambda code: -nearness[code]):
        if code in votes:
            share, distance = votes[code].share, votes[code].distance
        else:
            nearest = gallery.select_label(code).find_nearest(vector[None], LABEL_NEIGHBOURS, exclude_photos=exclude)
            share, distance = 0.0, float(nearest.distances[np.isfinite(nearest.distances)].mean())
        alternatives.append(LabelAlternative(gallery.names[code], share, distance, *interpret_distance(distance)))
    return alternatives
