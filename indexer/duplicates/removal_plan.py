"""A plan of what may go: every file of every group with what is to become of it, as a table to be read and changed.

The plan proposes and does nothing; `trash` carries out what it says, under its own guards. A plan that was written by
hand or comes from elsewhere names paths only: nothing else in it is believed.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from indexer.database.contents import PresentFile, list_present_files
from indexer.duplicates.duplicate_groups import DuplicateGroup
from indexer.duplicates.keep_rules import GroupFile, choose_kept
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import make_uri, show_path
from indexer.reports.export import write_csv
from indexer.wording import tr

KEEP, MOVE = "keep", "move"
MAX_PLAN_BYTES = 64 << 20


class PlanRow(NamedTuple):
    """A row of a plan: the number of the group, KEEP or MOVE, and the file with its figures and its file: URI."""

    group: int
    action: str
    path: str
    bytes: int
    width: int
    height: int
    changed: str
    sha256: str
    uri: str


def describe_groups(library: Library, groups: Sequence[DuplicateGroup]) -> list[list[GroupFile]]:
    """The shown files of each group with their figures: every file of exact copies, else one of each photo."""
    files = list_present_files(library.store.database, library.model_id)
    present = {file.path: file for file in files}
    first = {file.photo: file for file in reversed(files)}
    described = []
    for group in groups:
        targets = {link.path: link.target for link in group.links}
        if group.kind == "copies":
            shown = [present[path] for path in group.files if path in present]
        else:  # by the path that the photo has everywhere else
            photos = library.load_photos(group.photos)
            shown = [present.get(photo.path, first[photo.id]) for photo in photos if photo.id in first]
        described.append([_make_group_file(file, targets.get(file.path, b"")) for file in shown])
    return described


def _make_group_file(file: PresentFile, link_of: bytes) -> GroupFile:
    figures = (file.byte_count, file.width, file.height, file.mtime_ns)
    return GroupFile(file.path, file.photo, file.sha256, *figures, link_of)


def plan_removal(groups: Iterable[Sequence[GroupFile]], rule: str, folder: bytes = b"") -> list[PlanRow]:
    """What a rule keeps and what may go."""
    return list_plan_rows((group, choose_kept(group, rule, folder)) for group in groups)


def list_plan_rows(groups: Iterable[tuple[Sequence[GroupFile], Sequence[GroupFile]]]) -> list[PlanRow]:
    """The plan for groups of which some files are kept, the kept ones of each first; links are left out."""
    rows = []
    for number, (group, kept) in enumerate(groups, 1):
        needed = {file.link_of for file in kept}
        unlinked_files = [file for file in group if not file.link_of]
        staying = [file for file in unlinked_files if file in kept or file.path in needed]
        rows += [_make_row(number, KEEP, file) for file in staying]
        rows += [_make_row(number, MOVE, file) for file in unlinked_files if file not in staying]
    return rows


def _make_row(number: int, action: str, file: GroupFile) -> PlanRow:
    changed = datetime.fromtimestamp(file.mtime_ns / 1e9).isoformat(" ", "seconds")
    figures = (file.byte_count, file.width, file.height, changed)
    return PlanRow(number, action, show_path(file.path), *figures, file.sha256.hex(), make_uri(file.path))


def write_plan(out: Path, rows: Sequence[PlanRow]) -> None:
    """Write a plan as CSV. Raises LookalikeError where it cannot be written."""
    try:
        write_csv(out, PlanRow._fields, rows)
    except OSError as fault:
        raise LookalikeError("{out} cannot be written: {reason}.", out=show_path(out), reason=fault.strerror) from None


def read_paths_to_move(plan: Path) -> list[bytes]:
    """The absolute paths that a plan says are to be moved, each once. Raises LookalikeError where it is no plan."""
    try:
        if plan.stat().st_size > MAX_PLAN_BYTES:
            raise LookalikeError("{plan} is too large for a plan.", plan=show_path(plan))
        rows = list(csv.DictReader(io.StringIO(plan.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else tr("it is no table in UTF-8")
        raise LookalikeError("{plan} cannot be read: {reason}.", plan=show_path(plan), reason=reason) from None
    if any(not row.get("uri") or row.get("action") not in (KEEP, MOVE) for row in rows):
        raise LookalikeError(
            "{plan} is no plan: it needs the columns action (keep or move) and uri.", plan=show_path(plan)
        )
    return list(dict.fromkeys(read_uri(row["uri"]) for row in rows if row["action"] == MOVE))


def read_uri(uri: str) -> bytes:
    """The path of a file: URI, as `make_uri` writes it."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise LookalikeError("{uri} is no file: URI.", uri=uri[:80])
    path = unquote_to_bytes(parts.path)
    return path[1:].replace(b"/", b"\\") if os.name == "nt" else path
