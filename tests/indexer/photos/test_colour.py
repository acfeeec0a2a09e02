"""Every mode of Pillow becomes 8-bit sRGB on white, in bands and at once alike, and profiles are applied."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from indexer.photos import colour
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from tests.support import pictures


def decoded(image: Image.Image, kind: str, short_side: int = 10_000, **options: object) -> Image.Image:
    return decode_photo(pictures.encoded(image, kind, **options), short_side).image


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1"])
def test_bands_and_shrinking_give_what_converting_the_whole_picture_gives(mode: str) -> None:
    image = pictures.scene(1500, 1400)
    image.putalpha(image.getchannel("R"))
    image = image.convert(mode) if mode != "P" else image.convert("RGB").quantize(64)
    assert image.width * image.height > 2 * colour.BAND_PIXELS
    background = Image.new("RGBA", image.size, "white")
    background.alpha_composite(image.convert("RGBA"))
    expected = background.convert("RGB").reduce(5)
    assert np.abs(pictures.pixels(colour.convert_to_srgb(image, 5)) - pictures.pixels(expected)).max() <= 2


def test_swapped_primaries_swap_the_channels() -> None:
    expected = pictures.pixels(pictures.scene())[..., [1, 0, 2]]
    ours = decoded(pictures.scene(), "PNG", icc_profile=pictures.swapped_profile())
    assert np.abs(pictures.pixels(ours) - expected).max() <= 2


def test_a_profile_near_srgb_is_not_taken_for_srgb() -> None:
    profile = pictures.wide_profile(share=0.1)
    profiles = BytesIO(profile), ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(pictures.scene(), *profiles, outputMode="RGB")
    assert expected is not None
    ours = pictures.pixels(decoded(pictures.scene(), "PNG", icc_profile=profile))
    assert np.array_equal(ours, pictures.pixels(expected))
    assert 1 < np.abs(ours - pictures.pixels(pictures.scene())).max() < 40


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_wide_gamut_picture_changes_as_littlecms_says(kind: str) -> None:
    options = {} if kind in ("PNG", "TIFF") else {"quality": 95}
    data = pictures.encoded(pictures.scene(), kind, icc_profile=pictures.wide_profile(), **options)
    with Image.open(BytesIO(data)) as opened:
        plain = opened.convert("RGB")
    profiles = BytesIO(pictures.wide_profile()), ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(plain, *profiles, outputMode="RGB")
    assert expected is not None
    ours = pictures.pixels(decode_photo(data, 10_000).image)
    assert np.abs(ours - pictures.pixels(expected)).max() <= 1
    assert np.abs(ours - pictures.pixels(plain)).max() > 10


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_with_a_profile_changes_as_littlecms_says(kind: str) -> None:
    data = pictures.encoded(pictures.scene().convert("CMYK"), kind, icc_profile=pictures.printer_profile())
    with Image.open(BytesIO(data)) as opened:
        opened.load()
        naive = opened.convert("RGB")
        profiles = BytesIO(pictures.printer_profile()), ImageCms.createProfile("sRGB")
        expected = ImageCms.profileToProfile(opened.copy(), *profiles, outputMode="RGB")
    assert expected is not None
    ours = pictures.pixels(decode_photo(data, 10_000).image)
    assert np.abs(ours - pictures.pixels(expected)).max() <= 1
    assert np.abs(ours - pictures.pixels(naive)).mean() > 10


def test_an_srgb_or_a_broken_profile_changes_nothing() -> None:
    for profile in (pictures.srgb_profile(), b"not a profile", pictures.wide_profile()[:200]):
        ours = decoded(pictures.scene(), "PNG", icc_profile=profile)
        assert np.array_equal(pictures.pixels(ours), pictures.pixels(pictures.scene()))


def test_cmyk_without_a_profile_shows_the_scene() -> None:
    for kind in ("JPEG", "TIFF"):
        ours = decoded(pictures.scene().convert("CMYK"), kind)
        assert np.abs(pictures.pixels(ours) - pictures.pixels(pictures.scene())).mean() < 3


@pytest.mark.parametrize("name", ["grey16.png", "grey16.tif", "grey16.pgm", "grey32.tif", "float.tif"])
def test_a_wide_grey_ramp_stays_a_ramp_from_black_to_white(name: str, tmp_path: Path) -> None:
    next(case for case in pictures.CASES if case.name == name).write(tmp_path / name)
    grey = pictures.pixels(decode_photo(read_photo(tmp_path / name), 10_000).image)
    ramp = np.linspace(0, 255, pictures.WIDTH)
    assert np.abs(grey - ramp[None, :, None]).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_a_dark_16_bit_picture_stays_dark(kind: str) -> None:
    dark = np.full((9, 9), 257 * 10, np.uint16)
    dark[0, 0] = 257 * 20
    assert np.unique(pictures.pixels(decoded(Image.fromarray(dark), kind))).tolist() == [10, 20]


def test_floats_are_scaled_by_their_finite_values() -> None:
    values = np.tile(np.linspace(-3, 5, 64, dtype=np.float32), (16, 1))
    values[0, :3] = np.nan, np.inf, -np.inf
    grey = pictures.pixels(decoded(Image.fromarray(values), "TIFF"))[..., 0]
    assert grey[0, :3].tolist() == [0, 255, 0]
    assert np.abs(grey[1] - np.linspace(0, 255, 64)).max() <= 1


def test_sixteen_bits_of_colour_are_the_upper_eight(tmp_path: Path) -> None:
    assert np.array_equal(
        pictures.pixels(decode_photo(pictures.rgb16_png(), 10_000).image), pictures.pixels(pictures.scene())
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(mode: str) -> None:
    ours = pictures.pixels(decoded(pictures.see_through().convert(mode), "PNG"))
    alpha = np.linspace(0, 255, pictures.WIDTH).astype(np.uint8)[None, :, None] / 255
    plain = pictures.pixels(pictures.scene().convert(mode[:-1]).convert("RGB"))
    assert np.abs(ours - (plain * alpha + 255 * (1 - alpha))).max() <= 1


def test_transparent_palette_and_colour_key_are_white() -> None:
    image = Image.new("RGB", (4, 4), "red")
    image.putpixel((0, 0), (0, 0, 255))
    for stored, key in ((image, (255, 0, 0)), (image.quantize(2), image.quantize(2).getpixel((3, 3)))):
        ours = decoded(stored, "PNG", transparency=key)
        assert (ours.getpixel((0, 0)), ours.getpixel((3, 3))) == ((0, 0, 255), (255, 255, 255))


def test_lab_is_brought_to_srgb() -> None:
    ours = decoded(Image.new("LAB", (4, 4), (138, 209, 198)), "TIFF")  # L 54.3, a 80.8, b 69.9 (D50) is sRGB red
    assert np.abs(pictures.pixels(ours)[0, 0] - [255, 0, 0]).max() <= 6


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_of_many_frames_the_first_is_taken(kind: str) -> None:
    others = [Image.new("RGB", (40, 30), colour) for colour in ("blue", "lime")]
    ours = decoded(Image.new("RGB", (40, 30), "red"), kind, save_all=True, append_images=others)
    assert np.abs(pictures.pixels(ours) - [255, 0, 0]).max() <= 8


# -- the ground


def sign(number: int, ink: str | tuple[int, ...], side: int = 256) -> Image.Image:
    """One of some drawings in one colour on nothing."""
    image = Image.new("RGBA", (side, side))
    draw, box = ImageDraw.Draw(image), (side // 8, side // 8, side * 7 // 8, side * 7 // 8)
    if number == 0:
        draw.ellipse(box, outline=ink, width=12)
    elif number == 1:
        draw.rectangle((*box[:3], side // 2), outline=ink, width=12)
    else:
        draw.line(box, fill=ink, width=20)
    return image


STORED_AS: dict[str, tuple[str, str, dict[str, object]]] = {
    "png": ("RGBA", "PNG", {}),
    "grey": ("LA", "PNG", {}),
    "palette": ("P", "PNG", {}),
    "webp": ("RGBA", "WEBP", {"lossless": True}),
    "gif": ("RGBA", "GIF", {}),
    "tiff": ("RGBA", "TIFF", {}),
    "jp2": ("RGBA", "JPEG2000", {}),
}


@pytest.mark.parametrize("stored", STORED_AS)
@pytest.mark.parametrize("ink", ["white", (250, 250, 240)])
def test_pale_drawings_on_nothing_are_laid_on_black_and_differ(stored: str, ink: str | tuple[int, ...]) -> None:
    mode, kind, options = STORED_AS[stored]
    for side in (10_000, 64, 16):
        shown = []
        for number in range(3):
            drawn = sign(number, ink)
            drawn = drawn.quantize(8) if mode == "P" else drawn.convert(mode)
            shown.append(pictures.pixels(decoded(drawn, kind, side, **options)))
        assert all(picture[0, 0].tolist() == [0, 0, 0] and picture.max() > 100 for picture in shown)
        assert min(np.abs(shown[a] - shown[b]).mean() for a, b in ((0, 1), (0, 2), (1, 2))) > 5


@pytest.mark.parametrize("ink", ["black", "red", "blue", "orange", (128, 128, 128)])
def test_drawings_that_are_seen_on_white_stay_on_white(ink: str | tuple[int, ...]) -> None:
    for side in (10_000, 64, 16):
        assert decoded(sign(1, ink), "PNG", side).getpixel((0, 0)) == (255, 255, 255)


def test_a_pale_picture_that_fills_its_frame_stays_on_white() -> None:
    page = Image.new("RGBA", (200, 200), (250, 250, 250, 255))
    page.putpixel((0, 0), (0, 0, 0, 0))
    assert decoded(page, "PNG").getpixel((0, 0)) == (255, 255, 255)
