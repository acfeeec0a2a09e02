"""Models are installed whole or not at all, found by name or folder, and told apart by their fingerprint."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import ModelError
from indexer.models.agreement import compute_lowest_cosine
from indexer.models.card import CARD_FILE, Head, read_seen_hashes, serialise_card
from indexer.models.installation import (
    ModelChoice,
    find_installed_card,
    install_model,
    parse_model_choice,
)
from indexer.models.model import load_model
from indexer.models.network import create_network, make_runner, write_checkpoint
from indexer.progress import drain
from tests.support.model_files import write_weights


def trace_sockets(code: str, folder: Path) -> list[str]:
    """Run code in a process of its own and list the network sockets that it or a child opened."""
    trace = folder / "trace"
    strace = ["strace", "-f", "--seccomp-bpf", "-e", "trace=socket", "-o", str(trace)]
    subprocess.run([*strace, sys.executable, "-c", code, str(folder)], check=True)
    return re.findall("AF_INET6?", trace.read_text())


def read_mtimes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.long  # promises/test_promises.py watches the first run of the command
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_installing_and_running_a_model_opens_no_network_socket(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np; from indexer.models.model import load_model\n"
        "from indexer.models.installation import *; from indexer.progress import drain; here = Path(sys.argv[1])\n"
        "choice = ModelChoice('test_resnet', here / 'test_resnet.safetensors')\n"
        "installed = drain(install_model(choice, here / 'models'))\n"
        "model = load_model(here / 'models' / installed.fingerprint, runtime='openvino')\n"
        "model.embed(np.zeros((1, 160, 160, 3), np.uint8))\n"
    )
    control = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()"
    write_weights("test_resnet", tmp_path)
    assert trace_sockets(code, tmp_path) == []
    assert trace_sockets(control, tmp_path) == ["AF_INET"]


def test_installed_again_nothing_is_touched(installed_model: Path) -> None:
    before = read_mtimes(installed_model)
    assert drain(install_model(ModelChoice(), installed_model.parent)).fingerprint == installed_model.name
    assert read_mtimes(installed_model) == before


def test_installation_cut_short_leaves_nothing(tmp_path: Path) -> None:
    steps = install_model(ModelChoice("test_resnet", write_weights("test_resnet", tmp_path)), tmp_path / "models")
    while next(steps).done < 2:
        pass
    steps.close()
    assert list((tmp_path / "models").iterdir()) == []


def test_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=CARD_FILE):
        load_model(tmp_path / ("0" * 64))


def test_model_list_finds_only_the_choice(installed_model: Path, tmp_path: Path) -> None:
    card = find_installed_card(ModelChoice(), installed_model.parent)
    assert card is not None
    assert card.fingerprint == installed_model.name
    assert find_installed_card(ModelChoice("resnet18"), installed_model.parent) is None
    assert find_installed_card(ModelChoice(), tmp_path) is None


def test_model_option_means_a_name_or_a_checkpoint_folder(tmp_path: Path) -> None:
    assert parse_model_choice(None) == ModelChoice()
    assert parse_model_choice("resnet18", tmp_path / "w") == ModelChoice("resnet18", tmp_path / "w")
    with pytest.raises(ModelError, match=f"is no model: the folder of one holds {CARD_FILE}"):
        parse_model_choice(str(tmp_path))
    (tmp_path / CARD_FILE).touch()
    assert parse_model_choice(str(tmp_path)) == ModelChoice(checkpoint=tmp_path)
    with pytest.raises(ModelError, match="leave --weights out"):
        parse_model_choice(str(tmp_path), tmp_path / "w")


def test_trained_checkpoint_is_installed_and_runs(tmp_path: Path) -> None:
    network = create_network("test_vit", write_weights("test_vit", tmp_path), size=64, head=Head(12))
    hashes = np.arange(96, dtype=np.uint8).reshape(3, 32)
    card = write_checkpoint(network, tmp_path / "best", name="birds", source="trained here", seen_hashes=hashes)
    assert drain(install_model(parse_model_choice(str(tmp_path / "best")), tmp_path / "models")) == card
    folder = tmp_path / "models" / card.fingerprint
    model = load_model(folder, runtime="openvino")
    batch = np.random.default_rng(7).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    truth = make_runner(network, "cpu").embed(np.ascontiguousarray(batch))
    assert model.card.name == "birds"
    assert compute_lowest_cosine(model.embed(batch), truth) > 0.999
    assert np.array_equal(read_seen_hashes(folder), hashes)


def test_pretrained_model_has_seen_none_of_the_pictures(installed_model: Path) -> None:
    assert read_seen_hashes(installed_model).shape == (0, 32)


def test_checkpoint_for_an_older_decoding_is_installed_for_this_one(tmp_path: Path) -> None:
    network = create_network("test_resnet", write_weights("test_resnet", tmp_path), size=64)
    card = write_checkpoint(network, tmp_path / "old", name="old", source="trained before")
    (tmp_path / "old" / CARD_FILE).write_bytes(serialise_card(replace(card, decode_version=card.decode_version + 1)))
    assert drain(install_model(parse_model_choice(str(tmp_path / "old")), tmp_path / "models")) == card
