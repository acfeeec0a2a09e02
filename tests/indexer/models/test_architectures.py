"""Each kind of network in timm: filled from a file, converted in agreement with torch, and asked for pictures."""

from pathlib import Path

import pytest

from indexer.models.agreement import compute_lowest_cosine, prepare_check_pictures
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.models.runtime import read_form
from indexer.progress import drain
from tests.support.architecture_names import ARCHITECTURES, SMALLEST
from tests.support.model_files import write_weights

LEFT_TO_TORCH = {"visformer_tiny"}  # with weights drawn by lot its last map is too sensitive to be compared


@pytest.mark.parametrize("name", [*SMALLEST, *(pytest.param(name, marks=pytest.mark.long) for name in ARCHITECTURES)])
def test_a_network_is_filled_converted_and_sees_as_in_torch(name: str, tmp_path: Path) -> None:
    card = drain(install_model(ModelChoice(name, write_weights(name, tmp_path)), tmp_path / "models"))
    folder = tmp_path / "models" / card.fingerprint
    form = read_form(folder, card)
    batch = prepare_check_pictures(card.preprocessing).batch[:3]
    if name in LEFT_TO_TORCH:
        assert form.why.startswith("converted, it disagrees with torch")
        assert load_model(folder).embed(batch).shape == (3, card.dim)
        return
    assert form.runtime == "openvino", form.why
    converted, truth = (load_model(folder, runtime=runtime) for runtime in ("openvino", "torch"))
    assert compute_lowest_cosine(converted.embed(batch), truth.embed(batch)) > 0.98
    features, true_features = converted.compute_feature_maps(batch), truth.compute_feature_maps(batch)
    assert features.shape == true_features.shape
    assert features.shape[2] == features.shape[3]
    assert compute_lowest_cosine(features.reshape(3, -1), true_features.reshape(3, -1)) > 0.98
