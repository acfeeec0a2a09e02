"""A move of a home folder that is killed before each of its file operations: python -m tests.support.killed_move.

Arguments: a home folder to copy from, a place for the copies, a folder on another drive, and every how many operations
it is killed. After each kill all must be whole in one of the folders; the same move again must leave all in the new one
and nothing in the old. Prints the number of kills, after a line for each fault.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from indexer.atomic import has_same_files
from indexer.places import list_home_contents, move_contents
from indexer.progress import drain

OPERATIONS = ("open", "os.", "shutil.", "sqlite3.")  # of which the system's own name begins so


def move_and_die(before: Path, after: Path, operation: int) -> bool:
    """Move in a forked child that is killed before that operation, -1 for none; whether it was."""
    child = os.fork()
    if child == 0:
        left = operation

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            if event.startswith(OPERATIONS):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        drain(move_contents(list_home_contents(before), before, after))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def is_whole(original: Path, place: Path) -> bool:
    """Whether all files of the original are there as they were; what connections to a library leave may be too."""
    files = [path for path in original.rglob("*") if path.is_file()] or [original]
    places = [place / path.relative_to(original) for path in files]
    return all(copy.exists() and has_same_files(path, copy) for path, copy in zip(files, places, strict=True))


def find_faults(original: Path, before: Path, after: Path, *, is_done: bool) -> list[str]:
    """What is whole in neither folder, or, once the move is done, not in the new one alone."""
    faults = []
    for path in list_home_contents(original):
        places = [folder / path.relative_to(original) for folder in (before, after)]
        whole = [is_whole(path, place) for place in places]
        if whole != [False, True] if is_done else not any(whole):
            faults.append(f"{path.name}: {whole}")
    if is_done:
        left = [path for path in before.rglob("*") if path.is_file() and path.suffix != ".mp4"]
        faults += [f"left: {path}" for path in (*left, *after.rglob(".*.partial"))]
    return faults


def main(original: Path, place: Path, drive: Path, stride: int) -> None:
    """Kill one move after the other, until one ends by itself."""
    kills, operation = 0, 1
    while True:
        before, after = place / "before", drive / "after"
        shutil.copytree(original, before)
        after.mkdir()
        if not move_and_die(before, after, operation):
            break
        kills += 1
        faults = find_faults(original, before, after, is_done=False)
        move_and_die(before, after, -1)
        faults += find_faults(original, before, after, is_done=True)
        for fault in faults:
            print(f"killed before operation {operation}: {fault}")
        shutil.rmtree(before)
        shutil.rmtree(after)
        operation += stride
    print(kills)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
