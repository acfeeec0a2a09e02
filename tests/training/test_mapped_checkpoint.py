"""A map of a model's embeddings becomes its head, is installed and runs, all without torch, as with it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import ModelError
from indexer.models.agreement import compute_lowest_cosine
from indexer.models.card import WEIGHTS_FILE, ModelCard, read_card, read_seen_hashes
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.models.network import load_network, make_runner
from indexer.models.prepared import derive_form
from indexer.models.runtime import open_form, write_form
from indexer.progress import drain
from indexer.vectors.class_metric import ClassMetric, MetricSetting, fit_class_metric
from tests.support.commands import ROOT
from tests.support.model_files import write_weights
from training.mapped_checkpoint import MappedNetwork

SEEN = np.arange(64, dtype=np.uint8).reshape(2, 32)
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from pathlib import Path
import training.training_run
from indexer.models.model import has_torch, load_model
model = load_model(Path(sys.argv[1]))
print(has_torch(), model.runtime, [name for name in ("torch", "timm", "scipy") if sys.modules.get(name)])
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model without a head, installed."""
    folder = tmp_path_factory.mktemp("base")
    choice = ModelChoice("test_resnet", write_weights("test_resnet", folder), size=64)
    return folder / "models" / drain(install_model(choice, folder / "models")).fingerprint


def draw_batch(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)


def fit_metric(base: Path) -> ClassMetric:
    vectors = load_model(base, runtime="openvino").embed(draw_batch(1))
    return fit_class_metric(vectors, np.repeat(np.arange(6), 4), MetricSetting(0.3, 3.0))


def write_mapped(base: Path, metric: ClassMetric, folder: Path) -> ModelCard:
    network = MappedNetwork(base, read_card(base), metric)
    return network.write_files(folder, name="mapped", source="here", seen_hashes=SEEN)


def test_the_head_is_the_map(base: Path, tmp_path: Path) -> None:
    metric = fit_metric(base)
    card = write_mapped(base, metric, tmp_path / "out")
    batch = draw_batch(2)
    before = make_runner(load_network(base), "cpu").embed(batch)
    after = make_runner(load_network(tmp_path / "out"), "cpu").embed(batch)
    assert compute_lowest_cosine(after, metric.transform(before)) > 0.999999
    assert compute_lowest_cosine(after, before) < 0.99  # it is another model
    assert card == read_card(tmp_path / "out")
    assert np.array_equal(read_seen_hashes(tmp_path / "out"), SEEN)


def test_its_form_is_made_of_the_one_below(base: Path, tmp_path: Path) -> None:
    folder = base.parent / "mapped"
    card = write_mapped(base, fit_metric(base), folder)
    form = derive_form(card, folder)
    assert form is not None
    assert form.agreement is not None
    assert form.agreement.fp32 > 0.99999
    write_form(form, folder)
    batch = draw_batch(3)
    truth = make_runner(load_network(folder), "cpu").embed(batch)
    assert compute_lowest_cosine(open_form(folder, form, precision="fp32").embed(batch), truth) > 0.99999
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == "False openvino []\n"


def test_no_form_is_made_of_another_model(base: Path, tmp_path: Path) -> None:
    other = ModelChoice("test_resnet", write_weights("test_resnet", tmp_path), size=48)
    drain(install_model(other, tmp_path / "models"))
    card = write_mapped(base, fit_metric(base), tmp_path / "models" / "mapped")
    assert derive_form(card, tmp_path / "models" / "mapped") is None


def test_a_damaged_model_gets_no_head(base: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in base.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    data = bytearray((damaged / WEIGHTS_FILE).read_bytes())
    data[-9] ^= 1
    (damaged / WEIGHTS_FILE).write_bytes(data)
    with pytest.raises(ModelError, match="is damaged"):
        write_mapped(damaged, fit_metric(base), tmp_path / "out")
    assert not (tmp_path / "out").exists()
