"""What tells whether two photos are one scene: a small grey picture, few colours, the shape, the moment.

Kept small, so that those of 100,000 photos fit in memory: 10 KB each.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from indexer.photos.capture_facts import CaptureTime, read_capture_time
from indexer.photos.decoding import decode_photo

TURNS = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)
GREY_SIDE = 96  # pixels: at half of it the kings of clubs and of spades are one picture
COLOUR_SIDE = 12


class PressedPicture(NamedTuple):
    """A picture pressed small: `grey` (96, 96) and `colours` (12, 12, 3), uint8."""

    grey: np.ndarray
    colours: np.ndarray


class PhotoTraits(NamedTuple):
    """Of one photo: `grey` (96, 96) and `colours` (12, 12, 3) uint8, both the whole picture pressed into a square;
    its width over its height; when and by which camera it was taken, where its file says so.
    """

    grey: np.ndarray
    colours: np.ndarray
    aspect: float
    capture: CaptureTime | None


def describe_photo(data: bytes, picture: Image.Image) -> PhotoTraits:
    """The traits of a photo, of its file content and of the picture decoded from that (RGB, upright)."""
    grey, colours = press_picture(picture)
    return PhotoTraits(grey, colours, picture.width / picture.height, read_capture_time(data))


def press_picture(picture: Image.Image) -> PressedPicture:
    """The whole of a picture, pressed into a small grey square and an even smaller coloured one."""
    small = picture.convert("RGB").resize((GREY_SIDE, GREY_SIDE), Image.Resampling.HAMMING)
    colours = small.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    return PressedPicture(np.asarray(small.convert("L")), np.asarray(colours))


def hash_pixels(picture: Image.Image) -> bytes:
    """The sha256 of the size and the pixels of a decoded picture: the same whatever its file says beside the pixels."""
    return hashlib.sha256(b"%d %d " % picture.size + picture.tobytes()).digest()


def hash_turned_pixels(picture: Image.Image) -> tuple[bytes, ...]:
    """The `hash_pixels` of the picture mirrored and turned by each of TURNS."""
    return tuple(hash_pixels(picture.transpose(turn)) for turn in TURNS)


def read_traits(data: bytes) -> PhotoTraits:
    """The traits of a photo, of its file content alone; PhotoError where it is no picture."""
    return describe_photo(data, decode_photo(data, GREY_SIDE).image)
