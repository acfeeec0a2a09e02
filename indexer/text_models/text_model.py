"""The converted text half of a model: prepared once with torch, then embedding texts without it.

`text/runtime.json` names the hash of each converted file and is signed by this computer: a form from elsewhere, or a
damaged one, is made anew.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import atomic
from indexer.errors import ModelError
from indexer.models.card import CARD_LIMIT, TEXT_FILE_LIMIT, TEXT_FOLDER, read_regular
from indexer.models.runtime import BIN_FILE, BIN_LIMIT, RUNTIME_FILE, SIGNATURE_FILE, XML_FILE, import_openvino
from indexer.own_process import describe_missing_package
from indexer.paths import show_path
from indexer.progress import Progress, Steps
from indexer.text_models.text_card import TextCard, has_text_half, read_text_card
from indexer.text_models.text_tokens import TextTokenizer, load_tokenizer
from indexer.trust.signatures import compute_signature, is_signed_here
from indexer.wording import tr

FORM_FOLDER = "form"  # below the text half's
TABLE_FILE, SETTINGS_FILE = "tokens.json", "tokens_settings.json"
FORM_FILES = (XML_FILE, BIN_FILE, TABLE_FILE, SETTINGS_FILE)
LOWEST_COSINE = 0.9999  # between the converted half and torch
CHECKED_TEXTS = ("a photo of a cat", "sunset over the sea", "2 red cars", "Brücke", "x", "a very long text " * 40)
_SIGNED_PURPOSE = "text form"


class TextModel:
    """Embeds texts as a model embeds pictures: in the same space, though never as near as two pictures."""

    def __init__(self, card: TextCard, tokenizer: TextTokenizer, compiled: Any) -> None:
        self.card = card
        self._tokenizer = tokenizer
        self._compiled = compiled
        self._lock = threading.Lock()

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length embeddings float32 (n, dim) of n texts; what is longer than the network takes is cut."""
        with self._lock:
            found = self._compiled([self._tokenizer.encode_texts(texts)])[self._compiled.output(0)]
        return np.array(found, np.float32)


def prepare_text_model(model_folder: Path) -> Steps[None]:
    """Convert the model's text half where that is not done; nothing where it has none.

    ModelError where it cannot be converted, or a package for it is missing.
    """
    if not has_text_half(model_folder):
        return
    card = read_text_card(model_folder)
    if _read_form(model_folder, card) is not None:
        return
    yield Progress("prepare", 0, 1, tr("Preparing the model for words, once"))
    _make_form(model_folder, card)
    yield Progress("prepare", 1, 1, tr("It can be asked in words"))


def prepare_words(model_folder: Path) -> Steps[str]:
    """Convert the model's text half where that can be done; returns why not in a sentence, "" where it is ready.

    Pictures are indexed and searched all the same.
    """
    try:
        yield from prepare_text_model(model_folder)
    except ModelError as error:
        yield Progress("prepare", 1, 1, tr("Without words: {reason}", reason=error))
        return str(error)
    return ""


def load_text_model(model_folder: Path) -> TextModel:
    """The text half of an installed model; ModelError where it is not prepared on this computer."""
    card = read_text_card(model_folder)
    form = _read_form(model_folder, card)
    if form is None:
        raise ModelError(
            "The model is not prepared for words on this computer. Index again to prepare it, or to be told why not."
        )
    tokenizer = load_tokenizer(form[TABLE_FILE], form[SETTINGS_FILE], card)
    return TextModel(card, tokenizer, _compile(form))


def _compile(form: dict[str, bytes]) -> Any:
    core = import_openvino().Core()
    try:
        model = core.read_model(form[XML_FILE], form[BIN_FILE])
        return core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError("OpenVINO refuses the network for texts. Add the model again.") from error


def _read_form(model_folder: Path, card: TextCard) -> dict[str, bytes] | None:
    """The converted files by name; None where they are missing, damaged, of another text half or computer."""
    folder = model_folder / TEXT_FOLDER / FORM_FOLDER
    try:
        data = read_regular(folder / RUNTIME_FILE, CARD_LIMIT)
        signature = read_regular(folder / SIGNATURE_FILE, CARD_LIMIT).decode("ascii", "replace")
        if not is_signed_here(signature, _SIGNED_PURPOSE, data):
            return None
        fields = json.loads(data)
        form = {
            name: read_regular(folder / name, BIN_LIMIT if name == BIN_FILE else TEXT_FILE_LIMIT) for name in FORM_FILES
        }
    except (ModelError, ValueError):
        return None
    is_whole = fields["files"] == _hash_files(form) and fields["text"] == card.digest
    return form if is_whole else None


def _make_form(model_folder: Path, card: TextCard) -> None:
    conversion = _import_conversion()
    network = conversion.load_text_network(model_folder, card)
    table, settings = conversion.read_token_table(model_folder, card)
    tokenizer = load_tokenizer(table, settings, card)
    target = model_folder / TEXT_FOLDER / FORM_FOLDER
    temporary = atomic.create_temporary_folder(target)
    try:
        conversion.convert_text_network(network, tokenizer, import_openvino(), temporary)
        (temporary / TABLE_FILE).write_bytes(table)
        (temporary / SETTINGS_FILE).write_bytes(conversion.serialise_settings(settings))
        form = {name: (temporary / name).read_bytes() for name in FORM_FILES}
        expected = conversion.embed_tokens(network, tokenizer.encode_texts(CHECKED_TEXTS))
        _check_agreement(TextModel(card, tokenizer, _compile(form)), expected)
        data = (json.dumps({"text": card.digest, "files": _hash_files(form)}, indent=2) + "\n").encode()
        (temporary / RUNTIME_FILE).write_bytes(data)
        (temporary / SIGNATURE_FILE).write_text(compute_signature(_SIGNED_PURPOSE, data))
        atomic.remove_path(target)
        atomic.publish_folder(temporary, target)
    except OSError as error:
        raise ModelError(
            "The model cannot be written to {target}: {reason}.",
            target=show_path(target),
            reason=error.strerror or error,
        ) from error
    finally:
        atomic.remove_path(temporary)


def _check_agreement(model: TextModel, expected: NDArray[np.float32]) -> None:
    """Raise ModelError where the converted half does not give what torch gives."""
    lowest = float((model.embed_texts(CHECKED_TEXTS) * expected).sum(axis=1).min())
    if not lowest >= LOWEST_COSINE:
        raise ModelError(
            "The converted network for texts does not agree with torch: a cosine of {lowest:.4f}.", lowest=lowest
        )


def _import_conversion() -> Any:
    """The module `text_conversion`, imported only where there is work for it. ModelError where torch is missing."""
    try:
        from indexer.text_models import text_conversion  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModelError(describe_missing_package(error.name or "torch", "torch timm")) from error
    return text_conversion


def _hash_files(form: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in form.items()}
