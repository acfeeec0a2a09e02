"""Which files are pictures, and their bytes: the only place that opens a photo file, and never for writing."""

import hashlib
import os
import stat
from pathlib import Path

from indexer.errors import PhotoError

_SUFFIXES = (
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .tif .tiff .ppm .pgm .pbm .pnm .pfm .avif .heic .heif .hif "
    b".3fr .arw .cr2 .cr3 .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .rw2 .sr2 .srf .srw "
    b".x3f"
)
SUFFIXES: frozenset[bytes] = frozenset(_SUFFIXES.split())

# Folders that systems and programs make for themselves: small copies, waste, and the insides of other catalogues.
SYSTEM_FOLDERS: frozenset[bytes] = frozenset(
    name.lower()
    for name in (
        b"@eaDir",  # Synology
        b"@__thumb",  # QNAP
        b"#recycle",
        b"$RECYCLE.BIN",
        b"System Volume Information",
        b"__MACOSX",
        b"lost+found",
        b".ipynb_checkpoints",
    )
)
SYSTEM_FOLDER_SUFFIXES = (b".photoslibrary", b".lrdata")  # Apple Photos, Lightroom

# Uncompressed scans of 100 megapixels in 16 bits reach 600 MB and are refused; nearly all photos are below 100 MB.
MAX_FILE_BYTES = 512 * 1024 * 1024


def is_candidate(name: bytes) -> bool:
    """Whether a file of this name may be a picture: by its suffix, and not hidden (`._x.jpg`)."""
    return name[name.rfind(b".") :].lower() in SUFFIXES and not name.startswith(b".")


def is_photo_folder(name: bytes) -> bool:
    """Whether a folder of this name may hold photos of the user: it is neither hidden nor of a system or program."""
    lower = name.lower()
    return not name.startswith(b".") and lower not in SYSTEM_FOLDERS and not lower.endswith(SYSTEM_FOLDER_SUFFIXES)


def content_hash(data: bytes) -> bytes:
    """The sha256 digest, 32 bytes: what makes two files one photo."""
    return hashlib.sha256(data).digest()


def read_photo(path: bytes | Path) -> bytes:
    """The bytes of a regular file, links followed; raises PhotoError with a plain reason for everything else."""
    try:
        _require_regular(os.stat(path))  # noqa: PTH116 - bytes; before opening: to open a device can do something
        descriptor = os.open(path, _READ_FLAGS)
        try:
            return _read_whole(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise PhotoError("vanished while being read") from None
    except PermissionError:
        raise PhotoError("no permission to read it") from None
    except (OSError, ValueError) as fault:  # ValueError: a path with a null byte in it
        raise PhotoError(f"could not be read: {explain_fault(fault)}") from None


# Non-blocking: a pipe put in the place of a picture must not hang the run. Systems lack some of these.
_READ_FLAGS = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT"):
    _READ_FLAGS |= getattr(os, _flag, 0)


def _require_regular(status: os.stat_result) -> None:
    """PhotoError unless it is a regular file with a size of 1 to MAX_FILE_BYTES."""
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError("is not a regular file")
    if status.st_size == 0:
        raise PhotoError("is empty")
    if status.st_size > MAX_FILE_BYTES:
        raise PhotoError(f"is larger than {MAX_FILE_BYTES // 1024**2} MiB")


def _read_whole(descriptor: int) -> bytes:
    """All bytes of the open file; PhotoError where its size changes while it is read."""
    status = os.fstat(descriptor)
    _require_regular(status)  # again: the name may have been given to another file since
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        parts = []
        missing = status.st_size + 1  # one more, to see a file that grows
        while missing > 0 and (part := file.read(missing)):
            parts.append(part)
            missing -= len(part)
    if missing != 1:
        raise PhotoError("changed while being read")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def explain_fault(fault: Exception) -> str:
    """What a decoder or the system raised about a file, as one printable line of at most 120 characters."""
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    first_line = str(fault).partition("\n")[0]
    is_sentence = bool(first_line) and isinstance(fault, (OSError, SyntaxError, ValueError))
    reason = first_line if is_sentence else "its content makes no sense"
    return "".join(character for character in reason if character.isprintable())[:120]
