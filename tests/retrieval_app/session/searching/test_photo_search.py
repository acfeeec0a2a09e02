"""Query and listing go together: when a search fails, grows or takes long, and when the library grows meanwhile."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from indexer.database.filters import Filter
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.ranking.rankings import run_search
from indexer.ranking.search_request import RANK_COPIES, RANK_LABELS, RANK_NEAREST, RANK_REFINED, SearchRequest
from indexer.search.query import Query
from retrieval_app.session.searching import photo_listing, photo_search
from retrieval_app.session.session import Session
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.held_readers import held
from tests.support.window_waits import wait_for, wait_for_signal

SHOWN = EACH * len(CLASSES)


def wait_for_search(session: Session, qtbot: QtBot) -> None:
    wait_for(qtbot, lambda: not session.search.is_running and not session.search.is_growing)


def search_and_wait(session: Session, qtbot: QtBot, query: Query) -> None:
    session.search.run_query(query)
    wait_for_search(session, qtbot)


def test_no_hits_of_the_query_before_are_left_when_a_search_fails(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    search_and_wait(session, qtbot, Query((5,)))
    assert session.search.listing.hits
    search_and_wait(session, qtbot, Query((tmp_path / "gone.png",)))
    assert session.search.has_failed
    assert not session.search.listing.hits and not len(session.search.listing.ids)
    session.search.move_in_history(-1)
    wait_for_search(session, qtbot)
    assert session.search.listing.hits and not session.search.has_failed


def test_what_cannot_be_read_of_several_pictures_is_named_and_left_out(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    disc, square, sidecar, gone = (tmp_path / name for name in ("disc.png", "square.png", "disc.xmp", "gone.png"))
    draw("disc", 40).save(disc)
    draw("square", 41).save(square)
    sidecar.write_text("<x:xmpmeta/>")
    notices: list[str] = []
    session.notice_posted.connect(notices.append)
    progress = []
    session.search.preparation.progressed.connect(lambda: progress.append(session.search.preparation.progress))
    search_and_wait(session, qtbot, Query((disc, sidecar, gone, square), (3,)))
    assert session.search.query == Query((disc, square), (3,))
    assert notices[-1] == "2 of 5 pictures could not be read and had to stay out: disc.xmp and gone.png."
    assert [(step.done, step.total) for step in progress if step] == [(number, 5) for number in range(5)]
    with Library.open(session.library.folder) as library:
        expected = library.search(Query((disc, square), (3,)), k=SHOWN)
    assert [hit.photo.id for hit in session.search.listing.hits] == [hit.photo.id for hit in expected.hits]
    assert [hit.distance for hit in session.search.listing.hits] == [hit.distance for hit in expected.hits]


def test_several_files_of_which_none_is_a_picture_are_told_in_a_sentence(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    search_and_wait(session, qtbot, Query((5,)))
    with wait_for_signal(qtbot, session.trouble_changed, accepts=bool) as troubles:
        session.search.run_query(Query((tmp_path / "a.xmp", tmp_path / "b.xmp")))
    assert "a.xmp" in troubles[0][0].sentence
    assert session.search.has_failed and not session.search.listing.hits


def test_a_long_question_can_be_left_at_any_picture(session: Session, photos_folder: Path, qtbot: QtBot) -> None:
    search_and_wait(session, qtbot, Query((5,)))
    before = session.search.listing
    preparation, places = session.search.preparation, []

    def leave_at_the_fourth() -> None:
        if preparation.progress is not None:
            places.append(preparation.progress.done)
            if preparation.progress.done == 3:
                session.search.leave_search()

    preparation.progressed.connect(leave_at_the_fourth)
    session.search.run_query(Query(tuple(sorted(photos_folder.glob("*/*-?.png")))))
    wait_for(qtbot, lambda: len(places) == 4)
    assert session.search.query == Query((5,))
    wait_for_search(session, qtbot)
    assert session.search.listing.ids.tolist() == before.ids.tolist()
    wait_for(qtbot, session.library.reader.is_idle)
    assert places == [0, 1, 2, 3] and preparation.progress is None


@pytest.mark.parametrize("ranking", [RANK_NEAREST, RANK_REFINED, RANK_LABELS, RANK_COPIES])
def test_further_hits_come_behind_those_that_are_there_until_all_are(
    session: Session, ranking: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_search, "FIRST_HITS", 4)
    monkeypatch.setitem(photo_listing.find_least_exact_hits(), RANK_NEAREST, 4)
    session.search.conditions.ranking = ranking
    search_and_wait(session, qtbot, Query((5,)))
    seen = session.search.listing.ids.tolist()
    for count in (16, SHOWN):
        assert len(seen) < count and session.search.listing.has_more
        session.search.find_more()
        assert session.search.is_growing and not session.search.is_running
        wait_for_search(session, qtbot)
        assert session.search.listing.ids[: len(seen)].tolist() == seen
        seen = session.search.listing.ids.tolist()
        assert len(seen) == count
    assert not session.search.listing.has_more
    assert [hit.rank for hit in session.search.listing.hits] == list(range(1, SHOWN + 1))
    with Library.open(session.library.folder) as library:
        expected = run_search(library, SearchRequest(Query((5,)), ranking=ranking), SHOWN)
    assert {hit.photo.id: hit.distance for hit in session.search.listing.hits} == {
        hit.photo.id: hit.distance for hit in expected.hits
    }
    session.search.find_more()
    assert not session.search.is_growing


def test_a_cut_off_that_ends_the_list_asks_for_no_more(
    session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_search, "FIRST_HITS", 4)
    search_and_wait(session, qtbot, Query((5,)))
    distances = [hit.distance for hit in session.search.listing.hits]
    session.search.conditions.set_max_distance((distances[2] + distances[3]) / 2)
    session.search.find_more()
    assert not session.search.is_growing and len(session.search.listing.ids) == 3
    session.search.conditions.set_max_distance(distances[3])
    session.search.find_more()
    wait_for_search(session, qtbot)
    assert len(session.search.full_listing.ids) == 16


def test_photos_that_came_in_since_a_search_are_counted_and_found_by_the_next(
    session: Session, installed_model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    search_and_wait(session, qtbot, Query((5,)))
    before = session.search.listing
    (tmp_path / "more").mkdir()
    for number in range(3):
        draw("disc", 60 + number).save(tmp_path / "more" / f"{number}.png")
    with Library.open(session.library.folder) as library:
        drain(index_library(library, [tmp_path / "more"], load_model(installed_model)))
    wait_for(qtbot, lambda: session.search.added_count == 3)
    assert session.search.listing is before
    session.search.search_again()
    wait_for_search(session, qtbot)
    assert session.search.added_count == 0
    assert np.isin(session.library.photo_ids, session.search.listing.ids).all()
    assert len(session.search.listing.ids) == SHOWN + 3


def test_a_library_is_never_taken_for_empty_while_it_is_opened(home: Path, session: Session, qtbot: QtBot) -> None:
    full, states = session.library.folder, []
    session.library.switch_to(home / "none.library")
    assert session.library.is_known_empty
    session.library.changed.connect(
        lambda: states.append((session.library.is_being_opened, session.library.is_known_empty))
    )
    session.library.switch_to(full)
    wait_for(qtbot, lambda: not session.library.is_empty)
    assert states == [(True, False), (False, False)]


def test_a_filter_is_under_way_until_its_photos_are_there(session: Session, qtbot: QtBot) -> None:
    with held(session.library.reader):
        session.search.conditions.set_filter(Filter(label="disc"))
        assert session.search.is_running and len(session.search.listing.ids) == SHOWN
    wait_for_search(session, qtbot)
    assert len(session.search.listing.ids) == EACH
