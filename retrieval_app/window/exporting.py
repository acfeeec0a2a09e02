"""Export of what is shown into a file for other programs: written in a thread, never into a photo folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from indexer.errors import LookalikeError
from indexer.paths import show_path
from indexer.progress import drain
from indexer.search.query import CroppedExample, QueryExample
from indexer.wording import tr
from retrieval_app.dialogs.save_dialog import ask_destination
from retrieval_app.session.searching.photo_listing import NO_FILTER
from retrieval_app.session.session import Session
from retrieval_app.session.settings import WindowSettings
from retrieval_app.wording import format_count
from retrieval_app.workers.writer import LibraryWriter

if TYPE_CHECKING:
    from indexer.database.filters import Filter
    from indexer.library import Library
    from indexer.search.results import Hit

EXPORT_FORMATS = {
    tr("Table for spreadsheets (*.csv)"): "csv",
    tr("JSON for programs (*.json)"): "json",
    tr("Contact sheet as a picture (*.png)"): "png",
    tr("Contact sheet as a page (*.html)"): "html",
    tr("Vectors of the library, not only of results (*.npy)"): "npy",
}


class ExportRequest(NamedTuple):
    """What to write: the hits of a query or, where `hits` is None, the library's photos that pass a filter."""

    examples: tuple[QueryExample, ...]
    hits: Sequence[Hit] | None
    within: Filter | None
    selected: tuple[int, ...] = ()  # the ids of photos, of which alone is written where there are any


class ListingExporter(QObject):
    """Asks for a file, has the shown photos or hits written into it, and says when that is done."""

    written = Signal(str, bytes)  # a sentence, the path

    def __init__(self, session: Session, settings: WindowSettings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window
        self.list_selected: Callable[[], list[int]] = list  # the ids of the photos that are selected
        self._writer = LibraryWriter(self)  # not the library's, so that no label waits for a sheet
        self._writer.written.connect(self._report_written)
        self._writer.refused.connect(self._report_refusal)
        session.library.changed.connect(self._follow_library)
        session.closing.connect(self._writer.abandon)

    def can_export(self) -> bool:
        """Whether the library has a photo."""
        return not self._session.library.is_empty

    def is_idle(self) -> bool:
        """Whether everything has been written."""
        return self._writer.is_idle()

    def ask_destination(self) -> None:
        """Ask for a file, and write what is shown now into it."""
        search = self._session.search
        if search.is_running:
            self._session.notice_posted.emit(tr("The search is still under way: export when its results are here."))
            return
        within = None if search.conditions.photo_filter == NO_FILTER else search.conditions.photo_filter
        examples, hits = (search.query.positives, search.listing.hits) if search.query else ((), None)
        selected = tuple(self.list_selected())
        if selected and hits is not None:
            hits = [hit for hit in hits if hit.photo.id in selected]
        request = ExportRequest(examples, hits, within, selected)
        count = format_count(len(selected or search.listing.ids), "photo" if request.hits is None else "result")
        start = Path(self._settings.read_text("export", str(Path.home()))) / (
            "photos" if request.hits is None else "results"
        )
        title, write = tr("Export {count}", count=count), partial(self.write_file, request=request)
        ask_destination(self._window, title, start, EXPORT_FORMATS, write)

    def write_file(self, out: Path, request: ExportRequest) -> None:
        """Write into this file, in the format of its suffix (EXPORT_FORMATS)."""
        self._settings.write_value("export", str(out.parent))
        self._session.notice_posted.emit(tr("Writing {out}…", out=show_path(os.fsencode(out))))
        self._writer.write(out, partial(_write_listing, out=out, request=request))

    def _follow_library(self) -> None:
        self._writer.follow_library(self._session.library.folder)

    def _report_written(self, key: object, sentence: object) -> None:
        assert isinstance(key, Path)
        self.written.emit(str(sentence), os.fsencode(key))

    def _report_refusal(self, _key: object, sentence: str) -> None:
        self._session.report_trouble(sentence, tr("Choose another place"), self.ask_destination)


def _write_listing(library: Library, out: Path, request: ExportRequest) -> str:
    """Write the file; a sentence about what was written. LookalikeError where it may not or cannot lie there."""
    from indexer.places import require_safe_output
    from indexer.reports import export

    content = "vectors" if out.suffix.lower() == ".npy" else "library" if request.hits is None else "hits"
    pictures = tuple(path for example in request.examples if (path := _find_file(library, example)) is not None)
    export.require_suffix(out, content)
    for place in (out, export.ids_path(out)) if content == "vectors" else (out,):
        require_safe_output(place, library=library.folder, pictures=pictures, overwrite=True)  # the dialog has asked
    try:
        count = _write_content(library, out, content, pictures, request)
    except OSError as error:
        raise LookalikeError(
            "{out} cannot be written ({strerror}).", out=show_path(os.fsencode(out)), strerror=error.strerror
        ) from error
    noun = "result" if content == "hits" else "vector" if content == "vectors" else "photo"
    return tr("{count} written to {out}", count=format_count(count, noun), out=show_path(os.fsencode(out)))


def _write_content(library: Library, out: Path, content: str, pictures: Sequence[Path], request: ExportRequest) -> int:
    """Write the file; the number of photos written."""
    from indexer.reports import export

    if content == "hits":
        export.export_hits(out, pictures, request.hits or ())
        return len(request.hits or ())
    if content == "library":
        return drain(export.export_library(out, library, request.within, request.selected))
    return drain(export.export_vectors(out, library, request.within))


def _find_file(library: Library, example: QueryExample) -> Path | None:
    """The file of a query's picture; None for a picture in memory, or a photo that is no longer in the library."""
    example_picture = example.example if isinstance(example, CroppedExample) else example
    if isinstance(example_picture, int):
        return next((Path(os.fsdecode(photo.path)) for photo in library.load_photos([example_picture])), None)
    return example_picture if isinstance(example_picture, Path) else None
