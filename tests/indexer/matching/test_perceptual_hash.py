"""Perceptual hashes stay near where pictures do, and every near pair is found without comparing all with all."""

from io import BytesIO

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from indexer.matching.perceptual_hash import (
    BUCKET_WINDOW,
    MAX_DIFFERENCE,
    are_near_hashes,
    compute_hashes,
    count_differing_bits,
    find_near_pairs,
)
from indexer.photos import thumbnails
from tests.support.soft_pictures import soft

SEEDS = range(20)


def hash_image(image: Image.Image, *, turned: bool = False) -> np.ndarray:
    return compute_hashes(thumbnails.encode_thumbnail(image), turned=turned)


def compress_image(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(file, "JPEG", quality=10)
    return Image.open(file).convert("RGB")


def test_hashes_are_imagehashs_bit_by_bit_also_of_flat_and_symmetric_pictures() -> None:
    random = np.random.default_rng(0)
    drawn = random.integers(0, 256, (40, 32, 32), dtype=np.uint8)
    flat = np.stack([np.full((32, 32), level, np.uint8) for level in (0, 77, 255)])
    for pixels in (*drawn, *(drawn // 2 + drawn[:, :, ::-1] // 2), *np.sort(drawn, axis=2), *flat):
        file = BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        expected = imagehash.phash(Image.fromarray(pixels)).hash.ravel()
        found = compute_hashes(file.getvalue(), turned=False).astype(">u8").view(np.uint8)
        np.testing.assert_array_equal(np.unpackbits(found).astype(bool), expected)


def test_hash_is_the_librarys_own_but_for_the_thumbnails_noise() -> None:
    for seed in SEEDS:
        picture = soft(seed)
        bits = np.unpackbits(hash_image(picture).astype(">u8").view(np.uint8)).astype(bool)
        assert np.sum(bits != imagehash.phash(picture).hash.ravel()) <= 2


@pytest.mark.parametrize(
    "change", [compress_image, ImageOps.grayscale, lambda image: ImageEnhance.Brightness(image).enhance(0.6)]
)
def test_changed_pictures_stay_within_the_greatest_difference_and_others_do_not(change: object) -> None:
    assert callable(change)
    for seed in SEEDS:
        original, stranger = hash_image(soft(seed)), hash_image(soft(seed + 100))
        changed = hash_image(change(soft(seed)))
        assert count_differing_bits(original, changed)[0] <= MAX_DIFFERENCE
        assert count_differing_bits(original, stranger)[0] > MAX_DIFFERENCE


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_one_of_the_turned_hashes_meets_the_turned_picture(turn: Image.Transpose) -> None:
    for seed in SEEDS:
        views, turned = hash_image(soft(seed), turned=True), hash_image(soft(seed).transpose(turn))
        assert count_differing_bits(views, turned).min() <= 4
        assert count_differing_bits(views[:1], turned).min() > MAX_DIFFERENCE
        assert are_near_hashes(views[None], hash_image(soft(seed).transpose(turn), turned=True)[None])


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
        if (query ^ value).bit_count() <= MAX_DIFFERENCE
    ]
    assert len(expected) > 200
    assert find_near_pairs(values, queries).tolist() == expected


def test_pictures_that_all_hash_alike_are_linear_work() -> None:
    same = np.zeros(5_000, np.uint64)
    assert len(find_near_pairs(same, same)) <= 2 * BUCKET_WINDOW * len(same)
