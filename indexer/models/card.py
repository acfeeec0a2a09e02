"""What a model is, as data: the fields of `model.json`, their fingerprint, and how a picture becomes its input.

No torch and no OpenVINO here: every search reads a card. It comes from disk, maybe from a stranger, so every field is
checked before it is used. The card says nothing of how a model runs: that is `runtime.json`, in `runtime`. `model`
loads the model of a card, `installation` and `network` write cards.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
from PIL import Image

from indexer.errors import ModelError
from indexer.models.framing import FRAMINGS, SquareBox, cut_square
from indexer.paths import show_path
from indexer.photos.decoding import DECODE_VERSION
from indexer.trust.regular_file import UnusableFile, copy_regular_file, hash_regular_file, read_regular_file
from indexer.wording import BUILT_IN_NETWORK

DEFAULT_BACKBONE = BUILT_IN_NETWORK
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
TEXT_FOLDER = "text"  # of a model whose pictures can be asked for in words: the other half of its pair
TEXT_CARD_FILE = "text.json"
TEXT_WEIGHTS_FILE = "text.safetensors"
TEXT_FILE_LIMIT = 64 << 20  # bytes; the largest table of tokens in use has 34 MB
TRAINING_RECORD_FILE = "training.json"  # beside a checkpoint: the training and its verdict on pictures it never saw
REPORT_DATA_FILE = "insight.json"  # beside it: what a report shows of the pictures it was judged on
SEEN_HASHES_TENSOR = "seen"  # reserved name in the weights file: the hashes that `read_seen_hashes` reads
CARD_LIMIT = 1 << 20  # bytes; a card has about 1,000
WEIGHTS_LIMIT = 8 << 30  # bytes; timm's largest network has 6.5 GB
HEAD_KINDS = ("linear", "unit-linear")
RESAMPLING_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}
ChannelValues = tuple[float, float, float]
OLDEST_FRAMING = "centre"  # what a card means that says nothing of framing


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes an input of `size` x `size` pixels.

    `crop` is the share of the short side that is used, `mean` and `std` are those of pixels from 0 to 1. `framing` is a
    key of FRAMINGS: whether the model sees the centre square of a picture or all of it.
    """

    size: int
    crop: float
    interpolation: str
    mean: ChannelValues
    std: ChannelValues
    framing: str = OLDEST_FRAMING

    @property
    def short_side(self) -> int:
        """The short side in pixels that a decoder must deliver at least."""
        return math.ceil(self.size / self.crop)

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The model's square as uint8 (size, size, 3), resampled once: the same of full and of reduced decodes."""
        picture = image if image.mode == "RGB" else image.convert("RGB")
        square = self.locate_square(*picture.size)
        return cut_square(picture, square, self.size, RESAMPLING_FILTERS[self.interpolation])

    def locate_square(self, width: int, height: int) -> SquareBox:
        """Where the model's square lies in a picture of `width` x `height` pixels, in its pixels."""
        return FRAMINGS[self.framing](width, height, self.size, self.crop)

    def show_whole_picture(self) -> "Preprocessing":
        """The same preprocessing, but of the whole picture, with a border where that is not square."""
        return replace(self, crop=1.0, framing="letterbox")


@dataclass(frozen=True, slots=True)
class Head:
    """The projection after the backbone: a linear layer with bias, to `dim` numbers.

    Kind "linear" takes the pooled backbone output as it is, "unit-linear" takes it scaled to unit length: then the head
    is a map of the backbone's own embeddings.
    """

    dim: int
    kind: str = "linear"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What one model is: `backbone` is timm's name, `head` None where the embedding is the pooled backbone output."""

    name: str
    backbone: str
    dim: int
    preprocessing: Preprocessing
    head: Head | None
    weights_sha256: str
    source: str
    decode_version: int = DECODE_VERSION

    @property
    def fingerprint(self) -> str:
        """Hash (64 hex digits) of all that decides the embedding; name, source, runtime and precision do not."""
        parts = {key: value for key, value in _list_fields(self).items() if key not in ("name", "source")}
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def serialise_card(
    card: ModelCard, calibration: object = None, trained_labels: object = None, instant: object = None
) -> bytes:
    """The bytes of `model.json`: the card, where given a calibration, hashes of trained labels, a map's setting."""
    fields = {"format": 1, **_list_fields(card), "fingerprint": card.fingerprint}
    fields |= {} if calibration is None else {"calibration": calibration}
    fields |= {} if trained_labels is None else {"trained_labels": trained_labels}
    fields |= {} if instant is None else {"instant": instant}
    return (json.dumps(fields, indent=2) + "\n").encode()


def _list_fields(card: ModelCard) -> dict[str, Any]:
    """The card's fields as plain values, the framing only where it is not that of cards from before there were two."""
    fields = asdict(card)
    if card.preprocessing.framing == OLDEST_FRAMING:
        del fields["preprocessing"]["framing"]
    return fields


def hash_label(label: str) -> str:
    """A label's hash (16 hex digits), by which a card names the labels that its model was trained on."""
    return hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_card(folder: Path) -> ModelCard:
    """The card of a model or checkpoint folder; ModelError where it is missing, damaged or of an unknown format."""
    path = folder / CARD_FILE
    fields = read_json(path)
    try:
        card = _parse_card(fields)
        if fields.get("fingerprint") != card.fingerprint:
            raise ValueError("its fields do not agree with its fingerprint")
    except ValueError as error:
        raise ModelError(
            "{path} does not describe a model: {error}. Choose another model.", path=show_path(path), error=error
        ) from error
    return card


def check_location(card: ModelCard, folder: Path) -> None:
    """Raise ModelError where the folder is named by another fingerprint, or the model is for another decode version."""
    if re.fullmatch("[0-9a-f]{64}", folder.name) and folder.name != card.fingerprint:
        raise ModelError(
            "{folder} holds another model than its name says. Install the model again.", folder=show_path(folder)
        )
    if card.decode_version != DECODE_VERSION:
        raise ModelError(
            "The model {name} is for pictures decoded by another version. Index again to renew it.", name=card.name
        )


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a model folder; ModelError where the file is missing or holds anything else."""
    try:
        fields = json.loads(read_regular(path, CARD_LIMIT), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError("{path} is damaged: it is not JSON. Install the model again.", path=show_path(path)) from error
    if not isinstance(fields, dict):
        raise ModelError("{path} is damaged: it holds no fields. Install the model again.", path=show_path(path))
    return fields


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; ModelError for anything else, without waiting on a FIFO."""
    with _translate_read_errors(path):
        return read_regular_file(path, limit)


def hash_weights(path: Path) -> str:
    """The sha256 of a weights file as 64 hex digits, in little memory; ModelError where it cannot be read."""
    with _translate_read_errors(path):
        return hash_regular_file(path, WEIGHTS_LIMIT)


def copy_weights(source: Path, target: Path) -> None:
    """Copy a weights file into a new one, in little memory; ModelError where it cannot be read or written."""
    with _translate_read_errors(source):
        copy_regular_file(source, target, WEIGHTS_LIMIT)


@contextmanager
def _translate_read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except UnusableFile as error:
        raise ModelError(f"{show_path(path)} {error}.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ModelError("{path} cannot be read: {reason}.", path=show_path(path), reason=reason or error) from error


def read_seen_hashes(folder: Path) -> np.ndarray:
    """Hashes uint8 (n, 32) of the pictures a model was trained on or chosen by; (0, 32) for a pretrained one.

    Those of their contents, and in newer checkpoints of their pixels as decoded for the model too: these stay where a
    file only gets a keyword. ModelError where its weights file cannot be read.
    """
    try:
        with safetensors.safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            if SEEN_HASHES_TENSOR not in file.keys():  # noqa: SIM118 (it is no dict)
                return np.zeros((0, 32), np.uint8)
            hashes: np.ndarray = file.get_tensor(SEEN_HASHES_TENSOR)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            "{folder} is missing or damaged. Install the model again.", folder=show_path(folder / WEIGHTS_FILE)
        ) from error
    if hashes.dtype != np.uint8 or hashes.ndim != 2 or hashes.shape[1] != 32:
        raise ModelError(
            "{folder} holds no list of the pictures it was trained on.", folder=show_path(folder / WEIGHTS_FILE)
        )
    return hashes


class HeadTensors(NamedTuple):
    """A head's weights (dim, backbone dim) and bias (dim,), float32."""

    weight: np.ndarray
    bias: np.ndarray


def read_head_tensors(folder: Path) -> HeadTensors:
    """The numbers of a model's head; ModelError where its weights file cannot be read or holds no head."""
    try:
        with safetensors.safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            return HeadTensors(*(file.get_tensor(f"head.{name}") for name in HeadTensors._fields))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError("The head of the model in {name} cannot be read.", name=folder.name[:12]) from error


def have_same_backbone(folder: Path, other: Path) -> bool:
    """Whether two models' weights files hold the same backbone, tensor by tensor; ModelError where one is damaged."""
    return _hash_backbone(folder) == _hash_backbone(other)


def is_base(folder: Path, mapped: Path, card: ModelCard) -> bool:
    """Whether the model in a folder is the network of a mapped one with that card, weight by weight, without head."""
    try:
        base = read_card(folder)
        described = (base.head, base.backbone, base.preprocessing) == (None, card.backbone, card.preprocessing)
        return described and have_same_backbone(folder, mapped)
    except ModelError:
        return False


def _hash_backbone(folder: Path) -> dict[str, bytes]:
    """The sha256 of each tensor of a model's backbone, with its type and shape, by name."""
    data = read_regular(folder / WEIGHTS_FILE, WEIGHTS_LIMIT)
    try:
        tensors = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except (safetensors.SafetensorError, ValueError) as error:
        raise ModelError(
            "{folder} is damaged. Install the model again.", folder=show_path(folder / WEIGHTS_FILE)
        ) from error
    return {
        name: hashlib.sha256(f"{tensor['dtype']} {tensor['shape']} ".encode() + tensor["data"]).digest()
        for name, tensor in tensors
        if name != SEEN_HASHES_TENSOR and not name.startswith("head.")
    }


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _parse_card(fields: dict[str, Any]) -> ModelCard:
    """The card of these fields, each checked; ValueError says which is wrong."""
    if fields.get("format") != 1:
        raise ValueError("its format is unknown to this version of the program")
    card = ModelCard(
        name=_require_text(fields, "name"),
        backbone=_require_text(fields, "backbone"),
        dim=_require_integer(fields, "dim", 1, 1 << 16),
        preprocessing=_parse_preprocessing(_require_object(fields, "preprocessing")),
        head=None if fields.get("head") is None else _parse_head(_require_object(fields, "head")),
        weights_sha256=_require_text(fields, "weights_sha256"),
        source=_require_text(fields, "source"),
        decode_version=_require_integer(fields, "decode_version", 1, 1 << 16),
    )
    if not re.fullmatch("[0-9a-f]{64}", card.weights_sha256):
        raise ValueError("weights_sha256 is not a hash")
    if card.head is not None and card.head.dim != card.dim:
        raise ValueError("its head and its dim do not agree")
    return card


def _parse_head(fields: dict[str, Any]) -> Head:
    head = Head(dim=_require_integer(fields, "dim", 1, 1 << 16), kind=_require_text(fields, "kind"))
    if head.kind not in HEAD_KINDS:
        raise ValueError(f"the head {head.kind!r} is unknown")
    return head


def _parse_preprocessing(fields: dict[str, Any]) -> Preprocessing:
    preprocessing = Preprocessing(
        size=_require_integer(fields, "size", 8, 4096),
        crop=_require_number(fields.get("crop"), "crop", 0.05, 1.0),
        interpolation=_require_text(fields, "interpolation"),
        mean=_require_channels(fields, "mean", -10.0),
        std=_require_channels(fields, "std", 1e-4),
        framing=_require_text(fields, "framing") if "framing" in fields else OLDEST_FRAMING,
    )
    if preprocessing.interpolation not in RESAMPLING_FILTERS:
        raise ValueError(f"the interpolation {preprocessing.interpolation!r} is unknown")
    if preprocessing.framing not in FRAMINGS:
        raise ValueError(f"the framing {preprocessing.framing!r} is unknown")
    if preprocessing.framing == "letterbox" and preprocessing.crop != 1:
        raise ValueError("it sees the whole picture and yet crops it")
    return preprocessing


def _require_object(fields: dict[str, Any], key: str) -> dict[str, Any]:
    value = fields.get(key)
    if not isinstance(value, dict):
        raise ValueError(f"{key} is missing")
    return value


def _require_text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 500 or not value.isprintable():
        raise ValueError(f"{key} is not a line of text")
    return value


def _require_integer(fields: dict[str, Any], key: str, low: int, high: int) -> int:
    value = fields.get(key)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{key} is not a whole number from {low} to {high}")
    return value


def _require_number(value: Any, key: str, low: float, high: float) -> float:
    if type(value) not in (int, float) or not low <= value <= high:
        raise ValueError(f"{key} is not a number from {low} to {high}")
    return float(value)


def _require_channels(fields: dict[str, Any], key: str, low: float) -> ChannelValues:
    value = fields.get(key)
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{key} is not a list of three numbers")
    red, green, blue = (_require_number(part, key, low, 10.0) for part in value)
    return (red, green, blue)
