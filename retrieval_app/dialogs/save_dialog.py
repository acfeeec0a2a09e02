"""Ask for a file to write, in one of several formats."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_destination(
    window: QWidget, title: str, start: Path, formats: Mapping[str, str], write: Callable[[Path], object]
) -> None:
    """Open the dialog and go on; `write` takes the chosen file. `formats` are texts with their suffixes.

    The suffix of the chosen format, at first of the first one, is added to a name that has none.
    """
    dialog = QFileDialog(window, title, str(start))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(formats))
    dialog.setDefaultSuffix(next(iter(formats.values())))
    dialog.filterSelected.connect(lambda text: dialog.setDefaultSuffix(formats[text]))
    dialog.fileSelected.connect(lambda name: write(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
