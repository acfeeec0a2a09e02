"""What is known of the photo that is seen large, beside it."""

from indexer.wording import tr
from retrieval_app.widgets.tables import FactColumn, FactSection, NamedFact


class FactsPanel(FactColumn):
    """The facts of one photo."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Facts"))
        self.facts: list[NamedFact] = []

    def show_facts(self, facts: list[NamedFact]) -> None:
        """Show these facts."""
        self.facts = facts
        self.show_sections([FactSection(tr("FACTS"), facts)] if facts else [])
