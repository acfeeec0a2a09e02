import pytest

from indexer.search.query import Query
from retrieval_app.session.searching.query_history import QueryHistory

A, B, C = Query((1,)), Query((2,)), Query((3,))


def test_history_begins_with_the_whole_library() -> None:
    history = QueryHistory()
    assert history.current_query is None
    assert not history.can_move(-1)
    assert not history.can_move(1)


def test_history_goes_back_and_forward() -> None:
    history = QueryHistory()
    history.add_query(A)
    history.add_query(B)
    history.move_by(-1)
    assert history.current_query is A
    history.move_by(-1)
    assert history.current_query is None
    history.move_by(2)
    assert history.current_query is B


def test_a_new_query_forgets_what_was_ahead() -> None:
    history = QueryHistory()
    history.add_query(A)
    history.add_query(B)
    history.move_by(-1)
    history.add_query(C)
    assert history.current_query is C
    assert not history.can_move(1)
    history.move_by(-1)
    assert history.current_query is A


@pytest.mark.parametrize("by", [-1, 1, 5, -5])
def test_history_does_not_move_beyond_its_ends(by: int) -> None:
    history = QueryHistory()
    history.move_by(by)
    assert history.current_query is None
