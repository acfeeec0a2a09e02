"""A library changes to another model and back: completely, without loss, and only to a model proven better."""

import json
import shutil
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.indexing.roots import require_roots_online
from indexer.indexing.run import index_library
from indexer.indexing.switching import require_verdict, switch_back, switch_model
from indexer.library import Library
from indexer.models.card import read_card
from indexer.models.installation import install_model, parse_model_choice
from indexer.models.model import load_model
from indexer.models.network import create_network, write_checkpoint
from indexer.paths import show_path
from indexer.progress import drain
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.embedders import Tiny
from tests.support.model_files import write_weights
from tests.support.trees import paint_many


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with a good verdict: a small network with weights drawn by lot, for small pictures."""
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    network = create_network("test_resnet", write_weights("test_resnet", folder.parent), size=48)
    card = write_checkpoint(network, folder, name="small", source="test")
    (folder / "training.json").write_text(json.dumps({"verdict": "install", "fingerprint": card.fingerprint}))
    return folder


@pytest.fixture(scope="session")
def carried(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that are ready on this computer: the checkpoint, converted."""
    models = tmp_path_factory.mktemp("carried")
    drain(install_model(parse_model_choice(str(checkpoint)), models))
    return models


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    paint_many(tmp_path / "pictures" / "blocks", 5)
    return tmp_path / "pictures"


@pytest.fixture
def library(
    tmp_path: Path, pictures: Path, installed_model: Path, carried: Path, monkeypatch: pytest.MonkeyPatch
) -> Library:
    """Five labelled photos under the default model, on a computer where the checkpoint is ready."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(carried))
    opened = Library.create(tmp_path / "mine.library")
    shutil.copytree(installed_model, opened.models_folder / installed_model.name)
    drain(index_library(opened, [pictures], load_model(installed_model), labelled=True))
    return opened


@pytest.fixture
def plain(tmp_path: Path, pictures: Path) -> Library:
    """Five photos under a model without a network."""
    opened = Library.create(tmp_path / "plain.library")
    drain(index_library(opened, [pictures], Tiny()))
    return opened


def test_the_library_sees_with_the_checkpoint_and_nothing_else_changes(
    library: Library, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOOKALIKE_MODELS")  # here it is converted
    before = library.model_fingerprint
    labels = [photo.label for photo in library.load_photos(library.find_photo_ids().tolist())]
    used = drain(switch_model(library, checkpoint))
    assert library.model_fingerprint == read_card(checkpoint).fingerprint != before
    assert (used.photos, used.embedded) == (5, 5)
    assert [photo.label for photo in library.load_photos(library.find_photo_ids().tolist())] == labels == ["blocks"] * 5


def test_until_all_is_embedded_searches_go_on_with_the_old_model(library: Library, checkpoint: Path) -> None:
    before, first = library.model_fingerprint, int(library.find_photo_ids()[0])
    steps = switch_model(library, checkpoint)
    for said in steps:
        if said.stage in ("prepare", "scan", "embed"):
            assert library.model_fingerprint == before
            assert len(library.search(Query((first,)), k=5).hits) == 5
        if said.stage == "embed" and said.done:
            break
    steps.close()
    assert library.model_fingerprint == before
    assert drain(switch_model(library, checkpoint)).embedded == 0  # the committed batch is not done again
    assert library.model_fingerprint != before


def test_a_picture_from_outside_is_asked_of_the_new_model(library: Library, checkpoint: Path, tmp_path: Path) -> None:
    drain(switch_model(library, checkpoint))
    outside = paint_many(tmp_path / "outside", 1, first=77)[0]
    hits = library.search(Query((outside,)), k=5).hits
    assert len(hits) == 5
    assert hits[0].distance > 0


def test_going_back_and_forth_computes_nothing(library: Library, checkpoint: Path) -> None:
    old = library.model_fingerprint
    drain(switch_model(library, checkpoint))
    new, last = library.model_fingerprint, library.store.embeddings.find_last_seq(library.model_id)
    assert drain(switch_back(library)).photos == 5
    assert library.model_fingerprint == old
    drain(switch_back(library))
    assert library.model_fingerprint == new
    assert library.store.embeddings.find_last_seq(library.model_id) == last


def test_photos_that_came_under_the_new_model_are_counted_when_going_back(
    library: Library, checkpoint: Path, pictures: Path
) -> None:
    drain(switch_model(library, checkpoint))
    paint_many(pictures / "blocks", 2, first=50)
    drain(index_library(library, [], load_model(library.models_folder / library.model_fingerprint)))
    assert drain(switch_back(library)).waiting == 2


def test_there_is_nothing_to_go_back_to_at_first(plain: Library) -> None:
    with pytest.raises(LookalikeError, match="no other model to go back to"):
        drain(switch_back(plain))


def test_a_model_chosen_by_index_can_be_left_again(library: Library, checkpoint: Path) -> None:
    old = library.model_fingerprint
    card = drain(install_model(parse_model_choice(str(checkpoint)), library.models_folder))
    drain(index_library(library, [], load_model(library.models_folder / card.fingerprint)))
    drain(switch_back(library))
    assert library.model_fingerprint == old


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ({"verdict": "refuse", "why": "It is worse."}, "It is worse. To use it all the same, add --anyway"),
        ({"verdict": "refuse", "why": ["no"]}, "is not better"),
        ({"verdict": "install", "fingerprint": "0" * 64}, "about another model"),
        (None, "Nothing in .* says whether this model is better"),
    ],
)
def test_a_model_not_proven_better_needs_an_express_word(
    checkpoint: Path, tmp_path: Path, story: dict[str, object] | None, said: str
) -> None:
    doubtful = shutil.copytree(checkpoint, tmp_path / "doubtful")
    (doubtful / "training.json").unlink()
    if story is not None:
        whole = {"fingerprint": read_card(checkpoint).fingerprint} | story
        (doubtful / "training.json").write_text(json.dumps(whole))
    with pytest.raises(LookalikeError, match=said):
        require_verdict(doubtful)


def test_a_damaged_checkpoint_is_refused_and_the_library_keeps_its_model(
    plain: Library, checkpoint: Path, tmp_path: Path
) -> None:
    damaged, before = shutil.copytree(checkpoint, tmp_path / "damaged"), plain.model_fingerprint
    data = bytearray((damaged / "model.safetensors").read_bytes())
    data[len(data) // 2] ^= 1
    (damaged / "model.safetensors").write_bytes(data)
    with pytest.raises(LookalikeError, match="is damaged"):
        drain(switch_model(plain, damaged))
    assert plain.model_fingerprint == before


def test_a_photo_folder_that_is_away_is_named_before_anything_is_done(plain: Library, pictures: Path) -> None:
    pictures.rename(pictures.with_name("elsewhere"))
    with pytest.raises(LookalikeError, match=f"{show_path(bytes(pictures))} is offline"):
        require_roots_online(plain)


def test_the_command_uses_a_checkpoint_and_index_stays_with_it(
    library: Library, checkpoint: Path, pictures: Path, tell: Tell, tmp_path: Path
) -> None:
    folder = library.folder
    used = tell(tmp_path, "use", checkpoint, "--library", folder, "--json")
    assert used.code == 0, used.err
    assert used.result() | {"before": "", "before_fingerprint": "", "model": ""} == {
        "result": "use",
        "model": "",
        "fingerprint": read_card(checkpoint).fingerprint,
        "before": "",
        "before_fingerprint": "",
        "photos": 5,
        "embedded": 5,
        "waiting": 0,
        "failed": [],
    }
    paint_many(pictures / "blocks", 1, first=90)
    assert tell(tmp_path, "index", "--library", folder, "--json").result()["embedded"] == 1
    assert library.model_fingerprint == read_card(checkpoint).fingerprint
    back = tell(tmp_path, "use", "--previous", "--library", folder)
    assert back.code == 0, back.err
    assert "1 photos came after" in back.out


@pytest.mark.parametrize("words", [[], ["--previous", "somewhere"], ["nowhere"]])
def test_the_command_refuses_what_it_cannot_do(plain: Library, words: list[str], tell: Tell, tmp_path: Path) -> None:
    said = tell(tmp_path, "use", *words, "--library", plain.folder)
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_index_asks_for_the_same_express_word(plain: Library, checkpoint: Path, tell: Tell, tmp_path: Path) -> None:
    unjudged = shutil.copytree(checkpoint, tmp_path / "unjudged", ignore=shutil.ignore_patterns("training.json"))
    before = plain.model_fingerprint
    said = tell(tmp_path, "index", "--model", unjudged, "--library", plain.folder)
    assert said.code == 2
    assert "add --anyway" in said.err
    assert plain.model_fingerprint == before


def test_index_with_another_model_hides_no_photos_that_are_offline(
    library: Library, checkpoint: Path, pictures: Path, tell: Tell, tmp_path: Path
) -> None:
    paint_many(tmp_path / "more", 2, first=60)
    assert tell(tmp_path, "index", tmp_path / "more", "--library", library.folder).code == 0
    pictures.rename(pictures.with_name("elsewhere"))
    words = ["index", "--model", checkpoint, "--library", library.folder, "--json"]
    said = tell(tmp_path, *words)
    assert (said.code, said.out) == (2, "")
    assert f"{show_path(bytes(pictures))} is offline" in said.err and "--anyway" in said.err
    assert len(library.find_photo_ids()) == 7
    assert tell(tmp_path, *words, "--anyway").result()["photos"] == 2


def test_the_model_to_go_back_to_is_never_the_one_in_use(
    library: Library, checkpoint: Path, tell: Tell, tmp_path: Path
) -> None:
    for _ in range(2):  # the second time it is in use already
        said = tell(tmp_path, "use", checkpoint, "--library", library.folder)
        assert "To go back to Built-in: lookalike use --previous" in said.out
    said = tell(tmp_path, "use", "--previous", "--library", library.folder)
    assert "To go back to small: lookalike use --previous" in said.out
