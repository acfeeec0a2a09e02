"""Installed models run without torch and network, agree with torch, and are refused or repaired when damaged."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from indexer.errors import ModelError
from indexer.models import agreement
from indexer.models.agreement import RuntimeDisagreement, check_agreement, compute_lowest_cosine, prepare_check_pictures
from indexer.models.card import WEIGHTS_FILE, read_card
from indexer.models.installation import (
    ModelChoice,
    install_model,
    verify_model,
)
from indexer.models.model import load_model, normalise_embeddings
from indexer.models.network import load_network, make_runner
from indexer.models.runtime import (
    BIN_FILE,
    RUNTIME_FILE,
    SIGNATURE_FILE,
    XML_FILE,
    ModelRunner,
    NotConverted,
    RuntimeForm,
    convert_network,
    fast_precision,
    open_form,
    read_form,
    write_form,
)
from indexer.photos.reading import content_hash
from indexer.photos.samples import find_sample_folder
from indexer.progress import drain
from tests.support.embedders import Tiny, tiny_card
from tests.support.model_files import flip_bit, write_weights

PICTURES = np.random.default_rng(7).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)


@pytest.fixture
def own_model(installed_model: Path, tmp_path: Path) -> Path:
    """A copy of the installed default model that a test may damage."""
    return Path(shutil.copytree(installed_model, tmp_path / "models" / installed_model.name))


def test_embeddings_are_unit_length_float32_rows(installed_model: Path) -> None:
    embeddings = load_model(installed_model, runtime="openvino").embed(PICTURES)
    assert embeddings.shape == (5, 1280)
    assert embeddings.dtype == np.float32
    assert embeddings.flags.c_contiguous
    assert np.allclose(np.linalg.norm(embeddings.astype(np.float64), axis=1), 1, atol=1e-5)


def test_any_number_of_pictures_gives_the_rows_of_each_alone(installed_model: Path) -> None:
    model = load_model(installed_model, runtime="openvino")
    many = np.concatenate([PICTURES] * 8)[:37]
    together = model.embed(many)
    alone = np.concatenate([model.embed(picture[None]) for picture in PICTURES])
    assert model.embed(PICTURES[:0]).shape == (0, 1280)
    assert compute_lowest_cosine(together, np.concatenate([alone] * 8)[:37]) > 0.999


def test_same_pictures_give_the_same_bits(installed_model: Path) -> None:
    first, second = (
        load_model(installed_model, runtime="openvino"),
        load_model(installed_model, runtime="openvino", callers=2),
    )
    assert np.array_equal(first.embed(PICTURES), first.embed(PICTURES))
    assert np.allclose(first.embed(PICTURES), second.embed(PICTURES), atol=0.02)


def test_converted_model_agrees_with_torch_in_each_precision(installed_model: Path) -> None:
    card = read_card(installed_model)
    form = read_form(installed_model, card)
    batch = prepare_check_pictures(card.preprocessing).batch
    truth = load_model(installed_model, runtime="torch")
    exact, fast = (open_form(installed_model, form, precision=precision) for precision in ("fp32", "bf16"))
    assert exact.precision == "fp32"
    assert compute_lowest_cosine(truth.embed(batch), exact.embed(batch)) > 0.99999
    assert compute_lowest_cosine(truth.embed(batch), fast.embed(batch)) > 0.98
    np.testing.assert_allclose(truth.compute_feature_maps(batch), exact.features(batch), atol=1e-3)


def test_check_tells_one_model_from_another(installed_model: Path) -> None:
    card = read_card(installed_model)
    network = load_network(installed_model)
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)
    with pytest.raises(RuntimeDisagreement, match="disagrees"):
        check_agreement(
            read_form(installed_model, card), installed_model, make_runner(network, "cpu"), card.preprocessing
        )


@pytest.mark.usefixtures("thorough_installation")
def test_noise_is_measured_on_pictures_that_the_model_was_not_trained_on() -> None:
    classes = sorted(folder for folder in find_sample_folder().iterdir() if folder.is_dir())
    learnt = [content_hash(path.read_bytes()) for path in classes[0].iterdir()]
    tiny, prepared = ModelRunner(Tiny().embed, Tiny().embed, "fp32"), tiny_card().preprocessing
    all_measured = agreement._measure_retrieval(tiny, tiny, prepared, frozenset())
    unseen_measured = agreement._measure_retrieval(tiny, tiny, prepared, frozenset(learnt))
    assert all_measured is not None
    assert unseen_measured is not None
    assert (all_measured.seen, unseen_measured.seen) == (0, len(learnt))
    assert unseen_measured.pictures == all_measured.pictures - len(learnt)
    assert unseen_measured.fp32 != all_measured.fp32
    all_hashes = [content_hash(path.read_bytes()) for folder in classes for path in folder.iterdir()]
    assert agreement._measure_retrieval(tiny, tiny, prepared, frozenset(all_hashes)) is None


@pytest.mark.usefixtures("thorough_installation")
@pytest.mark.skipif(fast_precision() == "fp32", reason="nothing is faster here than fp32")
def test_noise_of_a_checkpoint_leaves_out_what_its_weights_name(installed_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(installed_model, tmp_path / "model"))
    all_hashes = b"".join(content_hash(path.read_bytes()) for path in find_sample_folder().glob("*/*"))
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"seen": np.frombuffer(all_hashes, np.uint8).reshape(-1, 32)}, folder / "model.safetensors")
    card = read_card(folder)
    network = make_runner(load_network(installed_model), "cpu")
    measured = check_agreement(read_form(folder, card), folder, network, card.preprocessing).agreement
    assert measured is not None
    assert (measured.bf16 is not None, measured.found) == (True, None)


def test_embedding_is_the_mean_of_the_feature_map(installed_model: Path) -> None:
    model = load_model(installed_model, runtime="openvino")
    features = model.compute_feature_maps(PICTURES)
    assert features.shape == (5, 1280, 7, 7)
    assert compute_lowest_cosine(features.mean(axis=(2, 3)), model.embed(PICTURES)) > 0.999


def test_embeddings_that_are_not_finite_become_nan_rows() -> None:
    rows = normalise_embeddings(np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1]], np.float32))
    assert np.allclose(rows[0], [0.6, 0.8])
    assert np.isnan(rows[1:]).all()


@pytest.mark.parametrize("batch", [PICTURES.astype(np.float32), PICTURES[:, :100], PICTURES[0]])
def test_batch_of_another_form_is_a_bug_of_the_caller(installed_model: Path, batch: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        load_model(installed_model, runtime="openvino").embed(batch)


def test_converted_model_runs_without_torch_and_timm(installed_model: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np; from indexer.models.model import load_model\n"
        "from indexer.models.installation import *; folder = Path(sys.argv[1])\n"
        "model = load_model(folder, runtime='openvino'); model.embed(np.zeros((2, 224, 224, 3), np.uint8))\n"
        "verify_model(folder); assert find_installed_card(ModelChoice(), folder.parent) == model.card\n"
        "for step in install_model(ModelChoice(), folder.parent): pass\n"
        "print([name for name in ('torch', 'timm', 'torchvision', 'openvino_telemetry') if sys.modules.get(name)])\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(installed_model)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("name", [XML_FILE, BIN_FILE])
def test_damaged_converted_form_is_refused(own_model: Path, name: str) -> None:
    flip_bit(own_model / name)
    with pytest.raises(NotConverted, match="damaged"):
        load_model(own_model, runtime="openvino")
    (own_model / name).unlink()
    with pytest.raises(NotConverted, match="No such file"):
        load_model(own_model, runtime="openvino")


def test_damaged_model_is_repaired_by_installing_again(tmp_path: Path) -> None:
    choice, models = ModelChoice("test_resnet", write_weights("test_resnet", tmp_path)), tmp_path / "models"
    folder = models / drain(install_model(choice, models)).fingerprint
    batch = np.ascontiguousarray(PICTURES[:, :160, :160])
    truth = load_model(folder, runtime="openvino").embed(batch)
    flip_bit(folder / BIN_FILE)
    flip_bit(folder / WEIGHTS_FILE)
    with pytest.raises(ModelError, match="damaged"):
        verify_model(folder)
    with pytest.raises(ModelError, match="damaged"):
        load_model(folder, runtime="torch")
    drain(install_model(choice, models))
    assert verify_model(folder).fingerprint == folder.name
    assert np.array_equal(load_model(folder, runtime="openvino").embed(batch), truth)
    assert [path.name for path in models.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"fingerprint": 1, "runtime": "openvino", "why": ""}',
        '{"fingerprint": "x", "runtime": "openvino", "why": "", "files": {"../../secret": "x"}}',
        '{"fingerprint": "x", "runtime": "openvino", "why": "", "files": [], "agreement": 3}',
        '{"fingerprint": "x", "runtime": "pickle", "why": ""}',
        '{"fingerprint": "x", "runtime": "torch", "why": "", "precision": ["fp32"]}',
        '{"fingerprint": "x", "runtime": "torch", "why": "of another model"}',
    ],
)
def test_hostile_runtime_description_is_refused(own_model: Path, text: str) -> None:
    (own_model / RUNTIME_FILE).write_text(text)
    with pytest.raises(NotConverted, match=RUNTIME_FILE):
        load_model(own_model)


def test_converted_file_that_is_no_network_is_refused_even_with_the_right_hash(own_model: Path) -> None:
    card = read_card(own_model)
    form = read_form(own_model, card)
    (own_model / XML_FILE).write_bytes(b"<net>")
    digest = hashlib.sha256(b"<net>").hexdigest()
    write_form(replace(form, files=form.files | {XML_FILE: digest}), own_model)
    with pytest.raises(NotConverted, match="refuses"):
        load_model(own_model, runtime="openvino")


def test_the_network_kept_from_the_last_load_answers_for_the_same_files_only(
    installed_model: Path, own_model: Path
) -> None:
    truth = load_model(installed_model, runtime="openvino").embed(PICTURES)
    assert np.array_equal(load_model(own_model, runtime="openvino").embed(PICTURES), truth)
    weights = np.frombuffer((own_model / BIN_FILE).read_bytes(), np.float32).copy()
    weights[len(weights) // 2 :][:10_000] *= -1
    (own_model / BIN_FILE).write_bytes(weights.tobytes())
    with pytest.raises(NotConverted, match="damaged"):
        load_model(own_model, runtime="openvino")
    form = read_form(own_model, read_card(own_model))
    digest = hashlib.sha256(weights.tobytes()).hexdigest()
    write_form(replace(form, files=form.files | {BIN_FILE: digest}), own_model)
    assert not np.array_equal(load_model(own_model, runtime="openvino").embed(PICTURES), truth)
    assert np.array_equal(load_model(installed_model, runtime="openvino").embed(PICTURES), truth)


def test_model_that_could_not_be_converted_runs_on_torch_and_says_why(own_model: Path) -> None:
    truth = load_model(own_model, runtime="torch").embed(PICTURES)
    card = read_card(own_model)
    write_form(RuntimeForm(card.fingerprint, "torch", "it is odd"), own_model)
    model = load_model(own_model)
    assert model.runtime == "torch"
    assert compute_lowest_cosine(model.embed(PICTURES), truth) > 0.9999
    with pytest.raises(ModelError, match="it is odd"):
        load_model(own_model, runtime="openvino")


def test_network_that_openvino_cannot_express_is_refused_with_a_sentence(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, batch: torch.Tensor) -> Any:
            return torch.linalg.eigvals(batch[:, :, :, 0].float()).real, batch

    with pytest.raises(ModelError, match="cannot express"):
        convert_network(Odd().eval(), torch.zeros(2, 8, 8, 3, dtype=torch.uint8), tmp_path)


def test_unknown_runtime_is_refused(installed_model: Path) -> None:
    with pytest.raises(ModelError, match="auto, openvino or torch"):
        load_model(installed_model, runtime="abacus")


# from elsewhere


def test_form_of_another_computer_is_never_run_but_torch_answers(own_model: Path) -> None:
    batch = np.ascontiguousarray(PICTURES[:2])
    truth = load_model(own_model, runtime="torch").embed(batch)
    (own_model / SIGNATURE_FILE).write_text("0" * 64)
    for runtime in ("openvino", "auto"):
        with pytest.raises(NotConverted, match="on another computer"):
            load_model(own_model, runtime=runtime)
    model = load_model(own_model, runtime="query")
    assert (model.runtime, model.notice.count(". ")) == ("torch", 0)
    assert "was prepared on another computer: torch is used" in model.notice
    assert np.array_equal(model.embed(batch), truth)
    with pytest.raises(NotConverted, match="on another computer"):
        verify_model(own_model)


def test_form_signed_here_is_not_believed_after_a_change(own_model: Path) -> None:
    (own_model / RUNTIME_FILE).write_text((own_model / RUNTIME_FILE).read_text() + " ")
    with pytest.raises(NotConverted, match="on another computer"):
        load_model(own_model)


def test_model_moved_on_this_computer_runs_as_before(own_model: Path, tmp_path: Path) -> None:
    moved = shutil.move(own_model, tmp_path / "elsewhere" / own_model.name)
    assert load_model(Path(moved), runtime="query").runtime == "openvino"


def test_damaged_form_falls_back_to_torch_for_a_query(own_model: Path) -> None:
    flip_bit(own_model / BIN_FILE)
    model = load_model(own_model, runtime="query")
    assert model.runtime == "torch"
    assert "damaged: torch is used" in model.notice


def test_small_file_that_names_a_huge_network_is_refused_before_it_is_built(own_model: Path) -> None:
    words = [sys.executable, "-c", NAME_HUGE_NETWORK, str(own_model)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "do not fit the network" in done.stdout


NAME_HUGE_NETWORK = """
import sys
from dataclasses import replace
from pathlib import Path
from indexer.errors import ModelError
from indexer.models.card import read_card, serialise_card
from indexer.models.network import load_network
folder = Path(sys.argv[1])
card = replace(read_card(folder), backbone="eva_giant_patch14_224")  # a billion weights: 4 GB
checkpoint = folder.parent / "checkpoint"
checkpoint.mkdir()
(checkpoint / "model.json").write_bytes(serialise_card(card))
(checkpoint / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
try:
    load_network(checkpoint)
except ModelError as error:
    print(error)
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])  # KiB of this program alone
assert peak < 1_500_000, "it was built"
"""
