"""The third page of a study: what it has found in a sentence, and its figures as a table."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from PySide6.QtWidgets import QVBoxLayout, QWidget

from indexer.wording import format_number, tr
from retrieval_app.study.study_plan import compute_mean_figure, describe_winner
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.tables import RowTableModel, TableColumn, make_table_view
from retrieval_app.wording import format_count, format_duration

TABLE_HELP = tr(
    "MAP@R: the share of its kind among the nearest pictures, early places counting more, on "
    "pictures that no training has seen; the mean over the seeds, with the range in which it "
    "would lie for other seeds. P@1: how often the nearest is of the same kind."
)


class StudyRow(NamedTuple):
    """One row of the table, as texts."""

    name: str
    map_at_r: str
    interval: str
    p_at_1: str
    gain: str
    seconds: str


COLUMNS: list[TableColumn[StudyRow]] = [
    TableColumn("", lambda row: row.name),
    TableColumn(tr("MAP@R"), lambda row: row.map_at_r, stretches=False),
    TableColumn(tr("Other seeds"), lambda row: row.interval, stretches=False),
    TableColumn("P@1", lambda row: row.p_at_1, stretches=False),
    TableColumn(tr("Against the first"), lambda row: row.gain, stretches=False),
    TableColumn(tr("Time each"), lambda row: row.seconds, stretches=False),
]


class StudyResultPage(QWidget):
    """The sentence, the table, and what was compared on what."""

    def __init__(self) -> None:
        super().__init__()
        self.sentence = make_label("", "title", wrap=True)
        self.table_model: RowTableModel[StudyRow] = RowTableModel(COLUMNS)
        self.view = make_table_view(self.table_model, COLUMNS, tr("Figures of the study"))
        self.budget = make_label("", "caption", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addWidget(self.sentence)
        column.addWidget(self.view, 1)
        column.addWidget(make_label(TABLE_HELP, "caption", wrap=True))
        column.addWidget(self.budget)

    def show_fields(self, fields: Mapping[str, Any]) -> None:
        """Show what a study has found."""
        self.sentence.setText(describe_winner(fields))
        self.table_model.show_rows(list_study_rows(fields))
        parts = fields["parts"]
        self.budget.setText(
            tr(
                "{seeds}, {epochs}, on {pictures}, measured on {test:,} others of {kinds}. {grouping}",
                seeds=format_count(fields["seeds"], "seed"),
                epochs=format_count(fields["epochs"], "epoch"),
                pictures=format_count(parts["train"], "picture"),
                test=parts["test"],
                kinds=format_count(fields["classes"], "kind"),
                grouping=fields["grouping"],
            )
        )


def list_study_rows(fields: Mapping[str, Any]) -> list[StudyRow]:
    """The rows: what needs no such training first, then the variants in their order."""
    rows = [_format_row(entry, tr("{name}, for comparison", name=entry["name"])) for entry in fields["baselines"]]
    first, *others = fields["entries"]
    return rows + [_format_row(entry, entry["name"]) for entry in (dict(first) | {"gain": None}, *others)]


def _format_row(entry: Mapping[str, Any], name: str) -> StudyRow:
    interval, gain = entry["interval"], entry.get("gain")
    return StudyRow(
        name,
        format_number(compute_mean_figure(entry), ".3f"),
        tr("{low:.3f} to {high:.3f}", low=interval["low"], high=interval["high"]) if interval else "",
        format_number(sum(entry["p_at_1"]) / len(entry["p_at_1"]), ".3f"),
        tr("{low:+.3f} to {high:+.3f}", low=gain["low"], high=gain["high"]) if gain else "",
        format_duration(entry["seconds"]),
    )
