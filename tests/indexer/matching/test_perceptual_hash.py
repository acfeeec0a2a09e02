"""Perceptual hashes stay near where pictures do, and every near pair is found without comparing all with all."""

from io import BytesIO

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from indexer.matching import perceptual_hash as perceptual
from indexer.photos import thumbnails
from tests.support.soft_pictures import soft

SEEDS = range(20)


def hashes(image: Image.Image, *, turned: bool = False) -> np.ndarray:
    return perceptual.hashes_of(thumbnails.encode(image), turned=turned)


def compressed(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(file, "JPEG", quality=10)
    return Image.open(file).convert("RGB")


def test_hash_is_the_librarys_own_but_for_the_thumbnails_noise() -> None:
    for seed in SEEDS:
        picture = soft(seed)
        bits = np.unpackbits(hashes(picture).astype(">u8").view(np.uint8)).astype(bool)
        assert np.sum(bits != imagehash.phash(picture).hash.ravel()) <= 2


@pytest.mark.parametrize(
    "change", [compressed, ImageOps.grayscale, lambda image: ImageEnhance.Brightness(image).enhance(0.6)]
)
def test_changed_pictures_stay_within_the_greatest_difference_and_others_do_not(change: object) -> None:
    assert callable(change)
    for seed in SEEDS:
        one, changed, other = hashes(soft(seed)), hashes(change(soft(seed))), hashes(soft(seed + 100))
        assert perceptual.differences(one, changed)[0] <= perceptual.MAX_DIFFERENCE
        assert perceptual.differences(one, other)[0] > perceptual.MAX_DIFFERENCE


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_one_of_the_turned_hashes_meets_the_turned_picture(turn: Image.Transpose) -> None:
    for seed in SEEDS:
        views, turned = hashes(soft(seed), turned=True), hashes(soft(seed).transpose(turn))
        assert perceptual.differences(views, turned).min() <= 4
        assert perceptual.differences(views[:1], turned).min() > perceptual.MAX_DIFFERENCE
        assert perceptual.near(views[None], hashes(soft(seed).transpose(turn), turned=True)[None])


def test_pairs_are_those_of_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    values = random.integers(0, 2**64, 300, np.uint64)
    for row in range(150):  # near ones, with 0 to 10 bits changed
        bits = random.choice(64, row % 11, replace=False).astype(np.uint64)
        values[299 - row] = values[row] ^ np.bitwise_or.reduce(np.uint64(1) << bits, initial=np.uint64(0))
    queries = values[::2].copy()
    expected = [
        [at, row]
        for at, query in enumerate(queries.tolist())
        for row, value in enumerate(values.tolist())
        if (query ^ value).bit_count() <= perceptual.MAX_DIFFERENCE
    ]
    assert len(expected) > 200
    assert perceptual.pairs_within(values, queries).tolist() == expected


def test_pictures_that_all_hash_alike_are_linear_work() -> None:
    same = np.zeros(5_000, np.uint64)
    assert len(perceptual.pairs_within(same, same)) <= 2 * perceptual.WINDOW * len(same)
