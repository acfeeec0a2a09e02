import hashlib
import unicodedata
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw, ImageEnhance

from indexer.errors import LookalikeError
from indexer.grouping.aligned_pictures import PairMismatch, Pairs, SmallPictures, measure_mismatches
from indexer.grouping.group_column import read_group_column
from indexer.grouping.near_copies import (
    FLATNESS,
    LARGEST_ASPECT_RATIO,
    LEAST_CORRELATION,
    NEIGHBOUR_COUNT,
    KnownMismatches,
    compare_neighbours,
)
from indexer.grouping.photo_groups import GroupCandidate, PhotoGroups, count_groups, find_photo_groups, summarise_groups
from indexer.photos.photo_traits import press_picture, read_traits
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain
from tests.support.burst_pictures import encode_jpeg, make_scenes, photographs, shoot_frames
from tests.support.pictures import encoded


def candidate(data: bytes, name: str = "") -> GroupCandidate:
    digest = hashlib.sha256(data).digest()
    return GroupCandidate(f"/photos/{name or digest.hex() + 'x'}.jpg".encode(), digest, read_traits(data))


def group_numbers(*contents: bytes) -> list[int]:
    numbers: list[int] = drain(find_photo_groups([candidate(data) for data in contents])).numbers.tolist()
    return numbers


def are_apart(pictures: list[Image.Image]) -> bool:
    return len(set(group_numbers(*(encoded(picture, "PNG") for picture in pictures)))) == len(pictures)


# near copies, by pixels

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.2),
    "more colour": lambda picture: ImageEnhance.Color(picture).enhance(1.4),
    "edges cut": lambda picture: picture.crop((8, 6, picture.width - 6, picture.height - 10)),
    "turned a little": lambda picture: picture.rotate(1.5, Image.Resampling.BICUBIC).crop((8, 8, 312, 292)),
}


def photograph_pieces() -> list[Image.Image]:
    """Eight pieces of photographs, 320 x 300, that do not overlap much."""
    boxes = [(left, top, left + 320, top + 300) for left in (0, 320) for top in (0, 127)]
    return [photograph.crop(box) for photograph in photographs() for box in boxes]


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_copy_is_with_its_original(name: str) -> None:
    pieces = photograph_pieces()[::2]
    copies = [encode_jpeg(CHANGES[name](piece), 60) for piece in pieces]
    numbers = group_numbers(*(encoded(piece, "PNG") for piece in pieces), *copies)
    assert numbers[: len(pieces)] == numbers[len(pieces) :]
    assert len(set(numbers)) == len(pieces)


def test_the_bundled_drawings_are_all_apart() -> None:
    # two kings of one deck, smileys, traffic signs, ice lollies: alike, and drawn each for itself
    paths = sorted(find_sample_folder().glob("*/*.png"))
    photos = [candidate(path.read_bytes(), path.stem) for path in paths]
    groups = drain(find_photo_groups(photos))
    assert len(paths) > 200
    assert len({photo.sha256 for photo in photos}) == count_groups(groups) == len(paths)


def logo(number: int) -> Image.Image:
    """A ring with another mark in it."""
    image = Image.new("RGB", (200, 200), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((20, 20, 180, 180), outline="navy", width=12)
    marks: list[Callable[[], None]] = [
        lambda: pen.polygon([(100, 60), (140, 135), (60, 135)], fill="navy"),
        lambda: pen.rectangle((70, 70, 130, 130), fill="navy"),
        lambda: pen.ellipse((70, 70, 130, 130), fill="navy"),
        lambda: pen.line((60, 60, 140, 140), fill="navy", width=12),
        lambda: pen.line((140, 60, 60, 140), fill="navy", width=12),
        lambda: pen.rectangle((92, 50, 108, 150), fill="navy"),
    ]
    marks[number]()
    return image


def line_drawing(number: int) -> Image.Image:
    """A few thin lines on white."""
    random = np.random.default_rng(number)
    image = Image.new("RGB", (240, 240), "white")
    points = [tuple(point) for point in random.integers(10, 230, (6, 2)).tolist()]
    ImageDraw.Draw(image).line(points, fill="black", width=2)
    return image


def see_through(picture: Image.Image) -> Image.Image:
    """White lines on nothing: with white behind it, nothing is seen."""
    image = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    image.putalpha(picture.convert("L").point(lambda value: 255 - value))
    return image


def swatch(number: int) -> Image.Image:
    return Image.new("RGB", (120, 120), ("red", "green", "blue", "white", "black", "orange")[number])


def framed_swatch(number: int) -> Image.Image:
    image = Image.new("RGB", (120, 120), "grey")
    image.paste(swatch(number).resize((90, 90)), (15, 15))
    return image


def flag(number: int) -> Image.Image:
    colours = ["#0055a4", "white", "#ef4135"], ["#009246", "white", "#ce2b37"], ["#169b62", "white", "#ff883e"]
    image = Image.new("RGB", (180, 120))
    for place, colour in enumerate(colours[number % 3]):
        image.paste(Image.new("RGB", (60, 120), colour), (60 * place, 0))
    return image


@pytest.mark.parametrize("draw", [logo, line_drawing, swatch, framed_swatch, lambda number: see_through(logo(number))])
def test_six_flat_or_sparse_drawings_are_apart(draw: Callable[[int], Image.Image]) -> None:
    assert are_apart([draw(number) for number in range(6)])


def test_flags_of_other_colours_are_apart() -> None:
    assert are_apart([flag(number) for number in range(3)])


def test_drawings_are_with_their_own_copies_only() -> None:
    drawings = [logo(number) for number in range(6)] + [line_drawing(number) for number in range(6)]
    copies = [encode_jpeg(drawing.resize((170, 170), Image.Resampling.LANCZOS), 85) for drawing in drawings]
    numbers = group_numbers(*(encoded(drawing, "PNG") for drawing in drawings), *copies)
    assert numbers[:12] == numbers[12:]
    assert len(set(numbers)) == 12


def test_a_crowd_of_small_steps_is_not_one_group() -> None:
    # each ring is nearly the next one, the first is not the last
    rings = []
    for step in range(40):
        image = Image.new("RGB", (192, 192), "white")
        radius = 20 + 1.5 * step
        ImageDraw.Draw(image).ellipse((96 - radius, 96 - radius, 96 + radius, 96 + radius), outline="black", width=5)
        rings.append(encoded(image, "PNG"))
    numbers = group_numbers(*rings)
    assert numbers[0] != numbers[-1]


# bursts, by the clock


def shot(number: int, moment: str, camera: str = "X100", fraction: str = "") -> bytes:
    """A picture of its own with the moment it says it was taken."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Fujifilm"
    exif[ExifTags.Base.Model] = camera
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = moment
    if fraction:
        details[ExifTags.Base.SubsecTimeOriginal] = fraction
    return encode_jpeg(line_drawing(number), exif=exif.tobytes())


def test_frames_that_follow_each_other_within_two_seconds_are_one_burst() -> None:
    seconds = [0, 1, 3, 5, 8, 9, 30]
    photos = [candidate(shot(number, f"2024:05:01 12:00:{second:02d}")) for number, second in enumerate(seconds)]
    groups = drain(find_photo_groups(photos))
    first, second = groups.numbers[0], groups.numbers[4]
    assert groups.numbers.tolist()[:6] == [first] * 4 + [second] * 2
    assert count_groups(groups) == 3
    assert (groups.burst_frames, groups.near_copies) == (6, 0)


def test_another_camera_at_the_same_second_is_another_burst() -> None:
    moments = ["2024:05:01 12:00:00"] * 4
    numbers = group_numbers(*(shot(number, moment, "AB"[number % 2]) for number, moment in enumerate(moments)))
    assert numbers[0] == numbers[2] != numbers[1] == numbers[3]


def test_the_fraction_of_the_second_counts() -> None:
    moment = "2024:05:01 12:00:0"
    close = group_numbers(shot(0, moment + "0", fraction="90"), shot(1, moment + "2", fraction="80"))
    far = group_numbers(shot(0, moment + "0", fraction="10"), shot(1, moment + "2", fraction="80"))
    assert len(set(close)) == 1
    assert len(set(far)) == 2


def test_a_clock_that_stands_still_joins_nothing() -> None:
    numbers = group_numbers(*(shot(number, "2020:01:01 00:00:01") for number in range(70)))
    assert len(set(numbers)) == 70


# series, by name and likeness


def moving_series() -> list[bytes]:
    """Two noisy frames of one place in which a disc moves on."""
    random = np.random.default_rng(0)
    frames = []
    for place in range(2):
        picture = photographs()[0].crop((100 + place, 40, 420 + place, 340))
        left = 40 + 40 * place
        ImageDraw.Draw(picture).ellipse((left, 120, left + 30, 150), fill="dimgrey")
        pixels = np.asarray(picture, np.float32) + random.normal(0, 10, (300, 320, 3))
        frames.append(encode_jpeg(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), 70))
    return frames


def test_frames_of_a_numbered_series_are_one_though_something_moves() -> None:
    others = [encoded(piece, "PNG") for piece in photograph_pieces()[4:]]
    named = [candidate(data, f"IMG_{number:04d}") for number, data in enumerate(moving_series(), 7)]
    unnamed = [candidate(data) for data in moving_series()]
    rest = [candidate(data) for data in others]
    groups, plain = drain(find_photo_groups(named + rest)), drain(find_photo_groups(unnamed + rest))
    assert len(set(groups.numbers[:2].tolist())) == 1
    assert groups.burst_frames == 2
    assert count_groups(groups) == 1 + len(others)
    assert count_groups(plain) > count_groups(groups)


def test_numbers_alone_join_nothing() -> None:
    photos = [candidate(encoded(line_drawing(number), "PNG"), f"IMG_{number:04d}") for number in range(8)]
    assert count_groups(drain(find_photo_groups(photos))) == 8


# all together


def test_groups_are_joined_by_any_way_and_numbered_by_content() -> None:
    scenes = make_scenes(2)
    frames = [data for number, scene in enumerate(scenes) for data in shoot_frames(scene, 3, number)]
    photos = [candidate(data) for data in frames]
    photos[2], photos[3] = photos[2]._replace(column="a"), photos[3]._replace(column="a")
    groups = drain(find_photo_groups(photos))
    assert set(groups.numbers.tolist()) == {0}
    assert groups == PhotoGroups(groups.numbers, 0, 6, 0)
    apart = drain(find_photo_groups([photo._replace(column=None) for photo in photos]))
    first = min(range(6), key=lambda row: photos[row].sha256)
    assert apart.numbers[first] == 0
    assert count_groups(apart) == 2


def test_pairs_that_were_measured_before_are_not_measured_again() -> None:
    """Half of the pieces, then all of them, beside a memory of few pairs that forgets most."""
    pieces = [press_picture(piece) for piece in photograph_pieces()[:8]]
    pictures = SmallPictures(np.stack([one.grey for one in pieces]), np.stack([one.colours for one in pieces]))
    every_pair = np.array(list(combinations(range(8), 2)), np.int64)
    expected, kept, forgetful = measure_mismatches(pictures, every_pair), KnownMismatches(100), KnownMismatches(3)
    kept.measure(pictures, every_pair[::2])
    for known in (kept, kept, forgetful, forgetful):
        found = known.measure(pictures, every_pair)
        assert found.ratio == pytest.approx(expected.ratio, abs=1e-6)
        assert found.median == pytest.approx(expected.median, abs=1e-6)
    inverted = pictures._replace(grey=255 - pictures.grey)
    assert kept.measure(inverted, every_pair).ratio == pytest.approx(measure_mismatches(inverted, every_pair).ratio)


def test_photos_that_cannot_be_read_are_alone_but_for_the_column() -> None:
    photos = [GroupCandidate(b"/x/%d" % number, bytes([number]) * 32, None) for number in range(4)]
    assert drain(find_photo_groups(photos)).numbers.tolist() == [0, 1, 2, 3]
    photos[3] = photos[3]._replace(column="a")
    photos[1] = photos[1]._replace(column="a")
    assert drain(find_photo_groups(photos)).numbers.tolist() == [0, 1, 2, 1]
    assert drain(find_photo_groups([])).numbers.tolist() == []


def test_a_sentence_says_what_stays_together() -> None:
    groups = PhotoGroups(np.array([0, 0, 0, 1, 1, 2, 3, 3]), 3, 2, 2)
    assert summarise_groups(groups) == (
        "8 photos in 4 groups: 3 frames of bursts, 2 near copies and 2 photos of given groups stay together."
    )
    assert summarise_groups(PhotoGroups(np.arange(3), 0, 0, 0)) == (
        "3 photos, none of them a near copy or a frame of a burst of another."
    )


# the column


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cats/a.jpg", "cats/b.jpg", "dogs/ü, 1.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "photos"


def write_csv(folder: Path, text: str | bytes) -> Path:
    path = folder.parent / "groups.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_column_is_read_by_its_header_whatever_else_stands_there(folder: Path) -> None:
    text = '\ufeffgroup,note,file\nleft,x,cats/a.jpg\nleft,,"dogs/ü, 1.jpg"\n,,cats/b.jpg\n'
    root = str(folder).encode()
    assert read_group_column(write_csv(folder, text), folder) == {
        root + b"/cats/a.jpg": "left",
        root + "/dogs/ü, 1.jpg".encode(): "left",
    }


def test_a_column_may_be_written_in_either_spelling_of_unicode(folder: Path) -> None:
    (folder / "dogs" / unicodedata.normalize("NFD", "é.jpg")).write_bytes(b"x")
    text = "file,group\ndogs/ü, 1.jpg,Café\ndogs/é.jpg,Café\n".replace(", 1", " 1")
    (folder / "dogs" / unicodedata.normalize("NFC", "ü 1.jpg")).write_bytes(b"x")
    for form in ("NFC", "NFD"):
        groups = read_group_column(write_csv(folder, unicodedata.normalize(form, text)), folder)
        assert set(groups.values()) == {unicodedata.normalize("NFC", "Café")}
        assert len(groups) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file,group\ncats/a.jpg,1\ncats/zebra.jpg,1\nno.jpg,2\n", r"names 'cats/zebra\.jpg', which is no file in"),
        ("file,group\n../groups.csv,1\n", r"names '\.\./groups\.csv', which is no file in"),
        ("file,group\n/etc/passwd,1\n", "names '/etc/passwd', which is no file in"),
        ("file,group\n,1\n", "names '', which is no file in"),
        ("cats/a.jpg,1\n", "needs a first line that names the columns file and group"),
        ("", "needs a first line"),
        ("file,group\ncats/a.jpg,1\ncats/a.jpg,2\n", "puts 'cats/a.jpg' into two groups"),
        (b'file,group\n"cats/a.jpg,1\n', "is no CSV file"),
        (b"file,group\n\0\xff\xfe,1\n", r"which is no file in|is no CSV file"),
    ],
)
def test_a_column_that_does_not_fit_is_refused_with_a_sentence(folder: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(LookalikeError, match=why):
        read_group_column(write_csv(folder, text), folder)


def test_a_missing_column_is_refused_with_a_sentence(folder: Path) -> None:
    with pytest.raises(LookalikeError, match="cannot be read"):
        read_group_column(folder / "nowhere.csv", folder)


def test_the_nearest_few_of_each_picture_are_compared_also_among_many() -> None:
    """Against the correlation of all with all; some shapes differ, and what is equal is as near as can be."""
    random = np.random.default_rng(3)
    scenes = random.integers(0, 255, (40, 12, 12))
    tiny = np.clip(scenes[random.integers(0, 40, 1500)] + random.normal(0, 40, (1500, 12, 12)), 0, 255).astype(np.uint8)
    tiny[:60] = tiny[0]
    grey, aspects = np.kron(tiny, np.ones((1, 8, 8), np.uint8)), random.choice([1.0, 1.2, 1.6], 1500)
    pictures = SmallPictures(grey, np.zeros((1500, 2), np.uint8))
    steps = compare_neighbours(pictures, aspects, np.empty((0, 2), np.int64), lambda _, pairs: measure_none(pairs))
    pairs = {(left, right) for left, right in drain(steps).pairs.tolist()}
    spread = tiny.reshape(1500, -1).astype(float)
    spread -= spread.mean(axis=1, keepdims=True)
    spread /= np.sqrt((spread**2).sum(axis=1, keepdims=True) + FLATNESS**2 * 144)
    correlation = spread @ spread.T
    correlation[np.maximum(aspects[:, None] / aspects, aspects / aspects[:, None]) > LARGEST_ASPECT_RATIO] = -1
    np.fill_diagonal(correlation, -1)
    for row in range(60, 1500):
        furthest = np.sort(correlation[row])[-NEIGHBOUR_COUNT - 1] + 1e-6
        near = np.flatnonzero(correlation[row] > max(furthest, LEAST_CORRELATION)).tolist()
        assert {(min(row, other), max(row, other)) for other in near} <= pairs
    equal = [pair for pair in pairs if pair[1] < 60]
    assert all(sum(row in pair for pair in equal) >= min(NEIGHBOUR_COUNT, 5) for row in range(60))
    assert len(pairs) <= 1500 * NEIGHBOUR_COUNT


def measure_none(pairs: Pairs) -> PairMismatch:
    """A measurement that finds nothing alike."""
    return PairMismatch(np.full(len(pairs), np.inf, np.float32), np.ones(len(pairs), np.float32))
