"""Test pictures and hostile files: small functions that write them, and CASES, the corpus with the expected outcomes.

`Case.name` is a file name, so that the corpus can be written into a folder and indexed as it is.
"""

import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, PngImagePlugin

from tests.support.camera_files import dng, looping_tiff
from tests.support.tiff_files import write_tiff

WIDTH, HEIGHT = 160, 120
PHOTO = "photo"

Write = Callable[[Path], object]


class Case(NamedTuple):
    """A file: its name, how it is written, and "photo" or a part of the reason for which it is refused."""

    name: str
    write: Write
    expected: str


def scene(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """A smooth colour picture that looks different under every turn, mirror and channel swap."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    disc = np.hypot(x - 0.3, y - 0.25) < 0.2
    channels = (0.15 + 0.8 * x, 0.1 + 0.6 * y, np.where(disc, 0.9, 0.2))
    return Image.fromarray(np.rint(np.stack(channels, axis=-1) * 255).astype(np.uint8))


def pixels(image: Image.Image) -> npt.NDArray[np.int16]:
    """The picture's values as signed numbers, for differences."""
    return np.asarray(image, dtype=np.int16)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as the bytes of a file of this Pillow format."""
    file = BytesIO()
    image.copy().save(file, kind, **options)  # a copy: Pillow leaves settings of one format behind for the next
    return file.getvalue()


def with_exif_orientation(value: int) -> bytes:
    """The EXIF block that says how a stored picture becomes upright (1 to 8)."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def srgb_profile() -> bytes:
    """littleCMS' own sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """sRGB with the primaries of red and green exchanged: a picture with it has these channels exchanged."""
    return srgb_profile().replace(b"rXYZ", b"----", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"----", b"gXYZ", 1)


# Adobe RGB (1998), appendix: the primaries adapted to D50.
_ADOBE_RGB = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}


def wide_profile(share: float = 1.0) -> bytes:
    """sRGB's curve with the primaries of Adobe RGB, a wide-gamut profile; or `share` of the way there."""
    profile = bytearray(srgb_profile())
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        signature, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if signature in _ADOBE_RGB:
            narrow = np.array(struct.unpack_from(">3i", profile, offset + 8))
            wide = np.array(_ADOBE_RGB[signature]) * 65536
            struct.pack_into(
                ">3i", profile, offset + 8, *np.rint(narrow + share * (wide - narrow)).astype(int).tolist()
            )
    return bytes(profile)


def printer_profile() -> bytes:
    """The smallest CMYK profile: a table of 16 inks, each with a colour in Lab that no formula would give."""
    linear = bytes(range(256))
    inks = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(16, 4)
    light = 255 - inks @ [60, 70, 20, 100]
    lab = np.stack((light, 128 + inks @ [-40, 60, 0, 0], 128 + inks @ [-40, 0, 70, 0]), axis=-1).clip(0, 255)
    identity = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    table = b"mft1\0\0\0\0\4\3\2\0" + identity + linear * 4 + lab.astype(np.uint8).tobytes() + linear * 3
    head = struct.pack(">I4sI4s4s4s", 144 + len(table), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head = head.ljust(36, b"\0") + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def png(size: tuple[int, int], rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG by hand: `rows` are the filtered rows, `colour` 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA."""
    header = struct.pack(">2I5B", *size, depth, colour, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def grey16() -> npt.NDArray[np.uint16]:
    """A ramp from left to right over all of 16 bits, shape (HEIGHT, WIDTH)."""
    return np.tile(np.linspace(0, 65535, WIDTH).astype(np.uint16), (HEIGHT, 1))


def rgb16_png() -> bytes:
    """The scene with 16 bits a channel, which Pillow reads but does not write."""
    wide = np.asarray(scene()).astype(">u2") * 257
    return png((WIDTH, HEIGHT), b"".join(b"\0" + row.tobytes() for row in wide), depth=16)


def many_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: little to store, long to decode."""
    data = encoded(scene(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def film_behind(data: bytes) -> bytes:
    """A phone's motion photo: behind the JPEG comes a film, in which bytes look like start-of-scan markers."""
    return data + b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\x0c" * 500


def resized_header(data: bytes, at: int, form: str, *size: int) -> bytes:
    """The file with other dimensions in its header: a bomb of few bytes."""
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *size)
    return bytes(changed)


def jpeg_claiming(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A small JPEG whose header claims this size."""
    data = encoded(scene(), "JPEG", progressive=progressive)
    return resized_header(data, data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5, ">2H", height, width)


def jpeg_with_frame(marker: int, bits: int) -> bytes:
    """A JPEG whose frame header says another kind: 0xC3 is lossless, and 12 bits a sample are possible."""
    data = bytearray(encoded(scene(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, bits
    return bytes(data)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act as the user nobody within the block, so that root lacks its rights too; without effect for other users."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def heic(image: Image.Image, **options: Any) -> bytes:
    """The picture as HEIC, as phones store it."""
    file = BytesIO()
    pillow_heif.from_pillow(image).save(file, **options)
    return file.getvalue()


def _file(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def _saved(image: Image.Image, kind: str, **options: Any) -> Write:
    return _file(encoded(image, kind, **options))


def _array(values: Any, kind: str, **options: Any) -> Write:
    return _saved(Image.fromarray(np.asarray(values)), kind, **options)


def _cut(data: bytes, share: float = 0.6) -> Write:
    return _file(data[: int(len(data) * share)])


def see_through() -> Image.Image:
    """The scene with an alpha channel that runs from invisible (left) to solid (right)."""
    image = scene()
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))))
    return image


def text_bomb() -> bytes:
    """A PNG with 100 MB of text in 100 KB."""
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 1))
    return png((1, 1), b"\0\0\0\0", extra=text)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)


def _link(target: str) -> Write:
    return lambda path: path.symlink_to(target)


def _linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        # A socket's name may have 108 bytes, and folders of tests are deep.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            opened.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)


def _frames() -> list[Image.Image]:
    return [scene().rotate(90), scene().rotate(180)]


_S, _G = scene(), scene().convert("L")
_JPEG = encoded(_S, "JPEG")
_PNG = encoded(_S, "PNG")
_GIF = encoded(_S, "GIF")
_WEBP = encoded(_S, "WEBP")
_BMP = encoded(_S, "BMP")
_HEIC = heic(_S)

_RAMP = grey16()
_TEXT = PngImagePlugin.PngInfo()
_TEXT.add_text("Comment", "a note", zip=True)

PICTURES = [
    ("plain.jpg", _file(_JPEG)),
    ("grey.jpg", _saved(_G, "JPEG")),
    ("cmyk.jpg", _saved(_S.convert("CMYK"), "JPEG")),
    ("progressive.jpg", _saved(_S, "JPEG", progressive=True)),
    ("ten-scans-more.jpg", _file(many_scans(10))),
    ("two-in-one.mpo", _saved(_S, "MPO", save_all=True, append_images=_frames())),
    ("turned.jpg", _saved(_S, "JPEG", exif=with_exif_orientation(6))),
    ("orientation-99.jpg", _saved(_S, "JPEG", exif=with_exif_orientation(99))),
    ("broken-exif.jpg", _saved(_S, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")),
    ("garbage-exif.jpg", _saved(_S, "JPEG", exif=b"Exif\0\0garbage, no TIFF")),
    ("wide-gamut.jpg", _saved(_S, "JPEG", icc_profile=wide_profile())),
    ("broken-profile.jpg", _saved(_S, "JPEG", icc_profile=b"not a profile")),
    ("profile-of-another-mode.jpg", _saved(_G, "JPEG", icc_profile=srgb_profile())),
    ("film-behind.jpg", _file(film_behind(encoded(_S, "JPEG", progressive=True)))),
    ("claims-160-megapixels.jpg", _file(jpeg_claiming(16000, 10000))),  # what is missing is grey: nobody can tell
    ("LOUD.JPG", _file(_JPEG)),
    ("no-end-marker.jpg", _file(_JPEG[:-2])),
    ("really-a-png.jpg", _file(_PNG)),
    ("really-a-jpeg.png", _file(_JPEG)),
    ("plain.png", _file(_PNG)),
    ("one-pixel.png", _saved(Image.new("RGB", (1, 1), "red"), "PNG")),
    ("line.png", _saved(Image.new("RGB", (5000, 1), "red"), "PNG")),
    ("alpha.png", _saved(see_through(), "PNG")),
    ("grey-alpha.png", _saved(see_through().convert("LA"), "PNG")),
    ("palette.png", _saved(_S.quantize(64), "PNG")),
    ("palette-transparent.png", _saved(_S.quantize(64), "PNG", transparency=3)),
    ("palette-alpha.png", _saved(_S.quantize(8), "PNG", transparency=bytes(range(0, 256, 32)))),
    ("colour-key.png", _saved(_S, "PNG", transparency=(1, 2, 3))),
    ("one-bit.png", _saved(_G.convert("1"), "PNG")),
    ("grey16.png", _array(_RAMP, "PNG")),
    ("rgb16.png", _file(rgb16_png())),
    ("moving.png", _saved(_S, "PNG", save_all=True, append_images=_frames())),
    ("text.png", _saved(_S, "PNG", pnginfo=_TEXT)),
    ("no-end-chunk.png", _file(_PNG[:-12])),
    ("text-bomb.png", _file(text_bomb())),
    ("garbage-exif.png", _saved(_S, "PNG", exif=b"Exif\0\0garbage, no TIFF")),
    ("plain.webp", _file(_WEBP)),
    ("alpha.webp", _saved(see_through(), "WEBP", lossless=True)),
    ("moving.webp", _saved(_S, "WEBP", save_all=True, append_images=_frames())),
    ("plain.gif", _file(_GIF)),
    ("moving.gif", _saved(_S, "GIF", save_all=True, append_images=_frames())),
    ("transparent.gif", _saved(see_through(), "GIF")),
    ("plain.bmp", _file(_BMP)),
    ("one-bit.bmp", _saved(_G.convert("1"), "BMP")),
    ("plain.tif", _saved(_S, "TIFF")),
    ("lzw.tif", _saved(_S, "TIFF", compression="tiff_lzw")),
    ("jpeg-inside.tif", _saved(_S, "TIFF", compression="jpeg")),
    ("fax.tif", _saved(_G.convert("1"), "TIFF", compression="group4")),
    ("pages.tif", _saved(_S, "TIFF", save_all=True, append_images=_frames())),
    ("cmyk.tif", _saved(_S.convert("CMYK"), "TIFF")),
    ("lab.tif", _saved(Image.new("LAB", (40, 30), (128, 40, 60)), "TIFF")),
    ("grey16.tif", _array(_RAMP, "TIFF")),
    ("grey32.tif", _array(_RAMP.astype(np.int32) * 1000 - 30000, "TIFF")),
    ("float.tif", _array(_RAMP.astype(np.float32) / 65535, "TIFF")),
    ("not-a-number.tif", _array(np.full((30, 40), np.nan, np.float32), "TIFF")),
    ("plain.ppm", _saved(_S, "PPM")),
    ("grey16.pgm", _file(b"P5 160 120 65535\n" + _RAMP.astype(">u2").tobytes())),
    ("letters.pbm", _file(b"P1 2 2 1 0 0 1")),
    ("plain.jp2", _saved(_S, "JPEG2000")),
    ("planes16.tif", _file(write_tiff(np.asarray(_S).astype(np.uint16) * 257, photometric=2, planar=True))),
    ("plain.avif", _saved(_S, "AVIF", speed=10)),
    ("plain.heic", _file(_HEIC)),
    ("preview.dng", _file(dng(_S))),
    ("sensor.dng", _file(dng())),
]

REFUSED = [
    ("empty.jpg", _file(b""), "is empty"),
    ("folder.jpg", Path.mkdir, "is not a regular file"),
    ("larger.jpg", _sparse, "is larger than 512 MiB"),
    ("text.jpg", _file(b"Dear diary"), "is not a picture in a format"),
    ("page.png", _file(b"<!doctype html><title>404</title>"), "is not a picture in a format"),
    ("drawing.jpg", _file(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "does not read (PostScript)"),
    ("icon.png", _saved(_S, "ICO"), "is a kind that Lookalike does not read (ICO)"),
    ("twelve-bits.jpg", _file(jpeg_with_frame(0xC1, 12)), "is a kind that Lookalike does not read (12-bit JPEG)"),
    ("lossless.jpg", _file(jpeg_with_frame(0xC3, 8)), "is a kind that Lookalike does not read (lossless JPEG)"),
    ("photoshop.jpg", _file(b"8BPS\0\1" + bytes(99)), "is a kind that Lookalike does not read (Photoshop PSD)"),
    ("new.jpg", _file(b"\xff\x0a" + bytes(99)), "is damaged"),
    ("curves.png", _file(b"<?xml version='1.0'?>\n<svg/>"), "is a kind that Lookalike does not read (SVG)"),
    ("light.pfm", _file(b"PF\n1 1\n-1.0\n" + bytes(12)), "is a kind that Lookalike does not read (PFM in colours)"),
    ("body.jpg", _file(bytes(128) + b"DICM" + bytes(99)), "is a kind that Lookalike does not read (DICOM)"),
    ("zeros.jpg", _file(bytes(10_000)), "is not a picture in a format"),
    ("start-only.jpg", _file(_JPEG[:4]), "is damaged"),
    ("cut-in-header.jpg", _file(_JPEG[:200]), "is damaged"),
    ("cut.jpg", _cut(_JPEG), "is damaged"),
    ("cut-and-filled-up.jpg", _file(_JPEG[: len(_JPEG) * 4 // 5] + bytes(9999)), "is damaged"),
    ("cut-progressive.jpg", _cut(encoded(_S, "JPEG", progressive=True)), "is damaged"),
    ("cut.png", _cut(_PNG), "is damaged"),
    ("wrong-checksum.png", _file(_PNG[:20] + b"?" + _PNG[21:]), "is damaged"),
    ("cut.gif", _cut(_GIF), "is damaged"),
    ("cut.webp", _cut(_WEBP), "is damaged"),
    ("cut.bmp", _cut(_BMP), "is damaged"),
    ("cut.tif", _cut(encoded(_S, "TIFF", compression="tiff_lzw"), 0.4), "is damaged"),
    ("cut.avif", _cut(encoded(_S, "AVIF", speed=10)), "is damaged"),
    ("cut.heic", _cut(_HEIC), "is damaged"),
    ("cut.dng", _cut(dng(), 0.2), "is damaged"),
    ("nothing-but-a-name.cr3", _file(b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(99)), "is damaged"),
    ("looping.tif", _file(looping_tiff()), "is damaged"),
    ("bomb.jpg", _file(jpeg_claiming(65500, 65500)), "is too large: 65500 x 65500 pixels"),
    ("progressive-bomb.jpg", _file(jpeg_claiming(16000, 10000, progressive=True)), "is a progressive JPEG of more"),
    ("scans.jpg", _file(many_scans(5000)), "in more than 100 scans"),
    ("bomb.png", _file(png((60000, 60000), b"")), "is too large: 60000 x 60000 pixels"),
    ("thread.png", _file(png((1, 100_000_000), b"")), "is too large: 1 x 100000000 pixels"),
    ("bomb.gif", _file(resized_header(_GIF, 6, "<2H", 65535, 65535)), "is too large"),
    ("bomb.bmp", _file(resized_header(_BMP, 18, "<2i", 40000, 40000)), "is too large"),
    ("bomb.ppm", _file(b"P6 99999 99999 255\n"), "is too large"),
    ("bomb.webp", _file(resized_header(_WEBP, 26, "<2H", 16383, 16383)), "is too large"),
    ("no-pixels.ppm", _file(b"P6 0 0 255\n"), "is not a picture in a format"),
]

if hasattr(os, "mkfifo"):
    REFUSED += [
        ("pipe.jpg", os.mkfifo, "is not a regular file"),
        ("link-to-pipe.jpg", _linked_pipe, "is not a regular file"),
        ("socket.jpg", _socket, "is not a regular file"),
        ("link-to-device.jpg", _link("/dev/zero"), "is not a regular file"),
        ("link-to-nothing.jpg", _link("nowhere.jpg"), "vanished while being read"),
        ("link-to-itself.jpg", _link("link-to-itself.jpg"), "could not be read"),
    ]

CASES = [Case(name, write, PHOTO) for name, write in PICTURES] + [Case(*row) for row in REFUSED]
