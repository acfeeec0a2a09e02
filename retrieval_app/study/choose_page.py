"""The first page of a study: what to compare, on which pictures, and how often."""

import os
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QRadioButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from indexer.paths import show_path
from indexer.places import name_library
from indexer.wording import tr
from retrieval_app.study.study_job import StudyJob
from retrieval_app.study.study_plan import (
    PURPOSE_WORDS,
    StudyPlan,
    get_base_config,
    list_studies,
    list_variants,
)
from retrieval_app.widgets.controls import ElidedLabel, make_button, make_label
from training.data.sources import LibraryLabels

INTRODUCTION = tr(
    "Small trainings under one budget show which choice teaches best on your pictures. Their "
    "models are measured and thrown away; the library stays as it is."
)


class StudyChoosePage(QWidget):
    """The source, the studies as a list to choose from, the variants as boxes, seeds and epochs."""

    edited = Signal()
    folder_wanted = Signal()

    def __init__(self, job: StudyJob) -> None:
        super().__init__()
        self._job = job
        self.library: Path | None = None  # whose labels are offered
        self.folder: Path | None = None  # the last one that was chosen
        self.library_button, self.folder_button = (
            QRadioButton(tr("The labels of this library")),
            QRadioButton(tr("A folder")),
        )
        self.choose_button = make_button(tr("Choose folder…"))
        self.path_label = ElidedLabel("muted")
        self.study_buttons = {name: QRadioButton(words) for name, words in list_studies().items()}
        self.variant_boxes: dict[str, QCheckBox] = {}
        self.purpose_box, self.seeds_box, self.epochs_box = QComboBox(), QSpinBox(), QSpinBox()
        self._source_group, self._study_group = QButtonGroup(self), QButtonGroup(self)
        self._variants = QWidget()
        self._variant_column = QVBoxLayout(self._variants)
        self._set_up_controls()
        self._arrange_widgets()
        self.study_buttons[StudyPlan().study].setChecked(True)
        self._offer_variants()
        self._connect_signals()

    def _set_up_controls(self) -> None:
        for button in (self.library_button, self.folder_button):
            self._source_group.addButton(button)
        for button in self.study_buttons.values():
            self._study_group.addButton(button)
        for purpose, words in PURPOSE_WORDS.items():
            self.purpose_box.addItem(words, purpose)
        self.purpose_box.setAccessibleName(tr("What for"))
        self.purpose_box.setToolTip(tr("Whether the exam asks about left out pictures, or about whole kinds left out"))
        self.seeds_box.setRange(1, 20)
        self.seeds_box.setValue(StudyPlan().seeds)
        self.seeds_box.setToolTip(
            tr("How often each choice is trained anew, by other chances: with one, luck is not seen")
        )
        self.epochs_box.setRange(0, 100)
        self.epochs_box.setToolTip(tr("How often each training goes over the pictures"))

    def _connect_signals(self) -> None:
        self._source_group.buttonClicked.connect(self._choose_source)
        self._study_group.buttonClicked.connect(self._offer_variants)
        self.purpose_box.currentIndexChanged.connect(self._offer_variants)
        self.choose_button.clicked.connect(self.folder_wanted)
        for box in (self.seeds_box, self.epochs_box):
            box.valueChanged.connect(self.edited)

    def _arrange_widgets(self) -> None:
        source_row = QHBoxLayout()
        source_row.setSpacing(16)
        for widget in (make_label(tr("On"), "name"), self.library_button, self.folder_button, self.choose_button):
            source_row.addWidget(widget)
        source_row.addWidget(self.path_label, 1)
        halves = QHBoxLayout()
        halves.setSpacing(24)
        halves.addLayout(self._make_left(), 3)
        halves.addLayout(self._make_right(), 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        column.addWidget(make_label(INTRODUCTION, "muted", wrap=True))
        column.addLayout(source_row)
        column.addLayout(halves, 1)

    def _make_left(self) -> QVBoxLayout:
        """The studies, and how often."""
        left, form = QVBoxLayout(), QFormLayout()
        left.setSpacing(8)
        left.addWidget(make_label(tr("Compare"), "name"))
        for button in self.study_buttons.values():
            left.addWidget(button)
        form.setVerticalSpacing(8)
        form.addRow(make_label(tr("What for"), "muted"), self.purpose_box)
        form.addRow(make_label(tr("Seeds"), "muted"), self.seeds_box)
        form.addRow(make_label(tr("Epochs"), "muted"), self.epochs_box)
        left.addSpacing(8)
        left.addLayout(form)
        left.addStretch(1)
        return left

    def _make_right(self) -> QVBoxLayout:
        """The variants of the chosen study."""
        right, scroll = QVBoxLayout(), QScrollArea()
        right.setSpacing(8)
        right.addWidget(make_label(tr("These"), "name"))
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self._variants)
        scroll.setMinimumWidth(200)
        right.addWidget(scroll, 1)
        return right

    def offer_library(self, library: Path | None) -> None:
        """Offer the labels of a library; None where it has none to offer."""
        self.library = library
        self.library_button.setEnabled(library is not None)
        if self._job.source is None and library is not None:
            self.library_button.setChecked(True)
        elif self._job.source is None:
            self.folder_button.setChecked(True)
        self._choose_source()

    def take_folder(self, folder: Path) -> None:
        """Compare on a folder that the user has chosen."""
        self.folder = folder
        self.folder_button.setChecked(True)
        self._choose_source()

    def _choose_source(self) -> None:
        if self._job.running:
            return
        is_library = self.library_button.isChecked() and self.library is not None
        source = LibraryLabels(self.library) if is_library and self.library else self.folder
        if source != self._job.source:
            self._job.choose_source(source)
        named = name_library(self.library) if is_library and self.library else tr("none yet")
        self.path_label.setText(show_path(os.fsencode(source)) if isinstance(source, Path) else named)
        self.choose_button.setVisible(not is_library)
        self.edited.emit()

    def _offer_variants(self) -> None:
        """Offer the variants of the chosen study, all of them chosen, and its number of epochs."""
        while item := self._variant_column.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        study, purpose = self._chosen_study(), str(self.purpose_box.currentData())
        self.variant_boxes = {variant.name: QCheckBox(variant.name) for variant in list_variants(study, purpose)}
        for box in self.variant_boxes.values():
            box.setChecked(True)
            box.toggled.connect(self.edited)
            self._variant_column.addWidget(box)
        self._variant_column.addStretch(1)
        self.epochs_box.setSpecialValueText(tr("as usual ({epochs})", epochs=get_base_config(study, purpose).epochs))
        self.edited.emit()

    def _chosen_study(self) -> str:
        return next(name for name, button in self.study_buttons.items() if button.isChecked())

    def read_plan(self) -> StudyPlan:
        """The plan as it stands there."""
        chosen = tuple(name for name, box in self.variant_boxes.items() if box.isChecked())
        only = () if len(chosen) == len(self.variant_boxes) else chosen
        purpose = str(self.purpose_box.currentData())
        return StudyPlan(self._chosen_study(), purpose, only, self.seeds_box.value(), self.epochs_box.value())

    def find_obstacle(self) -> str:
        """Why the study cannot start, in a sentence; "" where it can."""
        if self._job.source is None:
            return tr("Choose a folder whose sub-folders are named by what they hold.")
        if not any(box.isChecked() for box in self.variant_boxes.values()):
            return tr("Choose what to compare.")
        return ""
