"""The window in a language made by machine: each sentence with accents, longer by two fifths, and read from the right.

    python -m tests.support.pseudo_window

Opens the window on the default library in the language that the environment names, goes through all pages and the
settings, and prints as JSON the texts that did not go through the seam, those that are cut, and whether the window is
mirrored. `write_catalogue` has to be called before, in another process: a module words its texts as it is imported.
"""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from PySide6.QtCore import QEventLoop, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QDialog, QLabel, QLineEdit, QTabBar, QWidget

from tests.support.commands import ROOT
from tests.support.cut_texts import list_cut_texts
from tests.support.open_windows import open_window

LANGUAGE = "ar"  # whose readers begin at the right
ACCENTS = str.maketrans("aeiouAEIOU", "àéîöûÀÉÎÖÛ")
LONGER = 0.4
SIZE = QSize(1280, 800)
PAGES = ("Search", "Duplicates", "Map", "Evaluate", "Models", "Library", "Label")


def write_catalogue(folder: Path) -> None:
    """Write the catalogue of all sentences that the code has."""
    catalogue = runpy.run_path(str(ROOT / ".ci" / "make_catalogues.py"))["make_template"]()
    catalogue.locale = LANGUAGE
    for message in catalogue:
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            texts = ids if message.context else tuple(map(disguise, ids))
            many = (texts[0], *[texts[-1]] * (catalogue.num_plurals - 1))
            message.string = many if isinstance(message.id, tuple) else texts[0]
    place = folder / LANGUAGE / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "lookalike.mo").open("wb") as file:
        write_mo(file, catalogue)


def disguise(template: str) -> str:
    """The template with accents on its vowels and longer; its places stay."""
    parts = re.split(r"(\{[^}]*\})", template)
    text = "".join(part if part.startswith("{") else part.translate(ACCENTS) for part in parts)
    more = round(LONGER * len(template))
    return f"¡{text}{('~~~~ ' * more)[:more].rstrip()}!"


def is_plain(text: str) -> bool:
    """Whether a text holds words and no sign of the disguise."""
    return bool(re.search("[A-Za-z]{2}", text)) and not re.search("[àéîöûÀÉÎÖÛ¡]", text)


def list_shown_texts(root: QWidget) -> Iterator[str]:
    """The texts of all widgets and actions below a widget, with their tool tips and what is read out."""
    for widget in (root, *root.findChildren(QWidget)):
        yield from (widget.windowTitle(), widget.toolTip(), widget.accessibleName(), widget.accessibleDescription())
        if isinstance(widget, QLabel | QAbstractButton):
            yield widget.text()
        elif isinstance(widget, QLineEdit):
            yield widget.placeholderText()
        elif isinstance(widget, QTabBar):
            yield from (widget.tabText(place) for place in range(widget.count()))
        elif isinstance(widget, QComboBox):
            yield from (widget.itemText(place) for place in range(widget.count()))
    for action in root.findChildren(QAction):
        yield from (action.text(), action.toolTip())


def main() -> None:
    """Go through the window once."""
    plain, cut = set[str](), list[str]()
    with open_window() as window:
        window.resize(SIZE)
        for page in PAGES:
            window.page_stack.show_page(page)
            for _ in range(5):
                QApplication.processEvents()
            plain.update(filter(is_plain, list_shown_texts(window)))
            cut += [f"{page}: {text}" for text in list_cut_texts(window)]
        window.page_stack.show_page("Search")
        search = window.session.search
        search.toggle_query_photo(int(search.listing.ids[3]))
        while search.is_running or not window.search_page.questions.is_idle():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        window.search_page.results.grid.go_to(1)
        for _ in range(5):
            QApplication.processEvents()
        plain.update(filter(is_plain, list_shown_texts(window)))
        panes = (window.search_page.query_panel, window.search_page.details)
        for pane in panes:
            content = pane.widget()
            assert content is not None
            if content.width() > pane.viewport().width():
                cut.append(f"{pane.accessibleName()}: {content.width()} px in {pane.viewport().width()} px")
        window.show_settings()
        QApplication.processEvents()
        for dialog in window.findChildren(QDialog):
            plain.update(filter(is_plain, list_shown_texts(dialog)))
            cut += list_cut_texts(dialog)
        is_mirrored = window.layoutDirection() == Qt.LayoutDirection.RightToLeft
        is_at_right = window.page_stack.tab_bar.tabRect(0).x() > window.page_stack.tab_bar.tabRect(1).x()
    print(json.dumps({"plain": sorted(plain), "cut": cut, "mirrored": is_mirrored and is_at_right}))


if __name__ == "__main__":
    main()
