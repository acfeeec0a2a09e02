"""The text half of a pair, built by open_clip from real weights and converted once. Imports torch.

The only door to open_clip, which comes with the extra `clip`.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from indexer.errors import ModelError
from indexer.models.backbones import import_timm
from indexer.models.card import TEXT_WEIGHTS_FILE
from indexer.models.weight_files import check_finite, parse_tensors, require_fit
from indexer.text_models.text_card import TOKENS_FILE, TOKENS_SETTINGS_FILE, TextCard, read_text_file
from indexer.text_models.text_tokens import TextTokenizer, build_clip_table, say_what_is_missing

WEIGHTS_NAME = "the weights for texts"


class TextNetwork(nn.Module):
    """Tokens int64 (n, context length) in, unit-length embeddings float32 (n, dim) out."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The embeddings of a batch of texts."""
        return nn.functional.normalize(self.body(tokens).float(), dim=1)


def load_text_network(model_folder: Path, card: TextCard) -> TextNetwork:
    """The torch form of a model's text half; ModelError where its weights do not fit its description."""
    tensors = parse_tensors(read_text_file(model_folder, card, TEXT_WEIGHTS_FILE), WEIGHTS_NAME)
    check_finite(tensors, "The weights for texts")
    builder = _import_open_clip().model
    try:
        with torch.device("meta"):  # a small file that describes a huge network costs nothing
            body = _build_body(builder, card)
    except Exception as error:  # open_clip checks nothing of what describes a network
        raise ModelError(
            "The network for texts is of a kind that is not supported: {error}.", error=str(error)[:200]
        ) from error
    require_fit(body.state_dict(), tensors, WEIGHTS_NAME)
    network = TextNetwork(_build_body(builder, card))  # with its buffers, which are in no file
    network.body.load_state_dict(tensors)
    return network.eval()


def _import_open_clip() -> Any:
    import_timm()  # with its guard: open_clip imports torchvision too
    with say_what_is_missing():
        import open_clip  # noqa: PLC0415  # an extra

        return open_clip


def _build_body(builder: Any, card: TextCard) -> nn.Module:
    settings = card.model_cfg
    body: nn.Module = builder._build_text_tower(
        settings["embed_dim"], settings["text_cfg"], settings.get("quick_gelu", False)
    )
    return body


def read_token_table(model_folder: Path, card: TextCard) -> tuple[bytes, bytes | None]:
    """The published table of tokens and its settings; CLIP's own table where the pair brings none.

    ModelError where it needs another table that is not there.
    """
    if TOKENS_FILE in card.files:
        has_settings = TOKENS_SETTINGS_FILE in card.files
        settings = read_text_file(model_folder, card, TOKENS_SETTINGS_FILE) if has_settings else None
        return read_text_file(model_folder, card, TOKENS_FILE), settings
    if card.model_cfg["text_cfg"].get("hf_tokenizer_name"):
        raise ModelError("The model lacks its table of tokens. Put its {file} beside its weights.", file=TOKENS_FILE)
    return build_clip_table(list(_import_open_clip().tokenizer.SimpleTokenizer().bpe_ranks)), None


def convert_text_network(network: TextNetwork, tokenizer: TextTokenizer, openvino: Any, folder: Path) -> Path:
    """Convert the network for batches of any size into `folder`; returns the path of its .xml file.

    ModelError where OpenVINO cannot express it.
    """
    tokens = tokenizer.encode_texts(["a photo of a cat", "sunset"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns about every constant it finds
            converted = openvino.convert_model(
                network, example_input=torch.from_numpy(tokens), input=[-1, tokens.shape[1]]
            )
        openvino.save_model(converted, folder / "openvino.xml", compress_to_fp16=False)
    except Exception as error:  # the converter raises whatever the traced code does
        raise ModelError("OpenVINO cannot express the network for texts: {error}.", error=str(error)[:200]) from error
    return folder / "openvino.xml"


def embed_tokens(network: TextNetwork, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    """The embeddings float32 (n, dim) of tokens (n, context length), computed by torch."""
    with torch.inference_mode():
        return np.ascontiguousarray(network(torch.from_numpy(tokens)).numpy())


def serialise_settings(settings: bytes | None) -> bytes:
    """Settings of a table of tokens as they are kept: an empty object where the pair brings none."""
    return settings if settings is not None else json.dumps({}).encode()
