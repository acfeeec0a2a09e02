"""Models as rows of a table, and what was measured of two of them in sentences."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from indexer.wording import name_model_fully, tr
from retrieval_app.widgets.tables import TableColumn
from retrieval_app.wording import format_count

STATE_NAMES = {"built-in": tr("built in"), "installed": tr("ready here"), "available": tr("to download")}


class ModelRow(NamedTuple):
    """One model; `fingerprint` and `path` are "" where it is not ready on this computer, `pixels` 0 where unknown."""

    name: str
    state: str
    licence: str
    megabytes: int
    pixels: int
    dim: int
    words: bool
    good_for: str
    source: str
    non_commercial: bool
    fingerprint: str
    path: str

    @property
    def shown_name(self) -> str:
        """The name for people."""
        return tr("Built-in") if self.state == "built-in" else self.name

    @property
    def full_name(self) -> str:
        """The same, with the technical name where it is another and the model is here."""
        return name_model_fully(self.name, self.fingerprint) if self.is_ready else self.shown_name

    @property
    def is_ready(self) -> bool:
        """Whether a library can take it at once."""
        return bool(self.path)

    @property
    def is_packaged(self) -> bool:
        """Whether its weights came with the program, so that nothing has to be downloaded."""
        return self.words

    @property
    def facts(self) -> str:
        """Size, input, embedding and licence in a line."""
        parts = [
            tr("{megabytes} MB", megabytes=self.megabytes) if self.megabytes else "",
            tr("sees {pixels} pixels", pixels=self.pixels) if self.pixels else "",
            tr("{dim:,} numbers a picture", dim=self.dim),
            tr("licence {licence}", licence=self.licence) if self.licence else "",
            tr("can be asked by words") if self.words else "",
        ]
        return "  ·  ".join(part for part in parts if part)


def parse_rows(result: Mapping[str, Any]) -> list[ModelRow]:
    """The rows of the answer of `model list --json`."""
    return [
        ModelRow(
            name=str(row["name"]),
            state=str(row["state"]),
            licence=str(row["licence"] or ""),
            megabytes=int(row["mb"] or 0),
            pixels=int(row["pixels"] or 0),
            dim=int(row["dim"]),
            words=bool(row["words"]),
            good_for=str(row["good_for"]),
            source=str(row.get("source") or ""),
            non_commercial=bool(row.get("non_commercial")),
            fingerprint=str(row.get("fingerprint") or ""),
            path=str(row.get("path") or ""),
        )
        for row in result["models"]
    ]


def describe_state(row: ModelRow, used_fingerprint: str) -> str:
    """Whether a model is in use or ready, else what it takes to have it, in a few words."""
    if row.fingerprint and row.fingerprint == used_fingerprint:
        return tr("in use")
    if row.state == "available" and row.is_packaged:
        return tr("to make ready")
    return tr("ready here") if row.is_ready else STATE_NAMES.get(row.state, row.state)


def list_columns(used_fingerprint: str) -> list[TableColumn[ModelRow]]:
    """The columns of the table, for a library that sees with the model of this fingerprint."""
    return [
        TableColumn(tr("Model"), lambda row: row.shown_name, stretches=False),
        TableColumn(tr("Good for"), lambda row: row.good_for),
        TableColumn("MB", lambda row: str(row.megabytes or ""), stretches=False),
        TableColumn(tr("Words"), lambda row: "yes" if row.words else "", stretches=False),
        TableColumn(tr("Licence"), lambda row: row.licence, stretches=False),
        TableColumn(tr("Here"), lambda row: describe_state(row, used_fingerprint), stretches=False),
    ]


def describe_comparison(result: Mapping[str, Any]) -> str:
    """The answer of `model compare --json` in sentences: what each found, and what that means."""
    before, after = result["before"], result["after"]
    sentences = []
    if result["change"] is not None:
        queries = int(result["queries"])
        found = [round(float(side["label_found"]) * queries) for side in (before, after)]
        sentences.append(
            tr(
                "Of {labelled_photos} the nearest had the same label for {found:,} with the present "
                "model and for {found2:,} with this one: {judge_change}",
                labelled_photos=format_count(queries, "labelled photo"),
                found=found[0],
                found2=found[1],
                judge_change=_judge_change(str(result["verdict"])),
            )
        )
    else:
        sentences.append(tr("Without labels nobody can tell which is better: label some photos, then ask again."))
    sentences.append(
        tr(
            "Changed copies found again: {copies_found:.0%} and {copies_found2:.0%}. Of the nearest "
            "ten {agreement:.0%} are the same.",
            copies_found=float(before["copies_found"]),
            copies_found2=float(after["copies_found"]),
            agreement=float(result["agreement"]),
        )
    )
    slower = float(after["seconds_per_photo"]) / max(float(before["seconds_per_photo"]), 1e-9)
    sentences.append(
        tr(
            "A photo takes {slower:.1f} times as long; {megabytes:,.0f} MB.",
            slower=slower,
            megabytes=float(after["megabytes"]),
        )
    )
    return " ".join(sentences)


def _judge_change(verdict: str) -> str:
    if verdict == "no clear difference":
        return tr("that can be luck.")
    return tr("it is {verdict} here.", verdict=verdict)
