"""A model is prepared once on a computer: the next library copies it, without torch, and never a damaged one."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.models.agreement import check_fast_precision
from indexer.models.card import WEIGHTS_FILE, read_card
from indexer.models.installation import ModelChoice, find_prepared_model, install_model, verify_model
from indexer.models.model import load_model
from indexer.models.prepared import find_shared_folder
from indexer.models.runtime import BIN_FILE, fast_precision, find_carried_folder, read_form
from indexer.progress import Progress, drain
from tests.support.model_files import flip_bit, write_weights


def steps_of(choice: ModelChoice, folder: Path) -> list[str]:
    """What is said while the model is installed."""
    return [step.note for step in install_model(choice, folder) if isinstance(step, Progress)]


@pytest.fixture
def shared_model(installed_model: Path) -> Path:
    """The default model, ready in the home folder of this test."""
    return Path(shutil.copytree(installed_model, find_shared_folder() / installed_model.name))


def test_the_second_library_copies_what_the_first_one_prepared(tmp_path: Path) -> None:
    choice = ModelChoice("test_resnet", write_weights("test_resnet", tmp_path))
    first, second = tmp_path / "first", tmp_path / "second"
    assert any(note.startswith("Converting") for note in steps_of(choice, first))
    assert [note for note in steps_of(choice, second) if "test_resnet" not in note] == [
        "Looking for the model",
        "Copying the model that is ready on this computer",
    ]
    (folder,) = second.iterdir()
    assert verify_model(folder) == read_card(first / folder.name)
    for path in folder.iterdir():
        assert path.read_bytes() == (first / folder.name / path.name).read_bytes(), path.name


@pytest.mark.long
@pytest.mark.parametrize("name", [WEIGHTS_FILE, BIN_FILE])
def test_a_damaged_one_is_not_copied(tmp_path: Path, name: str) -> None:
    choice = ModelChoice("test_resnet", write_weights("test_resnet", tmp_path))
    fingerprint = drain(install_model(choice, tmp_path / "first")).fingerprint
    flip_bit(find_shared_folder() / fingerprint / name)
    assert find_prepared_model(fingerprint) is None
    assert any(note.startswith("Converting") for note in steps_of(choice, tmp_path / "second"))
    assert verify_model(tmp_path / "second" / fingerprint).fingerprint == fingerprint


@pytest.mark.long
def test_one_of_another_decoding_is_not_taken_for_todays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = ModelChoice("test_resnet", write_weights("test_resnet", tmp_path))
    drain(install_model(choice, tmp_path / "first"))
    monkeypatch.setattr("indexer.models.installation.DECODE_VERSION", 10**6)
    assert any(note.startswith("Converting") for note in steps_of(choice, tmp_path / "second"))


def test_what_came_with_the_program_is_copied_and_not_shared_again(
    installed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_MODELS", str(installed_model.parent))
    assert find_carried_folder() == installed_model.parent
    assert drain(install_model(ModelChoice(), tmp_path)).fingerprint == installed_model.name
    assert not find_shared_folder().exists()


def test_a_home_that_cannot_be_written_costs_nothing_but_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "file"))
    choice = ModelChoice("test_resnet", write_weights("test_resnet", tmp_path))
    assert drain(install_model(choice, tmp_path / "models")).backbone == "test_resnet"


def test_a_form_that_was_never_judged_in_bf16_is_judged_here(shared_model: Path) -> None:
    card, form = read_card(shared_model), read_form(shared_model, read_card(shared_model))
    assert form.agreement is not None
    elsewhere = replace(form, precision="fp32", agreement=replace(form.agreement, bf16=None, found=None))
    here = check_fast_precision(elsewhere, shared_model, card.preprocessing)
    assert here.precision == form.precision
    if fast_precision() == "fp32":
        assert here == elsewhere
    else:
        assert here.agreement is not None
        assert here.agreement.bf16 == pytest.approx(form.agreement.bf16, abs=1e-3)
    assert check_fast_precision(form, shared_model, card.preprocessing) == form


def test_the_copy_gives_the_same_embeddings(shared_model: Path, tmp_path: Path) -> None:
    drain(install_model(ModelChoice(), tmp_path))
    batch = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    copied, original = (load_model(path, runtime="openvino") for path in (tmp_path / shared_model.name, shared_model))
    assert np.array_equal(copied.embed(batch), original.embed(batch))
