"""The SQL of models, their generations of search files, and the settings that say which of them count.

Settings are JSON by name: the active and the previous model, which generation was verified, what was calibrated.
"""

import contextlib
import json
from typing import NamedTuple

from indexer.database.interface import Database
from indexer.errors import LibraryError


class KnownModel(NamedTuple):
    """A model that the library has embeddings of, or will have."""

    id: int
    name: str
    dim: int


class GenerationRow(NamedTuple):
    """A published generation: it covers every embedding of its model with seq <= built_upto."""

    number: int
    model: int
    built_upto: int
    rows: int
    manifest_sha256: str


class ModelTable:
    """Models, generations and settings in a library's database; used in the database's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # models

    def find_model_id(self, fingerprint: str) -> int:
        """The id of a model by its fingerprint, 0 when the library does not know it."""
        return self._database.fetch_integer("SELECT id FROM models WHERE fingerprint = ?", (fingerprint,))

    def find_model(self, fingerprint: str) -> KnownModel | None:
        """The model with this fingerprint, None when the library does not know it."""
        rows = self._database.fetch_rows("SELECT id, name, dim FROM models WHERE fingerprint = ?", (fingerprint,))
        return KnownModel._make(rows[0]) if rows else None

    def list_model_ids(self) -> list[int]:
        """The ids of all models that the library knows."""
        return [id for (id,) in self._database.fetch_rows("SELECT id FROM models ORDER BY id")]

    def add_model(self, fingerprint: str, name: str, dim: int) -> int:
        """The id of a model, added when it is new; the first model becomes the active one."""
        with self._database.transaction():
            model = (fingerprint, name, dim)
            sql = "INSERT INTO models (fingerprint, name, dim) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            self._database.execute_statement(sql, model)
            sql = "INSERT INTO settings VALUES ('active_model', ?) ON CONFLICT DO NOTHING"
            self._database.execute_statement(sql, (json.dumps(fingerprint),))
        return self.find_model_id(fingerprint)

    def activate_model(self, fingerprint: str) -> None:
        """Make a model the active one and the one before it the previous one, in one transaction."""
        before = str(self.read_setting("active_model") or "")
        if fingerprint == before:
            return
        with self._database.transaction():
            if before:
                self.set_setting("previous_model", before)
            self.set_setting("active_model", fingerprint)

    def rename_model(self, fingerprint: str, name: str) -> None:
        """Call a model by another name."""
        self._database.execute_statement("UPDATE models SET name = ? WHERE fingerprint = ?", (name, fingerprint))

    def forget_model(self, fingerprint: str) -> None:
        """Forget a model with its embeddings, failures and generations; it is no longer the one to go back to."""
        with self._database.transaction():
            self._database.execute_statement("DELETE FROM models WHERE fingerprint = ?", (fingerprint,))
            previous = ("previous_model", json.dumps(fingerprint))
            self._database.execute_statement("DELETE FROM settings WHERE name = ? AND value = ?", previous)

    # generations

    def find_generation(self, model: int) -> GenerationRow | None:
        """The newest published generation of the model, None where it has none."""
        rows = self._database.fetch_rows(
            "SELECT number, model, built_upto, rows, manifest_sha256 FROM generations "
            "WHERE model = ? AND manifest_sha256 IS NOT NULL ORDER BY number DESC LIMIT 1",
            (model,),
        )
        return GenerationRow._make(rows[0]) if rows else None

    def find_generation_numbers(self) -> set[int]:
        """The numbers of the newest published generation of each model: the ones to keep."""
        sql = "SELECT max(number) FROM generations WHERE manifest_sha256 IS NOT NULL GROUP BY model"
        return {row[0] for row in self._database.fetch_rows(sql)}

    def reserve_generation(self, model: int, built_upto: int) -> int:
        """A fresh number for a generation that is about to be built."""
        with self._database.transaction():
            sql = "INSERT INTO generations (model, built_upto, rows) VALUES (?, ?, 0) RETURNING number"
            return self._database.fetch_integer(sql, (model, built_upto))

    def confirm_generation(self, number: int, rows: int, manifest_sha256: str) -> None:
        """Make a built generation the one that searches use; reserved numbers that were never built are dropped."""
        with self._database.transaction():
            sql = "UPDATE generations SET rows = ?, manifest_sha256 = ? WHERE number = ?"
            self._database.execute_statement(sql, (rows, manifest_sha256, number))
            self._database.execute_statement("DELETE FROM generations WHERE manifest_sha256 IS NULL")

    def discard_generation(self, number: int) -> None:
        """Forget a generation whose files are damaged, so that the next run builds a new one."""
        self._database.execute_statement("DELETE FROM generations WHERE number = ?", (number,))

    # settings

    def read_setting(self, name: str) -> object:
        """The stored value of a setting, None when it was never set."""
        return self._database.fetch_setting(name)

    def keep_setting(self, name: str, value: object) -> None:
        """Store a setting that only spares work; do nothing where the library cannot be written."""
        if not self._database.read_only:
            with contextlib.suppress(LibraryError):  # a full disk, or another program that writes for long
                self.set_setting(name, value)

    def set_setting(self, name: str, value: object) -> None:
        """Store a setting as JSON."""
        sql = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self._database.execute_statement(sql, (name, json.dumps(value)))
