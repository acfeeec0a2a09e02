"""A library's calibration: what its distances mean, from the best source it has, stored for the next search.

labels      the library's own labelled photos that the active model was not trained on or chosen by; where enough labels
            are new to it, only those: other photos of labels that it knows are no proof of how it does on new ones
folds       of an instant model, which has seen all of them: the same photos, each under its map fitted again without it
checkpoint  what the training measured on labels that the model had not seen (model.json)
known       the library's own again, of labels that the model was trained on: said to hold for those only
photos      random pairs of photos that it was not trained on: they cannot say what is the same, only how rare a
            distance is
"""

import contextlib
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.database.annotations import Annotations
from indexer.database.contents import filter_present_photos
from indexer.database.embedding_table import StoredEmbeddings
from indexer.database.interface import DatabaseState
from indexer.database.store import Store
from indexer.errors import ModelError
from indexer.grouping.stored_groups import StoredGroups
from indexer.models.card import CARD_FILE, hash_label, read_json, read_seen_hashes
from indexer.search.base_model import find_base_model, iterate_held_out_maps
from indexer.statistics.calibration import Calibration
from indexer.statistics.calibration_measurement import (
    MAX_MEASURED_PHOTOS,
    FoldVectors,
    calibrate_from_folds,
    calibrate_from_labels,
    calibrate_from_photos,
    compute_matched_share,
    sample_by_class,
)
from indexer.statistics.metrics import LEAST_FALSE_MATCHES

CALIBRATION_SETTING = "calibration"
MEASURING_VERSION = 5  # of measuring: what an earlier version has kept is measured again
GROWTH_FACTOR = 1.1  # a library that has grown or shrunk by less keeps its calibration
LEAST_NEW_LABELS = 5  # labels of two photos or more; fewer say little about others
DRAWING_ROUNDS = 4  # of drawing random photos, where many are missing or were trained on


class UnseenLabelledPhotos(NamedTuple):
    """Labelled photos that the model has not seen: ids (n,) int64, label codes (n,) int64, and the labels' names.

    `new_labels` is True where the model was trained on none of these labels; else figures hold for known labels only.
    """

    ids: np.ndarray
    codes: np.ndarray
    names: list[str]
    new_labels: bool


class _MeasuredCalibration(NamedTuple):
    """A calibration and the labelled photos that it was measured on, or that were too few for it."""

    calibration: Calibration
    photos: list[int]


class LibraryCalibration:
    """The calibration of a library, kept up to date with its database; used in its store's thread."""

    def __init__(self, models_folder: Path, store: Store, annotations: Annotations, groups: StoredGroups) -> None:
        self._models_folder = models_folder
        self._store = store
        self._annotations = annotations
        self._stored_groups = groups
        self._calibration: Calibration | None = None
        self._database_state: DatabaseState | None = None

    def get_calibration(self, fingerprint: str, model_id: int) -> Calibration:
        """The calibration of distances under the model, measured again only where labels or photos have changed."""
        database = self._store.database
        state = database.read_state(fingerprint)
        if self._calibration is None or state != self._database_state:
            self._calibration = self._read_or_measure(fingerprint, model_id)
            self._database_state = database.accept_own_changes(state)
        return self._calibration

    def select_labelled_photos(self, fingerprint: str, model_id: int) -> UnseenLabelledPhotos:
        """The labelled photos that the model was not trained on, or only those of labels that are new to it.

        Only those where LEAST_NEW_LABELS labels with two photos or more are new. Empty where the model's list of the
        pictures that it was trained on cannot be read.
        """
        labels = self._annotations.read_labels(model_id)
        trained_photos = self._find_trained_photos(fingerprint)
        unseen_labels = (
            {}
            if trained_photos is None
            else {photo: label for photo, label in labels.items() if photo not in trained_photos}
        )
        known_labels = {label for photo, label in labels.items() if trained_photos and photo in trained_photos}
        known_labels |= self._find_trained_labels(fingerprint, labels.values())
        new_labels = {photo: label for photo, label in unseen_labels.items() if label not in known_labels}
        repeated_labels = sum(count > 1 for count in Counter(new_labels.values()).values())
        selected_labels = new_labels if repeated_labels >= LEAST_NEW_LABELS else unseen_labels
        return _encode_labels(selected_labels, new_labels=len(selected_labels) == len(new_labels))

    def mask_unseen_photos(self, fingerprint: str, ids: np.ndarray) -> np.ndarray:
        """Mask bool (n,) of photo ids (n,) that the model was not trained on; all False where its list is damaged."""
        trained_photos = self._find_trained_photos(fingerprint)
        return np.zeros(len(ids), np.bool_) if trained_photos is None else ~np.isin(ids, list(trained_photos))

    def _find_trained_labels(self, fingerprint: str, names: Iterable[str]) -> set[str]:
        """Those of the names that the model's card lists as trained labels; their photos may be outside the library."""
        try:
            stored_hashes = read_json(self._models_folder / fingerprint / CARD_FILE).get("trained_labels")
        except ModelError:
            return set()
        hashes = {item for item in stored_hashes if isinstance(item, str)} if isinstance(stored_hashes, list) else set()
        return {name for name in set(names) if hash_label(name) in hashes}

    def read_embeddings(self, ids: np.ndarray, model_id: int) -> np.ndarray:
        """The embeddings (n, dim) float32 of the photos `ids` (n,)."""
        found = self._store.embeddings.read_photo_vectors(ids.tolist(), model_id)
        return np.stack(list(found.values())).astype(np.float32)

    def _find_trained_photos(self, fingerprint: str) -> set[int] | None:
        """The ids of the photos that the model was trained on or chosen by, also where another program has written
        something into their files since; None where its list cannot be read.
        """
        try:
            return {
                photo
                for row in read_seen_hashes(self._models_folder / fingerprint)
                for photo in self._store.embeddings.find_same_pictures(row.tobytes())
            }
        except ModelError:
            return None

    def draw_random_photos(self, fingerprint: str, model_id: int) -> StoredEmbeddings:
        """Embeddings of at most MAX_MEASURED_PHOTOS photos, drawn and ordered at random, the same for the same library.

        All have a present file, and the model was trained on none of them; empty where its list cannot be read.
        """
        last_seq = self._store.embeddings.find_last_seq(model_id)
        if last_seq <= 2 * MAX_MEASURED_PHOTOS:
            usable_vectors = self._select_usable_vectors(
                fingerprint, self._store.embeddings.read_embeddings(model_id, 0)
            )
        else:
            usable_vectors = self._draw_usable_vectors(fingerprint, model_id, last_seq)
        drawn_rows = np.random.default_rng(0).permutation(len(usable_vectors.ids))[:MAX_MEASURED_PHOTOS]
        return _take_rows(usable_vectors, drawn_rows)

    def _draw_usable_vectors(self, fingerprint: str, model_id: int, last_seq: int) -> StoredEmbeddings:
        """The usable embeddings at random seqs, each once; up to DRAWING_ROUNDS draws, until there are enough."""
        start_seqs = np.random.default_rng(0).permutation(last_seq)[: DRAWING_ROUNDS * MAX_MEASURED_PHOTOS]
        usable_parts: list[StoredEmbeddings] = []
        for start in range(0, len(start_seqs), MAX_MEASURED_PHOTOS):
            if usable_parts and sum(len(part.ids) for part in usable_parts) >= MAX_MEASURED_PHOTOS:
                break
            drawn_seqs = start_seqs[start : start + MAX_MEASURED_PHOTOS].tolist()
            drawn_vectors = self._store.embeddings.sample_embeddings(model_id, drawn_seqs)
            usable_parts.append(self._select_usable_vectors(fingerprint, drawn_vectors))
        return _join_vectors(usable_parts)

    def _select_usable_vectors(self, fingerprint: str, vectors: StoredEmbeddings) -> StoredEmbeddings:
        """The embeddings of photos that have a present file and that the model was not trained on."""
        is_present = np.isin(vectors.ids, filter_present_photos(self._store.database, vectors.ids.tolist()))
        return _take_rows(vectors, np.flatnonzero(is_present & self.mask_unseen_photos(fingerprint, vectors.ids)))

    def _read_or_measure(self, fingerprint: str, model_id: int) -> Calibration:
        """The stored calibration where its stamp and labels still hold, else a new one, stored unless read-only."""
        label_stamp, folders = self._annotations.fingerprint_labels()
        counts = [_bucket_count(count) for count in (folders, self._store.embeddings.find_last_seq(model_id))]
        stamp = [MEASURING_VERSION, fingerprint, label_stamp, *counts]
        stored = self._store.models.read_setting(CALIBRATION_SETTING)
        if isinstance(stored, dict) and stored.get("stamp") == stamp:
            with contextlib.suppress(ValueError):  # of another version: measure again
                if stored.get("labels") == self._digest_labels(stored.get("photos"), model_id):
                    return Calibration.from_fields(stored.get("fields"))
        measured = self._measure_calibration(fingerprint, model_id)
        if not self._store.database.read_only:
            labels = self._digest_labels(measured.photos, model_id)
            fields = {"photos": measured.photos, "labels": labels, "fields": measured.calibration.fields()}
            self._store.models.keep_setting(CALIBRATION_SETTING, {"stamp": stamp, **fields})
        return measured.calibration

    def _digest_labels(self, photos: object, model_id: int) -> int:
        """A checksum of these photos' labels; ValueError where `photos` is no list of ids.

        A calibration holds as long as its own photos keep their labels, so millions of others need not be read.
        """
        if not isinstance(photos, list) or not all(isinstance(photo, int) for photo in photos):
            raise ValueError("no list of photos")
        return zlib.crc32(json.dumps(sorted(self._annotations.read_labels(model_id, photos).items())).encode())

    def _measure_calibration(self, fingerprint: str, model_id: int) -> _MeasuredCalibration:
        """A calibration from the first of the sources (see the module's docstring) that suffices."""
        ids, codes, _, new_labels = self.select_labelled_photos(fingerprint, model_id)
        rows = sample_by_class(codes, MAX_MEASURED_PHOTOS)
        if len(ids) > 1:
            prior = compute_matched_share(codes)
            vectors = self.read_embeddings(ids[rows], model_id)
            groups = self._stored_groups.number_groups(ids[rows], vectors)
            label_calibration = calibrate_from_labels(
                vectors, codes[rows], groups=groups, prior=prior, new_labels=new_labels
            )
            if label_calibration.cutoffs and label_calibration.matched >= LEAST_FALSE_MATCHES:
                return _MeasuredCalibration(
                    label_calibration
                    if new_labels
                    else self._read_trained_calibration(fingerprint) or label_calibration,
                    ids[rows].tolist(),
                )
        refitted = self._calibrate_out_of_fold(fingerprint, model_id)
        if refitted is not None:
            return refitted
        fallback = self._read_trained_calibration(fingerprint)
        fallback = fallback or calibrate_from_photos(
            self.draw_random_photos(fingerprint, model_id).values.astype(np.float32)
        )
        return _MeasuredCalibration(fallback, ids[rows].tolist())

    def _calibrate_out_of_fold(self, fingerprint: str, model_id: int) -> _MeasuredCalibration | None:
        """An instant model's calibration by labelled photos in folds, its map fitted again without each; else None."""
        base = find_base_model(self._models_folder, self._store, self._annotations, fingerprint)
        if base is None:
            return None
        labelled = _encode_labels(self._annotations.read_labels(model_id), new_labels=False)
        rows = sample_by_class(labelled.codes, MAX_MEASURED_PHOTOS)
        ids, codes = labelled.ids[rows], labelled.codes[rows]
        vectors = self.read_embeddings(ids, base.model_id)
        groups = self._stored_groups.number_groups(ids, vectors)
        folds = [
            FoldVectors(rows, metric.transform(vectors[rows]))
            for rows, metric in iterate_held_out_maps(vectors, codes, base, groups)
        ]
        if not folds:
            return None
        new_labels = base.purpose == "classes"
        measured = calibrate_from_folds(folds, codes, groups=groups, source="labels", new_labels=new_labels)
        return _MeasuredCalibration(measured, ids.tolist()) if measured.cutoffs else None

    def _read_trained_calibration(self, fingerprint: str) -> Calibration | None:
        """The calibration that the training stored in the model's card, None without one."""
        try:
            return Calibration.from_fields(read_json(self._models_folder / fingerprint / CARD_FILE).get("calibration"))
        except (ModelError, ValueError):
            return None


def _encode_labels(labels: dict[int, str], *, new_labels: bool) -> UnseenLabelledPhotos:
    names = sorted(set(labels.values()))
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.fromiter((code_of[label] for label in labels.values()), np.int64, len(labels))
    return UnseenLabelledPhotos(np.fromiter(labels, np.int64, len(labels)), codes, names, new_labels)


def _join_vectors(parts: list[StoredEmbeddings]) -> StoredEmbeddings:
    """The embeddings of all parts, each once, in order of seq."""
    if not parts:
        return StoredEmbeddings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float16))
    joined = StoredEmbeddings(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return _take_rows(joined, np.unique(joined.seqs, return_index=True)[1])


def _take_rows(vectors: StoredEmbeddings, rows: np.ndarray) -> StoredEmbeddings:
    return StoredEmbeddings(vectors.seqs[rows], vectors.ids[rows], vectors.values[rows])


def _bucket_count(count: int) -> int:
    """The count rounded on a scale of steps of GROWTH_FACTOR: growing by a tenth changes no distribution."""
    return round(math.log(count + 1) / math.log(GROWTH_FACTOR))
