"""The second page of a study: which training is under way, and the loss of each."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.charts.line_chart import ChartLine, LineChart
from retrieval_app.study.study_job import StudyJob, StudyProgress
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.theme import Theme

DRAW_INTERVAL_MS = 250  # between two drawings of the curves
MAX_POINTS = 400  # of a curve
BAR_STEPS = 1000
CLASSIFIER = "classifier"  # how the name begins of what every study compares with
LOSS_HELP = tr(
    "How wrong the batch of each step was; smaller is better within one choice, while different "
    "losses cannot be compared by it: what counts is the exam at the end."
)


class StudyRunningPage(QWidget):
    """Status, progress over all trainings, and curves: the training under way strong, those before it thin."""

    def __init__(self, job: StudyJob, theme: Theme) -> None:
        super().__init__()
        self._job = job
        self.status_label = make_label("", "title", wrap=True)
        self.progress_bar = QProgressBar()
        self.chart = LineChart(theme, tr("Loss"), tr("Step"), "loss")
        self.progress_bar.setTextVisible(False)
        self.progress_bar.setFixedHeight(4)
        self.progress_bar.setAccessibleName(tr("Progress"))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        for widget in (self.status_label, self.progress_bar):
            column.addWidget(widget)
        column.addSpacing(8)
        column.addWidget(self.chart, 1)
        column.addWidget(make_label(LOSS_HELP, "caption", wrap=True))
        self._timer = QTimer(self, interval=DRAW_INTERVAL_MS, singleShot=True)
        self._timer.timeout.connect(self._draw_curves)
        for signal in (job.advanced, job.changed):
            signal.connect(self._show_progress)
        self._show_progress()

    def _show_progress(self) -> None:
        progress = self._job.progress
        if progress is None:
            return
        self.status_label.setText(progress.describe_status())
        self.progress_bar.setRange(0, BAR_STEPS if progress.losses else 0)  # 0 shows work of unknown length
        self.progress_bar.setValue(round(progress.share * BAR_STEPS))
        if not self._timer.isActive():
            self._timer.start()

    def _draw_curves(self) -> None:
        if (progress := self._job.progress) is not None:
            self.chart.draw_lines(list_loss_lines(progress), progress.steps)


def list_loss_lines(progress: StudyProgress) -> list[ChartLine]:
    """The losses of the training under way as a named strong line, those of the ones before as thin ones.

    The classifier, whose loss is of another kind, is shown only while it trains.
    """
    lines, latest = [], list(progress.losses)[-1:]
    for name, losses in progress.losses.items():
        is_latest = name in latest
        if name.startswith(CLASSIFIER) and not is_latest:
            continue
        stride = slice(None, None, -max(1, len(losses) // MAX_POINTS))  # from the end, so that the last one stays
        steps = list(range(1, len(losses) + 1))[stride][::-1]
        lines.append(ChartLine(name if is_latest else "", steps, losses[stride][::-1], strong=is_latest))
    return lines
