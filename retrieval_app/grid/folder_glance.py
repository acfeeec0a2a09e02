"""Some photos of a folder before anything is known of it: they are seen while the model is being made ready.

Nothing has looked at these files yet, so each is decoded in a process of its own: one that harms its decoder is left
out. None is shown that indexing would not take by its name.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from retrieval_app.session.tiles import shrink_image, to_qimage
from retrieval_app.workers.generator_thread import GeneratorThread

COLUMNS, MOST_PHOTOS = 6, 12
PHOTO_SIDE = 84  # px
MOST_FOLDERS = 200  # looked into: a tree without photos ends the search


class FolderGlance(QWidget):
    """The first photos of folders, in rows; empty until they are read."""

    def __init__(self) -> None:
        super().__init__()
        self._folders: list[Path] = []
        self._thread = GeneratorThread(self)
        self._thread.stepped.connect(self._add_photo)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 12, 0, 0)
        self._grid.setSpacing(8)
        self.photos: list[QLabel] = []

    def show_folders(self, folders: Sequence[Path]) -> None:
        """Show photos of these folders, none without a folder; the same folders as before are not read again."""
        if list(folders) == self._folders:
            return
        self._folders = list(folders)
        for label in self.photos:
            label.deleteLater()
        self.photos = []
        self._thread.stop_steps()
        if folders:
            self._thread.run_steps(read_first_photos(self._folders))

    def close_threads(self) -> None:
        """End the reading; the window is closing."""
        self._thread.close()

    def _add_photo(self, image: object) -> None:
        if not isinstance(image, QImage):
            return
        label = QLabel()
        label.setFixedSize(PHOTO_SIDE, PHOTO_SIDE)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setPixmap(QPixmap.fromImage(image))
        row, column = divmod(len(self.photos), COLUMNS)
        self._grid.addWidget(label, row, column)
        self.photos.append(label)


def read_first_photos(folders: Sequence[Path]) -> Generator[QImage, None, None]:
    """The first MOST_PHOTOS photos that can be read, each fitted into a square of PHOTO_SIDE px."""
    from indexer.errors import LookalikeError
    from indexer.photos.reading import read_photo
    from indexer.photos.sandbox import decode_in_child

    count = 0
    for path in _list_candidates(folders):
        try:
            image = decode_in_child(read_photo(path), PHOTO_SIDE).image
        except LookalikeError:
            continue
        yield shrink_image(to_qimage(image), PHOTO_SIDE)
        count += 1
        if count == MOST_PHOTOS:
            return


def _list_candidates(folders: Sequence[Path]) -> Iterator[Path]:
    """Files with the name of a picture, one of each folder in turn, so that they differ."""
    from indexer.photos.reading import is_candidate

    waiting: list[Iterator[Path]] = []
    for folder in folders:
        for looked_into, (parent, below, names) in enumerate(os.walk(folder)):
            below[:] = sorted(name for name in below if not name.startswith("."))
            files = [Path(parent) / name for name in sorted(names) if is_candidate(os.fsencode(name))]
            waiting += [iter(files)] if files else []
            if looked_into == MOST_FOLDERS or len(waiting) == MOST_PHOTOS:
                break
    while waiting:
        for files_left in list(waiting):
            path = next(files_left, None)
            if path is None:
                waiting.remove(files_left)
            else:
                yield path
