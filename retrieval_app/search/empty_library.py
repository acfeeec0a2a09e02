"""What the search page shows of an empty library: how to fill it, or that it is being filled."""

from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import button
from retrieval_app.widgets.invitation import Invitation
from retrieval_app.window.status_line import STAGES

INVITES = (
    "Find the pictures that look alike in your own folders",
    "Your photos are only read, never changed, and nothing leaves this computer.",
)
COMING = "Photos appear here as soon as they are indexed, and can be searched at once."


class FirstState(Invitation):
    """One sentence, one big button, one quiet link; while a job is at work, only how far it is."""

    def __init__(self, session: Session) -> None:
        super().__init__(*INVITES, "Choose a photo folder")
        self._session = session
        self.sample = button("Try the sample", "link")
        self.sample.clicked.connect(session.try_sample)
        self.add(self.sample)
        session.job_changed.connect(self._say)
        self._say()

    def _say(self) -> None:
        job = self._session.job
        if job is not None and self.offer.isVisible():
            self.setFocus()  # else it would pass to the button that cancels
        for control in (self.offer, self.sample):
            control.setVisible(job is None)
        said = INVITES if job is None else (f"{STAGES.get(job.progress.stage, 'Working')}…", COMING)
        for part, text in zip((self.sentence, self.promise), said, strict=True):
            part.setText(text)
