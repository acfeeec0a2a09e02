"""What is left out of a photo folder: the list of it, with buttons that leave out more and take back in."""

import os

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from indexer.database.contents import RootInfo
from indexer.paths import find_relative_path, show_path
from indexer.wording import tr
from retrieval_app.session.library_commands import leave_folder_out, take_back_in
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button, make_label

EXPLANATION = tr(
    "Folders that systems and programs make for themselves are never looked at. These are left "
    "out beside them. What you have said of their photos is kept."
)


class LeftOutDialog(QDialog):
    """The patterns of one root. It closes with each change, as that looks through the folder again."""

    def __init__(self, session: Session, root: RootInfo, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._root = session, root
        self.setWindowTitle(tr("Left out"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(480, 320)
        self.patterns = QListWidget()
        self.patterns.addItems(root.exclusions)
        self.patterns.setAccessibleName(tr("Left out"))
        self.add_button = make_button(tr("Leave a folder out…"))
        self.take_back_button = make_button(tr("Take back in"))
        self.add_button.clicked.connect(self._ask_folder)
        self.take_back_button.clicked.connect(self._take_chosen_back)
        self.patterns.itemSelectionChanged.connect(self._update_buttons)
        self._arrange_widgets()
        self._update_buttons()

    def _arrange_widgets(self) -> None:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        actions = QHBoxLayout()
        actions.setSpacing(8)
        for widget in (self.add_button, self.take_back_button):
            actions.addWidget(widget)
        actions.addStretch(1)
        actions.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(make_label(show_path(self._root.path), "name", wrap=True))
        column.addWidget(make_label(EXPLANATION, "muted", wrap=True))
        column.addWidget(self.patterns, 1)
        column.addLayout(actions)

    def _update_buttons(self) -> None:
        is_idle = self._session.job.state is None
        self.add_button.setEnabled(is_idle)
        self.take_back_button.setEnabled(is_idle and bool(self.patterns.selectedItems()))

    def _ask_folder(self) -> None:
        root = self._root.path
        if chosen := QFileDialog.getExistingDirectory(self, tr("Which folder is to be left out?"), os.fsdecode(root)):
            folder = os.fsencode(chosen)
            if find_relative_path(folder, root):
                self.accept()
                leave_folder_out(self._session, root, folder)
            else:
                QMessageBox.information(self, tr("Left out"), tr("Choose a folder in {root}.", root=show_path(root)))

    def _take_chosen_back(self) -> None:
        pattern = self.patterns.selectedItems()[0].text()
        self.accept()
        take_back_in(self._session, self._root.path, pattern)
