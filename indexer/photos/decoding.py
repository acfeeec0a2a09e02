"""From the bytes of a photo file to pixels: decode small, turn upright, convert to sRGB, within limits of size.

Photos come from anywhere, so every byte is foreign: the content may be a bomb, half a picture or an attack. Whatever is
wrong with it is raised as one PhotoError with a plain reason.
"""

import logging
import warnings
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from itertools import islice
from typing import NamedTuple

from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    Jpeg2KImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from indexer.errors import PhotoError
from indexer.photos import camera_raw, mending, tiff_pictures
from indexer.photos.colour import convert_samples_to_srgb, convert_to_srgb, has_other_look
from indexer.photos.jpeg.missing_end import end_jpeg, lacks_end
from indexer.photos.jpeg.scans import count_scans, drop_unread_scans
from indexer.photos.reading import check_jpeg_2000, explain_fault, name_unread_kind, refuse_kind
from indexer.photos.tiff_directory import Tag, TiffDirectory, put_main_picture_first, read_directory, rewrite_as_classic
from indexer.wording import tr

# Part of every model's fingerprint: raise it when usual photos give other pixels, as all are embedded again then.
DECODE_VERSION: int = 1
# Raise it when only rare kinds do, or more are read: libraries then embed again what `is_decoded_otherwise` names.
KINDS_VERSION: int = 5


# Pillow holds a colour pixel in 4 bytes, so this many cost 560 MB; the picture is shrunk before anything is copied.
MAX_PIXELS = 140_000_000
# A JPEG is shrunk to an eighth while it is decoded, row by row; the largest camera today makes 400 megapixels.
MAX_JPEG_PIXELS = 500_000_000
# A JPEG in several scans (progressive) is in memory as a whole, as coefficients: up to 8 bytes a pixel.
MAX_SCANNED_PIXELS = 100_000_000
# Every scan goes over all coefficients again; encoders make about 10, a file made to waste time makes thousands.
MAX_SCANS = 100
# Their decoders hold the canvas several times: measured 8 bytes a pixel for AVIF and HEIC, 15 for WebP.
MAX_HEIF_PIXELS = 64_000_000
MAX_WEBP_PIXELS = 36_000_000
MAX_JPEG_XL_PIXELS = 36_000_000
# OpenJPEG holds 4 bytes a sample, of what is left after its own halving.
MAX_JPEG_2000_PIXELS = 36_000_000
PIXEL_LIMITS = {
    "JPEG": MAX_JPEG_PIXELS,
    "MPO": MAX_JPEG_PIXELS,
    "AVIF": MAX_HEIF_PIXELS,
    "HEIF": MAX_HEIF_PIXELS,
    "WEBP": MAX_WEBP_PIXELS,
    "JXL": MAX_JPEG_XL_PIXELS,
}
# What is left after shrinking is in memory two or three times while it is turned and converted.
MAX_RESULT_PIXELS = 64_000_000

# What Pillow may try, and nothing else of its fifty formats. MPO comes through the JPEG plugin, by name it is an error.
_PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
_PLUGINS = (
    AvifImagePlugin,
    Jpeg2KImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)  # imported for what they register, the rest is built in

_DARK_FORMATS = frozenset({"PNG", "PPM"})  # of which `mending` reads what is nearly black

EXTRA_PACKAGES = {"heif": "pillow_heif", "raw": "rawpy", "jxl": "pylibjxl"}  # optional extra -> what it installs

# Pillow's own limit is one number for all formats and threads; ours above are checked before any pixel is decoded, and
# that includes what Pillow makes room for besides: tiles, and the frames of an animation.
Image.MAX_IMAGE_PIXELS = None
# Pillow logs oddities of files it then refuses by exception; without a handler Python prints them to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class DecodedPhoto(NamedTuple):
    """A picture in RGB, 8 bit, sRGB, upright, maybe reduced; width and height are those of the upright original."""

    image: Image.Image
    width: int
    height: int


def is_extra_installed(extra: str) -> bool:
    """Whether the package behind an optional extra is installed."""
    return find_spec(EXTRA_PACKAGES[extra]) is not None


def decode_photo(data: bytes, short_side: int) -> DecodedPhoto:
    """The first frame of a picture, reduced to a short side of `short_side` to twice as many pixels, never enlarged.

    Raises PhotoError where it cannot be decoded, and where more than MAX_RESULT_PIXELS would be left: of a strip of 1 x
    100,000,000 pixels, or of a very large picture that is not to be reduced.
    """
    silence_pillow()
    short_side = max(1, short_side)
    try:
        return _decode_content(data, short_side)
    except PhotoError:
        raise
    except MemoryError:
        raise PhotoError("needs more memory than there is") from None
    except Exception as fault:
        # The one right place for this: decoders of foreign bytes raise almost anything (OSError, SyntaxError, KeyError,
        # struct.error, TypeError, ZeroDivisionError, ...), and all of it means that this picture cannot be read.
        mended = _decode_mended(data, short_side)
        if mended is None:
            raise _explain_refusal(data, fault) from fault
        return mended


def _decode_content(data: bytes, short_side: int) -> DecodedPhoto:
    """As `decode_photo`, with whatever the decoder for this kind of content raises."""
    if camera_raw.is_raw(data):
        return _decode_raw(data, short_side)
    if data.startswith(_JPEG_XL_SIGNATURES):
        return _decode_jpeg_xl(data, short_side)
    directory = read_directory(data)
    if directory is not None:
        return _decode_tiff(data, directory, short_side)
    with open_heif(data) if is_heif(data) else _open_by_pillow(data) as image:
        if image.format in ("JPEG", "MPO") and lacks_end(data):
            raise OSError("its end is missing")  # libjpeg makes up what lacks
        return _decode_opened(image, data, short_side)


def is_decoded_otherwise(data: bytes) -> bool:
    """Whether an earlier KINDS_VERSION may have decoded this content to other pixels than the present one does."""
    silence_pillow()
    try:
        if camera_raw.is_raw(data):
            return False
        directory = read_directory(data)
        if directory is not None and directory.is_beside:
            return True
        if directory is not None and tiff_pictures.needs_own_reader(directory):
            return tiff_pictures.is_misread_by_pillow(data, directory)
        with open_heif(data) if is_heif(data) else _open_by_pillow(data) as image:
            if image.format in ("JPEG", "MPO"):
                return lacks_end(data)
            image.load()
            dark = image.format in _DARK_FORMATS and mending.read_dark_picture(image, data) is not None
            return (
                dark or mending.find_shown_frame(image, data, MAX_RESULT_PIXELS) is not image or has_other_look(image)
            )
    except Exception:  # foreign bytes: what cannot be decoded has no pixels
        return False


def _open_by_pillow(data: bytes) -> Image.Image:
    if data.startswith(b"GIF8"):  # Pillow makes room for the first frame where it opens the file
        for size in islice(mending.measure_gif_frames(data), 1):
            _check_size(size, "GIF")
    return Image.open(BytesIO(data), formats=_PILLOW_FORMATS)


def _decode_tiff(data: bytes, directory: TiffDirectory, short_side: int) -> DecodedPhoto:
    """Decode a TIFF by Pillow, or by our own reader where its tags tell of a kind that Pillow does not get right."""
    if directory.is_beside:
        data = put_main_picture_first(data, directory)
        directory = read_directory(data) or directory
    if not tiff_pictures.needs_own_reader(directory):
        _check_size((directory.get_number(Tag.TILE_WIDTH, 1), directory.get_number(Tag.TILE_HEIGHT, 1)), "TIFF")
        is_known = not (directory.big and directory.order == ">")
        with (
            suppress(UnidentifiedImageError),
            _open_by_pillow(data if is_known else rewrite_as_classic(data, directory)) as image,
        ):
            return _decode_opened(image, data, short_side)
    samples = tiff_pictures.read_samples(data, directory)
    height, width = samples.values.shape[:2]
    factor = max(1, min(width, height) // short_side)
    _check_reduced_size((width, height), factor)
    small = convert_samples_to_srgb(samples, directory.get_bytes(Tag.PROFILE), factor)
    return _turn_upright(small, directory.get_number(Tag.ORIENTATION, 1), (width, height))


def _decode_mended(data: bytes, short_side: int) -> DecodedPhoto | None:
    """The picture where what Pillow refused it for is not of its pixels, None elsewhere."""
    try:
        if png := mending.mend_png(data):
            with _open_by_pillow(png.data) as image:
                if png.profile:
                    image.info["icc_profile"] = png.profile
                return _decode_opened(image, png.data, short_side)
        if (jpeg := end_jpeg(data)) is not None:
            with _open_by_pillow(jpeg) as image:
                return _decode_opened(image, jpeg, short_side)
    except Exception:  # foreign bytes, as above; the first reason is told
        return None
    return None


def _decode_opened(image: Image.Image, data: bytes, short_side: int) -> DecodedPhoto:
    """Decode an opened picture, shrink, convert and turn it, in the order that costs least time and memory."""
    width, height = image.size
    _check_size(image.size, image.format or "")
    if image.format in ("JPEG", "MPO"):
        _check_scans(data, width * height)
        image = _shrink_while_decoding(image, data, short_side)
    elif image.format == "JPEG2000":
        check_jpeg_2000(data)
        _halve_while_decoding(image, data, short_side)
    factor = max(1, min(image.size) // short_side)
    _check_reduced_size(image.size, factor)
    image.load()
    if image.format in _DARK_FORMATS and (samples := mending.read_dark_picture(image, data)) is not None:
        small = convert_samples_to_srgb(samples, image.info.get("icc_profile") or b"", factor)
        return _turn_upright(small, _read_orientation(image), (width, height))
    if image.format == "PNG":
        mending.match_key_depth(image, data)
    # A copy of a JPEG 2000, whose plugin has another meaning of `reduce`.
    shown = image.copy() if image.format == "JPEG2000" else mending.find_shown_frame(image, data, MAX_RESULT_PIXELS)
    small = convert_to_srgb(shown, max(1, min(shown.size) // short_side))
    # After load: a PNG may have its orientation behind the pixels, a TIFF turns itself.
    return _turn_upright(small.copy() if small is image else small, _read_orientation(image), (width, height))


def _turn_upright(small: Image.Image, orientation: int, size: tuple[int, int]) -> DecodedPhoto:
    """The picture turned as its orientation says, without the file's metadata; `size` is that of the stored original.

    It is no picture with a decoder behind it, which would hold the whole file.
    """
    turn = _ORIENTATION_TURNS.get(orientation)
    upright = small if turn is None else small.transpose(turn)
    upright.info = {}
    width, height = reversed(size) if turn in _SIDEWAYS_TURNS else size
    return DecodedPhoto(upright, width, height)


def _shrink_while_decoding(image: Image.Image, data: bytes, short_side: int) -> Image.Image:
    """The opened JPEG, to be decoded at an eighth without the scans that change nothing there."""
    eighth = (-(-image.width // 8), -(-image.height // 8))
    image.draft("RGB", (short_side, short_side))  # the largest of 1/8, 1/4, 1/2 with both sides >= short_side
    if image.format == "JPEG" and image.size == eighth and (needed := drop_unread_scans(data)) is not data:
        image = _open_by_pillow(needed)
        image.draft("RGB", (short_side, short_side))
    return image


def _halve_while_decoding(image: Image.Image, data: bytes, short_side: int) -> None:
    """Let OpenJPEG leave out the finest levels of a JPEG 2000 that are not needed."""
    marker = data.find(b"\xff\x52")  # coding style default (ITU T.800, A.6.1); ten bytes on, the number of levels
    levels = data[marker + 9] if 0 <= marker < len(data) - 9 else 0
    if image.mode in ("LA", "RGBA"):  # halving would mix in the colours of what cannot be seen
        levels = 0
    while levels and min(image.size) >> levels < short_side:
        levels -= 1
    if (image.width >> levels) * (image.height >> levels) > MAX_JPEG_2000_PIXELS:
        raise _make_size_error(
            image.size,
            tr("more than the {limit} megapixels left of it", limit=MAX_JPEG_2000_PIXELS // 10**6),
        )
    if levels:
        image.reduce = levels  # type: ignore[assignment,method-assign]  # the plugin's own meaning of it


# EXIF orientation -> how the stored picture becomes upright; with 1 and everything unknown it is upright.
_ORIENTATION_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS_TURNS = frozenset(_ORIENTATION_TURNS[value] for value in (5, 6, 7, 8))


def _read_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where there is none that can be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # foreign bytes: damaged EXIF must not make a good picture unreadable
        return 1
    return value if isinstance(value, int) else 1


def _check_size(size: tuple[int, int], kind: str) -> None:
    """PhotoError where the picture has no pixels, or more than its format may have."""
    if 0 in size:
        raise PhotoError("has no pixels")
    limit = PIXEL_LIMITS.get(kind, MAX_PIXELS)
    if size[0] * size[1] > limit:
        raise _make_size_error(
            size, tr("more than the {limit} megapixels that are read as {kind}", limit=limit // 10**6, kind=kind)
        )


def _check_scans(data: bytes, pixels: int) -> None:
    """PhotoError where a JPEG has too many scans, or is progressive and too large."""
    scans = count_scans(data, MAX_SCANS)
    if scans > MAX_SCANS:
        raise PhotoError("is a JPEG in more than {limit} scans, as only a file made to waste time has", limit=MAX_SCANS)
    if scans > 1 and pixels > MAX_SCANNED_PIXELS:
        raise PhotoError("is a progressive JPEG of more than {limit} megapixels", limit=MAX_SCANNED_PIXELS // 10**6)


def _check_reduced_size(size: tuple[int, int], factor: int) -> None:
    """PhotoError where the picture is too large even when each side is divided by `factor`."""
    if (size[0] // factor) * (size[1] // factor) > MAX_RESULT_PIXELS:
        raise _make_size_error(size, "which its shape or the size asked for keeps from being shrunk")


def _make_size_error(size: tuple[int, int], why: str) -> PhotoError:
    return PhotoError("is too large: {width} x {height} pixels, {why}", width=size[0], height=size[1], why=why)


def is_heif(data: bytes) -> bool:
    """Whether the content is HEIC/HEIF and not its sibling AVIF, which Pillow reads itself."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    return not brands & {b"avif", b"avis"} and bool(brands & _HEIF_BRANDS)


_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})


def open_heif(data: bytes) -> Image.Image:
    """The picture, opened and not decoded; PhotoError where the extra package is not installed."""
    if not is_extra_installed("heif"):
        raise PhotoError("is a HEIC picture: install lookalike[heif] to read it", needs="heif")
    import pillow_heif  # noqa: PLC0415 - optional, and slow to import

    pillow_heif.options.DECODE_THREADS = 1  # the pool that calls this fills the cores already
    image: Image.Image = pillow_heif.HeifImageFile(BytesIO(data))
    return image


def _decode_raw(data: bytes, short_side: int) -> DecodedPhoto:
    if not is_extra_installed("raw"):
        raise PhotoError("is a camera RAW file: install lookalike[raw] to read it", needs="raw")
    raw = camera_raw.develop_raw(data, short_side)
    with raw.image:
        return _decode_opened(raw.image, raw.data, short_side)._replace(width=raw.width, height=raw.height)


_JPEG_XL_SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL ")  # of a bare codestream, and of one in boxes (ISO 18181-2)


def _decode_jpeg_xl(data: bytes, short_side: int) -> DecodedPhoto:
    """Decode the picture, which libjxl turns upright itself; of an animation it gives the last frame."""
    if not is_extra_installed("jxl"):
        raise PhotoError("is a JPEG XL picture: install lookalike[jxl] to read it", needs="jxl")
    import pylibjxl  # noqa: PLC0415 - optional

    header = pylibjxl.probe(data)
    size = (header["width"], header["height"])
    _check_size(size, "JXL")
    with pylibjxl.JXL(threads=1) as codec:  # the pool that calls this fills the cores already
        values, metadata = codec.decode(data, metadata=True)
    image = Image.fromarray(values)
    image.info["icc_profile"] = metadata.get("icc")
    factor = max(1, min(size) // short_side)
    _check_reduced_size(size, factor)
    return _turn_upright(convert_to_srgb(image, factor), 1, size)


def silence_pillow() -> None:
    """Put "ignore what Pillow warns of" in front of the warning filters, if it is not there.

    Not once at import: filters set later (as pytest does for every test) would turn warnings about odd files into
    errors. Not `catch_warnings` around each decode: it swaps the filters of all threads.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", "") != _FOREIGN_DECODERS:
        warnings.filterwarnings("ignore", module=_FOREIGN_DECODERS)


_FOREIGN_DECODERS = r"(PIL|pillow_heif|rawpy|pylibjxl)(\.|$)"

# How the formats of _PILLOW_FORMATS start, to tell a damaged picture from something that is none.
_FORMAT_SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
)


def _explain_refusal(data: bytes, fault: Exception) -> PhotoError:
    """The error for a content that no decoder has read: another kind of picture, a damaged one, or none at all."""
    if kind := name_unread_kind(data):
        return refuse_kind(kind)
    if not isinstance(fault, UnidentifiedImageError):
        return PhotoError("is damaged: {fault}", fault=explain_fault(fault))
    known = data.startswith(_FORMAT_SIGNATURES) or data[4:12] in (b"ftypavif", b"ftypavis")
    return PhotoError(
        "is damaged: its header cannot be read" if known else "is not a picture in a format Lookalike reads"
    )
