"""Texts as tokens: equal to open_clip's own cutting on a thousand texts, whatever is typed or pasted."""

import importlib
import json
import random

import numpy as np
import pytest

from indexer.errors import ModelError
from indexer.models.backbones import import_timm
from indexer.text_models.text_card import TextCard
from indexer.text_models.text_tokens import build_clip_table, clean_text, load_tokenizer

PIECES = (
    "a",
    "photo",
    "of",
    "the",
    "dog's",
    "cat,",
    "3",
    "birds!",
    "über",
    "straße",
    "東京",
    "привет",
    "it's",
    "I'LL",
    "&amp;",
    "&lt;b&gt;",
    "naïve",
    "co-op",
    "e=mc²",
    "🙂",
    "x_y",
    "#tag",
    "12,345.6",
    "ﬁsh",
    "schÃ¶n",
    "İstanbul",
    "ǅ",
    "ﷺ",
    "é",
    "<end_of_text>",
    "''s",
    "don't",
)
CARD = TextCard({"text_cfg": {}}, 77, "lower", 1.0, None, {})


def draw_texts(count: int) -> list[str]:
    rng = random.Random(3)
    return [" ".join(rng.choices(PIECES, k=rng.choice((0, 1, 2, 3, 5, 9, 100)))) for _ in range(count)]


def test_a_thousand_texts_are_cut_as_open_clip_cuts_them() -> None:
    import_timm()
    reference = importlib.import_module("open_clip.tokenizer").SimpleTokenizer()
    tokenizer = load_tokenizer(build_clip_table(list(reference.bpe_ranks)), None, CARD)
    texts = draw_texts(1000)
    assert np.array_equal(tokenizer.encode_texts(texts), reference(texts).numpy())


@pytest.mark.parametrize("cleaning", ["canonicalize", "lower", "whitespace"])
def test_texts_are_cleaned_as_open_clip_cleans_them(cleaning: str) -> None:
    import_timm()
    clean = importlib.import_module("open_clip.tokenizer").get_clean_fn(cleaning)
    for text in draw_texts(100):
        assert clean_text(text, cleaning) == clean(text)


def test_settings_name_the_sign_that_fills_up_a_text() -> None:
    table = build_clip_table([("a", "b</w>")])
    for settings, pad in ((None, 0), (b'{"pad_token": "<end_of_text>"}', 514), (b'{"pad_token": {"content": "!"}}', 0)):
        tokens = load_tokenizer(table, settings, CARD._replace(context_length=5)).encode_texts(["ab", "ab ab ab ab"])
        assert tokens.tolist() == [[513, 512, 514, pad, pad], [513, 512, 512, 512, 514]]


@pytest.mark.parametrize(
    ("signs", "tokens"),
    [
        ({"add_bos_token": False, "add_eos_token": True}, [512, 513, 0, 0, 0]),
        ({"add_bos_token": True, "add_eos_token": False}, [513, 512, 0, 0, 0]),
        ({"add_bos_token": False, "add_eos_token": False}, [512, 0, 0, 0, 0]),
    ],
)
def test_tables_as_siglip_2_has_sign_texts_as_their_settings_say(signs: dict[str, bool], tokens: list[int]) -> None:
    table = build_clip_table([("a", "b</w>")])
    names = {"bos_token": "<start_of_text>", "eos_token": {"content": "<start_of_text>"}, "pad_token": "!"}
    settings = json.dumps({"tokenizer_class": "GemmaTokenizer", **names, **signs}).encode()
    tokenizer = load_tokenizer(table, settings, CARD._replace(context_length=5))
    assert tokenizer.encode_texts(["ab"]).tolist() == [tokens]


def test_a_damaged_table_is_a_sentence() -> None:
    with pytest.raises(ModelError, match="table of tokens of this model is damaged"):
        load_tokenizer(b"{}", None, CARD)
