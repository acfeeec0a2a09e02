"""Whether a photo folder is still on the drive on which the library knows it, or another one is mounted there now.

Cards and drives come and go at one and the same path. The file system's own identity tells them apart where the system
gives one that stays: its UUID among the devices, or the id it reports, unless that is only the device's number. Where
the identity is another one, or there is none, names and sizes of the files decide: a drive that was copied to a new one
is still the same folder, and the card of another camera is not, though it has the same names.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from indexer.database.file_table import FileRecord
from indexer.indexing.scan import RootChanges
from indexer.paths import get_file_name

DEVICES_BY_UUID = Path("/dev/disk/by-uuid")
ACCEPTED_DRIVE = "accepted"  # stored in place of an identity: whatever is there now is the same folder, says the user
SAME_SHARE = 0.5  # of the known files that must be found where the file system is another one
LEAST_KNOWN = 5  # files that must be known before none of them found says anything, where no identity is to be had
PRESENT_STATES = ("present", "unfinished")


def identify_drive(folder: bytes) -> str | None:
    """The identity of the file system that a folder lies on, None where the system gives none that stays."""
    try:
        device = os.stat(folder).st_dev  # noqa: PTH116 - bytes
        if sys.platform == "win32":
            return f"volume {device:x}"  # its serial number
        return _find_device_uuid(device) or _read_file_system_id(folder, device)
    except OSError:
        return None


def _find_device_uuid(device: int) -> str | None:
    try:
        entries = list(DEVICES_BY_UUID.iterdir())
    except OSError:
        return None
    for entry in entries:
        try:
            if entry.stat().st_rdev == device:
                return f"uuid {entry.name}"
        except OSError:
            continue
    return None


def _read_file_system_id(folder: bytes, device: int) -> str | None:
    """The id that the file system reports, None where that is the device's number, which the next card has too."""
    if not hasattr(os, "statvfs"):
        return None
    number = os.statvfs(folder).f_fsid
    low, high = number & 0xFFFFFFFF, number >> 32
    return f"id {number:x}" if low and high and device not in (number, low) else None


def is_other_drive(stored: str | None, found: str | None, known: Iterable[FileRecord], changes: RootChanges) -> bool:
    """Whether another drive than that with the known files is there now.

    `stored` and `found` are its identities, then and now; `changes` is how the files found differ from those known.
    """
    present = [file for file in known if file.state in PRESENT_STATES]
    if not present or stored == ACCEPTED_DRIVE or (stored is not None and stored == found):
        return False
    recognised = changes.found - len(changes.new) + len(changes.excluded)
    if recognised < SAME_SHARE * len(present):
        recognised += _count_known_names(changes.new, present)
    if stored is None or found is None:
        return recognised == 0 and len(present) >= LEAST_KNOWN
    return recognised < SAME_SHARE * len(present)


def _count_known_names(found: Iterable[FileRecord], known: list[FileRecord]) -> int:
    """How many of the files found have the name and size of a known one, in whichever folder.

    Where sizes say little, as those of uncompressed pictures of one camera, times must be the same too.
    """
    sizes_tell = 2 * len({file.size for file in known}) > len(known)

    def describe(file: FileRecord) -> tuple[bytes, int, int]:
        return get_file_name(file.path), file.size, 0 if sizes_tell else file.mtime_ns

    described = {describe(file) for file in known}
    return sum(describe(file) in described for file in found)
