"""Which model the open library sees with: another one, or the one before. Each change is a job of its own."""

from functools import partial
from pathlib import Path

from retrieval_app.session.session import Session


def obstacle(session: Session) -> str:
    """Why the library cannot take another model now, in a sentence; "" where it can."""
    if session.empty:
        return "The library is empty: index a photo folder first."
    return "" if session.job is None else "The library is being worked on: wait until that is done."


def folders_away(session: Session) -> int:
    """How many of the library's folders are offline, so that their photos cannot be seen with another model."""
    return sum(root.state == "offline" for root in session.info.roots) if session.info else 0


def use(session: Session, checkpoint: Path, *, anyway: bool = False) -> None:
    """Let the library see with a fine-tuned model; until that is done, searches go on with the one it has."""
    again = partial(use, session, checkpoint, anyway=anyway)
    if reason := obstacle(session):
        session.trouble(reason, "Try again", again)
    else:
        session.run(["use", str(checkpoint), *["--anyway"] * anyway, "--attached"], again)


def can_go_back(session: Session) -> bool:
    """Whether there is a model to go back to, and no job at work."""
    return bool(session.previous) and not obstacle(session)


def go_back(session: Session) -> None:
    """Give the library the model it had before."""
    if can_go_back(session):
        session.run(["use", "--previous", "--attached"], partial(go_back, session))
