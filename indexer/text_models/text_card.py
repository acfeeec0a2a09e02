"""What the text half of a model is, as data: `text/text.json` in the folder of a model that knows words.

It comes from disk, maybe from a stranger, so every field is checked before it is used.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import ModelError
from indexer.models.card import (
    TEXT_CARD_FILE,
    TEXT_FILE_LIMIT,
    TEXT_FOLDER,
    TEXT_WEIGHTS_FILE,
    WEIGHTS_LIMIT,
    read_json,
    read_regular,
)
from indexer.paths import show_path

TOKENS_FILE, TOKENS_SETTINGS_FILE = "tokenizer.json", "tokenizer_config.json"
CLEANINGS = ("canonicalize", "lower", "whitespace")
LONGEST_CONTEXT = 1024  # tokens; those in use have 64 or 77


class TextCard(NamedTuple):
    """A text half: open_clip's settings of its network, the texts' length in tokens, how they are cleaned.

    A cosine times `scale` plus `bias` is the logit of a match; without `bias` it only ranks. `files` are the sha256 of
    the files beside it.
    """

    model_cfg: dict[str, Any]
    context_length: int
    cleaning: str
    scale: float
    bias: float | None
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """Hash (64 hex digits) of all that decides what a text becomes."""
        return hashlib.sha256(json.dumps(self, sort_keys=True).encode()).hexdigest()


def has_text_half(model_folder: Path) -> bool:
    """Whether the model in this folder knows words."""
    return (model_folder / TEXT_FOLDER / TEXT_CARD_FILE).is_file()


def read_text_card(model_folder: Path) -> TextCard:
    """The card of a model's text half; ModelError where it is missing, damaged or of a kind that is not supported."""
    path = model_folder / TEXT_FOLDER / TEXT_CARD_FILE
    try:
        return _parse_card(read_json(path))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            "{path} does not describe a network for texts: {error}.", path=show_path(path), error=error
        ) from error


def read_text_file(model_folder: Path, card: TextCard, name: str) -> bytes:
    """The bytes of a file that the card names; ModelError where it is not that file."""
    path = model_folder / TEXT_FOLDER / name
    data = read_regular(path, WEIGHTS_LIMIT if name == TEXT_WEIGHTS_FILE else TEXT_FILE_LIMIT)
    if hashlib.sha256(data).hexdigest() != card.files.get(name):
        raise ModelError("{path} is damaged. Add the model again.", path=show_path(path))
    return data


def _parse_card(fields: dict[str, Any]) -> TextCard:
    if fields.get("format") != 1:
        raise ValueError("its format is unknown to this version of the program")
    text_cfg = fields["model_cfg"]["text_cfg"]
    if text_cfg.get("hf_model_name"):
        raise ValueError("it is a network of another library than open_clip")
    is_plain = not text_cfg.get("hf_tokenizer_name")
    cleaning = (text_cfg.get("tokenizer_kwargs") or {}).get("clean", "lower" if is_plain else "whitespace")
    card = TextCard(
        model_cfg=fields["model_cfg"],
        context_length=int(text_cfg.get("context_length", 77)),
        cleaning=str(cleaning),
        scale=float(fields["scale"]),
        bias=None if fields.get("bias") is None else float(fields["bias"]),
        files={str(name): str(digest) for name, digest in fields["files"].items()},
    )
    if not 3 <= card.context_length <= LONGEST_CONTEXT or card.cleaning not in CLEANINGS:
        raise ValueError("its texts are of an unknown form")
    if not math.isfinite(card.scale) or not math.isfinite(card.bias or 0.0):
        raise ValueError("its scale is not finite")
    if TEXT_WEIGHTS_FILE not in card.files or not all(name in _KNOWN_FILES for name in card.files):
        raise ValueError("its files are not those of a network for texts")
    return card


_KNOWN_FILES = (TEXT_WEIGHTS_FILE, TOKENS_FILE, TOKENS_SETTINGS_FILE)
