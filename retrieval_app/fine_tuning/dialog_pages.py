"""The first two pages of fine-tuning: the choice of pictures and settings; the running training with its curves."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.charts.line_chart import ChartLine, LineChart
from retrieval_app.fine_tuning.settings_form import TrainForm
from retrieval_app.fine_tuning.source_row import SourceRow
from retrieval_app.fine_tuning.source_summary import SourceSummaryPanel
from retrieval_app.fine_tuning.training_job import FineTuning
from retrieval_app.fine_tuning.training_progress import TrainingProgress
from retrieval_app.session.session import Session
from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.theme import ICON_SIDE, Theme

DRAW_INTERVAL_MS = 250  # between two drawings of the curves
MAX_POINTS = 1500  # of a curve; more than there are pixels would only take time
MAX_SMOOTHED_STEPS = 20  # steps in a mean, at most
INTRODUCTION = tr(
    "The model learns which pictures belong together. It is judged on pictures it has not seen; "
    "nothing changes until you say so."
)
SIGNS_HELP = tr(
    "Mean distances in the batches, from 0 to 2: they should part. Where nearly everything still "
    "teaches and both distances shrink, the network is putting everything into one point: the "
    "spread falls from near 1 towards 0."
)


class ChoosePage(QWidget):
    """The source to learn from, a summary of it, and the settings."""

    def __init__(self, tuning: FineTuning, session: Session, theme: Theme) -> None:
        super().__init__()
        self.form = TrainForm()
        self.summary_panel = SourceSummaryPanel(tuning, theme)
        self.source_row = SourceRow(tuning, session)
        self._arrange_widgets()

    def _arrange_widgets(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.form)
        halves = QHBoxLayout()
        halves.setSpacing(16)
        halves.addWidget(scroll, 5)
        halves.addWidget(self.summary_panel, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        column.addWidget(make_label(INTRODUCTION, "muted", wrap=True))
        column.addWidget(self.source_row)
        column.addWidget(create_rule())
        column.addLayout(halves, 1)


class RunningPage(QWidget):
    """The progress of a training: status, warning, curves of loss and validation, signs of the last epoch."""

    def __init__(self, tuning: FineTuning, theme: Theme) -> None:
        super().__init__()
        self._tuning = tuning
        self._theme = theme
        self.status_label = make_label("", "title")
        self.progress_bar = QProgressBar()
        self.warning = QFrame()
        self.warning_text = make_label("", wrap=True)
        self._warning_icon = QLabel()
        self.loss_chart = LineChart(theme, tr("Loss"), tr("Step"), "loss")
        self.score_chart = LineChart(theme, tr("Validation"), tr("Epoch"), tr("MAP@R"))
        explain_figure(self.loss_chart, "loss")
        explain_figure(self.score_chart, "validation")
        self.charts = QWidget()
        self.signs_label = make_label("", "caption", wrap=True)
        self.signs_label.setToolTip(SIGNS_HELP)
        self._arrange_widgets()
        self._timer = QTimer(self, interval=DRAW_INTERVAL_MS, singleShot=True)
        self._timer.timeout.connect(self._draw_curves)
        tuning.advanced.connect(self._show_progress)
        tuning.changed.connect(self._show_progress)
        theme.changed.connect(self._draw_warning_icon)
        self._draw_warning_icon()
        self._show_progress()

    def _arrange_widgets(self) -> None:
        self.progress_bar.setTextVisible(False)
        self.progress_bar.setFixedHeight(4)
        self.progress_bar.setAccessibleName(tr("Progress"))
        self.charts.hide()  # a training without epochs has none
        charts = QHBoxLayout(self.charts)
        charts.setContentsMargins(0, 0, 0, 0)
        charts.setSpacing(24)
        for chart, help_text in (
            (
                self.loss_chart,
                tr("How wrong the batch of each step was; smaller is better, zero has nothing left to teach."),
            ),
            (
                self.score_chart,
                tr(
                    "How well pictures that it does not learn from find the others of their class, from 0 to 1 "
                    "(MAP@R). Epoch 0 is before the training. The best epoch is kept."
                ),
            ),
        ):
            half = QVBoxLayout()
            half.setSpacing(8)
            half.addWidget(chart, 1)
            half.addWidget(make_label(help_text, "caption", wrap=True))
            charts.addLayout(half, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        for widget in (self.status_label, self.progress_bar, self._build_banner()):
            column.addWidget(widget)
        column.addSpacing(8)
        column.addWidget(self.charts, 1)
        column.addWidget(self.signs_label)
        column.addStretch(0)

    def _build_banner(self) -> QFrame:
        self.warning.setProperty("role", "banner")
        row = QHBoxLayout(self.warning)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(self._warning_icon)
        row.addWidget(self.warning_text, 1)
        return self.warning

    def _draw_warning_icon(self) -> None:
        self._warning_icon.setPixmap(self._theme.get_icon("warning").pixmap(QSize(ICON_SIDE, ICON_SIDE)))

    def _show_progress(self) -> None:
        training = self._tuning.training
        if training is None:
            return
        self.status_label.setText(training.describe_status())
        self.progress_bar.setRange(0, training.latest_progress.total)  # 0 shows work of unknown length
        self.progress_bar.setValue(training.latest_progress.done)
        self.warning.setVisible(bool(training.warning))
        self.warning_text.setText(training.warning)
        self.charts.setVisible(bool(training.losses or training.scores))
        self.signs_label.setText(training.epoch_signs)
        if not self._timer.isActive():
            self._timer.start()

    def _draw_curves(self) -> None:
        if (training := self._tuning.training) is not None:
            self.loss_chart.draw_lines(loss_lines(training), training.steps)
            self.score_chart.draw_lines(score_lines(training), training.epochs)


def loss_lines(training: TrainingProgress) -> list[ChartLine]:
    """The loss of each step as a thin line, and its running mean; at most about MAX_POINTS points each."""
    steps, losses = [point.step for point in training.losses], [point.loss for point in training.losses]
    width = min(MAX_SMOOTHED_STEPS, max(2, training.steps // 10))
    means = smooth_values(losses, width)
    stride = slice(None, None, -max(1, len(steps) // MAX_POINTS))  # from the end, so that the last one stays
    return [
        ChartLine("", steps[stride][::-1], losses[stride][::-1], strong=False),
        ChartLine(tr("mean of {width} steps", width=width), steps[stride][::-1], means[stride][::-1]),
    ]


def smooth_values(values: Sequence[float], width: int) -> list[float]:
    """The running mean: of each value and those before it, `width` in all, or as many as there are."""
    total, means = 0.0, []
    for index, value in enumerate(values):
        total += value - (values[index - width] if index >= width else 0.0)
        means.append(total / min(index + 1, width))
    return means


def score_lines(training: TrainingProgress) -> list[ChartLine]:
    """Validation MAP@R of backbone and head by epoch, the one that leads now in the strong colour."""
    heads = [(point.epoch, point.head) for point in training.scores if point.head is not None]
    epochs, backbone = [point.epoch for point in training.scores], [point.backbone for point in training.scores]
    head_leads = bool(heads) and heads[-1][1] > backbone[-1]
    return [
        ChartLine("backbone", epochs, backbone, strong=not head_leads, dots=True),
        ChartLine("head", [epoch for epoch, _ in heads], [score for _, score in heads], strong=head_leads, dots=True),
    ]


def create_rule() -> QFrame:
    """A horizontal line of 1 px."""
    rule = QFrame()
    rule.setProperty("role", "line")
    rule.setFixedHeight(1)
    return rule
