"""Which model the open library sees with: another one, or the one before. Each change is a job of its own."""

from functools import partial
from pathlib import Path

from retrieval_app.session.session import Session


def explain_switch_obstacle(session: Session) -> str:
    """Why the library cannot take another model now, in a sentence; "" where it can."""
    if session.is_empty:
        return "The library is empty: index a photo folder first."
    return "" if session.job_state is None else "The library is being worked on: wait until that is done."


def count_offline_folders(session: Session) -> int:
    """How many of the library's folders are offline, so that their photos cannot be seen with another model."""
    return sum(root.state == "offline" for root in session.info.roots) if session.info else 0


def start_model_switch(session: Session, checkpoint: Path, *, anyway: bool = False) -> None:
    """Let the library see with a fine-tuned model; until that is done, searches go on with the one it has."""
    repeat = partial(start_model_switch, session, checkpoint, anyway=anyway)
    if reason := explain_switch_obstacle(session):
        session.report_trouble(reason, "Try again", repeat)
    else:
        session.run_command(["use", str(checkpoint), *["--anyway"] * anyway, "--attached"], repeat)


def can_switch_back(session: Session) -> bool:
    """Whether there is a model to go back to, and no job at work."""
    return bool(session.previous_model) and not explain_switch_obstacle(session)


def start_switch_back(session: Session) -> None:
    """Give the library the model it had before."""
    if can_switch_back(session):
        session.run_command(["use", "--previous", "--attached"], partial(start_switch_back, session))
