"""A session on a real library, without a window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from retrieval_app.session.session import Session
from tests.support.drawings import CLASSES, EACH
from tests.support.library_copies import copy_library
from tests.support.window_waits import wait_for


@pytest.fixture
def session(home: Path, indexed: Path, qtbot: QtBot) -> Iterator[Session]:
    """A session on a copy of the indexed library, with its photos listed."""
    folder = home / "default.library"
    copy_library(indexed, folder, links_models=True)
    session = Session(folder)
    session.library.switch_to(folder)
    wait_for(qtbot, lambda: len(session.search.listing.ids) == EACH * len(CLASSES))
    yield session
    session.close()
