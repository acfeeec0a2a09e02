"""A near copy is shown by its pixels: no false group among 200 flat, sparse and elongated pictures; true ones stay."""

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.duplicates.duplicate_groups import DuplicateGroup, find_duplicates
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.matching.perceptual_hash import MAX_DIFFERENCE, compute_hashes, count_differing_bits
from indexer.photos.decoding import decode_photo
from indexer.photos.samples import find_sample_folder
from indexer.photos.thumbnails import THUMBNAIL_SIDE, encode_thumbnail
from indexer.progress import drain
from tests.support.copy_corpus import CHANGES, draw_unlike_pictures
from tests.support.embedders import Tiny

ORIGINALS = 20


def name_of(path: bytes) -> str:
    return Path(os.fsdecode(path)).stem


def index_with_thumbnails(library: Library, folder: Path) -> dict[str, bytes]:
    """Index with thumbnails as large as a model of the usual size leaves them; the thumbnail of each name."""
    drain(index_library(library, [folder], Tiny()))
    thumbnails = {}
    for photo in library.load_photos(library.find_photo_ids().tolist()):
        picture = decode_photo(Path(os.fsdecode(photo.path)).read_bytes(), THUMBNAIL_SIDE).image
        thumbnails[name_of(photo.path)] = encode_thumbnail(picture)
        library.thumbnails.put([(photo.sha256, thumbnails[name_of(photo.path)])])
    return thumbnails


def plant_copies(folder: Path) -> None:
    """Every fourteenth picture of the sample, and each of its changed copies beside it, all as `NUMBER-CHANGE`."""
    for number, path in enumerate(sorted(find_sample_folder().glob("*/*.png"))[::14][:ORIGINALS]):
        picture = decode_photo(path.read_bytes(), 1000).image
        picture.save(folder / f"{number}-original.png")
        for change, make in CHANGES.items():
            suffix = ".jpg" if change == "compressed" else ".png"
            make(picture).save(folder / f"{number}-{change}{suffix}", quality=60)


def list_found_copies(groups: list[DuplicateGroup]) -> set[tuple[str, str]]:
    """The pairs of an original and a changed copy of it that are in one group."""
    pairs = (pair for group in groups for pair in combinations(sorted(map(name_of, group.files)), 2))
    return {pair for pair in pairs if pair[0].split("-")[0] == pair[1].split("-")[0] and "-original" in "".join(pair)}


def list_hash_copies(thumbnails: dict[str, bytes]) -> set[tuple[str, str]]:
    """The pairs that hashes alone would join."""
    hashes = {name: compute_hashes(jpeg, turned=True) for name, jpeg in thumbnails.items()}
    pairs = combinations(sorted(name for name in hashes if name[0].isdigit()), 2)
    return {
        pair
        for pair in pairs
        if pair[0].split("-")[0] == pair[1].split("-")[0] and "-original" in "".join(pair)
        if count_differing_bits(hashes[pair[0]], hashes[pair[1]][0]).min() <= MAX_DIFFERENCE
    }


@pytest.mark.long
def test_unlike_pictures_are_never_grouped_and_true_copies_stay_found(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    unlike = dict(draw_unlike_pictures())
    assert len(unlike) >= 200
    for name, picture in unlike.items():
        picture.save(folder / f"{name}.png", compress_level=1)
    plant_copies(folder)
    thumbnails = index_with_thumbnails(library, folder)
    hashes = np.stack([compute_hashes(thumbnails[name], turned=False) for name in unlike if name in thumbnails])[:, 0]
    assert (count_differing_bits(hashes[:, None], hashes) <= MAX_DIFFERENCE).sum() > 1000  # a hash alone joins hundreds
    groups = drain(find_duplicates(library, "near", turned=True))
    kinds_of_groups = [{name_of(path).split("-")[0] for path in group.files} for group in groups]
    assert [kinds for kinds in kinds_of_groups if len(kinds) > 1] == []
    assert [list(map(name_of, group.files)) for group in groups if name_of(group.files[0]) in unlike] == []
    expected = list_hash_copies(thumbnails)
    assert len(expected) > 4 * ORIGINALS
    assert len(list_found_copies(groups) & expected) >= 0.98 * len(expected)
    (blank,) = drain(find_duplicates(library, "blank"))
    kinds = {name_of(path).split("-")[0] for path in blank.files}
    assert {"swatch", "noise"} <= kinds <= {"swatch", "noise", "gradient"}


def test_in_a_library_of_five_of_which_four_are_one_picture_all_four_are_found(
    library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = sorted(find_sample_folder().glob("*/*.png"))
    picture = decode_photo(paths[3].read_bytes(), 1000).image
    picture.save(folder / "whole.png")
    CHANGES["half"](picture).save(folder / "half.png")
    picture.save(folder / "compressed.jpg", quality=60)
    CHANGES["darkened"](picture).save(folder / "darkened.png")
    decode_photo(paths[-3].read_bytes(), 1000).image.save(folder / "other.png")
    index_with_thumbnails(library, folder)
    (group,) = drain(find_duplicates(library, "near"))
    assert sorted(map(name_of, group.files)) == ["compressed", "darkened", "half", "whole"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_library_of_blank_pictures_has_no_near_copies(library: Library, tmp_path: Path, turned: bool) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for level in (0, 60, 255):
        Image.new("L", (60, 40), level).save(folder / f"{level}.png")
    index_with_thumbnails(library, folder)
    assert drain(find_duplicates(library, "near", turned=turned)) == []
    (blank,) = drain(find_duplicates(library, "blank"))
    assert len(blank.photos) == 3
