"""Any decoded picture as RGB, 8 bit, sRGB: what every Pillow mode and every kind of sample means, and how it shrinks.

Works on pictures that Pillow has opened, and on samples that `tiff_pictures` has read; no file is opened here. Wide
kinds (16 bit, float, alpha, palette) are converted in bands of rows, each shrunk at once, so a large picture is never
in memory a second time. What is transparent is laid on white, or on black where what is drawn would vanish on white.
That depends on the file's content alone, so that thumbnail, hash and embedding are of one picture.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
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

# A drawing differs from white by less than this in the mean (of 255): it would be as good as invisible there.
PALE_DIFFERENCE = 40
MOST_OPAQUE = 0.98  # of all pixels in the mean: above that there is too little ground to see
GROUND_SIDE = 256  # pixels a side that are looked at to choose the ground, whatever size is asked for

# Where nearly all values of a picture without a fixed range lie; what is as far again outside counts as no value.
SPAN_PERCENTILES = (0.2, 99.8)
SPAN_VALUES = 1_000_000  # values, evenly spread, of which they are taken
# Depths of sensors whose numbers are stored in 16 bits unchanged: a picture so dark that all fit is one of these.
STORED_DEPTHS = (10, 12)

ConvertBand = Callable[[Image.Image], Image.Image]

_SRGB = ImageCms.createProfile("sRGB")


class ValueSpan(NamedTuple):
    """The value that becomes black and the value that becomes white."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PictureSamples:
    """The samples of a picture as stored, and what they mean.

    `values` (height, width, channels) are uint8, uint16 or float32: the channels of `mode` (one of the PLAIN_MODES),
    and behind them alpha, where `alpha` is "straight" or "premultiplied" and not "". Integers of `bits` go from 0 to
    the highest number of that many; with 0 bits, and of more than 16, the range is measured. `span` is the range where
    the file says it, `inverted` means that 0 is white, `no_data` is a value that stands for none.
    """

    values: np.ndarray
    mode: str
    bits: int
    alpha: str = ""
    inverted: bool = False
    span: tuple[float, float] | None = None
    no_data: float | None = None

    @property
    def colours(self) -> np.ndarray:
        """The channels without alpha."""
        return self.values[..., : Image.getmodebands(self.mode)]


FULL_DEPTH = ValueSpan(0, 65535)


@np.errstate(all="ignore")
def convert_to_srgb(image: Image.Image, factor: int) -> Image.Image:
    """The picture in RGB, 8 bit, sRGB, on white or black, each side divided by `factor` and rounded up."""
    return _apply_profile(_reduce_in_bands(image, factor), image.info.get("icc_profile"))


@np.errstate(all="ignore")  # what floats of foreign bytes may hold
def convert_samples_to_srgb(samples: PictureSamples, profile: bytes, factor: int) -> Image.Image:
    """As `convert_to_srgb`, of samples and the bytes of a profile, empty for none."""
    height, width = samples.values.shape[:2]
    to_image = partial(_render_samples, samples, choose_span(samples))
    step = [slice(None, None, max(1, side // GROUND_SIDE)) for side in (height, width)]
    ground = _choose_ground(to_image(step[0], step[1]))
    rows = max(1, BAND_PIXELS // width // factor) * factor
    small = Image.new(samples.mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        band = _lay_on_ground(to_image(slice(top, top + rows), slice(None)), ground)
        small.paste(_shrink_image(band, factor), (0, top // factor))
    return _apply_profile(small, profile)


def has_other_look(image: Image.Image) -> bool:
    """Whether an opened picture looks different from what it would on white and with all 16 bits in use: on black, or
    with fewer bits.
    """
    wide = image.mode == "I" or image.mode.startswith("I;16")
    if wide and (image.has_transparency_data or _measure_wide_grey(image) != FULL_DEPTH):
        return True
    plain = "LA" if image.mode in ("1", "L", "LA", "La") else "RGBA"
    return image.has_transparency_data and _choose_ground(_split_alpha(_pick_pixels(image).convert(plain))) == "black"


def _apply_profile(small: Image.Image, profile: object) -> Image.Image:
    """A picture in one of the PLAIN_MODES in sRGB."""
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
    wide = image.mode in ("I", "F") or image.mode.startswith("I;16")
    plain = "L" if image.mode in ("1", "L", "LA", "La") or wide else "RGB"
    to_plain: ConvertBand = partial(_convert_wide_to_grey, span=_measure_wide_grey(image)) if wide else _identity
    if image.has_transparency_data:
        key = image.info.get("transparency") if wide else None
        see_through: ConvertBand = partial(_make_see_through, to_plain=to_plain, mode=plain + "A", key=key)
        ground = _choose_ground(_split_alpha(see_through(_pick_pixels(image))))
        return lambda band: _lay_on_ground(_split_alpha(_shrink_image(see_through(band), factor)), ground)
    return lambda band: _shrink_image(to_plain(band).convert(plain), factor)


def _identity(band: Image.Image) -> Image.Image:
    return band


def _pick_pixels(image: Image.Image) -> Image.Image:
    """Pixels of the picture, evenly spread, at most GROUND_SIDE a side; which ones depends on its size alone."""
    size = (min(image.width, GROUND_SIDE), min(image.height, GROUND_SIDE))
    picked = image.resize(size, Image.Resampling.NEAREST)
    picked.info = image.info
    return picked


def _shrink_image(image: Image.Image, factor: int) -> Image.Image:
    return image.reduce(factor) if factor > 1 else image


def _make_see_through(band: Image.Image, to_plain: ConvertBand, mode: str, key: object) -> Image.Image:
    """The band in LA or RGBA; of a wide picture that pixels of the value `key` are invisible."""
    if key is None:
        return band.convert(mode)
    grey = to_plain(band)
    alpha = Image.fromarray(np.where(np.asarray(band) == key, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


# the ground


_GROUND_COLOURS: dict[tuple[str, str], tuple[int, ...]] = {
    ("L", "white"): (255,),
    ("L", "black"): (0,),
    ("RGB", "white"): (255, 255, 255),
    ("RGB", "black"): (0, 0, 0),
    ("CMYK", "white"): (0, 0, 0, 0),
    ("CMYK", "black"): (0, 0, 0, 255),
    ("LAB", "white"): (255, 128, 128),
    ("LAB", "black"): (0, 128, 128),
}


class SeeThroughPicture(NamedTuple):
    """A picture in one of the PLAIN_MODES, and how opaque each pixel is (mode L), None where all are."""

    picture: Image.Image
    alpha: Image.Image | None


def _split_alpha(image: Image.Image) -> SeeThroughPicture:
    """The parts of a picture in LA or RGBA."""
    return SeeThroughPicture(image.convert(image.mode[:-1]), image.getchannel("A"))


def _choose_ground(image: SeeThroughPicture) -> str:
    """ "white", or "black" for a picture whose opaque part could hardly be seen on white."""
    if image.alpha is None:
        return "white"
    opaque = np.asarray(image.alpha, np.float64)
    visible = opaque.sum()
    if visible == 0 or opaque.mean() >= 255 * MOST_OPAQUE:
        return "white"
    light = np.asarray(image.picture.convert("RGB").convert("L"), np.float64)
    return "white" if ((255 - light) * opaque).sum() / visible >= PALE_DIFFERENCE else "black"


def _lay_on_ground(image: SeeThroughPicture, ground: str) -> Image.Image:
    if image.alpha is None:
        return image.picture
    laid = Image.new(image.picture.mode, image.picture.size, _GROUND_COLOURS[image.picture.mode, ground])
    laid.paste(image.picture, mask=image.alpha)
    return laid


# wide values


def _measure_wide_grey(image: Image.Image) -> ValueSpan:
    """The range of a picture that Pillow gives as 16-bit, 32-bit or float grey.

    16-bit PGM and old 16-bit PNG come in mode "I" too: integers that fit 16 bits are taken as 16 bit.
    """

    def bands() -> Iterator[np.ndarray]:
        return (np.asarray(band) for _, band in _cut_bands(image, max(1, BAND_PIXELS // image.width)))

    if image.mode.startswith("I;16"):
        return _measure_stored_depth(bands())
    if image.mode == "I" and all(band.min() >= 0 and band.max() <= 65535 for band in bands()):
        return _measure_stored_depth(bands())
    return _measure_span(np.asarray(_pick_values(bands(), image.width * image.height), np.float64))


def _measure_stored_depth(bands: Iterable[np.ndarray]) -> ValueSpan:
    """0 to 65,535 of 16-bit values, or the range of 10 or 12 bits that all of them fit, as sensors deliver them.

    Numbers made of 8 bits (multiples of 256 or 257) are those of a dark picture.
    """
    highest, eight_bit = 0, True
    for band in bands:
        highest = max(highest, int(band.max(initial=0)))
        if highest >> max(STORED_DEPTHS):
            return FULL_DEPTH
        eight_bit = eight_bit and bool(((band % 257 == 0) | (band % 256 == 0)).all())
    depth = next(depth for depth in STORED_DEPTHS if not highest >> depth)
    return FULL_DEPTH if eight_bit else ValueSpan(0, (1 << depth) - 1)


def _pick_values(bands: Iterable[np.ndarray], count: int) -> np.ndarray:
    """About SPAN_VALUES of `count` values, evenly spread."""
    step = max(1, count // SPAN_VALUES)
    return np.concatenate([band.reshape(-1)[::step] for band in bands])


def _measure_span(values: np.ndarray, no_data: float | None = None) -> ValueSpan:
    """The range of values without a fixed one: 0 to 1 for fractions, else nearly all that are finite and no NoData."""
    values = values[np.isfinite(values) & (np.abs(values) < 1e30)]  # the lowest and highest floats stand for NoData too
    if no_data is not None:
        values = values[values != np.float32(no_data)]
    if values.size == 0:
        return ValueSpan(0.0, 1.0)
    values = _drop_outlying_marks(values)
    inner_low, inner_high = np.percentile(values, SPAN_PERCENTILES)
    reach = inner_high - inner_low
    if reach > 0:
        values = values[(values >= inner_low - reach) & (values <= inner_high + reach)]
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 0.5 < high <= 1:
        return ValueSpan(0.0, 1.0)
    return ValueSpan(low, high) if low < high else ValueSpan(min(low, 0.0), max(low, 1.0))


def _drop_outlying_marks(values: np.ndarray) -> np.ndarray:
    """The values without the lowest and the highest number, where that lies further from the rest than the rest spans.

    So stand -9999 and its like for NoData where no tag says it.
    """
    for mark in (values.min(), values.max()):
        rest = values[values != mark]
        if rest.size == 0 or (spread := rest.max() - rest.min()) <= 0 or abs(mark) < 99:
            continue
        if min(abs(rest.max() - mark), abs(rest.min() - mark)) > spread:
            values = rest
    return values


def choose_span(samples: PictureSamples) -> ValueSpan:
    """The values of black and white of the samples' colours."""
    if samples.span is not None:
        return ValueSpan(*samples.span)
    values, fixed = samples.colours, ValueSpan(0, (1 << samples.bits) - 1)
    if (samples.mode in ("CMYK", "LAB") and samples.bits) or 0 < samples.bits < 16:
        return fixed
    if samples.bits == 16:
        rows = max(1, BAND_PIXELS // values.shape[1])
        bands = (values[top : top + rows] for top in range(0, len(values), rows))
        if samples.no_data is not None:
            bands = (band[band != samples.no_data] for band in bands)
        return _measure_stored_depth(bands)
    step = max(1, int((values[..., 0].size / SPAN_VALUES) ** 0.5))
    return _measure_span(values[::step, ::step].astype(np.float64), samples.no_data)


def _render_samples(samples: PictureSamples, span: ValueSpan, rows: slice, columns: slice) -> SeeThroughPicture:
    """Some of the pixels in 8 bits."""
    values = samples.values[rows, columns]
    count = Image.getmodebands(samples.mode)
    colours = _scale_values(values[..., :count], span, no_data=samples.no_data)
    if samples.inverted:
        colours = 255 - colours
    if not samples.alpha:
        return SeeThroughPicture(_make_image(colours, samples.mode), None)
    alpha = _scale_values(values[..., count], ValueSpan(0, (1 << samples.bits) - 1 if samples.bits else 1))
    if samples.alpha == "premultiplied":
        opaque = np.maximum(alpha, 1).astype(np.uint16)[..., None]
        colours = np.minimum(colours.astype(np.uint16) * 255 // opaque, 255).astype(np.uint8)
    return SeeThroughPicture(_make_image(colours, samples.mode), Image.fromarray(np.ascontiguousarray(alpha)))


def _make_image(values: np.ndarray, mode: str) -> Image.Image:
    """A picture of this mode from uint8 values (height, width, channels)."""
    height, width = values.shape[:2]
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(values).tobytes())


def _scale_values(values: np.ndarray, span: ValueSpan, *, no_data: float | None = None) -> np.ndarray:
    """The values in 8 bits: NaN, NoData and `span.low` and below are 0, `span.high` and above 255."""
    if values.dtype == np.uint8 and span == (0, 255):
        return values
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        table = _scale_values(np.arange(1 << 8 * values.dtype.itemsize, dtype=np.float64), span, no_data=no_data)
        looked_up: np.ndarray = table[values]
        return looked_up
    wide = np.nan_to_num(values.astype(np.float64), nan=span.low, posinf=span.high, neginf=span.low)
    if no_data is not None:
        wide[values == np.float32(no_data)] = span.low
    scaled = np.clip((wide - span.low) * (255.0 / (span.high - span.low)), 0.0, 255.0)
    eight_bit: np.ndarray = np.rint(scaled).astype(np.uint8)
    return eight_bit


def _convert_wide_to_grey(band: Image.Image, span: ValueSpan) -> Image.Image:
    """The band in L."""
    return Image.fromarray(_scale_values(np.asarray(band), span))


# profiles


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
