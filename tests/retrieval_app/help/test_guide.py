"""The guide is whole, offline, searched, and says what the program says; the tour is shown once."""

import ast
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QUrl
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from indexer.home.folders import find_home_folder
from retrieval_app.help.first_tour import STEPS, FirstTour
from retrieval_app.help.guide_pages import PAGE_NAMES, find_guide_folder, read_pages, search_pages
from retrieval_app.session.settings import WindowSettings
from retrieval_app.window.main_window import MainWindow
from tests.support.window_waits import wait_for

ROOT = Path(__file__).parents[3]
PACKAGES = ("indexer", "training", "retrieval_app")


def list_said_texts() -> str:
    """All texts in the code of the packages, as the parser joins them."""
    texts = []
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            texts += [str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return "\n".join(texts)


def test_every_page_is_there_and_every_file_is_a_page() -> None:
    assert sorted(path.stem for path in find_guide_folder().glob("*.md")) == sorted(PAGE_NAMES)
    assert [page.path.stem for page in read_pages()] == list(PAGE_NAMES)


def test_the_guide_names_menus_and_sentences_that_the_program_has() -> None:
    said = list_said_texts()
    missing = []
    for page in read_pages():
        source = page.path.read_text(encoding="utf-8")
        for name in re.findall(r"\*[A-Z][a-z]+ > ([^*]+)\*", source):
            missing += [f"{page.path.name}: {name}" for part in [name.replace("\n", " ")] if part not in said]
    sentences = re.findall(r"^\| \*([^*]+)\* \|", (find_guide_folder() / "troubleshooting.md").read_text("utf-8"), re.M)
    assert len(sentences) > 8
    for sentence in sentences:
        missing += [part for part in sentence.split("…") if part.strip() and part.strip() not in said]
    assert missing == []


def test_search_finds_all_words_and_titles_first() -> None:
    pages = read_pages()
    assert search_pages(pages, "") == pages
    found = search_pages(pages, "settings FILE")
    assert found[0].path.stem == "settings"
    assert all("settings" in page.text.casefold() and "file" in page.text.casefold() for page in found)
    assert search_pages(pages, "no such word anywhere") == []


def test_the_guide_is_read_in_the_program(window: MainWindow, qtbot: QtBot) -> None:
    window.menus.find_action("User guide").trigger()
    guide = window.help_menu.guide
    assert guide is not None and guide.isVisible()
    assert guide.height() <= 700
    assert guide.page_list.count() == len(PAGE_NAMES)
    guide.search_field.setText("trash copies")
    assert 0 < guide.page_list.count() < len(PAGE_NAMES)
    guide.search_field.setText("qqqq")
    assert guide.nothing_label.isVisible()
    guide.show_page("start")
    link = QUrl.fromLocalFile(str(find_guide_folder() / "start.md")).resolved(QUrl("privacy.md"))
    guide.browser.setSource(link)
    assert guide.page_list.currentItem().text() == "Privacy and safety"
    picture = guide.browser.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl("../screenshots/map.png"))
    assert 0 < picture.width() <= 560
    secret = QUrl.fromLocalFile("/etc/hostname")
    assert guide.browser.loadResource(QTextDocument.ResourceType.HtmlResource.value, secret) is None
    guide.close()


@pytest.mark.parametrize("size", [(1280, 800), (900, 600)])
def test_the_tour_covers_nothing_that_it_speaks_of(empty_window: MainWindow, size: tuple[int, int]) -> None:
    empty_window.resize(*size)
    help_menu = empty_window.help_menu
    help_menu.show_tour()
    tour = help_menu.tour
    assert tour is not None
    for _ in STEPS:
        covered = QRect(empty_window.mapFromGlobal(tour.pos()), tour.size())
        assert empty_window.rect().contains(covered)
        invitation = empty_window.search_page.invitation
        for spoken_of in (invitation.offer, invitation.sample_button, empty_window.menuBar()):
            assert not covered.intersects(QRect(spoken_of.mapTo(empty_window, QPoint(0, 0)), spoken_of.size()))
        assert tour.text.height() >= tour.text.heightForWidth(tour.text.width())
        tour.next_button.click()


def test_links_of_the_guide_have_the_colour_of_the_theme(window: MainWindow, qtbot: QtBot) -> None:
    window.theme.choose_theme("light")
    window.help_menu.show_guide()
    guide = window.help_menu.guide
    assert guide is not None
    window.theme.choose_theme("dark")
    wait_for(qtbot, lambda: guide.browser.palette().link().color() == window.palette().link().color())
    block, colours = guide.browser.document().begin(), set()
    while block.isValid():
        formats = (part.format for part in block.textFormats())
        colours |= {found.foreground().color().name() for found in formats if found.isAnchor() and found.anchorHref()}
        block = block.next()
    assert colours == {window.palette().link().color().name()}
    guide.close()


def test_the_tour_is_shown_at_the_first_start_and_never_again(empty_window: MainWindow, qtbot: QtBot) -> None:
    help_menu = empty_window.help_menu
    help_menu.show_first_tour()
    tour = help_menu.tour
    assert tour is not None
    seen = [tour.title.text()]
    while tour.next_button.text() == "Next":
        tour.next_button.click()
        seen.append(tour.title.text())
    assert seen == [title for title, _ in STEPS]
    assert len(seen) == 3
    tour.next_button.click()
    assert not tour.isVisible()
    help_menu.tour = None
    help_menu.show_first_tour()
    assert help_menu.tour is None
    empty_window.menus.find_action("A tour in three steps").trigger()
    assert isinstance(help_menu.tour, FirstTour)
    help_menu.tour.close()


def test_who_has_used_the_program_before_sees_no_tour(empty_window: MainWindow) -> None:
    settings = WindowSettings(find_home_folder())
    settings.save_window(empty_window, empty_window.search_page.panes)
    empty_window._settings.exchange_values()
    empty_window.help_menu.show_first_tour()
    assert empty_window.help_menu.tour is None


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_the_pictures_of_a_page_are_there(page: str) -> None:
    source = (find_guide_folder() / f"{page}.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", source):
        assert (find_guide_folder() / target).resolve().is_file(), target
