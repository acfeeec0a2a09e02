"""The list of models tells what each is to the library; what is renamed, exported and deleted is that and no more."""

import shutil
from pathlib import Path

import pytest

from indexer.database.model_table import KnownModel
from indexer.errors import LookalikeError
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.card import CARD_FILE, TRAINING_RECORD_FILE, WEIGHTS_FILE, read_card
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.models.prepared import find_shared_folder
from indexer.places import list_library_contents
from indexer.progress import drain
from tests.support.commands import Tell
from tests.support.drawings import draw
from tests.support.made_once import make_once
from tests.support.taught_models import (
    add_taught_model,
    prepare_taught_model,
    write_stopped_training,
    write_taught_model,
)
from training.data.sources import find_checkpoints_folder
from training.judging.record import read_record
from training.registry.kept_models import list_kept_models
from training.registry.model_changes import delete_model, export_model, find_kept_model, plan_deletion, rename_model
from training.registry.stopped_trainings import list_stopped_trainings

PHOTOS = 3


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def library_folder(home: Path, installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos under the built-in model, which is in use, and under a taught one."""

    def make(place: Path) -> None:
        (place / "photos").mkdir()
        for number in range(PHOTOS):
            draw("disc", number).save(place / "photos" / f"{number}.png")
        folder = place / "default.library"
        shutil.copytree(installed_model, folder / "models" / installed_model.name)
        with Library.create(folder) as library:
            drain(index_library(library, [place / "photos"], load_model(installed_model)))
        add_taught_model(folder, installed_model, "Garden")

    shutil.copytree(make_once(tmp_path_factory, "taught-library", make) / "default.library", home / "default.library")
    return home / "default.library"


def test_each_model_is_listed_once_with_what_it_is_to_the_library(library_folder: Path, installed_model: Path) -> None:
    write_taught_model(installed_model, find_checkpoints_folder() / "cars-1", "Cars", install=False)
    write_taught_model(installed_model, find_checkpoints_folder() / "garden", "Garden")  # in the library too
    shutil.copytree(installed_model, find_shared_folder() / installed_model.name)
    write_taught_model(installed_model, find_shared_folder() / "x", "Shared")
    (find_checkpoints_folder() / "damaged").mkdir()
    (find_checkpoints_folder() / "damaged" / CARD_FILE).write_text("{")
    with Library.open(library_folder) as library:
        rows = {row.name: row for row in list_kept_models(library)}
        library.store.models.activate_model(rows["Garden"].fingerprint)
        states = [(row.name, row.state) for row in list_kept_models(library)]
    assert [(row.name, row.state, row.photos) for row in rows.values()] == [
        ("tf_efficientnet_lite0", "active", PHOTOS),
        ("Garden", "kept", PHOTOS),
        ("Cars", "trained", 0),
        ("Shared", "ready", 0),
    ]
    assert states[:2] == [("Garden", "active"), ("tf_efficientnet_lite0", "previous")]
    garden, cars = rows["Garden"], rows["Cars"]
    assert garden.checkpoint == find_checkpoints_folder() / "garden"
    assert garden.verdict == (
        "Of 12 pictures that it had not seen, the nearest was right for 5 before and for 6 now. That is clearly better."
    )
    assert (garden.is_better, cars.is_better) == (True, False)
    assert garden.trained_on == "40 pictures of 2 classes in /photos"
    assert (garden.is_prepared, cars.is_prepared) == (True, False)
    assert rows["tf_efficientnet_lite0"].verdict == ""


def test_a_name_reaches_library_card_and_record(library_folder: Path, installed_model: Path) -> None:
    write_taught_model(installed_model, find_checkpoints_folder() / "garden", "Garden")
    with Library.open(library_folder) as library:
        garden = find_kept_model("Garden", library)
        rename_model(garden, "  Flowers ", library)
        assert find_kept_model(garden.fingerprint[:12], library).name == "Flowers"
        assert library.store.models.find_model(garden.fingerprint) == KnownModel(2, "Flowers", garden.dim)
        with pytest.raises(LookalikeError, match="a word or a few"):
            rename_model(garden, "\n", library)
    assert read_card(garden.folder).name == read_record(find_checkpoints_folder() / "garden").name == "Flowers"
    assert read_card(garden.folder).fingerprint == garden.fingerprint


def test_an_exported_model_is_a_checkpoint_that_a_library_can_use(library_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "taken along"
    with Library.open(library_folder) as library:
        garden = find_kept_model("Garden", library)
        export_model(garden, out)
        with pytest.raises(LookalikeError, match="holds something already"):
            export_model(garden, out)
    assert read_card(out).fingerprint == garden.fingerprint
    assert (out / WEIGHTS_FILE).read_bytes() == (garden.folder / WEIGHTS_FILE).read_bytes()
    assert read_record(out).name == "Garden"


def test_deleting_says_first_what_goes_and_takes_that_alone(library_folder: Path, installed_model: Path) -> None:
    checkpoint = find_checkpoints_folder() / "garden"
    write_taught_model(installed_model, checkpoint, "Garden")
    (checkpoint / "mine.txt").write_text("a note of the user's")
    with Library.open(library_folder) as library:
        garden, active = find_kept_model("Garden", library), library.model_fingerprint
        library.store.models.set_setting("previous_model", garden.fingerprint)
        said = plan_deletion(garden, library).describe_losses()
        assert f"the embeddings of {PHOTOS} photos under it" in said
        assert str(garden.folder) in said and str(checkpoint) in said
        with pytest.raises(LookalikeError, match="Use another model first"):
            delete_model(find_kept_model(active, library), library)
        assert len(list_kept_models(library)) == 2
        delete_model(garden, library)
        assert [row.fingerprint for row in list_kept_models(library)] == [active]
        assert library.store.models.read_setting("previous_model") is None
        assert library.store.embeddings.count_embeddings(library.model_id) == PHOTOS
    assert not garden.folder.exists()
    assert [path.name for path in checkpoint.iterdir()] == ["mine.txt"]


def test_the_library_keeps_the_record_of_a_model_that_it_takes(
    library_folder: Path, installed_model: Path, tmp_path: Path
) -> None:
    """So that it can be told when the checkpoint has gone; what is ready on this computer is not made again."""
    write_taught_model(installed_model, tmp_path / "usb", "Birds")
    prepare_taught_model(installed_model, find_shared_folder(), "Birds")
    with Library.open(library_folder) as library:
        card = drain(install_model(ModelChoice(checkpoint=tmp_path / "usb"), library.models_folder))
        library.store.models.add_model(card.fingerprint, card.name, card.dim)
        shutil.rmtree(tmp_path / "usb")
        assert find_kept_model("Birds", library).verdict.endswith("That is clearly better.")
    assert list_library_contents(library_folder).foreign_files == []


def test_stopped_trainings_are_listed_with_the_command_that_goes_on(home: Path, tmp_path: Path) -> None:
    write_stopped_training(find_checkpoints_folder() / "a-1", [str(tmp_path), "--groups=/g.csv"])
    write_stopped_training(find_checkpoints_folder() / "b-1", None, epoch=0)
    write_stopped_training(find_checkpoints_folder() / "c-1", [str(tmp_path), "--out=/etc"])
    (find_checkpoints_folder() / "d-1").mkdir()
    (find_checkpoints_folder() / "d-1" / "unfinished.safetensors").write_bytes(b"\xff" * 40)
    found = {row.folder.name: row for row in list_stopped_trainings()}
    out = ["--out", str(find_checkpoints_folder() / "a-1"), "--resume"]
    assert found["a-1"].resume_arguments == ["train", str(tmp_path), "--groups=/g.csv", *out]
    assert (found["a-1"].epoch, found["a-1"].epochs, found["a-1"].recipe) == (2, 6, "quick")
    assert found["b-1"].resume_arguments == found["c-1"].resume_arguments == []  # of before, and of a stranger
    assert set(found) == {"a-1", "b-1", "c-1"}


def test_the_command_line_tells_renames_exports_and_deletes(
    library_folder: Path, home: Path, tmp_path: Path, tell: Tell
) -> None:
    write_stopped_training(home / "checkpoints" / "a-1", [str(tmp_path)])
    told = tell(home, "model", "overview", "--json").result()
    assert [row["state"] for row in told["models"]] == ["active", "kept"]
    assert told["stopped"][0]["resume_arguments"][0] == "train"
    assert "in use" in tell(home, "model", "overview").out
    assert tell(home, "model", "rename", "Garden", "Flowers").out == "Garden is called Flowers now.\n"
    assert tell(home, "model", "export", "Flowers", tmp_path / "out", "--json").result()["name"] == "Flowers"
    assert (tmp_path / "out" / TRAINING_RECORD_FILE).is_file()
    refused = tell(home, "model", "delete", "Built-in", "--yes")
    assert refused.code == 2 and "Use another model first" in refused.err
    preview = tell(home, "model", "delete", "Flowers", "--preview", "--json").result()
    assert preview["photos"] == PHOTOS and "3 photos" in preview["losses"]
    assert tell(home, "model", "delete", "Flowers", "--yes").out == "Flowers is deleted.\n"
    assert tell(home, "model", "delete", "Flowers", "--yes").code == 2
    assert list_library_contents(library_folder).foreign_files == []
