"""Two models on a library's own photos: by its labels or by changed copies, with what they were trained on left out."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.models.network import create_network, write_checkpoint
from indexer.photos.reading import content_hash
from indexer.progress import drain
from indexer.reports.model_comparison import compare_models
from tests.support.commands import Said
from tests.support.drawings import CLASSES, EACH, draw
from tests.support.model_files import write_weights
from tests.support.pictures import png_chunk

Tell = Callable[..., Said]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 drawn pictures in three classes. Read it, never change it."""
    folder = tmp_path_factory.mktemp("photos")
    for shape in CLASSES:
        (folder / shape).mkdir()
        for number in range(EACH):
            draw(shape, number).save(folder / shape / f"{number}.png")
    return folder


def index_photos(photos: Path, installed_model: Path, folder: Path, *, labelled: bool) -> Library:
    shutil.copytree(installed_model, folder / "models" / installed_model.name)
    library = Library.create(folder)
    drain(index_library(library, [photos], load_model(installed_model), labelled=labelled))
    return library


@pytest.fixture(scope="module")
def labelled_library(
    photos: Path, installed_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    with index_photos(photos, installed_model, tmp_path_factory.mktemp("a") / "l.library", labelled=True) as library:
        yield library


@pytest.fixture
def plain_library(photos: Path, installed_model: Path, tmp_path: Path) -> Iterator[Library]:
    own_photos = shutil.copytree(photos, tmp_path / "photos")
    with index_photos(own_photos, installed_model, tmp_path / "p.library", labelled=False) as library:
        yield library


@pytest.fixture
def random_model(tmp_path: Path) -> Path:
    """A network whose weights were drawn by lot."""
    card = drain(install_model(ModelChoice("test_resnet", write_weights("test_resnet", tmp_path)), tmp_path / "models"))
    return tmp_path / "models" / card.fingerprint


@pytest.mark.long
def test_a_model_drawn_by_lot_is_worse_by_the_librarys_labels(labelled_library: Library, random_model: Path) -> None:
    own = labelled_library.models_folder / labelled_library.model_fingerprint
    found = drain(compare_models(labelled_library, own, random_model))
    assert found.change is not None
    assert found.verdict == "worse"
    assert found.change.high < 0
    assert (found.queries, found.photos, found.seen) == (24, 24, 0)
    assert found.before.label_found is not None
    assert found.before.label_found > 0.6
    assert found.before.copies_found > found.after.copies_found
    assert found.before.megabytes > found.after.megabytes
    assert found.after.seconds_per_photo > 0
    back = drain(compare_models(labelled_library, random_model, own))
    assert back.verdict == "better"
    assert back.agreement == found.agreement < 1


def test_a_model_is_no_better_than_itself(labelled_library: Library) -> None:
    own = labelled_library.models_folder / labelled_library.model_fingerprint
    found = drain(compare_models(labelled_library, own, own))
    assert (found.verdict, found.agreement) == ("no clear difference", 1)
    assert found.change is not None
    assert found.change.mean == 0


@pytest.mark.long
def test_without_labels_changed_copies_decide(plain_library: Library, random_model: Path) -> None:
    own = plain_library.models_folder / plain_library.model_fingerprint
    found = drain(compare_models(plain_library, own, random_model))
    assert (found.change, found.queries, found.before.map_at_r) == (None, 0, None)
    assert found.verdict == "worse"
    assert drain(compare_models(plain_library, random_model, own)).verdict == "no clear difference"


@pytest.mark.long
def test_photos_that_a_model_was_trained_on_are_left_out(plain_library: Library, photos: Path, tmp_path: Path) -> None:
    hashes = [content_hash(path.read_bytes()) for path in sorted(photos.rglob("*.png"))[:20]]
    seen = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32).copy()
    checkpoint = tmp_path / "checkpoint"
    weights = write_weights("test_resnet", tmp_path)
    card = write_checkpoint(
        create_network("test_resnet", weights, size=48), checkpoint, name="taught", source="here", seen_hashes=seen
    )
    drain(install_model(ModelChoice(checkpoint=checkpoint), plain_library.models_folder))
    own = plain_library.models_folder / plain_library.model_fingerprint
    taught = plain_library.models_folder / card.fingerprint
    found = drain(compare_models(plain_library, own, taught))
    assert (found.photos, found.seen) == (len(CLASSES) * EACH - 20, 20)
    path = sorted((tmp_path / "photos").rglob("*.png"))[0]  # another program writes a comment into it
    data = path.read_bytes()
    path.write_bytes(data[:-12] + png_chunk(b"tEXt", b"Comment\0mine") + data[-12:])
    drain(index_library(plain_library, [], load_model(own)))
    again = drain(compare_models(plain_library, own, taught))
    assert (again.photos, again.seen) == (found.photos, found.seen)


@pytest.mark.long
def test_the_command_compares_with_the_librarys_own_model(
    labelled_library: Library, tell: Tell, tmp_path: Path
) -> None:
    folder = str(labelled_library.folder)
    said = tell(tmp_path, "model", "compare", "built-in", "--library", folder, "--json")
    assert said.code == 1
    fields = said.result()
    assert (fields["result"], fields["verdict"]) == ("model-compare", "no clear difference")
    assert fields["before"] == pytest.approx(
        fields["after"] | {"seconds_per_photo": fields["before"]["seconds_per_photo"]}
    )
    missing = tell(tmp_path, "model", "compare", "dinov2", "--library", folder)
    assert "dinov2 is not ready on this computer. First: lookalike model add dinov2" in missing.err


def test_too_few_photos_are_a_sentence(plain_library: Library, tmp_path: Path) -> None:
    own = plain_library.models_folder / plain_library.model_fingerprint
    for path in sorted((tmp_path / "photos").rglob("*.png"))[1:]:
        path.unlink()
    with pytest.raises(LookalikeError, match="too few photos"):
        drain(compare_models(plain_library, own, own))
