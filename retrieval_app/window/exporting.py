"""What is shown, taken out for other programs: asked where to, written in a thread, never into a photo folder."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Hit, Library
from indexer.paths import show_path
from indexer.places import require_place
from indexer.progress import drain
from indexer.reports import export
from indexer.search.query import Cropped, Example
from retrieval_app import wording as words
from retrieval_app.session.reading import EVERYTHING
from retrieval_app.session.session import Session
from retrieval_app.session.settings import Settings
from retrieval_app.workers.writer import Writer

KINDS = {
    "Table for spreadsheets (*.csv)": "csv",
    "JSON for programs (*.json)": "json",
    "Contact sheet as a picture (*.png)": "png",
    "Contact sheet as a page (*.html)": "html",
    "Vectors of the library, not only of results (*.npy)": "npy",
}


class Order(NamedTuple):
    """What to write: the hits of a query, or where they are None the library's photos that pass a filter."""

    examples: tuple[Example, ...]
    hits: Sequence[Hit] | None
    within: Filter | None


class Exporting(QObject):
    """Asks where to, and says where it was written."""

    written = Signal(str, bytes)  # a sentence, the path

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window
        self._writer = Writer(self)  # its own, as no label waits for a sheet
        self._writer.written.connect(self._tell)
        self._writer.refused.connect(self._refuse)
        session.library_changed.connect(self._follow)
        session.closing.connect(self._writer.close)
        self._folder: Path | None = None

    def possible(self) -> bool:
        """Whether there is anything to write."""
        return not self._session.empty

    def idle(self) -> bool:
        """Whether everything has been written."""
        return self._writer.idle()

    def ask(self) -> None:
        """Ask for a file, and write what is shown now into it."""
        session = self._session
        if session.searching:
            session.noticed.emit("The search is still under way: export when its results are here.")
            return
        within = None if session.within == EVERYTHING else session.within
        examples, hits = (session.query.positives, session.listing.hits) if session.query else ((), None)
        order = Order(examples, hits, within)
        count = words.count(len(session.listing.ids), "photo" if order.hits is None else "result")
        start = Path(self._settings.text("export", str(Path.home()))) / ("photos" if order.hits is None else "results")
        dialog = QFileDialog(self._window, f"Export {count}", str(start))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(KINDS))
        dialog.setDefaultSuffix(next(iter(KINDS.values())))
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(KINDS[kind]))
        dialog.fileSelected.connect(lambda name: self.write(Path(name), order))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, out: Path, order: Order) -> None:
        """Write into this file, of a form by its suffix."""
        self._settings.put("export", str(out.parent))
        self._session.noticed.emit(f"Writing {show_path(os.fsencode(out))}…")
        self._writer.write(out, partial(_write, out=out, order=order))

    def _follow(self) -> None:
        if self._folder != self._session.folder:
            self._folder = self._session.folder
            self._writer.open(self._folder)

    def _tell(self, key: object, sentence: object) -> None:
        assert isinstance(key, Path)
        self.written.emit(str(sentence), os.fsencode(key))

    def _refuse(self, _key: object, sentence: str) -> None:
        self._session.trouble(sentence, "Choose another place", self.ask)


def _write(library: Library, out: Path, order: Order) -> str:
    """Write the file; what was written, in a sentence. LookalikeError where it must not or cannot be written there."""
    what = "vectors" if out.suffix.lower() == ".npy" else "library" if order.hits is None else "hits"
    pictures = tuple(path for example in order.examples if (path := _path(library, example)) is not None)
    export.require_form(out, what)
    for place in (out, export.ids_path(out)) if what == "vectors" else (out,):
        require_place(place, library=library.folder, pictures=pictures, overwrite=True)  # the dialog has asked
    try:
        count = _written(library, out, what, pictures, order)
    except OSError as error:
        raise LookalikeError(f"{show_path(os.fsencode(out))} cannot be written ({error.strerror}).") from error
    noun = "result" if what == "hits" else "vector" if what == "vectors" else "photo"
    return f"{words.count(count, noun)} written to {show_path(os.fsencode(out))}"


def _written(library: Library, out: Path, what: str, pictures: Sequence[Path], order: Order) -> int:
    """Have it written; how many photos that were."""
    if what == "hits":
        export.export_hits(out, pictures, order.hits or ())
        return len(order.hits or ())
    write = {"library": export.export_library, "vectors": export.export_vectors}[what]
    return drain(write(out, library, order.within))


def _path(library: Library, example: Example) -> Path | None:
    """The file of a query's picture; None for one in memory or one that has gone."""
    whole = example.example if isinstance(example, Cropped) else example
    if isinstance(whole, int):
        return next((Path(os.fsdecode(photo.path)) for photo in library.photos([whole])), None)
    return whole if isinstance(whole, Path) else None
