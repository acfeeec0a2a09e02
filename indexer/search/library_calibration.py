"""What a library knows to calibrate distances by, best first, and kept so that a search need not measure it again.

labels      the library's own labelled photos that the active model was not trained on or chosen by; where enough labels
            are new to it, only those: other photos of labels that it knows are no proof of how it does on new ones
checkpoint  what the training measured on labels that the model had not seen (model.json)
known       the library's own again, of labels that the model was trained on: said to hold for those only
photos      random pairs of photos that it was not trained on: not what is the same, but how rare such a distance is
"""

import contextlib
import json
import math
import zlib
from indexer.models.card import read_seen_hashes
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.annotations import Annotations
from indexer.database.contents import present_among
from indexer.database.store import Store, Vectors
from indexer.errors import LibraryError, ModelError
from indexer.models import model
from indexer.models.card import CARD_FILE, name_hash, read_json
from indexer.statistics import calibration
from indexer.statistics.calibration import PHOTOS, Calibration
from indexer.statistics.metrics import LEAST_FALSE_MATCHES

SETTING = "calibration"
WAY = 2  # of measuring: what an earlier version has kept is measured again
GROWTH = 1.1  # a library that has grown or shrunk by less keeps its calibration
LEAST_NEW = 5  # labels of two photos or more; fewer say little about others
ROUNDS = 4  # of drawing random photos, where many are missing or were trained on


class Labelled(NamedTuple):
    """Labelled photos that the model has not seen: ids (n,) int64, label codes (n,), and the labels' names.

    `new` says that the model was trained on none of these labels; otherwise figures hold for labels it knows only.
    """

    ids: np.ndarray
    codes: np.ndarray
    names: list[str]
    new: bool


class _Measured(NamedTuple):
    """A calibration and the labelled photos that it was measured on, or that were too few for it."""

    calibration: Calibration
    photos: list[int]


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
        """The labelled photos that show what a distance means: none was trained on, and where five labels or more are
        new to the model, none has a label that was.

        None at all where the model's list of what it was trained on cannot be read.
        """
        labels = self._annotations.labels(model_id)
        seen = self._trained_on(fingerprint)
        unseen = {} if seen is None else {photo: label for photo, label in labels.items() if photo not in seen}
        known = {label for photo, label in labels.items() if seen and photo in seen}
        known |= self._names_trained_on(fingerprint, labels.values())
        new = {photo: label for photo, label in unseen.items() if label not in known}
        shared = sum(count > 1 for count in Counter(new.values()).values())
        chosen = new if shared >= LEAST_NEW else unseen
        return _labelled(chosen, new=len(chosen) == len(new))

    def unseen(self, fingerprint: str, ids: np.ndarray) -> np.ndarray:
        """Which of the photos (n,) the model was not trained on, as bool (n,); none where that cannot be read."""
        seen = self._trained_on(fingerprint)
        return np.zeros(len(ids), np.bool_) if seen is None else ~np.isin(ids, list(seen))

    def _names_trained_on(self, fingerprint: str, names: Iterable[str]) -> set[str]:
        """Those of the label names that the model's card names too: photos of them may lie elsewhere."""
        try:
            trained = read_json(self._models_folder / fingerprint / CARD_FILE).get("trained_labels")
        except ModelError:
            return set()
        hashes = {one for one in trained if isinstance(one, str)} if isinstance(trained, list) else set()
        return {name for name in set(names) if name_hash(name) in hashes}

    def vectors(self, ids: np.ndarray, model_id: int) -> np.ndarray:
        """The embeddings (n, dim) float32 of these photos."""
        found = [self._store.embedding(int(photo), model_id) for photo in ids]
        return np.stack([vector for vector in found if vector is not None]).astype(np.float32)

    def _trained_on(self, fingerprint: str) -> set[int] | None:
        """The photos that the model was trained on or chosen by; None where its list of them cannot be read."""
        try:
            return {self._store.photo_of(row.tobytes()) for row in read_seen_hashes(self._models_folder / fingerprint)}
        except ModelError:
            return None

    def random_photos(self, fingerprint: str, model_id: int) -> Vectors:
        """Embeddings of at most 1,500 photos drawn at random, in random order, the same for the same library.

        All of them are there, and the model was trained on none; where that cannot be read, there are none.
        """
        last = self._store.last_seq(model_id)
        if last <= 2 * PHOTOS:
            found = self._usable(fingerprint, self._store.vectors(model_id, 0))
        else:
            found = self._drawn(fingerprint, model_id, last)
        chosen = np.random.default_rng(0).permutation(len(found.ids))[:PHOTOS]
        return _rows(found, chosen)

    def _drawn(self, fingerprint: str, model_id: int, last: int) -> Vectors:
        """The usable embeddings that follow on random seqs, each once; drawn on until there are enough, or ROUNDS."""
        above = np.random.default_rng(0).permutation(last)[: ROUNDS * PHOTOS]
        found: list[Vectors] = []
        for start in range(0, len(above), PHOTOS):
            if found and sum(len(part.ids) for part in found) >= PHOTOS:
                break
            drawn = [self._store.vectors(model_id, int(seq), limit=1) for seq in above[start : start + PHOTOS]]
            found.append(self._usable(fingerprint, _joined([one for one in drawn if len(one.seqs)])))
        return _joined(found)

    def _usable(self, fingerprint: str, found: Vectors) -> Vectors:
        """Those of photos that have a present file and that the model was not trained on."""
        there = np.isin(found.ids, present_among(self._store.database, found.ids.tolist()))
        return _rows(found, np.flatnonzero(there & self.unseen(fingerprint, found.ids)))

    def _kept_or_measured(self, fingerprint: str, model_id: int) -> Calibration:
        own, folders = self._annotations.stamp()
        counts = [_bucket(count) for count in (folders, self._store.last_seq(model_id))]
        stamp = [WAY, fingerprint, own, *counts]
        kept = self._store.setting(SETTING)
        if isinstance(kept, dict) and kept.get("stamp") == stamp:
            with contextlib.suppress(ValueError):  # of another version: measure again
                if kept.get("labels") == self._digest(kept.get("photos"), model_id):
                    return Calibration.from_fields(kept.get("fields"))
        measured = self._measured(fingerprint, model_id)
        if not self._store.database.read_only:
            labels = self._digest(measured.photos, model_id)
            fields = {"photos": measured.photos, "labels": labels, "fields": measured.calibration.fields()}
            with contextlib.suppress(LibraryError):  # a full disk stops no search
                self._store.set_setting(SETTING, {"stamp": stamp, **fields})
        return measured.calibration

    def _digest(self, photos: object, model_id: int) -> int:
        """A number that changes when one of these photos gets another label; ValueError where they are no ids.

        What was measured on 1,500 photos is right as long as these are: millions of others need not be read.
        """
        if not isinstance(photos, list) or not all(isinstance(photo, int) for photo in photos):
            raise ValueError("no list of photos")
        return zlib.crc32(json.dumps(sorted(self._annotations.labels(model_id, photos).items())).encode())

    def _measured(self, fingerprint: str, model_id: int) -> _Measured:
        ids, codes, _, new = self.labelled(fingerprint, model_id)
        rows = calibration.sample(codes, PHOTOS)
        if len(ids) > 1:
            prior = calibration.share_of_matched(codes)
            vectors = self.vectors(ids[rows], model_id)
            own = calibration.from_labels(vectors, codes[rows], prior=prior, new_labels=new)
            if own.cutoffs and own.matched >= LEAST_FALSE_MATCHES:
                return _Measured(own if new else self._given(fingerprint) or own, ids[rows].tolist())
        found = self._given(fingerprint)
        found = found or calibration.from_photos(self.random_photos(fingerprint, model_id).values.astype(np.float32))
        return _Measured(found, ids[rows].tolist())

    def _given(self, fingerprint: str) -> Calibration | None:
        """The calibration that a training has left with the model."""
        try:
            return Calibration.from_fields(read_json(self._models_folder / fingerprint / CARD_FILE).get("calibration"))
        except (ModelError, ValueError):
            return None


def _labelled(labels: dict[int, str], *, new: bool) -> Labelled:
    names = sorted(set(labels.values()))
    at = {name: code for code, name in enumerate(names)}
    codes = np.fromiter((at[label] for label in labels.values()), np.int64, len(labels))
    return Labelled(np.fromiter(labels, np.int64, len(labels)), codes, names, new)


def _joined(parts: list[Vectors]) -> Vectors:
    """All of the embeddings, each once, in order of seq."""
    if not parts:
        return Vectors(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float16))
    found = Vectors(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return _rows(found, np.unique(found.seqs, return_index=True)[1])


def _rows(found: Vectors, rows: np.ndarray) -> Vectors:
    return Vectors(found.seqs[rows], found.ids[rows], found.values[rows])


def _bucket(count: int) -> int:
    """The same number for like counts, as growing by a tenth changes no distribution."""
    return round(math.log(count + 1) / math.log(GROWTH))
