"""Which files are pictures, their bytes, and what they may say: the only opener of a photo file, never for writing."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from indexer.errors import PhotoError
from indexer.paths import make_openable

JPEG_START = b"\xff\xd8"
_SUFFIXES = (
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .tif .tiff .ppm .pgm .pbm .pnm .pfm .avif .heic .heif .hif "
    b".jp2 .j2k .j2c .jpc .jpf .jpx .jxl "
    b".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .rw2 .rwl "
    b".sr2 .srf .srw .x3f"
)
SUFFIXES: frozenset[bytes] = frozenset(_SUFFIXES.split())

# Pictures of kinds that are not read: a walk counts them, so that nobody wonders where they are.
_UNREAD_SUFFIXES = (
    b".psd .psb .xcf .kra .clip .afphoto .ai .eps .svg .svgz .cdr .wmf .emf .djvu .pdf .jxr .wdp .hdp .exr "
    b".hdr .pam .dds .tga .ico .cur .icns .pcx .sgi .ras .xbm .xpm .pict .pct .bpg .flif .qoi .fits .fit .fts .dcm "
    b".jls .dpx .cin"
)
UNREAD_SUFFIXES: frozenset[bytes] = frozenset(_UNREAD_SUFFIXES.split())

# How the contents of such kinds start.
_UNREAD_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"8BPS", "Photoshop PSD"),
    (b"gimp xcf", "GIMP XCF"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"DDS ", "DirectDraw DDS"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "CUR"),
    (b"icns", "ICNS"),
    (b"BPG\xfb", "BPG"),
    (b"FLIF", "FLIF"),
    (b"qoif", "QOI"),
    (b"SIMPLE  =", "FITS"),
    (b"AT&TFORM", "DjVu"),
    (b"SDPX", "DPX"),
    (b"XPDS", "DPX"),
    (b"<svg", "SVG"),
    (b"PF\n", "PFM in colours"),
    (b"P7\n", "PAM"),
)
# Frames of a JPEG that libjpeg does not decode (ITU T.81, table B.1; T.87).
_UNREAD_FRAMES = {0xC3: "lossless JPEG", 0xC7: "lossless JPEG", 0xCB: "lossless JPEG", 0xCF: "lossless JPEG"}
_UNREAD_FRAMES |= {0xC5: "hierarchical JPEG", 0xC6: "hierarchical JPEG", 0xF7: "JPEG-LS"}
_UNREAD_FRAMES |= {0xCD: "hierarchical JPEG", 0xCE: "hierarchical JPEG"}

# Folders that systems and programs make for themselves: small copies, waste, earlier states, the insides of catalogues.
_SYSTEM_FOLDERS = (
    b"@eaDir, #recycle, #snapshot, @tmp, @sharebin",  # Synology
    b"@__thumb, @Recycle, @Recently-Snapshot",  # QNAP
    b"~snapshot",  # NetApp
    b"$RECYCLE.BIN, RECYCLER, System Volume Information",  # Windows
    b"__MACOSX, Network Trash Folder, TheVolumeSettingsFolder",  # macOS
    b"lost+found, .ipynb_checkpoints, _gsdata_",
)
SYSTEM_FOLDERS: frozenset[bytes] = frozenset(b", ".join(_SYSTEM_FOLDERS).lower().split(b", "))
# Of Apple Photos, iPhoto, Aperture, iMovie and Final Cut, of Lightroom, and of Capture One.
SYSTEM_FOLDER_SUFFIXES = (
    *(b".photoslibrary", b".photolibrary", b".migratedphotolibrary", b".aplibrary", b".imovielibrary", b".fcpbundle"),
    *(b".lrdata", b".lrcat-data", b".cocatalog"),
)
# A folder with this in it holds no pictures of the user's, as programs on phones agree.
HIDDEN_FOLDER_MARK = b".nomedia"

# Uncompressed scans of 100 megapixels in 16 bits reach 600 MB and are refused; nearly all photos are below 100 MB.
MAX_FILE_BYTES = 512 * 1024 * 1024


class CaptureFacts(NamedTuple):
    """What a file says of the taking of its picture: None or "" for what it does not say.

    `taken_us` are the microseconds from 1970 to the moment by the clock of the camera, as if that showed UTC;
    `offset_minutes` is how far that clock is ahead of UTC. Times in seconds, lengths in mm, place in degrees.
    """

    taken_us: int | None = None
    offset_minutes: int | None = None
    make: str = ""
    model: str = ""
    lens: str = ""
    exposure_seconds: float | None = None
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    latitude: float | None = None
    longitude: float | None = None


NO_FACTS = CaptureFacts()


def is_candidate(name: bytes) -> bool:
    """Whether a file of this name may be a picture: by its suffix, and not hidden (`._x.jpg`)."""
    return name[name.rfind(b".") :].lower() in SUFFIXES and not name.startswith(b".")


def is_photo_folder(name: bytes) -> bool:
    """Whether a folder of this name may hold photos of the user: it is neither hidden nor of a system or program."""
    return not name.startswith(b".") and not is_system_folder(name)


def is_system_folder(name: bytes) -> bool:
    """Whether a folder of this name is one that systems or programs make for themselves."""
    lower = name.lower()
    return lower in SYSTEM_FOLDERS or lower.endswith(SYSTEM_FOLDER_SUFFIXES)


def find_unread_suffix(name: bytes) -> str:
    """The suffix of a file that is by it a picture of a kind that is not read; "" for others and hidden ones."""
    suffix = name[name.rfind(b".") :].lower()
    return suffix.decode() if suffix in UNREAD_SUFFIXES and not name.startswith(b".") else ""


def name_unread_kind(data: bytes) -> str:
    """The kind of a content that is a picture and not read, as people call it; "" where none is recognised."""
    if data.startswith(JPEG_START):
        return _name_unread_jpeg(data)
    if data[128:132] == b"DICM":
        return "DICOM"
    start = data[:1024].lstrip()
    if start.startswith(b"<?xml") and b"<svg" in start:
        return "SVG"
    return next(
        (kind for signature, kind in _UNREAD_SIGNATURES if start.startswith(signature) or data.startswith(signature)),
        "",
    )


def _name_unread_jpeg(data: bytes) -> str:
    """The kind of a JPEG by its frame header, "" for one that is read, and where there is no such header."""
    position = 2
    while position + 5 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            bits = data[position + 4]
            return _UNREAD_FRAMES.get(marker, "" if bits == 8 else f"{bits}-bit JPEG")
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return ""


def check_jpeg_2000(data: bytes) -> None:
    """Raise PhotoError for JPEG 2000 in colours of more than 8 bits, in which Pillow's rounding makes white black."""
    start = data.find(b"\xff\x4f\xff\x51")  # start of codestream, and image size (ITU T.800, A.5.1)
    if start < 0 or len(data) < start + 43:
        return
    components, depth = int.from_bytes(data[start + 40 : start + 42], "big"), (data[start + 42] & 127) + 1
    if components > 1 and depth > 8:
        raise refuse_kind(f"JPEG 2000 in colours of {depth} bits")


def refuse_kind(kind: str) -> PhotoError:
    """The error for a picture that is sound, as far as can be seen, and of a kind that is not read."""
    return PhotoError("is a kind that Lookalike does not read ({kind})", kind=kind)


def content_hash(data: bytes) -> bytes:
    """The sha256 digest, 32 bytes: what makes two files one photo."""
    import hashlib  # noqa: PLC0415 (the window starts with this module, and OpenSSL is large)

    return hashlib.sha256(data).digest()


def read_photo(path: bytes | Path) -> bytes:
    """The bytes of a regular file, links followed; raises PhotoError with a plain reason for everything else."""
    return _read_regular(path, _read_whole)


def read_photo_start(path: bytes | Path, count: int) -> bytes:
    """The first `count` bytes of a regular file, all where it has no more; raises PhotoError as `read_photo` does."""
    return _read_regular(path, lambda descriptor: _read_start(descriptor, count))


def _read_regular(path: bytes | Path, read: Callable[[int], bytes]) -> bytes:
    """What `read` gives of the open file."""
    try:
        openable = make_openable(os.fsencode(path))
        _require_regular(os.stat(openable))  # noqa: PTH116 - bytes; before opening: to open a device can do something
        descriptor = os.open(openable, _READ_FLAGS)
        try:
            return read(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise PhotoError("vanished while being read") from None
    except PermissionError:
        raise PhotoError("no permission to read it") from None
    except (OSError, ValueError) as fault:  # ValueError: a path with a null byte in it
        raise PhotoError("could not be read: {fault}", fault=explain_fault(fault)) from None


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
        raise PhotoError("is larger than {mebibytes} MiB", mebibytes=MAX_FILE_BYTES // 1024**2)


def _read_start(descriptor: int, count: int) -> bytes:
    _require_regular(os.fstat(descriptor))
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(count)


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
