"""What the search page shows of an empty library: how to fill it, or that it is being filled."""

from PySide6.QtCore import Qt

from indexer.wording import tr
from retrieval_app.grid.folder_glance import FolderGlance
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_button
from retrieval_app.widgets.invitation import InvitationView
from retrieval_app.workers.job_wording import describe_stage

INVITATION_TEXTS = (
    tr("Find the pictures that look alike in your own folders"),
    tr("Your photos are only read, never changed, and nothing leaves this computer."),
)
INDEXING_PROMISE = tr("Photos appear here as soon as they are indexed, and can be searched at once.")


class EmptyLibraryInvitation(InvitationView):
    """One sentence, one big button, one quiet link; while a job is at work, how far it is, and some photos."""

    def __init__(self, session: Session) -> None:
        super().__init__(*INVITATION_TEXTS, tr("Choose a photo folder"))
        self._session = session
        self.sample_button = make_button(tr("Try the sample"), "link")
        self.sample_button.clicked.connect(session.job.try_sample)
        self.add_control(self.sample_button)
        self.glance = FolderGlance()
        self._column.addWidget(self.glance, 0, Qt.AlignmentFlag.AlignHCenter)
        session.closing.connect(self.glance.close_threads)
        for signal in (session.job.changed, session.library.changed):
            signal.connect(self._show_work)
        self._show_work()

    def _show_work(self) -> None:
        work = describe_stage(self._session.job.state_here)
        self.show_work(work, INDEXING_PROMISE if work else "")
        self.glance.show_folders(self._session.job.indexed_folders if work else ())
