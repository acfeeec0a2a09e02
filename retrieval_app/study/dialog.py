"""The window of a study: a page each to choose, to watch and to read; the main window stays usable."""

import os
from functools import cached_property
from pathlib import Path

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from indexer.wording import tr
from retrieval_app.dialogs.paged_dialog import PagedDialog
from retrieval_app.session.session import Session
from retrieval_app.session.system_open import open_path
from retrieval_app.study.choose_page import StudyChoosePage
from retrieval_app.study.result_page import StudyResultPage
from retrieval_app.study.running_page import StudyRunningPage
from retrieval_app.study.study_job import StudyJob
from retrieval_app.study.study_plan import describe_trainings
from retrieval_app.widgets.controls import make_button
from retrieval_app.widgets.theme import Theme

GOES_ON = tr("You can close this and go on working; the study goes on.")


class StudyDialog(PagedDialog):
    """The pages and the buttons below them. Closing it lets a study go on; opened again, it shows its progress."""

    def __init__(self, job: StudyJob, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self._session, self._theme = session, theme
        self.choose_page, self.result_page = StudyChoosePage(job), StudyResultPage()
        self.page_button, self.again_button = make_button(tr("Open the page")), make_button(tr("Another study"))
        self.cancel_button, self.close_button = make_button(tr("Cancel the study")), make_button(tr("Close"))
        self.start_button = make_button(tr("Start"), "primary")
        self.setWindowTitle(tr("Study"))
        self.setMinimumSize(680, 440)
        self.resize(900, 620)
        self.arrange_widgets(
            (self.choose_page, self.result_page),
            (self.page_button, self.again_button, self.cancel_button, self.close_button, self.start_button),
        )
        self._connect_signals()
        self._show_page()
        self.start_button.setFocus()

    def _connect_signals(self) -> None:
        self.choose_page.folder_wanted.connect(self._ask_folder)
        self.choose_page.edited.connect(self._update_note)
        self.start_button.clicked.connect(lambda: self.job.start_study(self.choose_page.read_plan()))
        self.cancel_button.clicked.connect(self.job.cancel_study)
        self.again_button.clicked.connect(self.job.leave_result)
        self.page_button.clicked.connect(self._open_page)
        self.close_button.clicked.connect(self.close)
        self.job.changed.connect(self._show_page)
        self.job.advanced.connect(self._update_note)
        self._session.library.changed.connect(self._offer_library)

    @cached_property
    def running_page(self) -> StudyRunningPage:
        """The page with the curves, made when it is first shown, as charts take time to make."""
        page = StudyRunningPage(self.job, self._theme)
        self.pages.addWidget(page)
        return page

    def showEvent(self, event: QShowEvent) -> None:
        """Stay smaller than the main window, so that some of that is in view, and offer its library."""
        super().showEvent(event)
        self._offer_library()
        self.fit_in_window()

    def _offer_library(self) -> None:
        if self.isVisible():
            library = self._session.library
            self.choose_page.offer_library(None if library.is_empty else library.folder)

    def _show_page(self) -> None:
        """Show the page of the current state, with its buttons."""
        running, fields = self.job.running, self.job.fields
        page: QWidget = self.running_page if running else self.choose_page
        if fields is not None:
            page = self.result_page
            self.result_page.show_fields(fields)
        has_changed = page is not self.pages.currentWidget()
        self.pages.setCurrentWidget(page)
        for button, is_visible in (
            (self.start_button, page is self.choose_page),
            (self.cancel_button, running),
            (self.page_button, fields is not None),
            (self.again_button, fields is not None),
        ):
            button.setVisible(is_visible)
        self._update_note()
        if has_changed:
            (self.start_button if page is self.choose_page else self.close_button).setFocus()

    def _update_note(self) -> None:
        """Write at the foot what prevents the start, how much will be done, or what follows."""
        self.cancel_button.setEnabled(self.job.progress is None or not self.job.progress.stopping)
        if self.job.running:
            self.note.setText(GOES_ON)
        elif self.job.fields is not None:
            self.note.setText(tr("The page has charts, and can be sent and kept."))
        else:
            obstacle = self.choose_page.find_obstacle()
            self.start_button.setEnabled(not obstacle)
            planned = obstacle or describe_trainings(self.choose_page.read_plan())
            self.note.setText("  ".join(part for part in (self.job.sentence, planned) if part))

    def _ask_folder(self) -> None:
        start = str(self.choose_page.folder or Path.home())
        name = QFileDialog.getExistingDirectory(self, tr("Choose a folder whose sub-folders are named by class"), start)
        if name:
            self.choose_page.take_folder(Path(name))

    def _open_page(self) -> None:
        if self.job.page is not None:
            open_path(self._session, os.fsencode(self.job.page))
