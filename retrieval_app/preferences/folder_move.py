"""Moving what lies in one of the program's folders into another, in a thread, as one of the works of the window.

A library that is open in this window is let go of meanwhile, and is shown again from its new place, or from the old
one where it stayed.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from indexer.paths import show_path
from indexer.places import LIBRARY_SUFFIX, move_contents
from indexer.progress import Progress
from indexer.wording import tr
from retrieval_app.session.session import Session
from retrieval_app.workers.generator_thread import GeneratorThread
from retrieval_app.workers.job_state import STARTING, JobState
from retrieval_app.workers.work_list import Work

MOST_NAMED = 3  # of what was moved
WAIT_MS = 20  # between two looks whether the last file is copied


class FolderMove(QObject):
    """One move at a time."""

    changed = Signal()
    ended = Signal()
    library_moved = Signal(object, object)  # from which folder, to which

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._state: JobState | None = None  # None while nothing is moved
        self._opened_from: Path | None = None  # where the library lay that this window has open
        self._after = Path()
        self._targets: dict[Path, Path] = {}  # where each is to lie
        self._thread = GeneratorThread(self)
        self._thread.stepped.connect(self._show_progress)
        self._thread.ended.connect(self._finish_move)
        session.closing.connect(self._thread.close)
        session.work.follow_source(self._read_work, self.changed)

    def describe_obstacle(self) -> str:
        """Why nothing can be moved now, in a sentence; "" where it can."""
        return tr("Something is at work: wait until that is done, or stop it.") if self._session.work.works else ""

    def start_move(self, moves: Mapping[Path, Sequence[Path]], after: Path) -> None:
        """Move into the folder `after` what lies in each of some folders."""
        library = self._session.library
        self._after, self._state = after, STARTING
        self._targets = {path: after / path.relative_to(before) for before in moves for path in moves[before]}
        if library.folder in self._targets:
            self._opened_from = library.folder
            library.switch_to(self._targets[library.folder])
        self._thread.run_steps(_move_all(moves, after))
        self.changed.emit()

    def stop_move(self) -> None:
        """Stop at the next file; what is not moved whole by then stays as it was."""
        if self._state is not None:
            self._thread.stop_steps()
            self._state = self._state._replace(stopping=True)
            self.changed.emit()
            self._await_end()

    def _await_end(self) -> None:
        if self._thread.is_running():
            QTimer.singleShot(WAIT_MS, self, self._await_end)
            return
        rest = tr("The rest stays where it is, until you move it too.")
        self._finish_move([rest])

    def _read_work(self) -> Work | None:
        return Work("move", self._state, self.stop_move) if self._state is not None else None

    def _show_progress(self, progress: Progress) -> None:
        self._state = JobState(progress)
        self.changed.emit()

    def _finish_move(self, stayed: list[str]) -> None:
        """Show the open library from where it lies now, and tell what became of all."""
        self._state = None
        moved = {path: target for path, target in self._targets.items() if target.exists() and not path.exists()}
        for path, target in moved.items():
            if path.suffix == LIBRARY_SUFFIX:
                self.library_moved.emit(path, target)
        if self._opened_from is not None:
            self._session.library.switch_to(moved.get(self._opened_from, self._opened_from))
            self._opened_from = None
        self.changed.emit()
        self.ended.emit()
        self._session.work.post_notice(describe_move(list(moved), self._after, stayed))


def _move_all(moves: Mapping[Path, Sequence[Path]], after: Path) -> Generator[Progress, None, list[str]]:
    """Move all but trainings that can go on; a sentence about each that stayed."""
    from training.data.sources import UNFINISHED_FILE  # the window opens without it

    stayed: list[str] = []
    for before, contents in moves.items():
        unfinished = [path for path in contents if (path / UNFINISHED_FILE).exists()]
        outcome = yield from move_contents([path for path in contents if path not in unfinished], before, after)
        stayed += outcome.stayed
        for path in unfinished:
            stayed.append(tr("{place} stays where it is, as its training can still go on.", place=show_path(path)))
    return stayed


def describe_move(moved: Sequence[Path], folder: Path, stayed: Sequence[str]) -> str:
    """What was moved into a folder, and what stayed and why."""
    names = [show_path(os.fsencode(place.name)) for place in moved]
    more = [tr("{names:,} more", names=len(names) - MOST_NAMED)] if len(names) > MOST_NAMED else []
    listed = ", ".join([*names[:MOST_NAMED], *more])
    told = tr("Moved to {folder}: {names}.", folder=show_path(folder), names=listed) if names else ""
    return " ".join([told or tr("Nothing was moved."), *stayed])
