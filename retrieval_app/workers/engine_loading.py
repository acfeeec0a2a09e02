"""The engine, imported by a thread of its own once the window is seen: that takes longer than the window's start."""

from collections.abc import Generator

from PySide6.QtCore import QObject, Signal

from retrieval_app.workers.generator_thread import GeneratorThread


class EngineLoader(QObject):
    """Imports the engine once, without keeping the window waiting."""

    loaded = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.is_loaded = False
        self._is_loading = False
        self._thread = GeneratorThread(self)
        self._thread.ended.connect(self._tell_loaded)

    def load_engine(self) -> None:
        """Import the engine, unless that is done or under way; `loaded` tells when it is there."""
        if not self._is_loading:
            self._is_loading = True
            self._thread.run_steps(_import_engine())

    def close(self) -> None:
        """Wait a moment for the thread."""
        self._thread.close()

    def _tell_loaded(self) -> None:
        self.is_loaded = True
        self.loaded.emit()


def _import_engine() -> Generator[None, None, None]:
    yield
    import indexer.library
    import indexer.ranking.rankings  # noqa: F401  # so that the first search does not wait for it
