import pytest

from indexer.search.query import Query
from retrieval_app.session.state import History

A, B, C = Query((1,)), Query((2,)), Query((3,))


def test_history_begins_with_the_whole_library() -> None:
    history = History()
    assert history.current is None
    assert not history.can_move(-1)
    assert not history.can_move(1)


def test_history_goes_back_and_forward() -> None:
    history = History()
    history.visit(A)
    history.visit(B)
    history.move(-1)
    assert history.current is A
    history.move(-1)
    assert history.current is None
    history.move(2)
    assert history.current is B


def test_a_new_query_forgets_what_was_ahead() -> None:
    history = History()
    history.visit(A)
    history.visit(B)
    history.move(-1)
    history.visit(C)
    assert history.current is C
    assert not history.can_move(1)
    history.move(-1)
    assert history.current is A


@pytest.mark.parametrize("by", [-1, 1, 5, -5])
def test_history_does_not_move_beyond_its_ends(by: int) -> None:
    history = History()
    history.move(by)
    assert history.current is None
