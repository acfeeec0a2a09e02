"""The user guide in a window of its own: its pages, a search in all of them, and no network."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QImage, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QListWidget, QTextBrowser, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.help.guide_pages import GuidePage, find_guide_folder, read_pages, search_pages
from retrieval_app.widgets.controls import arrange_parts, make_label

LIST_WIDTH, PICTURE_WIDTH = 264, 560  # px


class GuideBrowser(QTextBrowser):
    """Shows pages and pictures of the guide's own folders, the pictures reduced to the width of the text."""

    def loadResource(self, kind: int, url: QUrl | str) -> Any:
        """The page or the reduced picture; nothing from outside the guide's folder and the pictures beside it."""
        path = Path(self.source().resolved(QUrl(url)).toLocalFile())
        if not path.resolve().is_relative_to(find_guide_folder().resolve().parent):
            return None
        if kind == QTextDocument.ResourceType.ImageResource.value:
            image = QImage(str(path))
            wide = image.width() > PICTURE_WIDTH
            return image.scaledToWidth(PICTURE_WIDTH, Qt.TransformationMode.SmoothTransformation) if wide else image
        return super().loadResource(kind, url)

    def changeEvent(self, event: QEvent) -> None:
        """Read the page again in the colours of another theme: links keep those that they were read with."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and not self.source().isEmpty():
            place = self.verticalScrollBar().value()
            self.reload()
            self.verticalScrollBar().setValue(place)


class GuideWindow(QDialog):
    """The pages at the left, the page that is read at the right."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("User guide"))
        self.resize(896, 600)
        self._pages = read_pages()
        self._listed: list[GuidePage] = []
        self.search_field = QLineEdit()
        self.search_field.setPlaceholderText(tr("Search the guide"))
        self.search_field.setClearButtonEnabled(True)
        self.page_list = QListWidget()
        self.page_list.setAccessibleName(tr("Pages of the guide"))
        self.page_list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page_list.setSpacing(2)
        self.nothing_label = make_label(tr("No page holds these words."), "muted", wrap=True)
        self.browser = GuideBrowser()
        self.browser.setOpenExternalLinks(True)
        self._arrange_widgets()
        self.search_field.textChanged.connect(self._list_pages)
        self.page_list.currentRowChanged.connect(self._read_row)
        self.browser.sourceChanged.connect(self._follow_link)
        self._list_pages()

    def _arrange_widgets(self) -> None:
        left = QWidget()
        left.setFixedWidth(LIST_WIDTH)
        arrange_parts(QVBoxLayout(left), [self.search_field, self.nothing_label, self.page_list], spacing=8)
        row = QHBoxLayout(self)
        arrange_parts(row, [left, self.browser], spacing=12, margins=(16, 16, 16, 16), stretched=[self.browser])

    def show_page(self, name: str) -> None:
        """Read the page of a file of docs/guide, named without its ending."""
        self.search_field.clear()
        names = [page.path.stem for page in self._listed]
        self.page_list.setCurrentRow(names.index(name))

    def _list_pages(self) -> None:
        words = self.search_field.text()
        self._listed = search_pages(self._pages, words)
        self.page_list.blockSignals(True)
        self.page_list.clear()
        self.page_list.addItems([page.title for page in self._listed])
        self.page_list.blockSignals(False)
        self.nothing_label.setVisible(not self._listed)
        if self._listed:
            self.page_list.setCurrentRow(0)

    def _read_row(self, row: int) -> None:
        if row < 0:
            return
        url = QUrl.fromLocalFile(str(self._listed[row].path))
        if self.browser.source() != url:
            self.browser.setSource(url, QTextDocument.ResourceType.MarkdownResource)
        self.browser.moveCursor(QTextCursor.MoveOperation.Start)
        if words := self.search_field.text().split():
            self.browser.find(words[0])

    def _follow_link(self, url: QUrl) -> None:
        """Mark the page that a link has led to."""
        paths = [page.path for page in self._listed]
        if (path := Path(url.toLocalFile())) in paths:
            self.page_list.setCurrentRow(paths.index(path))
