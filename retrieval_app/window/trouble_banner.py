"""The banner at the head of the window: what is wrong, and what can be done about it."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton

from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.session.trouble import TroubleMessage
from retrieval_app.widgets.controls import arrange_parts, make_button, make_label
from retrieval_app.widgets.theme import Theme


class TroubleBanner(QFrame):
    """A sentence that says what is wrong, and the button that does something about it; hidden where nothing is."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._trouble: TroubleMessage | None = None
        self.setProperty("role", "banner")
        self._warning_icon = QLabel()
        self.sentence_label = make_label("", wrap=True)
        self.sentence_label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.remedy_button = make_button("")
        self._close_button = QToolButton()
        self._close_button.setToolTip(tr("Close this message"))
        self._arrange_widgets()
        self.remedy_button.clicked.connect(self._run_remedy)
        self._close_button.clicked.connect(self.hide)
        session.trouble_changed.connect(self._show_trouble)
        theme.changed.connect(self._draw_icons)
        self._draw_icons()
        self.hide()

    def _arrange_widgets(self) -> None:
        parts = [self._warning_icon, self.sentence_label, self.remedy_button, self._close_button]
        arrange_parts(QHBoxLayout(self), parts, spacing=12, margins=(16, 8, 12, 8), stretched=[self.sentence_label])

    def _draw_icons(self) -> None:
        self._warning_icon.setPixmap(self._theme.get_icon("warning").pixmap(QSize(20, 20)))
        self._close_button.setIcon(self._theme.get_icon("close"))

    def _show_trouble(self, trouble: TroubleMessage | None) -> None:
        self._trouble = trouble
        self.setVisible(trouble is not None)
        if trouble is not None:
            self.sentence_label.setText(trouble.sentence)
            self.remedy_button.setText(trouble.button_text)

    def _run_remedy(self) -> None:
        self.hide()
        if self._trouble is not None:
            self._trouble.remedy()
