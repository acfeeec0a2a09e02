"""What a library knows to calibrate distances by, best first, and kept so that a search need not measure it again.

labels      the library's own labelled photos that the active model was not trained on or chosen by
checkpoint  what the training measured on pictures of its own that the model had not seen (model.json)
photos      random pairs of photos that it was not trained on: not what is the same, but how rare such a distance is
"""

import contextlib
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer import calibration, model
from indexer.annotations import Annotations
from indexer.calibration import PHOTOS, Calibration
from indexer.card import CARD_FILE, read_json
from indexer.errors import LibraryError, ModelError
from indexer.metrics import LEAST_FALSE_MATCHES
from indexer.store import Store, Vectors

SETTING = "calibration"
GROWTH = 1.1  # a library that has grown or shrunk by less keeps its calibration


class Labelled(NamedTuple):
    """Labelled photos that the model has not seen: ids (n,) int64, label codes (n,), and the labels' names."""

    ids: np.ndarray
    codes: np.ndarray
    names: list[str]


class Evidence:
    """The calibration of a library's active model, kept up to date with its database; used in its store's thread."""

    def __init__(self, models_folder: Path, store: Store, annotations: Annotations) -> None:
        self._models_folder = models_folder
        self._store = store
        self._annotations = annotations
        self._known: Calibration | None = None
        self._seen: tuple[object, ...] = ()

    def calibration(self, fingerprint: str, model_id: int) -> Calibration:
        """What distances mean under the model; measured again only where labels or photos have changed."""
        database = self._store.database
        state = (fingerprint, database.version(), database.changes())
        if self._known is None or state != self._seen:
            self._known = self._kept_or_measured(fingerprint, model_id)
            self._seen = (fingerprint, database.version(), database.changes())
        return self._known

    def labelled(self, fingerprint: str, model_id: int) -> Labelled:
        """The labelled photos that the model was not trained on; none where its list of them cannot be read."""
        labels = self._annotations.labels(model_id)
        seen = self._trained_on(fingerprint)
        labels = {} if seen is None else {photo: label for photo, label in labels.items() if photo not in seen}
        names = sorted(set(labels.values()))
        at = {name: code for code, name in enumerate(names)}
        codes = np.fromiter((at[label] for label in labels.values()), np.int64, len(labels))
        return Labelled(np.fromiter(labels, np.int64, len(labels)), codes, names)

    def vectors(self, ids: np.ndarray, model_id: int) -> np.ndarray:
        """The embeddings (n, dim) float32 of these photos."""
        found = [self._store.embedding(int(photo), model_id) for photo in ids]
        return np.stack([vector for vector in found if vector is not None]).astype(np.float32)

    def _trained_on(self, fingerprint: str) -> set[int] | None:
        """The photos that the model was trained on or chosen by; None where its list of them cannot be read."""
        try:
            return {self._store.photo_of(row.tobytes()) for row in model.seen(self._models_folder / fingerprint)}
        except ModelError:
            return None

    def random_photos(self, fingerprint: str, model_id: int) -> Vectors:
        """Embeddings of at most 1,500 photos drawn at random, in random order, the same for the same library.

        None of them has the model been trained on; where that cannot be read, there are none.
        """
        last = self._store.last_seq(model_id)
        found = self._store.vectors(model_id, 0) if last <= 2 * PHOTOS else self._drawn(model_id, last)
        seen = self._trained_on(fingerprint)
        unseen = np.flatnonzero(~np.isin(found.ids, list(seen))) if seen is not None else np.zeros(0, np.int64)
        chosen = np.random.default_rng(0).permutation(unseen)[:PHOTOS]
        return Vectors(found.seqs[chosen], found.ids[chosen], found.values[chosen])

    def _drawn(self, model_id: int, last: int) -> Vectors:
        """The embeddings that follow on random seqs, each once."""
        above = np.random.default_rng(0).choice(last, PHOTOS, replace=False)
        one_each = [self._store.vectors(model_id, int(seq), limit=1) for seq in np.sort(above)]
        found = Vectors(
            *(np.concatenate(part) for part in zip(*(one for one in one_each if len(one.seqs)), strict=True))
        )
        first = np.unique(found.seqs, return_index=True)[1]
        return Vectors(found.seqs[first], found.ids[first], found.values[first])

    def _kept_or_measured(self, fingerprint: str, model_id: int) -> Calibration:
        own, folders = self._annotations.stamp()
        counts = [_bucket(count) for count in (folders, self._store.last_seq(model_id))]
        stamp = [fingerprint, own, *counts]
        kept = self._store.setting(SETTING)
        if isinstance(kept, dict) and kept.get("stamp") == stamp:
            with contextlib.suppress(ValueError):  # of another version: measure again
                return Calibration.from_fields(kept.get("fields"))
        measured = self._measured(fingerprint, model_id)
        if not self._store.database.read_only:
            with contextlib.suppress(LibraryError):  # a full disk stops no search
                self._store.set_setting(SETTING, {"stamp": stamp, "fields": measured.fields()})
        return measured

    def _measured(self, fingerprint: str, model_id: int) -> Calibration:
        ids, codes, _ = self.labelled(fingerprint, model_id)
        if len(ids) > 1:
            rows = calibration.sample(codes, PHOTOS)
            prior = calibration.share_of_matched(codes)
            own = calibration.from_labels(self.vectors(ids[rows], model_id), codes[rows], prior=prior)
            if own.cutoffs and own.matched >= LEAST_FALSE_MATCHES:
                return own
        given = self._given(fingerprint)
        return given or calibration.from_photos(self.random_photos(fingerprint, model_id).values.astype(np.float32))

    def _given(self, fingerprint: str) -> Calibration | None:
        """The calibration that a training has left with the model."""
        try:
            return Calibration.from_fields(read_json(self._models_folder / fingerprint / CARD_FILE).get("calibration"))
        except (ModelError, ValueError):
            return None


def _bucket(count: int) -> int:
    """The same number for like counts, as growing by a tenth changes no distribution."""
    return round(math.log(count + 1) / math.log(GROWTH))
