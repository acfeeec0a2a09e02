"""Bursts and near copies of real pictures: crops of the two photographs in scikit-learn with a drawing on each."""

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from tests.support.planted import compact_drawings

SIDE = 160
LARGEST_JITTER = 8  # pixels


class Scene(NamedTuple):
    """What a burst is of: a picture larger than its frames on each side by LARGEST_JITTER."""

    picture: Image.Image


@cache
def photographs() -> tuple[Image.Image, ...]:
    """The two photographs, 640 x 427."""
    return tuple(Image.fromarray(pixels) for pixels in load_sample_images().images)


def make_scenes(count: int, seed: int = 0) -> list[Scene]:
    """So many different scenes: another drawing each on a part of a photograph drawn by lot."""
    random = np.random.default_rng(seed)
    drawings = compact_drawings()
    chosen = random.permutation(len(drawings))
    scenes = []
    for number in range(count):
        photograph = photographs()[number % 2]
        side = int(random.integers(180, 420))
        left, top = (int(random.integers(0, length - side + 1)) for length in photograph.size)
        whole = SIDE + 2 * LARGEST_JITTER
        picture = photograph.crop((left, top, left + side, top + side)).resize((whole, whole), Image.Resampling.BICUBIC)
        drawing = drawings[chosen[number % len(chosen)]].copy()
        drawing.thumbnail((100, 100))
        place = tuple(int(random.integers(20, whole - 120)) for _ in range(2))
        picture.paste(drawing, (place[0], place[1]), drawing)
        scenes.append(Scene(picture))
    return scenes


def shoot_frames(scene: Scene, frames: int, seed: int) -> Iterator[bytes]:
    """Frames as JPEG: shifted by 2 to 8 pixels, with noise and up to 5 % more or less light."""
    random = np.random.default_rng(seed)
    for _ in range(frames):
        left, top = (LARGEST_JITTER + int(random.choice([-1, 1]) * random.integers(2, 5)) for _ in range(2))
        frame = np.asarray(scene.picture.crop((left, top, left + SIDE, top + SIDE)), np.float32)
        light = frame * random.uniform(0.95, 1.05) + random.normal(0, random.uniform(1, 5), frame.shape)
        yield encode_jpeg(Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)), int(random.integers(70, 95)))


def encode_jpeg(picture: Image.Image, quality: int = 90, exif: bytes = b"") -> bytes:
    """The picture as the bytes of a JPEG file."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality, exif=exif)
    return file.getvalue()


def write_burst_folder(folder: Path, *, classes: int, bursts: int, frames: int = 4) -> Path:
    """A labelled folder whose labels mean nothing: bursts dealt to the classes by lot, file names without an order."""
    random = np.random.default_rng(7)
    scenes = make_scenes(classes * bursts)
    labels = random.permutation(np.repeat(np.arange(classes), bursts))
    for number, (scene, label) in enumerate(zip(scenes, labels.tolist(), strict=True)):
        home = folder / f"class-{label:02d}"
        home.mkdir(parents=True, exist_ok=True)
        for data in shoot_frames(scene, frames, number):
            (home / f"{random.integers(1 << 40):x}x.jpg").write_bytes(data)
    return folder
