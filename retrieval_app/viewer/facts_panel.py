"""What is known of the photo that is seen large, beside it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from retrieval_app.widgets.controls import make_label
from retrieval_app.widgets.tables import NamedFact, make_fact_form

PANEL_WIDTH = 264  # px


class FactsPanel(QScrollArea):
    """The facts of one photo."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(PANEL_WIDTH)
        self.setAccessibleName("Facts")
        self.facts: list[NamedFact] = []

    def show_facts(self, facts: list[NamedFact]) -> None:
        """Show these facts; unchanged ones are not built again."""
        if facts == self.facts:
            return
        self.facts = facts
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(make_label("FACTS", "section"))
        column.addLayout(make_fact_form(facts))
        column.addStretch(1)
        self.setWidget(content)
