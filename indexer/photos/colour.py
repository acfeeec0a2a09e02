"""Any decoded picture as RGB, 8 bit, sRGB, on white: what every Pillow mode means and how it shrinks cheaply.

Works on pictures that Pillow has opened; no file is opened here. Wide modes (16 bit, float, alpha, palette) are
converted in bands of rows, each shrunk at once, so a large picture is never in memory a second time.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from io import BytesIO
from typing import NamedTuple, TypeGuard

import numpy as np
from PIL import Image, ImageCms

# A band costs up to 40 bytes a pixel while it is converted: 40 MB.
BAND_PIXELS = 1_000_000

# Printer profiles come up to 3 MB; larger ones are an attack on memory, so the picture's numbers are taken as sRGB.
MAX_PROFILE_BYTES = 4 * 1024 * 1024

# A profile whose every probe colour comes out within one step of itself is sRGB by another name.
PROBE_STEPS = 9
PROBE_TOLERANCE = 1

# Modes that can be averaged as they are; all others are converted first.
PLAIN_MODES = frozenset({"L", "RGB", "CMYK", "LAB"})

ConvertBand = Callable[[Image.Image], Image.Image]

_SRGB = ImageCms.createProfile("sRGB")


def convert_to_srgb(image: Image.Image, factor: int) -> Image.Image:
    """The picture in RGB, 8 bit, sRGB, composited on white, each side divided by `factor` and rounded up."""
    profile = image.info.get("icc_profile")
    small = _reduce_in_bands(image, factor)
    transform = _build_transform(profile, small.mode) if _is_usable(profile) else None
    if transform is None:
        return small if small.mode == "RGB" else small.convert("RGB")
    srgb: Image.Image = transform.apply(small)
    return srgb


def _reduce_in_bands(image: Image.Image, factor: int) -> Image.Image:
    """The picture in one of the PLAIN_MODES, each side divided by `factor` and rounded up."""
    if image.mode in PLAIN_MODES and not image.has_transparency_data:
        return image.reduce(factor) if factor > 1 else image
    convert = _choose_converter(image, factor)
    rows = max(1, BAND_PIXELS // image.width // factor) * factor
    if rows >= image.height:
        return convert(image)
    small: Image.Image | None = None
    for top, band in _cut_bands(image, rows):
        part = convert(band)
        if small is None:
            small = Image.new(part.mode, (part.width, -(-image.height // factor)))
        small.paste(part, (0, top // factor))
    assert small is not None  # a picture has at least one row
    return small


def _cut_bands(image: Image.Image, rows: int) -> Iterator[tuple[int, Image.Image]]:
    """The picture cut into bands of `rows` rows, each with the number of its first row."""
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _choose_converter(image: Image.Image, factor: int) -> ConvertBand:
    """The function that converts a band of this picture to one of the PLAIN_MODES, `factor` times smaller."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return partial(_convert_wide_to_grey, span=_measure_grey_range(image), factor=factor)
    if image.has_transparency_data:
        return partial(_lay_on_white, factor=factor)
    plain = "L" if image.mode == "1" else "RGB"
    return lambda band: _shrink_image(band.convert(plain), factor)


def _shrink_image(image: Image.Image, factor: int) -> Image.Image:
    return image.reduce(factor) if factor > 1 else image


def _lay_on_white(band: Image.Image, factor: int) -> Image.Image:
    """The band laid on white, in L where it was grey, else in RGB."""
    grey = band.mode in ("L", "LA", "La", "1")
    both = _shrink_image(band.convert("LA" if grey else "RGBA"), factor)
    white = Image.new("L" if grey else "RGB", both.size, "white")
    white.paste(both.convert(white.mode), mask=both.getchannel("A"))
    return white


class GreyRange(NamedTuple):
    """The value that becomes black and the value that becomes white."""

    low: float
    high: float


def _measure_grey_range(image: Image.Image) -> GreyRange:
    """The range of a wide grey picture: 0 to 65,535 for 16 bit, that of the finite values for 32 bit and float.

    Pillow gives 16-bit PGM and old 16-bit PNG in mode "I" too: integers that fit 16 bits are taken as 16 bit.
    """
    sixteen = GreyRange(0.0, 65535.0)
    if image.mode.startswith("I;16"):
        return sixteen
    low, high = np.inf, -np.inf
    for _, band in _cut_bands(image, max(1, BAND_PIXELS // image.width)):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if image.mode == "I" and low >= 0 and high <= sixteen.high:
        return sixteen
    return GreyRange(low, high) if low < high else GreyRange(min(low, 0.0), max(low, 1.0))


def _convert_wide_to_grey(band: Image.Image, span: GreyRange, factor: int) -> Image.Image:
    """The band in L, `factor` times smaller: NaN and `span.low` and below are black, `span.high` and above white."""
    values = np.nan_to_num(np.asarray(band, dtype=np.float64), nan=span.low, posinf=span.high, neginf=span.low)
    grey = np.clip((values - span.low) * (255.0 / (span.high - span.low)), 0.0, 255.0)
    return _shrink_image(Image.fromarray(np.rint(grey).astype(np.uint8)), factor)


def _is_usable(profile: object) -> TypeGuard[bytes]:
    """Whether an embedded ICC profile is there and of a plausible size."""
    return isinstance(profile, bytes) and 0 < len(profile) <= MAX_PROFILE_BYTES


@lru_cache(maxsize=8)
def _build_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from this profile to sRGB, None for a broken profile or where it changes nothing.

    Threads share it: without its one-pixel cache a littleCMS transform may be used by several at once.
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, _SRGB, mode, "RGB", flags=ImageCms.Flags.NOCACHE)
    except Exception:  # foreign bytes: a picture with a profile that littleCMS refuses is shown without it
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the transform leaves a cube of probe colours as it was: most photos embed a profile that is sRGB."""
    steps = np.linspace(0, 255, PROBE_STEPS).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(PROBE_STEPS, -1, 3)
    out = np.asarray(transform.apply(Image.fromarray(cube)), dtype=np.int16)
    return bool(np.abs(out - cube).max() <= PROBE_TOLERANCE)
