"""Every file gives the pixels it should or a plain reason, whatever is in it, and within limits of size and time."""

import os
import random
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from indexer.errors import PhotoError
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import _READ_FLAGS, _read_whole, content_hash, is_candidate, read_photo
from tests.support import pictures
from tests.support.tiff_files import pack_deflate, write_tiff

MEBIBYTE = 1024 * 1024


def decoded(image: Image.Image, kind: str, short_side: int = 10_000, **options: object) -> Image.Image:
    return decode_photo(pictures.encoded(image, kind, **options), short_side).image


def outcome(data: bytes, short_side: int = 64) -> bytes | str:
    """The decoded pixels, or the reason why there are none."""
    try:
        return decode_photo(data, short_side).image.tobytes()
    except PhotoError as fault:
        return str(fault)


# -- the corpus: every file is a picture or has its reason


@pytest.mark.parametrize("case", pictures.CASES, ids=lambda case: case.name)
def test_each_file_of_the_corpus_is_a_picture_or_has_a_plain_reason(case: pictures.Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    case.write(path)
    try:
        photo = decode_photo(read_photo(path), 64)
    except PhotoError as fault:
        assert case.expected != pictures.PHOTO, str(fault)
        assert case.expected in str(fault)
        assert len(str(fault)) < 160
        assert str(fault).isprintable()
    else:
        assert case.expected == pictures.PHOTO
        assert photo.image.mode == "RGB"
        assert min(photo.image.size) >= min(64, photo.width, photo.height)
        assert (type(photo.image), photo.image.info) == (Image.Image, {})


def test_the_whole_corpus_stays_quiet_and_below_200_mebibytes(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom indexer.photos.decoding import PhotoError, decode_photo\n"
        "from indexer.photos.reading import read_photo\nfrom tests.support import pictures\n"
        "for case in pictures.CASES:\n"
        "    path = Path(sys.argv[1]) / case.name\n    case.write(path)\n"
        "    try: decode_photo(read_photo(path), 256)\n    except PhotoError: pass\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    assert peak_of(program, tmp_path) < 200


def peak_of(program: str, folder: Path) -> float:
    """Run it with Python; it prints its own peak memory in KiB and nothing else. Returns MiB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell the peak memory of a process")
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = os.environ | {"PYTHONPATH": path, "PYTHONWARNINGS": "always", "PYTHONDEVMODE": ""}
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return int(done.stdout) / 1024


def test_odd_files_do_not_warn_even_where_warnings_are_errors() -> None:
    odd = pictures.encoded(pictures.scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="EXIF"):
            Image.open(BytesIO(odd))
        assert decode_photo(odd, 64).image.size == (pictures.WIDTH, pictures.HEIGHT)
        with pytest.raises(UserWarning, match="ours"):
            warnings.warn("ours", stacklevel=1)


# -- opening files


def test_a_photo_is_read_whole_and_left_as_it_was(tmp_path: Path) -> None:
    data = pictures.encoded(pictures.scene(), "JPEG")
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    path.chmod(0o444)
    before = path.stat()
    assert read_photo(path) == data
    decode_photo(read_photo(path), 64)
    after = path.stat()
    assert path.read_bytes() == data
    assert (after.st_mtime_ns, after.st_ctime_ns, after.st_mode) == (
        before.st_mtime_ns,
        before.st_ctime_ns,
        before.st_mode,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not text")
def test_a_name_may_be_any_bytes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9 \xff\n\x1b[31m<b>.jpg"
    with open(path, "wb") as file:  # noqa: PTH123 - a name that is not text
        file.write(b"content")
    assert read_photo(path) == b"content"
    assert read_photo(Path(os.fsdecode(path))) == b"content"


def test_a_file_without_permission_is_refused_with_the_reason() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "a.jpg"
        path.write_bytes(b"content")
        path.chmod(0)
        with pictures.as_nobody(), pytest.raises(PhotoError, match="no permission to read it"):
            read_photo(path)


@pytest.mark.skipif(not Path("/sys/devices/system/cpu/online").exists(), reason="no file that lies about its size")
def test_a_file_whose_length_is_not_what_it_was_is_refused() -> None:
    with pytest.raises(PhotoError, match="changed while being read"):
        read_photo(Path("/sys/devices/system/cpu/online"))


def test_a_missing_file_and_an_impossible_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="vanished while being read"):
        read_photo(tmp_path / "a.jpg")
    with pytest.raises(PhotoError, match="could not be read"):
        read_photo(b"a\0b.jpg")
    with pytest.raises(PhotoError, match="could not be read"):
        read_photo(tmp_path / ("x" * 5000))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_put_in_the_place_of_a_photo_at_the_last_moment_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    descriptor = os.open(tmp_path / "a.jpg", _READ_FLAGS)
    try:
        with pytest.raises(PhotoError, match="is not a regular file"):
            _read_whole(descriptor)
    finally:
        os.close(descriptor)


def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    case = next(case for case in pictures.CASES if case.name == "plain.jpg")
    case.write(tmp_path / "a.jpg")
    first = os.open(tmp_path / "a.jpg", os.O_RDONLY)
    os.close(first)
    for _ in range(3):
        read_photo(tmp_path / "a.jpg")
        for refused in (tmp_path, tmp_path / "missing.jpg"):
            with pytest.raises(PhotoError):
                read_photo(refused)
    again = os.open(tmp_path / "a.jpg", os.O_RDONLY)
    os.close(again)
    assert again == first


# -- names


@pytest.mark.parametrize(
    "name",
    [
        *(b"a.jpg", b"A.JPG", b"\xff.Jpeg", b"b.c.heic", b"x.NEF", b"a.dng", b"a.avif", b"a.jp2", b"a.jxl"),
        *(b"a.rwl", b"a.CRW", b"a.gpr"),
    ],
)
def test_a_walk_takes_pictures_by_suffix(name: bytes) -> None:
    assert is_candidate(name)


@pytest.mark.parametrize("name", [b"a.txt", b"jpg", b".jpg", b"._a.jpg", b".hidden.png", b"a.jpg.part", b"a.svg", b""])
def test_a_walk_takes_no_other_or_hidden_file(name: bytes) -> None:
    assert not is_candidate(name)


def test_the_content_hash_is_sha256() -> None:
    assert content_hash(b"abc").hex().startswith("ba7816bf8f01cfea")  # FIPS 180-2, appendix B.1
    assert len(content_hash(b"")) == 32


# -- how large


def test_a_jpeg_decoded_small_looks_like_the_full_one() -> None:
    data = pictures.encoded(pictures.scene(2000, 1500), "JPEG", quality=95)
    small = decode_photo(data, 256)
    assert (small.image.size, small.width, small.height) == ((500, 375), 2000, 1500)
    with Image.open(BytesIO(data)) as full:
        expected = full.resize(small.image.size, Image.Resampling.BOX)
    assert np.abs(pictures.pixels(small.image) - pictures.pixels(expected)).mean() < 1.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300), st.sampled_from(["JPEG", "PNG", "MPO", "TIFF"]))
def test_the_short_side_is_long_enough_and_not_twice_that(width: int, height: int, side: int, kind: str) -> None:
    photo = decode_photo(pictures.encoded(Image.new("RGB", (width, height), "teal"), kind), side)
    short = min(photo.image.size)
    assert (photo.width, photo.height) == (width, height)
    assert min(side, width, height) <= short <= max(2 * side, 1)


def test_the_picture_is_never_enlarged_and_keeps_its_shape() -> None:
    assert decoded(pictures.scene(100, 50), "PNG", 1000).size == (100, 50)
    assert decoded(pictures.scene(1000, 500), "PNG", 100).size == (200, 100)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "F", "progressive"])
def test_the_largest_pictures_stay_below_700_mebibytes(mode: str, tmp_path: Path) -> None:
    size = (10_000, 9_900 if mode == "progressive" else 13_900)
    if mode == "progressive":
        Image.new("RGB", size, "teal").save(tmp_path / "x", "JPEG", progressive=True, subsampling=0)
    else:
        Image.new(mode, size).save(tmp_path / "x", "TIFF", compression="tiff_lzw")
    program = (
        "import sys\nfrom pathlib import Path\nfrom indexer.photos.decoding import decode_photo\n"
        "from indexer.photos.reading import read_photo\ndecode_photo(read_photo(Path(sys.argv[1]) / 'x'), 256)\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    assert peak_of(program, tmp_path) < 700


# -- upright

STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("kind", ["JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_exif_orientation_gives_the_same_upright_picture(kind: str, orientation: int) -> None:
    turn = STORED_AS[orientation]
    stored = pictures.scene() if turn is None else pictures.scene().transpose(turn)
    exif = pictures.with_exif_orientation(orientation)
    lossy = {} if kind in ("PNG", "TIFF") else {"quality": 95}
    photo = decode_photo(pictures.encoded(stored, kind, exif=exif, **lossy), 10_000)
    assert (photo.width, photo.height) == photo.image.size == (pictures.WIDTH, pictures.HEIGHT)
    assert np.abs(pictures.pixels(photo.image) - pictures.pixels(pictures.scene())).mean() < 3


def test_a_turned_and_shrunk_jpeg_tells_the_upright_size_of_the_original() -> None:
    exif = pictures.with_exif_orientation(6)
    data = pictures.encoded(pictures.scene(2000, 1500), "JPEG", exif=exif)
    photo = decode_photo(data, 100)
    assert (photo.width, photo.height) == (1500, 2000)
    with Image.open(BytesIO(data)) as full:
        expected = ImageOps.exif_transpose(full).resize(photo.image.size, Image.Resampling.BOX)
    assert np.abs(pictures.pixels(photo.image) - pictures.pixels(expected)).mean() < 1.5


# -- foreign bytes

JPEG = pictures.encoded(pictures.scene(), "JPEG", exif=pictures.with_exif_orientation(8))
TARGETS = {
    "JPEG": JPEG,
    "PNG": pictures.encoded(pictures.scene(), "PNG", icc_profile=pictures.wide_profile()),
    "GIF": pictures.encoded(pictures.scene(), "GIF"),
    "TIFF": pictures.encoded(pictures.scene(), "TIFF", compression="tiff_lzw"),
    "WEBP": pictures.encoded(pictures.scene(), "WEBP"),
    "JPEG 2000": pictures.encoded(pictures.scene(), "JPEG2000"),
    "wide TIFF": write_tiff(pictures.grey16(), bits=12, compression=8, pack=pack_deflate, strip_rows=40),
    "JPEG without end": JPEG[:-2],
}
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12)


@pytest.mark.parametrize("kind", TARGETS)
@settings(max_examples=80, deadline=None)
@given(changes=CHANGES, kept=st.floats(0.3, 1))
def test_damaged_bytes_decode_or_are_refused(kind: str, changes: list[tuple[float, int]], kept: float) -> None:
    data = bytearray(TARGETS[kind])
    for place, value in changes:
        data[int(place**3 * (len(data) - 1))] = value  # mostly in the headers, where it matters
    assert outcome(bytes(data[: int(kept * len(data)) + 1])) != ""


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", *(data[:12] for data in TARGETS.values()), b"\0\0\0\x18ftypheic"])
)
def test_any_bytes_decode_or_are_refused(tail: bytes, head: bytes) -> None:
    assert outcome(head + tail) != ""


def test_threads_decode_what_one_thread_decodes(tmp_path: Path) -> None:
    contents = []
    for case in pictures.CASES:
        if case.expected == pictures.PHOTO or "damaged" in case.expected:
            case.write(tmp_path / case.name)
            contents.append((tmp_path / case.name).read_bytes())
    expected = [outcome(data) for data in contents]
    order = random.Random(0).sample(range(len(contents)), len(contents))
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(outcome, [contents[index] for index in order]))
    assert got == [expected[index] for index in order]
