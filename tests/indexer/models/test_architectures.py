"""Each kind of network in timm: filled from a file, converted in agreement with torch, and asked for pictures."""

from pathlib import Path

import pytest

from indexer.models.agreement import compute_lowest_cosine, prepare_check_pictures
from indexer.models.installation import ModelChoice, install_model
from indexer.models.model import load_model
from indexer.models.runtime import read_form
from indexer.progress import drain
from tests.support.model_files import write_weights

LEFT_TO_TORCH = {"visformer_tiny"}  # with weights drawn by lot its last map is too sensitive to be compared
SMALLEST = ["test_resnet", "test_vit"]
# One of each kind that has a small network.
ARCHITECTURES = [
    "cait_xxs24_224",
    "coat_lite_tiny",
    "coatnet_pico_rw_224",
    "convnext_atto",
    "cspresnet50",
    "crossvit_tiny_240",
    "davit_tiny",
    "deit_tiny_patch16_224",
    "densenet121",
    "dla34",
    "dpn48b",
    "edgenext_xx_small",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "efficientnet_b0",
    "eva02_tiny_patch14_224",
    "fastvit_t8",
    "focalnet_tiny_srf",
    "ghostnet_100",
    "hgnet_tiny",
    "hiera_tiny_224",
    "hrnet_w18_small",
    "inception_next_atto",
    "levit_128s",
    "mambaout_femto",
    "maxvit_rmlp_pico_rw_256",
    "mixer_s32_224",
    "mnasnet_small",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small",
    "mvitv2_tiny",
    "pit_ti_224",
    "poolformer_s12",
    "pvt_v2_b0",
    "regnetx_002",
    "regnety_002",
    "repvgg_a0",
    "repvit_m0_9",
    "resmlp_12_224",
    "resnet18",
    "starnet_s1",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "tiny_vit_5m_224",
    "visformer_tiny",
    "vit_tiny_patch16_224",
    "volo_d1_224",
    "xcit_nano_12_p16_224",
]


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
