"""An evaluation reads folders as people have them, and says no figure where every answer would be right."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.errors import LookalikeError
from indexer.grouping.group_column import read_group_column
from indexer.grouping.photo_groups import count_groups
from indexer.photos.photo_traits import TURNS, hash_pixels
from indexer.progress import drain
from indexer.reports.evaluation import ModelEvaluation, evaluate_model
from indexer.reports.raw_pixels import RawPixelEmbedder
from tests.support.burst_pictures import write_burst_folder


def _draw(root: Path, names: str) -> Path:
    """Pictures of noise with these names, divided by spaces; what stands behind = is the seed."""
    for number, name in enumerate(names.split()):
        place, _, seed = name.partition("=")
        path = root / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(int(seed) if seed else 1000 + number)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)
    return root


def _evaluate(root: Path, names: str, class_level: int = 1) -> ModelEvaluation:
    return drain(evaluate_model(_draw(root, names), RawPixelEmbedder(), class_level=class_level))


def test_given_parts_are_measured_together_and_this_is_said(tmp_path: Path) -> None:
    result = _evaluate(tmp_path, "Train/cats/1 Train/dogs/2 test/cats/3 test/dogs/4 test/5")
    assert (result.names, result.photos) == (["cats", "dogs"], 4)
    assert result.remarks == (
        "The classes are the folders inside Train and test, measured together; name one of these to measure it alone.",
        "1 picture stands beside the class folders and cannot be used.",
    )


def test_the_class_level_is_what_is_asked_for(tmp_path: Path) -> None:
    names = "rosa/canina/1 rosa/canina/2 rosa/gallica/3 rosa/gallica/4 malus/domestica/5 malus/domestica/6"
    first = _evaluate(tmp_path, names)
    assert first.names == ["malus", "rosa"]
    assert "--class-level 2" in first.remarks[0]
    second = _evaluate(tmp_path, names, class_level=2)
    assert second.names == ["malus/domestica", "rosa/canina", "rosa/gallica"]


def test_folders_of_systems_are_no_classes(tmp_path: Path) -> None:
    result = _evaluate(tmp_path, "cats/1 cats/2 dogs/3 dogs/4 @eaDir/5 @eaDir/6 cats/@eaDir/7")
    assert (result.names, result.photos) == (["cats", "dogs"], 4)


def test_both_spellings_of_a_name_are_one_class(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
    result = _evaluate(tmp_path, f"{composed}/1 {decomposed}/2 bar/3 bar/4")
    assert result.names == ["Café", "bar"]
    assert [row.photos for row in result.per_class] == [2, 2]


@pytest.mark.parametrize("turn", TURNS)
def test_a_picture_of_the_training_counts_as_seen_however_it_is_turned(tmp_path: Path, turn: Image.Transpose) -> None:
    _draw(tmp_path, "cats/1 cats/2 cats/3 dogs/4 dogs/5")
    with Image.open(tmp_path / "cats" / "1.png") as image:
        learned = hash_pixels(image)
        image.transpose(turn).save(tmp_path / "cats" / "1.png")
    result = drain(evaluate_model(tmp_path, RawPixelEmbedder(), {learned}))
    assert (result.seen, result.photos) == (1, 4)


def test_a_folder_of_one_class_gets_a_sentence_and_no_figures(tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="of one class, cats, so every answer would be right"):
        _evaluate(tmp_path, "cats/1 cats/2 cats/3 empty/@eaDir/4")


def test_pictures_that_stand_in_every_class_get_a_sentence_and_no_figures(tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="3 of the 5 different pictures stand in more than one class"):
        _evaluate(tmp_path, "cats/1=1 cats/2=2 cats/3=3 dogs/1=1 dogs/2=2 dogs/3=3 cats/4 dogs/5")


def test_a_folder_of_bursts_with_labels_by_lot_is_not_flattered(tmp_path: Path) -> None:
    folder = write_burst_folder(tmp_path / "lot", classes=4, bursts=5, frames=3)
    result = drain(evaluate_model(folder, RawPixelEmbedder()))
    assert (result.photos, count_groups(result.groups)) == (60, 20)
    assert result.retrieval.p_at_1 < 0.5  # of four classes by lot; with its own burst every query would find a frame
    assert result.retrieval.nearest_in_group > 50
    assert result.verification.matched == 4 * 10 * 9  # pairs of bursts of a class, by three frames times three


def test_a_given_column_is_left_out_of_the_figures(tmp_path: Path) -> None:
    names = "a/1=1 a/2=2 a/3=3 a/4=4 b/1=5 b/2=6"
    folder = _draw(tmp_path / "photos", names)
    listed = tmp_path / "groups.csv"
    listed.write_text("file,group\na/1.png,x\na/2.png,x\nb/1.png,y\nb/2.png,y\n")
    result = drain(evaluate_model(folder, RawPixelEmbedder(), group_column=read_group_column(listed, folder)))
    assert result.groups.by_column == 4
    assert (result.retrieval.queries, result.retrieval.photos_without_match) == (4, 2)
