"""A text as the numbers that a network for texts takes: cleaned as open_clip cleans it, cut by a published table.

The only door to `tokenizers` and `ftfy`, which come with the extra `clip`.
"""

import html
import json
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelError
from indexer.own_process import describe_missing_package
from indexer.text_models.text_card import TextCard

WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
# CLIP's own table (Radford et al. 2021): what is cut first, and the signs around every text.
CLIP_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CLIP_START, CLIP_END = "<start_of_text>", "<end_of_text>"
CLIP_MERGES = 49152 - 256 - 2  # of the published list, which is longer
WORD_END = "</w>"
SIGNED_BY_SETTINGS = "Gemma"  # kinds of tables, as SigLIP 2's, whose signs around a text the settings choose


class TextTokenizer(NamedTuple):
    """Cuts texts into tokens: `table` is a Tokenizer of `tokenizers`, set to the length of the network's texts."""

    table: Any
    cleaning: str

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The token numbers int64 (n, context length) of n texts."""
        cleaned = [clean_text(text, self.cleaning) for text in texts]
        return np.array([found.ids for found in self.table.encode_batch(cleaned)], np.int64)


def clean_text(text: str, cleaning: str) -> str:
    """The text without what typing and copying leave in it: "canonicalize", "lower" or "whitespace" of open_clip."""
    mended = html.unescape(html.unescape(_mend_text(text))).strip()
    if cleaning == "canonicalize":
        mended = mended.replace("_", " ").translate(WITHOUT_PUNCTUATION).lower()
    words = " ".join(mended.split())
    return words.lower() if cleaning == "lower" else words


def load_tokenizer(table: bytes, settings: bytes | None, card: TextCard) -> TextTokenizer:
    """The tokenizer of a published `tokenizer.json` and, where there is one, its `tokenizer_config.json`.

    ModelError where they are damaged.
    """
    tokenizers = _import_tokenizers()
    try:
        tokenizer = tokenizers.Tokenizer.from_str(table.decode())
        fields = json.loads(settings) if settings else {}
        pad = _read_sign(fields, "pad_token")
        if str(fields.get("tokenizer_class")).startswith(SIGNED_BY_SETTINGS):
            _sign_texts(tokenizers, tokenizer, fields)
    except Exception as error:  # the library raises plain Exception
        raise ModelError("The table of tokens of this model is damaged: {error}.", error=str(error)[:200]) from error
    pad_id = tokenizer.token_to_id(pad) if pad else None
    tokenizer.enable_truncation(card.context_length)
    default_id = int(card.model_cfg["text_cfg"].get("pad_id", 0))
    tokenizer.enable_padding(length=card.context_length, pad_id=default_id if pad_id is None else pad_id)
    return TextTokenizer(tokenizer, card.cleaning)


def _read_sign(fields: dict[str, Any], name: str) -> str | None:
    sign = fields.get(name)
    return sign.get("content") if isinstance(sign, dict) else sign


def _sign_texts(tokenizers: Any, tokenizer: Any, fields: dict[str, Any]) -> None:
    """Let texts begin and end with the signs that the settings ask for, whatever the table says."""
    wanted = {name: fields.get(f"add_{name}_token", name == "bos") for name in ("bos", "eos")}
    signs = {name: _read_sign(fields, f"{name}_token") or f"<{name}>" for name in wanted if wanted[name]}
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single=" ".join(filter(None, (signs.get("bos"), "$A", signs.get("eos")))),
        special_tokens=[(sign, tokenizer.token_to_id(sign)) for sign in signs.values()],
    )


def build_clip_table(merges: Sequence[tuple[str, str]]) -> bytes:
    """CLIP's own `tokenizer.json` from its list of merges, each of two pieces, in order."""
    tokenizers = _import_tokenizers()
    letters = _list_byte_letters()
    vocabulary = [*letters, *(letter + WORD_END for letter in letters), *map("".join, merges), CLIP_START, CLIP_END]
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    table = tokenizers.Tokenizer(
        tokenizers.models.BPE(numbers, list(merges), end_of_word_suffix=WORD_END, unk_token=CLIP_END)
    )
    table.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(tokenizers.Regex(CLIP_PIECES), "removed", invert=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    table.add_special_tokens([CLIP_START, CLIP_END])
    table.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{CLIP_START} $A {CLIP_END}",
        special_tokens=[(sign, numbers[sign]) for sign in (CLIP_START, CLIP_END)],
    )
    data: str = table.to_str()
    return data.encode()


def _list_byte_letters() -> list[str]:
    """The letters that stand for the 256 bytes, printable ones first (Radford et al. 2019, byte-level BPE)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [*map(chr, printable), *(chr(256 + place) for place in range(len(others)))]


@contextmanager
def say_what_is_missing() -> Iterator[None]:
    """Turn the lack of a package of the extra `clip` into a ModelError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModelError(describe_missing_package(error.name or "tokenizers", "'lookalike[clip]'")) from error


def _import_tokenizers() -> Any:
    with say_what_is_missing():
        import tokenizers  # noqa: PLC0415  # an extra

        return tokenizers


def _mend_text(text: str) -> str:
    with say_what_is_missing():
        import ftfy  # noqa: PLC0415  # an extra

        return str(ftfy.fix_text(text))
